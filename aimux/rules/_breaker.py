"""One breaker per CLI: after failures in a row it refuses turns for a while, then lets one probe.

Three states, and what each sees:

- closed: every turn is admitted. A success forgets the failures; the `threshold`th failure in a row
  opens the breaker. Failures further apart than `window_s` are not in a row.
- open: nothing is admitted until `cooldown_s` have passed since it opened; the next call to ask
  then becomes a probe.
- half open: at most `probes` turns at once. A probe's success closes, its failure opens again, a
  neutral end (cancelled) gives the slot back. A probe that never reports loses its slot after
  `lease_s`, so the breaker cannot stay half open.

Which rule wins: only a permit that is still out can settle, once; the end of a turn that was
admitted before the breaker opened changes nothing, only probes do; a reset forgets all of it.
Asking what would happen (`view`) changes nothing. All times are seconds of one monotonic clock.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from aimux.model import FailureClass


class BreakerState(enum.StrEnum):
    """Whether turns are admitted."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Sign(enum.StrEnum):
    """What can move a breaker."""

    TRIPPED = "tripped"  # failures in a row reached the threshold
    COOLED = "cooled"  # the cooldown has passed and somebody asks
    PROBE_GOOD = "probe_good"
    PROBE_BAD = "probe_bad"
    RESET = "reset"


NEXT: Final[Mapping[BreakerState, Mapping[Sign, BreakerState]]] = {
    BreakerState.CLOSED: {
        Sign.TRIPPED: BreakerState.OPEN,
        Sign.RESET: BreakerState.CLOSED,
    },
    BreakerState.OPEN: {
        Sign.COOLED: BreakerState.HALF_OPEN,
        Sign.RESET: BreakerState.CLOSED,
    },
    BreakerState.HALF_OPEN: {
        Sign.PROBE_GOOD: BreakerState.CLOSED,
        Sign.PROBE_BAD: BreakerState.OPEN,
        Sign.RESET: BreakerState.CLOSED,
    },
}


