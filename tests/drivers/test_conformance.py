"""The suite that every driver passes, the fake included."""

import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import Driver, Order, choose_driver, run_piped
from aimux.model import Stream
from aimux.testing import CHECKS, ECHOED, FakeDriver, MakeOrder, Say, Turn, check_driver

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


def orders(make_order: MakeOrder) -> dict[str, Order]:
    """Return the orders for real children; `echo` and `deaf` get their input."""
    return {
        "echo": make_order("parrot", len(ECHOED), stdin=ECHOED),
        "big": make_order("big", 10_000_000),
        "flood": make_order("flood"),
        "deaf": make_order("deaf", stdin=b"x" * 5_000_000),
        "polite": make_order("polite"),
        "stubborn": make_order("stubborn", grace_s=1.0),
        "chatty": make_order("chatty", grace_s=1.0),
        "holder": make_order("holder", "group"),
        "session": make_order("holder", "session", "stay", grace_s=1.0),
    }


@pytest.mark.parametrize("check", CHECKS)
async def test_pipe_driver(mock_clock: MockClock, make_order: MakeOrder, check: str) -> None:
    """Children on pipes."""

    def make(case: str) -> tuple[Driver, Order]:
        return run_piped, orders(make_order)[case]

    await check_driver(make, cases=[check])


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("check", CHECKS)
async def test_drivers_without_process_descriptors(
    mock_clock: MockClock,
    make_order: MakeOrder,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    *,
    is_terminal: bool,
) -> None:
    """macOS, old kernels and some sandboxes have none: threads wait instead."""
    monkeypatch.setattr("aimux.drivers._processes.open_pidfd", lambda _: None)

    def make(case: str) -> tuple[Driver, Order]:
        return choose_driver(is_terminal=is_terminal), orders(make_order)[case]

    await check_driver(make, cases=[check])


@pytest.mark.parametrize("check", CHECKS)
async def test_terminal_driver(mock_clock: MockClock, make_order: MakeOrder, check: str) -> None:
    """Children on terminals."""

    def make(case: str) -> tuple[Driver, Order]:
        return choose_driver(is_terminal=True), orders(make_order)[case]

    await check_driver(make, cases=[check])


@pytest.mark.parametrize("check", CHECKS)
async def test_fake_driver(autojump_clock: MockClock, make_order: MakeOrder, check: str) -> None:
    """Scripts, on a clock that jumps."""
    fake = FakeDriver(lambda _: turn)

    def make(case: str) -> tuple[Driver, Order]:
        nonlocal turn
        turn = TURNS[case]
        return fake, orders(make_order)[case]

    turn = Turn()
    await check_driver(make, cases=[check])

    assert fake.running == 0


async def test_suite_notices_a_lax_driver(autojump_clock: MockClock, make_order: MakeOrder) -> None:
    """A driver whose child dies of a polite signal it should ignore does not pass."""
    fake = FakeDriver([Turn(says=[Say(b"ready\n")], hangs=True)])

    with pytest.raises(AssertionError, match="kills after the grace"):
        await check_driver(
            lambda _: (fake, make_order("stubborn")), cases=["kills after the grace"]
        )


async def test_fake_tells_what_it_played(autojump_clock: MockClock, make_order: MakeOrder) -> None:
    """Orders are kept, faults are raised at the start, and a script has an end."""
    order = make_order("cat")
    fake = FakeDriver([Turn(says=[Say(b"a", after_s=5)]), Turn(fault=LookupError("no binary"))])

    began = trio.current_time()
    exit_ = await fake(order, lambda *_: None)
    with pytest.raises(LookupError, match="no binary"):
        await fake(order, lambda *_: None)
    with pytest.raises(AssertionError, match="no turn is left"):
        await fake(order, lambda *_: None)

    assert exit_.duration_s == trio.current_time() - began == 5
    assert fake.orders == [order] * 3
    assert repr(fake) == "<FakeDriver: 0 running of 3 ordered>"
