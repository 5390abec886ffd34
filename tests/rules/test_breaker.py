"""A breaker opens after failures in a row, heals through one probe and never sticks."""

import attrs
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aimux.model import FailureClass
from aimux.rules import (
    Breaker,
    BreakerRule,
    BreakerState,
    Permit,
    TurnEnd,
    admit,
    reset,
    settle,
    turn_end,
    view_breaker,
)
from aimux.rules._breaker import NEXT, Sign

from ..extent import examples

RULE = BreakerRule(threshold=3, cooldown_s=300.0, probes=1, window_s=3600.0, lease_s=900.0)


def turned(breaker: Breaker, end: TurnEnd, now: float) -> Breaker:
    breaker, permit, wait_s = admit(breaker, now)
    assert permit is not None
    assert wait_s == 0
    return settle(breaker, permit, end, now)


def tripped(now: float = 0.0) -> Breaker:
    breaker = Breaker(rule=RULE)
    for _ in range(3):
        breaker = turned(breaker, TurnEnd.FAILURE, now)
    return breaker


def probing(now: float = 300.0) -> tuple[Breaker, Permit]:
    breaker, permit, _ = admit(tripped(), now)
    assert permit is not None
    return breaker, permit


def test_three_failures_in_a_row_open_it() -> None:
    breaker = Breaker(rule=RULE)
    for _ in range(2):
        breaker = turned(breaker, TurnEnd.FAILURE, 1.0)
    assert breaker.state is BreakerState.CLOSED
    breaker = turned(breaker, TurnEnd.FAILURE, 2.0)

    assert breaker.state is BreakerState.OPEN
    assert admit(breaker, 12.0) == (breaker, None, 290.0)


def test_a_success_between_them_forgets() -> None:
    breaker = Breaker(rule=RULE)
    for end in (TurnEnd.FAILURE, TurnEnd.FAILURE, TurnEnd.SUCCESS, TurnEnd.FAILURE):
        breaker = turned(breaker, end, 0.0)

    assert view_breaker(breaker, 0.0).failures == 1


def test_failures_far_apart_are_not_in_a_row() -> None:
    breaker = Breaker(rule=RULE)
    for now in (0.0, 3600.0, 7201.0, 7202.0):
        breaker = turned(breaker, TurnEnd.FAILURE, now)

    assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, 2)


def test_cancelled_turns_say_nothing() -> None:
    breaker = Breaker(rule=RULE)
    for end in (TurnEnd.FAILURE, TurnEnd.FAILURE, TurnEnd.NEUTRAL, TurnEnd.FAILURE):
        breaker = turned(breaker, end, 0.0)

    assert breaker.state is BreakerState.OPEN


def test_after_the_cooldown_one_probe_is_let_through() -> None:
    breaker, permit = probing(300.0)
    again = admit(breaker, 310.0)

    assert permit.is_probe
    assert admit(tripped(), 300.0)[2] == 0
    assert breaker.state is BreakerState.HALF_OPEN
    assert again == (breaker, None, 890.0)


def test_a_good_probe_closes_it() -> None:
    breaker = settle(*probing(), TurnEnd.SUCCESS, 305.0)

    assert view_breaker(breaker, 305.0).state is BreakerState.CLOSED
    assert view_breaker(breaker, 305.0).failures == 0


def test_a_bad_probe_opens_it_for_a_whole_cooldown() -> None:
    breaker = settle(*probing(), TurnEnd.FAILURE, 305.0)

    assert view_breaker(breaker, 306.0).state is BreakerState.OPEN
    assert view_breaker(breaker, 306.0).retry_after_s == 299.0


def test_a_cancelled_probe_gives_its_slot_back() -> None:
    breaker = settle(*probing(), TurnEnd.NEUTRAL, 305.0)
    _, permit, _ = admit(breaker, 305.0)

    assert permit is not None
    assert permit.is_probe


