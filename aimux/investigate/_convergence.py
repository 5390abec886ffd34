"""When an investigation may stop: scores, conflicts, and what holds it back.

Convergence says whether the last iteration still changed what was known, coverage how much of the
domain was looked at. Both can be had cheaply, so neither is enough: an iteration in which nothing
was said keeps the score it found, an area counts only by a claim that its places do not refute, and
a stop waits for verified findings, settled conflicts and grave claims that are known.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import attrs

from ._state import WEIGHTS, Confidence, Finding, Investigation, Severity, Verdict
from ._words import contradicts, is_related, says_the_same

FIRST_SCORE: Final = 0.5  # nothing can have settled in the first iteration
ENOUGH_COVERAGE: Final = 0.8
ENOUGH_ITERATIONS: Final = 2  # with something said in them
GRAVE_CONFLICT: Final = 2  # severities this far apart keep an investigation open
_KNOWN: Final = frozenset({Confidence.VERIFIED, Confidence.INFERRED})
_GRAVE: Final = frozenset({Severity.P0, Severity.P1})


def iteration_score(iteration: int, findings: int, corrections: int, before: float) -> float:
    """Convergence of one iteration: how little of what it said was a correction.

    `before` is the score it began with, which one without findings and corrections keeps.
    """
    if iteration == 0:
        return FIRST_SCORE
    said = max(findings, corrections)
    return before if not said else 1.0 - corrections / said


def recommend(convergence: float, coverage: float) -> Verdict:
    """What the two scores alone recommend."""
    if convergence < 1.0:
        return Verdict.CONTINUE
    if coverage >= 1.0:
        return Verdict.COMPLETE
    return Verdict.MAY_STOP if coverage >= ENOUGH_COVERAGE else Verdict.CONTINUE


def severity_distance(severities: Sequence[Severity]) -> int:
    """How far apart the gravest and the mildest are."""
    ranks = [each.rank for each in severities]
    return max(ranks) - min(ranks) if ranks else 0


# --------------------------------------------------------------------------------------- coverage


@attrs.frozen(kw_only=True)
class Coverage:
    """How much of the domain was looked at.

    `score` counts areas, `effective` weighs each by the best that is known of it. `weak` areas rest
    on a single finding, `refuted` ones on findings none of whose places is there.
    """

    score: float
    effective: float
    unchecked: Sequence[str]
    weak: Sequence[str]
    refuted: Sequence[str]


def coverage_of(state: Investigation) -> Coverage:
    """The coverage of an investigation, areas in the order of the domain."""
    cleared = {each.area for each in state.clearances}
    unchecked, weak, refuted, weight = [], [], [], 0.0
    for area in state.areas:
        there = [each for each in state.active if each.area == area]
        sound = [each for each in there if not each.is_refuted_by_its_places]
        if area in cleared:
            weight += 1.0
            continue
        weight += max((WEIGHTS[each.confidence] for each in sound), default=0.0)
        if any(each.confidence in _KNOWN for each in sound):
            weak += [area] if len(there) == 1 else []
        else:
            unchecked.append(area)
            refuted += [area] if there and not sound else []
    count = len(state.areas)
    return Coverage(
        score=(count - len(unchecked)) / count if count else 1.0,
        effective=weight / count if count else 1.0,
        unchecked=unchecked,
        weak=weak,
        refuted=refuted,
    )


# -------------------------------------------------------------------------------------- conflicts


@attrs.frozen(kw_only=True)
class Conflict:
    """Two active findings that cannot both stand as they are."""

    findings: tuple[Finding, Finding]
    reason: str
    score: int
    holds_back: bool

    @property
    def areas(self) -> list[str]:
        """The areas of both."""
        return list(dict.fromkeys(each.area for each in self.findings if each.area))


def conflicts_of(state: Investigation) -> list[Conflict]:
    """Every conflict of an investigation, the gravest first."""
    pairs = itertools.combinations(state.active, 2)
    found = [conflict for one, other in pairs if (conflict := _conflict(one, other)) is not None]
    return sorted(found, key=lambda each: -each.score)


def _conflict(one: Finding, other: Finding) -> Conflict | None:
    distance = severity_distance([one.severity, other.severity])
    has_p0 = Severity.P0 in {one.severity, other.severity}
    reason, score, is_sharp = "", distance, True
    if other.id == one.contradicts or one.id == other.contradicts:
        reason, score = "contradiction named by its source", max(distance, GRAVE_CONFLICT)
    elif not is_related(one.description, other.description):  # nearly every pair
        return None
    elif contradicts(one.description, other.description):
        reason, score = "one denies what the other says", max(distance, GRAVE_CONFLICT)
    elif distance and says_the_same(one.description, other.description):
        reason = "the same claim with different severities"
    elif distance and one.area == other.area:
        reason, is_sharp = "like claims with different severities", False
    else:
        return None
    return Conflict(
        findings=(one, other),
        reason=reason,
        score=score,
        holds_back=score >= GRAVE_CONFLICT or (has_p0 and is_sharp),
    )


# ----------------------------------------------------------------------------------------- gates


def held_back_by(
    state: Investigation, conflicts: Sequence[Conflict], busy_iterations: int
) -> list[str]:
    """What an investigation still lacks, whatever its scores; `busy_iterations` had something said.

    Empty if nothing.
    """
    active = state.active
    lacks: list[str] = []
    if busy_iterations < ENOUGH_ITERATIONS:
        lacks.append(
            f"{busy_iterations} of {ENOUGH_ITERATIONS} iterations with something found or noted"
        )
    verified = [each for each in active if each.is_verified and not each.repeats]
    if len(verified) < state.min_verified:
        lacks.append(f"{len(verified)} of {state.min_verified} verified findings")
    for conflict in conflicts:
        if conflict.holds_back:
            one, other = (each.id for each in conflict.findings)
            lacks.append(f"open conflict between {one} and {other}: {conflict.reason}")
    for each in active:
        if each.severity not in _GRAVE:
            continue
        if each.is_refuted_by_its_places:
            lacks.append(f"{each.id} is {each.severity} and no place it names is there")
        elif each.confidence not in _KNOWN:
            lacks.append(f"{each.id} is {each.severity} and {each.confidence}")
    return lacks
