"""The suite that every driver passes, the fake included."""

import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import Driver, ProcessSpec, choose_driver, run_piped
from aimux.model import Stream
from aimux.testing import CHECKS, ECHOED, FakeDriver, MakeSpec, Say, Turn, check_driver

from .. import needs

STUBBORN = Turn(says=[Say(b"ready\n")], hangs=True, stubborn=True)
TURNS = {
    "echo": Turn(says=[Say(ECHOED)]),
    "big": Turn(says=[Say(b"x" * 100_000, after_s=0.01)] * 100),
    "flood": Turn(says=[Say(b"e" * 3_000_000, Stream.STDERR), Say(b"answer\n")]),
    "deaf": Turn(exit_code=3),
    "polite": Turn(says=[Say(b"ready\n")], hangs=True, last_words=b"bye\n", stop_code=7),
    "stubborn": STUBBORN,
    "chatty": Turn(says=[Say(b"x" * 1_000, after_s=0.01)] * 1_000_000, stubborn=True),
    "holder": Turn(swept=1, is_complete=False),
    "session": Turn(says=[Say(b"helper 1\n")], hangs=True, swept=1),
}


def specs(make_spec: MakeSpec) -> dict[str, ProcessSpec]:
    """Return the specs for real children; `echo` and `deaf` get their input."""
    return {
        "echo": make_spec("parrot", len(ECHOED), stdin=ECHOED),
        "big": make_spec("big", 10_000_000),
        "flood": make_spec("flood"),
        "deaf": make_spec("deaf", stdin=b"x" * 5_000_000),
        "polite": make_spec("polite"),
        "stubborn": make_spec("stubborn", grace_s=1.0),
        "chatty": make_spec("chatty", grace_s=1.0),
        "holder": make_spec("holder", "group"),
        "session": make_spec("holder", "session", "stay", grace_s=1.0),
    }


@needs.posix
@pytest.mark.parametrize("check", CHECKS)
async def test_pipe_driver(mock_clock: MockClock, make_spec: MakeSpec, check: str) -> None:
    """Children on pipes."""

    def make(case: str) -> tuple[Driver, ProcessSpec]:
        return run_piped, specs(make_spec)[case]

    await check_driver(make, cases=[check])


@needs.posix
@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("check", CHECKS)
async def test_drivers_without_process_descriptors(
    mock_clock: MockClock,
    make_spec: MakeSpec,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    *,
    is_terminal: bool,
) -> None:
    """macOS, old kernels and some sandboxes have none: threads wait instead."""
    monkeypatch.setattr("aimux.drivers._processes.open_pidfd", lambda _: None)

    def make(case: str) -> tuple[Driver, ProcessSpec]:
        return choose_driver(is_terminal=is_terminal), specs(make_spec)[case]

    await check_driver(make, cases=[check])


@needs.posix
@pytest.mark.parametrize("check", CHECKS)
async def test_terminal_driver(mock_clock: MockClock, make_spec: MakeSpec, check: str) -> None:
    """Children on terminals."""

    def make(case: str) -> tuple[Driver, ProcessSpec]:
        return choose_driver(is_terminal=True), specs(make_spec)[case]

    await check_driver(make, cases=[check])


@pytest.mark.parametrize("check", CHECKS)
async def test_fake_driver(autojump_clock: MockClock, make_spec: MakeSpec, check: str) -> None:
    """Scripts, on a clock that jumps."""
    fake = FakeDriver(lambda _: turn)

    def make(case: str) -> tuple[Driver, ProcessSpec]:
        nonlocal turn
        turn = TURNS[case]
        return fake, specs(make_spec)[case]

    turn = Turn()
    await check_driver(make, cases=[check])

    assert fake.running == 0


async def test_suite_notices_a_lax_driver(autojump_clock: MockClock, make_spec: MakeSpec) -> None:
    """A driver whose child dies of a polite signal it should ignore does not pass."""
    fake = FakeDriver([Turn(says=[Say(b"ready\n")], hangs=True)])

    with pytest.raises(AssertionError, match="kills after the grace"):
        await check_driver(lambda _: (fake, make_spec("stubborn")), cases=["kills after the grace"])


async def test_fake_tells_what_it_played(autojump_clock: MockClock, make_spec: MakeSpec) -> None:
    """Orders are kept, faults are raised at the start, and a script has an end."""
    spec = make_spec("cat")
    fake = FakeDriver([Turn(says=[Say(b"a", after_s=5)]), Turn(fault=LookupError("no binary"))])

    began = trio.current_time()
    exit_ = await fake(spec, lambda *_: None)
    with pytest.raises(LookupError, match="no binary"):
        await fake(spec, lambda *_: None)
    with pytest.raises(AssertionError, match="no turn is left"):
        await fake(spec, lambda *_: None)

    assert exit_.duration_s == trio.current_time() - began == 5
    assert fake.specs == [spec] * 3
    assert repr(fake) == "<FakeDriver: 0 running of 3 ordered>"