def test_a_probe_that_never_reports_loses_its_slot() -> None:
    breaker, lost = probing(300.0)
    breaker, second, _ = admit(breaker, 1200.0)
    assert second is not None
    after = settle(breaker, lost, TurnEnd.FAILURE, 1201.0)

    assert after == breaker
    assert settle(after, second, TurnEnd.SUCCESS, 1202.0).state is BreakerState.CLOSED


def test_turns_from_before_it_opened_change_nothing() -> None:
    breaker, early, _ = admit(Breaker(rule=RULE), 0.0)
    assert early is not None
    for _ in range(3):
        breaker = turned(breaker, TurnEnd.FAILURE, 1.0)
    for end in TurnEnd:
        after = settle(breaker, early, end, 2.0)
        assert after.state is BreakerState.OPEN
        assert after.opened_at == 1.0


@pytest.mark.requirement("breaker:permits")
def test_a_permit_counts_once() -> None:
    breaker, permit, _ = admit(Breaker(rule=RULE), 0.0)
    assert permit is not None
    once = settle(breaker, permit, TurnEnd.FAILURE, 0.0)

    assert settle(once, permit, TurnEnd.FAILURE, 0.0) == once
    assert once.failures == 1


def test_turns_at_once_have_permits_of_their_own() -> None:
    breaker, first, _ = admit(Breaker(rule=RULE), 0.0)
    breaker, second, _ = admit(breaker, 0.0)
    assert first is not None
    assert second is not None
    for permit in (first, second):
        breaker = settle(breaker, permit, TurnEnd.FAILURE, 1.0)

    assert breaker.failures == 2


def test_failures_just_a_window_apart_are_in_a_row() -> None:
    breaker = Breaker(rule=RULE)
    for now in (0.0, 3600.0):
        breaker = turned(breaker, TurnEnd.FAILURE, now)

    assert breaker.failures == 2


def test_a_short_wait_is_told_as_it_is() -> None:
    assert admit(tripped(), 299.75)[2] == 0.25
    assert admit(probing(300.0)[0], 1199.75)[2] == 0.25


@pytest.mark.parametrize(
    ("end", "state"),
    [(TurnEnd.SUCCESS, BreakerState.CLOSED), (TurnEnd.FAILURE, BreakerState.OPEN)],
)
def test_of_two_probes_the_first_to_end_decides(end: TurnEnd, state: BreakerState) -> None:
    breaker = attrs.evolve(tripped(), rule=attrs.evolve(RULE, probes=2))
    breaker, first, _ = admit(breaker, 300.0)
    breaker, second, _ = admit(breaker, 301.0)
    assert first is not None
    assert second is not None
    decided = settle(breaker, first, end, 302.0)

    assert decided.state is state
    for late in TurnEnd:
        assert settle(decided, second, late, 303.0) == decided


@pytest.mark.requirement("breaker:reading_is_harmless")
def test_looking_changes_nothing() -> None:
    breaker = tripped()
    view = view_breaker(breaker, 400.0)

    assert (view.state, view.retry_after_s) == (BreakerState.HALF_OPEN, 0.0)
    assert breaker.state is BreakerState.OPEN


def test_a_reset_forgets_everything() -> None:
    breaker, permit = probing()
    fresh = reset(breaker)

    assert view_breaker(fresh, 301.0).retry_after_s == 0.0
    assert (fresh.out, dict(fresh.leases)) == (frozenset(), {})
    assert settle(fresh, permit, TurnEnd.FAILURE, 302.0) == fresh
    assert reset(tripped()).state is BreakerState.CLOSED


def test_a_turn_from_before_a_reset_says_nothing() -> None:
    breaker, permit, _ = admit(Breaker(rule=RULE), 0.0)
    assert permit is not None
    fresh = reset(breaker)

    assert settle(fresh, permit, TurnEnd.FAILURE, 1.0) == fresh


