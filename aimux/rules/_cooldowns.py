"""Which (cli, model) pairs are left alone, and until when: quota and unknown models, not the CLI.

Times are seconds of one clock; the caller says what time it is. An empty model is the CLI's own
default.
"""

from collections.abc import Mapping
from typing import Final

import attrs

MAX_PAIRS: Final = 1_000  # model names come from callers

Pair = tuple[str, str]


@attrs.frozen(kw_only=True)
class Cooldown:
    """One pair that is left alone, and why."""

    cli: str
    model: str
    until: float
    code: str = ""
    excerpt: str = ""


@attrs.frozen(kw_only=True)
class Cooldowns:
    """All pairs that are left alone; entries that have run out count as absent."""

    entries: Mapping[Pair, Cooldown] = attrs.field(factory=dict)


def cool(cooldowns: Cooldowns, cooldown: Cooldown, now: float) -> Cooldowns:
    """With one more pair left alone; a longer time already set stays, one in the past adds nothing.

    What has run out is dropped, and beyond `MAX_PAIRS` what would run out first.
    """
    entries = {pair: each for pair, each in cooldowns.entries.items() if each.until > now}
    pair = (cooldown.cli, cooldown.model)
    if cooldown.until > now and (pair not in entries or entries[pair].until < cooldown.until):
        entries[pair] = cooldown
    while len(entries) > MAX_PAIRS:
        del entries[min(entries, key=lambda each: entries[each].until)]
    return Cooldowns(entries=entries)


def left_s(cooldowns: Cooldowns, cli: str, model: str, now: float) -> float:
    """Seconds for which the pair is still left alone; 0 where it may be used."""
    entry = cooldowns.entries.get((cli, model))
    return 0.0 if entry is None else max(entry.until - now, 0.0)


def flush(cooldowns: Cooldowns, *, cli: str = "") -> Cooldowns:
    """Without the pairs of that CLI; none means every one."""
    kept = cooldowns.entries if cli else {}
    return Cooldowns(entries={pair: each for pair, each in kept.items() if each.cli != cli})


def cooled(cooldowns: Cooldowns, now: float) -> list[Cooldown]:
    """What is left alone at `now`, the first to return first."""
    entries = (each for each in cooldowns.entries.values() if each.until > now)
    return sorted(entries, key=lambda each: (each.until, each.cli, each.model))


def cooled_pairs(cooldowns: Cooldowns, now: float) -> frozenset[Pair]:
    """The pairs alone, as routing wants them."""
    return frozenset((each.cli, each.model) for each in cooled(cooldowns, now))
