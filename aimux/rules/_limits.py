"""How often a client may call, how long a turn may take, and how long a CLI may be silent.

Times are seconds of one clock; the caller says what time it is.
"""

import enum
import math
from typing import Final

import attrs

from aimux.model import SilenceRule

DEEP_EFFORTS: Final = frozenset({"high", "xhigh", "max"})
DEEP_FLOOR_S: Final = 120.0  # much thinking does not fit into less


# -------------------------------------------------------------------------------------- how often


@attrs.frozen(kw_only=True)
class Bucket:
    """Tokens of one client for one tool.

    It starts full and fills at `rate` per second. A `rate` or `burst` of 0 is no limit.
    """

    rate: float = attrs.field(default=10.0, validator=attrs.validators.ge(0))
    burst: int = attrs.field(default=20, validator=attrs.validators.ge(0))
    tokens: float = attrs.field(
        default=attrs.Factory(lambda self: float(self.burst), takes_self=True)
    )
    at: float = 0.0


def take(bucket: Bucket, now: float) -> tuple[Bucket, float]:
    """The bucket after one call, and 0; or seconds until there is a token, which is not taken."""
    if bucket.rate == 0 or bucket.burst == 0:
        return bucket, 0.0
    passed_s = max(now - bucket.at, 0.0)
    tokens = min(bucket.tokens + passed_s * bucket.rate, float(bucket.burst))
    bucket = attrs.evolve(bucket, tokens=tokens, at=max(now, bucket.at))
    if tokens < 1:
        return bucket, (1 - tokens) / bucket.rate
    return attrs.evolve(bucket, tokens=tokens - 1), 0.0


# --------------------------------------------------------------------------------------- how long


def turn_limit_s(effort: str, limit_s: float) -> float:
    """A turn's own limit: deep effort never gets less than `DEEP_FLOOR_S`."""
    return max(limit_s, DEEP_FLOOR_S) if effort in DEEP_EFFORTS else limit_s


# -------------------------------------------------------------------------------------- how quiet


class Quiet(enum.StrEnum):
    """How worrying a silence is."""

    FINE = "fine"
    WARNING = "warning"
    STALLED = "stalled"
    OVER = "over"  # to be ended


@attrs.frozen(kw_only=True)
class SilenceLimits:
    """Seconds without a byte on either stream; infinity where only the deadline counts.

    `start_s` is the grace after birth in which nothing is said.
    """

    start_s: float = 60.0
    warn_s: float = 120.0
    stall_s: float = 600.0
    cancel_s: float = 900.0


@attrs.frozen(kw_only=True)
class Silence:
    """A silence as it is now. `next_at` is when it gets worse; infinity if never."""

    quiet: Quiet
    silent_s: float
    next_at: float


def silence_limits(rule: SilenceRule, settings: SilenceLimits) -> SilenceLimits:
    """The limits of silence that hold for a CLI: its own figures, else the settings.

    A CLI that prints only at its end has none. A figure of 0 or less means never.
    """
    if not rule.streams:
        return SilenceLimits(start_s=0.0, warn_s=math.inf, stall_s=math.inf, cancel_s=math.inf)

    def either(own: float | None, general: float) -> float:
        figure = general if own is None else own
        return figure if figure > 0 else math.inf

    start_s = settings.start_s if rule.start_s is None else rule.start_s
    return SilenceLimits(
        start_s=max(start_s, 0.0),
        warn_s=either(rule.warn_s, settings.warn_s),
        stall_s=either(rule.stall_s, settings.stall_s),
        cancel_s=either(rule.cancel_s, settings.cancel_s),
    )


def silence(
    now: float, last_byte_at: float | None, started_at: float, limits: SilenceLimits
) -> Silence:
    """How worrying the silence is at `now`; None means that no byte came yet."""
    since = started_at if last_byte_at is None else last_byte_at
    quiet, next_at = Quiet.FINE, math.inf
    for tier, limit_s in (
        (Quiet.WARNING, limits.warn_s),
        (Quiet.STALLED, limits.stall_s),
        (Quiet.OVER, limits.cancel_s),
    ):
        due = max(since + limit_s, started_at + limits.start_s)
        if now >= due:
            quiet = tier
        else:
            next_at = min(next_at, due)
    if quiet is Quiet.OVER:
        next_at = math.inf
    return Silence(quiet=quiet, silent_s=max(now - since, 0.0), next_at=next_at)
