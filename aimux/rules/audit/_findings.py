"""What is computed from findings: which are one, which come first, how many of each, how they read.

Two findings are one where they are in the same file, share a line and are of one family (of the
same category, where nobody named a family). The one that stands is the surest of them; it keeps the
names of all scanners, and those decide its priority:

| priority | what |
|---|---|
| P0 | confirmed, critical |
| P1 | confirmed and high; or critical, unrefuted, by two scanners |
| P2 | unrefuted and high or critical; confirmed and medium; unrefuted, by a rule that is certain |
| P3 | the rest |
| none | refuted, unverified, suppressed: listed apart |
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import attrs

from aimux.model import Finding, FindingSeverity, FindingState, Priority

T = TypeVar("T")
MIN_FINDERS: Final = 2  # of what is believed before anybody confirmed it
ID_CHARS: Final = 12
SEVERITIES: Final = tuple(FindingSeverity)  # the worst first
APART: Final = (FindingState.REFUTED, FindingState.UNVERIFIED, FindingState.SUPPRESSED)
_SURE: Final = (  # whose word counts where findings are one
    FindingState.CONFIRMED,
    FindingState.UNREFUTED,
    FindingState.REFUTED,
    FindingState.UNVERIFIED,
    FindingState.SUPPRESSED,
)


def merge(findings: Sequence[Finding]) -> list[Finding]:
    """Each thing once, with an id, in the order of paths and lines.

    An id is made of path, family and quote, so it stands while the code around it moves.
    """
    groups: list[list[Finding]] = []
    near: list[list[Finding]] = []  # groups of this path that a later line may still overlap
    for each in sorted(findings, key=lambda one: (one.path, one.line, one.end_line)):
        near = [group for group in near if _reaches(group, each)]
        group = next((group for group in near if any(_is_same(one, each) for one in group)), None)
        if group is None:
            group = []
            groups.append(group)
            near.append(group)
        group.append(each)
    met: Counter[str] = Counter()
    return [_identified(_one(group), met) for group in groups]


def _reaches(group: Sequence[Finding], later: Finding) -> bool:
    end = max(max(each.line, each.end_line) for each in group)
    return group[0].path == later.path and later.line <= end


def _is_same(one: Finding, other: Finding) -> bool:
    """Whether two findings of overlapping lines are one. What a comment suppresses stays apart:
    it does not hide what somebody else says.
    """
    suppressed = FindingState.SUPPRESSED
    if (one.state is suppressed) is not (other.state is suppressed):
        return False
    if one.family and other.family:
        return one.family == other.family
    return one.category == other.category


def _one(group: Sequence[Finding]) -> Finding:
    first = min(
        group,
        key=lambda each: (
            _SURE.index(each.state), SEVERITIES.index(each.severity), not each.is_certain,
        ),
    )  # fmt: skip
    return attrs.evolve(
        first,
        is_certain=any(each.is_certain for each in group),
        scanners=_all(name for each in group for name in each.scanners),
        validators=_all(name for each in group for name in each.validators),
        evidence=_all(place for each in group for place in each.evidence),
    )


def _all(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _identified(finding: Finding, met: Counter[str]) -> Finding:
    quote = " ".join(finding.quote.split())
    family = finding.family or finding.category
    text = "\0".join((finding.path, family, quote or str(finding.line)))
    digest = hashlib.sha256(text.encode()).hexdigest()[:ID_CHARS]
    met[digest] += 1
    return attrs.evolve(finding, id=digest if met[digest] == 1 else f"{digest}-{met[digest]}")


def priority_of(finding: Finding) -> Priority | None:
    """What to look at first; None where it is listed apart."""
    severity, is_many = finding.severity, len(finding.scanners) >= MIN_FINDERS
    is_grave = severity in {FindingSeverity.CRITICAL, FindingSeverity.HIGH}
    match finding.state:
        case FindingState.CONFIRMED if severity is FindingSeverity.CRITICAL:
            return Priority.P0
        case FindingState.CONFIRMED if severity is FindingSeverity.HIGH:
            return Priority.P1
        case FindingState.UNREFUTED if severity is FindingSeverity.CRITICAL and is_many:
            return Priority.P1
        case FindingState.UNREFUTED if is_grave or finding.is_certain:
            return Priority.P2
        case FindingState.CONFIRMED if severity is FindingSeverity.MEDIUM or finding.is_certain:
            return Priority.P2
        case FindingState.CONFIRMED | FindingState.UNREFUTED:
            return Priority.P3
    return None


def prioritise(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their priorities, what comes first first; what has none last."""
    given = [attrs.evolve(each, priority=priority_of(each)) for each in findings]
    return sorted(given, key=_rank)


def _rank(finding: Finding) -> tuple[str, int, int, str, int]:
    apart = APART.index(finding.state) if finding.state in APART else -1
    priority = finding.priority or "P9"
    return priority, apart, SEVERITIES.index(finding.severity), finding.path, finding.line


def counts(findings: Sequence[Finding]) -> Mapping[str, int]:
    """How many of each priority, and of each state that is listed apart."""
    found = Counter(each.state if each.priority is None else each.priority for each in findings)
    return {name: found[name] for name in (*Priority, *APART)}
