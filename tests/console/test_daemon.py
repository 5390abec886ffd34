"""What the operator's words say of a daemon, by what answers and not by what was there before."""

from collections.abc import Mapping

import pytest
import trio.testing

from aimux.console import _daemon
from aimux.daemon import Holder
from aimux.shim.address import DaemonAddress

Facts = Mapping[str, object]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Facts | None]:
    """What the daemon says to each question, the last one again and again."""
    told: list[Facts | None] = []

    async def ask(_: DaemonAddress, __: str) -> Facts | None:
        await trio.lowlevel.checkpoint()
        return told.pop(0) if len(told) > 1 else told[0]

    monkeypatch.setattr(_daemon, "ask", ask)
    monkeypatch.setattr(_daemon, "own_address", lambda: DaemonAddress("/state", "/c", "/run"))
    return told


def facts(instance: str, *, pid: int = 7, running: int = 0) -> Facts:
    return {
        "instance": instance,
        "pid": pid,
        "version": f"1.{instance}",
        "jobs": {"running": running, "queued": 0},
    }


async def test_a_restart_is_told_when_the_next_one_answers(
    answers: list[Facts | None],
    autojump_clock: trio.testing.MockClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It has the same number: until another instance answers, it is the old one."""
    answers += [facts("a"), facts("a"), facts("a"), facts("b")]

    assert await _daemon._restart() == 0
    assert capsys.readouterr().out == "restarted: pid 7, version 1.b\n"
    assert answers == [facts("b")]


async def test_a_restart_that_waits_for_jobs_or_does_not_come_is_told_as_that(
    answers: list[Facts | None],
    autojump_clock: trio.testing.MockClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first is no failure, the second is."""
    answers += [facts("a"), facts("a", running=2)]
    assert await _daemon._restart() == 0
    assert "pid 7 restarts when its 2 jobs are done" in capsys.readouterr().out

    answers[:] = [facts("a")]
    assert await _daemon._restart() == 1
    assert "has not begun anew yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "word"),
    [
        (None, "started"),
        (Holder(6, "/run/s", is_leaving=True), "started"),
        (Holder(7, "/run/s", is_leaving=False), "already running"),
    ],
)
async def test_who_was_there_before_is_compared_with_who_answers(
    answers: list[Facts | None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: Holder | None,
    word: str,
) -> None:
    """One that was leaving has gone; another was started."""

    async def wait_holder(_: DaemonAddress) -> Holder | None:
        await trio.lowlevel.checkpoint()
        return before

    monkeypatch.setattr(_daemon, "wait_holder", wait_holder)
    monkeypatch.setattr(_daemon, "have_daemon", lambda _: None)
    answers += [facts("b")]

    assert await _daemon._start() == 0
    assert capsys.readouterr().out == f"{word}: pid 7, state /state\n"
