"""What a result tells beside its answer, and what is remembered of CLIs and nested calls."""

import pathlib

import attrs
import pytest
import trio
import trio.testing

from aimux.engine import _prepare
from aimux.model import (
    EffortRule,
    FailureClass,
    JobStatus,
    Role,
    RouteRequest,
    Stream,
    TurnFinished,
)
from aimux.rules import LINEAGE_VARIABLE, Lineage
from aimux.rules._recursion import encode
from aimux.testing import Say, Turn

from .house import ALPHA, BETA, ROLES, SERVER, answers, fails, open_house, record

Clock = trio.testing.MockClock
PLAIN = attrs.evolve(ALPHA, model=attrs.evolve(ALPHA.model, fallback=()))
CLAMPED = attrs.evolve(PLAIN, effort=EffortRule(flag="--effort", levels={"low": "lo"}))


async def test_a_session_may_go_on_with_another_cli_if_the_caller_says_so(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`fallback=true`: the next CLI is told what was said, and the session is its from then on."""
    turns = [
        answers("blue", native="n-1"),
        fails("log in first"),
        answers("still blue", native="b"),
    ]
    async with open_house(tmp_path, turns, profiles=[PLAIN, BETA]) as house:
        first = await house.run("which colour?")
        route = RouteRequest(fallback=True)
        second = await house.run("sure?", session_id=first.session_id, route=route)
        session = await house.store.session(first.session_id)
        resumed, told = house.driver.specs[1:]

    assert second.status is JobStatus.COMPLETED
    assert resumed.argv[-2:] == ["--resume", "n-1"]
    assert b"which colour?" in (told.stdin or b"")
    assert "--resume" not in told.argv
    assert (session.cli, session.seat().cli, session.seat().native_id) == ("beta", "beta", "b")


@pytest.mark.parametrize(
    ("route", "codes"),
    [
        (RouteRequest(effort="max"), ["effort_clamped"]),
        (RouteRequest(role="deep"), []),
    ],
)
async def test_only_an_effort_that_was_asked_for_is_missed(
    tmp_path: pathlib.Path, autojump_clock: Clock, route: RouteRequest, codes: list[str]
) -> None:
    """What only a role suggested is clamped without a word."""
    roles = {**ROLES, "deep": Role(name="deep", effort="max")}
    async with open_house(tmp_path, [answers()], profiles=[CLAMPED], roles=roles) as house:
        job = await house.run(route=route)

    assert job.outcome is not None
    assert [each.code for each in job.outcome.warnings] == codes
    assert "--effort" in house.driver.specs[0].argv


async def test_the_end_of_stderr_belongs_to_failures(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """CLIs talk there all the time: a good answer is not burdened with it, a failure is."""
    noise = Say(b"loading 17 plugins\n", Stream.STDERR)
    good, bad = answers(), fails("context overflow")
    turns = [attrs.evolve(each, says=[noise, *each.says]) for each in (good, bad)]
    async with open_house(tmp_path, turns, profiles=[PLAIN]) as house:
        first, second = await house.run(), await house.run()

    assert first.outcome is not None
    assert second.outcome is not None
    assert first.outcome.stderr_tail == ""
    assert "loading 17 plugins" in second.outcome.stderr_tail


@pytest.mark.parametrize(
    ("says", "limit_s", "code", "failure_class"),
    [
        ([Say(b"out of quota\n", Stream.STDERR)], 20.0, "timed_out", FailureClass.TIMEOUT),
        ([Say(b"out of quota\n", Stream.STDERR)], 900.0, "quota_exhausted", FailureClass.QUOTA),
        ([], 900.0, "silent", FailureClass.TIMEOUT),
    ],
)
async def test_the_deadline_is_told_as_such_and_silence_by_what_was_said_before(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    says: list[Say],
    limit_s: float,
    code: str,
    failure_class: FailureClass,
) -> None:
    """A turn out of time is timed out whatever it said; one that fell silent tells why."""
    server = attrs.evolve(
        SERVER, streaming_auto_cancel_seconds=100, streaming_hard_stall_seconds=90
    )
    turn = Turn(says=says, hangs=True)
    async with open_house(tmp_path, [turn], profiles=[PLAIN], server=server) as house:
        job = await house.run(timeout_s=limit_s)

    assert job.outcome is not None
    assert job.outcome.error is not None
    assert job.outcome.error.failure_class is failure_class
    if failure_class is FailureClass.TIMEOUT:
        assert job.outcome.error.code == code
        assert job.status is JobStatus.TIMED_OUT


async def test_errors_of_a_cli_are_counted(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Each attempt counts once; a task too large or cancelled is no fault of the CLI."""
    turns = [answers(), fails("context overflow"), fails("nobody knows"), Turn(hangs=True)]
    async with open_house(tmp_path, turns, profiles=[PLAIN]) as house:
        for _ in range(3):
            await house.run()
        house.engine.guard.reset()
        handle = await house.start()
        await trio.sleep(1)
        handle.cancel("enough")
        await handle.done.wait()
        health = house.engine.guard.health()["alpha"]

    assert (health.requests, health.errors) == (4, 1)


async def test_a_job_that_runs_has_no_duration_yet(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`duration_ms` is null until the end, then it is there and stays."""
    slow = Turn(says=[Say(record(answer="fine, done") + record(type="end"), after_s=3)])
    async with open_house(tmp_path, [slow]) as house:
        handle = await house.start()
        await trio.sleep(1)
        during = await house.ask("status", job_id=handle.id)
        await handle.done.wait()
        after = await house.ask("status", job_id=handle.id)
        entries = await house.store.entries(handle.id)

    assert (during["duration_ms"], during["turns"][0]["duration_ms"]) == (None, 1_000)
    assert (after["duration_ms"], after["turns"][0]["duration_ms"]) == (3_000, 3_000)
    ends = [each.event.result for each in entries if isinstance(each.event, TurnFinished)]
    assert [end.duration_ms for end in ends] == [3_000]


async def test_only_so_many_roots_are_remembered(
    tmp_path: pathlib.Path, autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs below a root are counted for the newest roots; the oldest have ended long ago."""
    monkeypatch.setattr(_prepare, "KEPT_ROOTS", 2)
    async with open_house(tmp_path, lambda _: answers()) as house:
        preparer = house.engine._preparer
        for root in ("one", "two", "three"):
            token = encode(Lineage(root=root, depth=1))
            client = attrs.evolve(house.client, env={**house.client.env, LINEAGE_VARIABLE: token})
            await house.run(client=client)
        counts = [preparer.begun(root) for root in ("one", "two", "three")]

    assert counts == [0, 1, 1]
    assert repr(preparer) == "<Preparer: 2 roots>"