@pytest.mark.requirement("breaker:timeouts_count")
@pytest.mark.parametrize(
    ("failure_class", "end"),
    [
        (None, TurnEnd.SUCCESS),
        (FailureClass.TIMEOUT, TurnEnd.FAILURE),
        (FailureClass.TRANSIENT, TurnEnd.FAILURE),
        (FailureClass.AUTH, TurnEnd.FAILURE),
        (FailureClass.USAGE, TurnEnd.FAILURE),
        (FailureClass.UNKNOWN, TurnEnd.FAILURE),
        (FailureClass.CANCELLED, TurnEnd.NEUTRAL),
        (FailureClass.FATAL, TurnEnd.NEUTRAL),
        (FailureClass.QUOTA, TurnEnd.NEUTRAL),
        (FailureClass.MODEL_UNAVAILABLE, TurnEnd.NEUTRAL),
    ],
)
def test_timeouts_count_and_cancellations_do_not(
    failure_class: FailureClass | None, end: TurnEnd
) -> None:
    assert turn_end(failure_class) is end


def test_every_state_can_be_reset_and_none_leads_nowhere() -> None:
    assert set(NEXT) == set(BreakerState)
    for moves in NEXT.values():
        assert moves[Sign.RESET] is BreakerState.CLOSED
        assert set(moves.values()) <= set(BreakerState)


class BreakerMachine(RuleBasedStateMachine):
    """Any order of asking, ending, forgetting to end and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.out: list[Permit] = []
        self.bad_in_a_row = 0

    @initialize(threshold=st.integers(1, 4), probes=st.integers(1, 3))
    def begin(self, threshold: int, probes: int) -> None:
        self.breaker = Breaker(
            rule=BreakerRule(
                threshold=threshold, cooldown_s=10.0, probes=probes, window_s=1e9, lease_s=20.0
            )
        )

    @rule()
    def ask(self) -> None:
        view = view_breaker(self.breaker, self.now)
        before = self.breaker
        self.breaker, permit, wait_s = admit(self.breaker, self.now)
        assert (permit is not None) is (view.retry_after_s == 0)
        assert wait_s == view.retry_after_s
        assert (wait_s == 0) is (permit is not None)
        if permit is None:
            assert self.breaker == before
            assert not view_breaker(self.breaker, self.now + wait_s + 0.001).retry_after_s
        else:
            assert permit.is_probe is (view.state is BreakerState.HALF_OPEN)
            self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), end=st.sampled_from(TurnEnd))
    def end(self, data: st.DataObject, end: TurnEnd) -> None:
        permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before = self.breaker
        self.breaker = settle(before, permit, end, self.now)
        if before.state is BreakerState.CLOSED and not permit.is_probe:
            if end is TurnEnd.FAILURE and permit.number in before.out:
                assert self.breaker.failures == before.failures + 1
            opens = self.breaker.failures >= before.rule.threshold
            assert (self.breaker.state is BreakerState.OPEN) is opens
        if end is TurnEnd.NEUTRAL:
            assert self.breaker.state is before.state
        assert settle(self.breaker, permit, end, self.now) == self.breaker

    @rule(seconds=st.floats(0.0, 30.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.out)
    @rule()
    def lose_a_permit(self) -> None:
        self.out.pop()

    @rule()
    def reset(self) -> None:
        self.breaker = reset(self.breaker)
        self.out.clear()
        assert not view_breaker(self.breaker, self.now).retry_after_s

    @invariant()
    def never_sticks(self) -> None:
        if hasattr(self, "breaker"):
            rule = self.breaker.rule
            later = self.now + rule.cooldown_s + rule.lease_s + 0.01
            assert not view_breaker(self.breaker, later).retry_after_s
            assert len(self.breaker.leases) <= rule.probes


BreakerMachine.TestCase.settings = settings(max_examples=examples(20, 40), stateful_step_count=30)
test_any_order_of_turns_keeps_the_rules = pytest.mark.slow(BreakerMachine.TestCase)