class TurnEnd(enum.StrEnum):
    """How a turn ended, as its breaker sees it."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"  # says nothing about the CLI


_NEUTRAL: Final = frozenset(
    {
        FailureClass.CANCELLED,  # somebody changed their mind
        FailureClass.FATAL,  # this prompt was the trouble, not the CLI
        FailureClass.QUOTA,  # these two cool down one (cli, model); its other models go on
        FailureClass.MODEL_UNAVAILABLE,
    }
)


@attrs.frozen(kw_only=True)
class BreakerRule:
    """The settings of a breaker; times in seconds."""

    threshold: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    cooldown_s: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))
    probes: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    window_s: float = 3600.0
    lease_s: float = 3600.0  # longer than any turn's own deadline should be


@attrs.frozen(kw_only=True)
class Permit:
    """Leave for one turn; to be settled exactly once, whatever happens to the turn."""

    number: int
    is_probe: bool = False


@attrs.frozen(kw_only=True)
class Breaker:
    """The whole memory of one breaker."""

    rule: BreakerRule = attrs.field(factory=BreakerRule)
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0  # in a row
    failed_at: float | None = None
    opened_at: float | None = None
    out: frozenset[int] = frozenset()  # permits of ordinary turns
    leases: Mapping[int, float] = attrs.field(factory=dict)  # probe -> when its slot is free again
    issued: int = 0


@attrs.frozen(kw_only=True)
class BreakerView:
    """What a breaker would say now. `retry_after_s` is 0 where a turn would be admitted."""

    state: BreakerState
    failures: int
    retry_after_s: float = 0.0


def view_breaker(breaker: Breaker, now: float) -> BreakerView:
    """The state as it is at `now`; asking changes nothing."""
    cooled = _cooled(breaker, now)
    wait_s = _wait_s(cooled, now)
    return BreakerView(
        state=cooled.state,
        failures=breaker.failures,
        retry_after_s=wait_s,
    )


def admit(breaker: Breaker, now: float) -> tuple[Breaker, Permit | None, float]:
    """The breaker after the question, a permit or None, and seconds to wait where there is none."""
    cooled = _cooled(breaker, now)
    wait_s = _wait_s(cooled, now)
    if wait_s:
        return breaker, None, wait_s
    is_probe = cooled.state is BreakerState.HALF_OPEN
    permit = Permit(number=cooled.issued + 1, is_probe=is_probe)
    if is_probe:
        leases = {**cooled.leases, permit.number: now + cooled.rule.lease_s}
        return attrs.evolve(cooled, issued=permit.number, leases=leases), permit, 0.0
    return attrs.evolve(cooled, issued=permit.number, out=cooled.out | {permit.number}), permit, 0.0


def settle(breaker: Breaker, permit: Permit, end: TurnEnd, now: float) -> Breaker:
    """The breaker after a turn's end; unchanged for a permit that is no longer out."""
    if permit.number in breaker.leases:
        leases = {each: at for each, at in breaker.leases.items() if each != permit.number}
        breaker = attrs.evolve(breaker, leases=leases)
        if end is TurnEnd.SUCCESS:
            return _closed(breaker, Sign.PROBE_GOOD)
        return breaker if end is TurnEnd.NEUTRAL else _opened(breaker, Sign.PROBE_BAD, now)
    if permit.number not in breaker.out:
        return breaker
    breaker = attrs.evolve(breaker, out=breaker.out - {permit.number})
    if breaker.state is not BreakerState.CLOSED or end is TurnEnd.NEUTRAL:
        return breaker
    if end is TurnEnd.SUCCESS:
        return attrs.evolve(breaker, failures=0, failed_at=None)
    is_stale = breaker.failed_at is not None and now - breaker.failed_at > breaker.rule.window_s
    failures = 1 if is_stale else breaker.failures + 1
    breaker = attrs.evolve(breaker, failures=failures, failed_at=now)
    if failures < breaker.rule.threshold:
        return breaker
    return _opened(breaker, Sign.TRIPPED, now)


def reset(breaker: Breaker) -> Breaker:
    """A closed breaker without a past; permits that are out no longer count."""
    return attrs.evolve(_closed(breaker, Sign.RESET), out=frozenset())


def turn_end(failure_class: FailureClass | None) -> TurnEnd:
    """How a verdict counts: None is a success; timeouts count, cancellations do not."""
    if failure_class is None:
        return TurnEnd.SUCCESS
    return TurnEnd.NEUTRAL if failure_class in _NEUTRAL else TurnEnd.FAILURE


def _cooled(breaker: Breaker, now: float) -> Breaker:
    """The breaker once the passing of time has been taken into account."""
    match breaker.state:
        case BreakerState.OPEN if now - (breaker.opened_at or 0.0) >= breaker.rule.cooldown_s:
            return attrs.evolve(breaker, state=NEXT[breaker.state][Sign.COOLED])
        case BreakerState.HALF_OPEN:
            held = {each: until for each, until in breaker.leases.items() if until > now}
            return attrs.evolve(breaker, leases=held)
        case _:
            return breaker


def _wait_s(breaker: Breaker, now: float) -> float:
    match breaker.state:
        case BreakerState.OPEN:
            return max((breaker.opened_at or 0.0) + breaker.rule.cooldown_s - now, 0.001)
        case BreakerState.HALF_OPEN if len(breaker.leases) >= breaker.rule.probes:
            return max(min(breaker.leases.values()) - now, 0.001)
        case _:
            return 0.0


def _closed(breaker: Breaker, sign: Sign) -> Breaker:
    state = NEXT[breaker.state][sign]
    return attrs.evolve(breaker, state=state, failures=0, failed_at=None, opened_at=None, leases={})


def _opened(breaker: Breaker, sign: Sign, now: float) -> Breaker:
    state = NEXT[breaker.state][sign]
    return attrs.evolve(breaker, state=state, opened_at=now, leases={})
