"""Breakers, cool-downs and refused logins of the guard."""

import pytest
import trio
import trio.testing

from aimux.engine._guard import Guard
from aimux.errors import CircuitOpen
from aimux.model import Failure, FailureClass
from aimux.rules import BreakerRule, BreakerState, TurnEnd

Clock = trio.testing.MockClock
RULE = BreakerRule(threshold=2, cooldown_s=300.0, probes=1)
QUOTA = Failure(
    failure_class=FailureClass.QUOTA, code="rate_limited", message="m", excerpt="x" * 999
)
AUTH = Failure(
    failure_class=FailureClass.AUTH, code="not_authenticated", message="no key", hint="log in"
)


async def attempt(guard: Guard, end: TurnEnd, cli: str = "alpha") -> None:
    async with guard.attempt(cli) as leave:
        leave.heard()
        leave.end = end


async def open_breaker(guard: Guard) -> None:
    for _ in range(RULE.threshold):
        await attempt(guard, TurnEnd.FAILURE)


async def test_failures_in_a_row_open_the_breaker(autojump_clock: Clock) -> None:
    """At the threshold the door is shut; a success counts anew, a neutral end not at all."""
    guard = Guard(RULE)
    for end in (TurnEnd.FAILURE, TurnEnd.SUCCESS, TurnEnd.FAILURE, TurnEnd.NEUTRAL):
        await attempt(guard, end)
    assert guard.view("alpha").state is BreakerState.CLOSED

    await attempt(guard, TurnEnd.FAILURE)
    assert guard.view("alpha").state is BreakerState.OPEN
    with pytest.raises(CircuitOpen, match="next try in 300 s") as refused:
        await attempt(guard, TurnEnd.SUCCESS)
    assert refused.value.data == {"cli": "alpha", "retry_after_ms": 300_000}
    assert refused.value.retryable
    assert repr(guard) == "<Guard: {'alpha': 'open'}>"


async def test_looking_changes_nothing(autojump_clock: Clock) -> None:
    """Views are free of side effects, also when the cool-down is over."""
    guard = Guard(RULE)
    assert guard.views() == {}
    assert guard.view("alpha").state is BreakerState.CLOSED
    assert guard.views() == {}
    await open_breaker(guard)
    await trio.sleep(301)

    assert [guard.view("alpha").state for _ in range(3)] == [BreakerState.HALF_OPEN] * 3


async def test_one_probe_at_a_time(autojump_clock: Clock) -> None:
    """After the cool-down one turn may try; its success closes, its failure opens again."""
    guard = Guard(RULE)
    await open_breaker(guard)
    await trio.sleep(301)
    async with guard.attempt("alpha") as probe:
        probe.heard()
        with pytest.RaisesGroup(CircuitOpen):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(attempt, guard, TurnEnd.SUCCESS)
        probe.end = TurnEnd.FAILURE
    assert guard.view("alpha").state is BreakerState.OPEN

    await trio.sleep(301)
    await attempt(guard, TurnEnd.SUCCESS)
    assert guard.view("alpha").state is BreakerState.CLOSED


async def test_a_probe_that_is_cancelled_gives_its_permit_back(autojump_clock: Clock) -> None:
    """A half-open breaker never sticks."""
    guard = Guard(RULE)
    await open_breaker(guard)
    await trio.sleep(301)
    with trio.move_on_after(1):
        async with guard.attempt("alpha"):
            await trio.sleep_forever()

    await attempt(guard, TurnEnd.SUCCESS)
    assert guard.view("alpha").state is BreakerState.CLOSED


async def test_a_bug_in_a_turn_gives_its_permit_back(autojump_clock: Clock) -> None:
    """What the body raises comes out as it is."""
    guard = Guard(RULE)
    with pytest.raises(ZeroDivisionError):
        async with guard.attempt("alpha"):
            raise ZeroDivisionError

    assert guard.health()["alpha"].requests == 1
    assert guard.health()["alpha"].errors == 0


async def test_an_opening_breaker_ends_silent_turns_only(autojump_clock: Clock) -> None:
    """Turns without a byte are refused; those that have said something go on."""
    guard = Guard(RULE)
    ends: list[str] = []

    async def run(name: str, *, hears: bool) -> None:
        try:
            async with guard.attempt("alpha") as leave:
                if hears:
                    leave.heard()
                await trio.sleep(60)
                ends.append(f"{name} done")
        except CircuitOpen:
            ends.append(f"{name} refused at {trio.current_time():g}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run("silent", hears=False))
        nursery.start_soon(lambda: run("talking", hears=True))
        await trio.testing.wait_all_tasks_blocked()
        await open_breaker(guard)

    assert ends == ["silent refused at 0", "talking done"]


async def test_cooling_pairs_are_left_alone_for_a_while(autojump_clock: Clock) -> None:
    """A pair of CLI and model, not the CLI; it comes back by itself or by a reset."""
    guard = Guard(RULE)
    guard.cool("alpha", "a1", 60.0, QUOTA)
    guard.cool("beta", "", 90.0, QUOTA)
    assert guard.cooled_pairs() == {("alpha", "a1"), ("beta", "")}
    assert len(guard.cooled()[0].excerpt) == 200

    await trio.sleep(61)
    assert guard.cooled_pairs() == {("beta", "")}
    guard.reset("beta")
    assert guard.cooled() == []


async def test_a_reset_forgets(autojump_clock: Clock) -> None:
    """One CLI or all of them: breakers, cool-downs and what was learnt of logins."""
    guard = Guard(RULE)
    await open_breaker(guard)
    guard.cool("beta", "", 90.0, QUOTA)
    guard.learn("alpha", AUTH)
    assert guard.health()["alpha"].trouble == "not logged in: log in"
    guard.reset("beta")
    assert guard.view("alpha").state is BreakerState.OPEN
    assert guard.cooled() == []

    guard.reset()
    assert guard.view("alpha").state is BreakerState.CLOSED
    assert guard.health()["alpha"].trouble == ""


async def test_a_login_is_known_by_what_turns_told(autojump_clock: Clock) -> None:
    """Refused until a turn succeeds; nothing is known of a CLI without a turn."""
    guard = Guard(RULE)
    assert guard.verified("alpha") == ""
    guard.learn("alpha", AUTH)
    assert guard.verified("alpha") == "not_authenticated"
    guard.learn("alpha", QUOTA)
    assert guard.verified("alpha") == "not_authenticated"
    guard.learn("alpha", None)
    assert guard.verified("alpha") == "ok"
