"""An assessment: scores, what is missing, what to look at next and how, and whether to stop."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ._convergence import (
    FIRST_SCORE,
    Conflict,
    Coverage,
    conflicts_of,
    coverage_of,
    held_back_by,
    iteration_score,
    recommend,
)
from ._domains import Angle, Domain, Indicator
from ._state import MAX_HISTORY, MOVES, Assessed, Finding, Investigation, Severity, Verdict, moved
from ._words import words_of

HINTS: Final = 3  # indicators in one assessment
EARLY_ITERATIONS: Final = 3  # in which two warnings are given


@attrs.frozen(kw_only=True)
class Assessment:
    """What one assessment says. `assessed` is the part of it that the history keeps."""

    assessed: Assessed
    coverage: Coverage
    conflicts: Sequence[Conflict]
    held_back: Sequence[str]
    next_area: str = ""
    method: str = ""
    angle: Angle | None = None
    warnings: Sequence[str] = ()
    hints: Sequence[Indicator] = ()
    adversarial_prompt: str = ""
    message: str = ""

    @property
    def verdict(self) -> Verdict:
        """What it recommends."""
        return self.assessed.verdict

    @property
    def may_stop(self) -> bool:
        """Whether nothing keeps the investigation open."""
        return self.verdict is not Verdict.CONTINUE


def look_over(state: Investigation, domain: Domain | None) -> Assessment:
    """What an assessment would say now; nothing moves by it.

    `domain` is None where its file is gone: what it would advise is missing then.
    """
    coverage, conflicts = coverage_of(state), conflicts_of(state)
    added = [
        each for each in state.findings if each.iteration == state.iteration and not each.repeats
    ]
    corrected = [each for each in state.corrections if each.iteration == state.iteration]
    noted = [each for each in state.clearances if each.iteration == state.iteration]
    before = state.history[-1].convergence if state.history else FIRST_SCORE
    is_idle = not (added or corrected or noted)
    score = iteration_score(state.iteration, len(added), len(corrected), before)
    if noted and not added and not corrected and state.iteration:
        score = 1.0  # somebody looked again, and said where
    busy = sum(not each.is_idle for each in state.history) + (not is_idle)
    held = held_back_by(state, conflicts, busy)
    wanted = recommend(score, coverage.score)
    assessed = Assessed(
        iteration=state.iteration,
        convergence=score,
        coverage=coverage.score,
        effective_coverage=coverage.effective,
        added=len(added),
        corrected=len(corrected),
        is_idle=is_idle,
        verdict=Verdict.CONTINUE if held else wanted,
    )
    idle = 0
    for each in [*state.history, assessed]:
        idle = idle + 1 if each.is_idle else 0
    area = _next_area(coverage, conflicts)
    return Assessment(
        assessed=assessed,
        coverage=coverage,
        conflicts=conflicts,
        held_back=held,
        next_area=area,
        method=domain.method(area) if domain is not None and area else "",
        angle=_at(domain.angles, state.iteration) if domain is not None else None,
        warnings=_warnings(domain, state.iteration),
        hints=_hints(domain, state.active),
        adversarial_prompt=_adversarial(state, assessed.verdict),
        message=_message(assessed, coverage, held, idle, area),
    )


def assess(
    state: Investigation, domain: Domain | None, at: datetime.datetime
) -> tuple[Investigation, Assessment]:
    """The investigation in its next iteration, and what was said of the one that is over."""
    found = look_over(state, domain)
    after = attrs.evolve(
        state,
        iteration=state.iteration + 1,
        history=(*state.history, found.assessed)[-MAX_HISTORY:],
    )
    return moved(after, MOVES[found.verdict], at), found


def _next_area(coverage: Coverage, conflicts: Sequence[Conflict]) -> str:
    disputed = [area for each in conflicts if each.holds_back for area in each.areas]
    return next(iter([*coverage.unchecked, *disputed, *coverage.weak]), "")


def _at(listed: Sequence[Angle], iteration: int) -> Angle | None:
    return listed[iteration % len(listed)] if listed else None


def _warnings(domain: Domain | None, iteration: int) -> list[str]:
    if domain is None or not domain.anti_patterns:
        return []
    count = 2 if iteration < EARLY_ITERATIONS else 1
    listed = domain.anti_patterns
    return list(dict.fromkeys(listed[(iteration + at) % len(listed)] for at in range(count)))


def _hints(domain: Domain | None, findings: Sequence[Finding]) -> list[Indicator]:
    """What is often found in the domain and was not named yet."""
    if domain is None:
        return []
    said = [words_of(each.description).stems for each in findings]
    return [each for each in domain.indicators if not _is_named(each, said)][:HINTS]


def _is_named(indicator: Indicator, said: Sequence[frozenset[str]]) -> bool:
    stems = words_of(indicator.text).stems
    return any(2 * len(stems & each) >= len(stems) for each in said)


def _adversarial(state: Investigation, verdict: Verdict) -> str:
    gravest = [each for each in state.active if each.severity is Severity.P0]
    if verdict is Verdict.CONTINUE or not gravest:
        return ""
    listed = "; ".join(f"{each.id}: {each.description}" for each in gravest[:5])
    return (
        f"Before you stop: what would contradict {listed}? How far can each source be trusted, "
        "what else would explain what was seen, and does any of it rest on itself?"
    )


def _message(
    assessed: Assessed, coverage: Coverage, held: Sequence[str], idle: int, area: str
) -> str:
    then = f" Next: {area}." if area else ""
    percent = f"{assessed.coverage:.0%}"
    if assessed.verdict is Verdict.COMPLETE:
        return "Nothing is missing: make the report."
    if assessed.verdict is Verdict.MAY_STOP:
        return f"It may stop at {percent} coverage; not looked at: {', '.join(coverage.unchecked)}."
    if idle:
        often = f" ({idle} times in a row)" if idle > 1 else ""
        return (
            f"Nothing was found or noted since the last assessment{often}, so nothing has settled: "
            f"add findings, or a note that says where you looked.{then}"
        )
    if assessed.convergence < 1.0 and assessed.iteration:
        return f"The picture still moves: {assessed.corrected} corrected in this iteration.{then}"
    if assessed.coverage < 1.0 and assessed.convergence >= 1.0 and not held:
        return f"Settled so far, but only {percent} of the areas were looked at.{then}"
    if held and assessed.iteration:
        return f"Held back: {'; '.join(held)}.{then}"
    return f"Too early to settle anything.{then}"


def angle_arguments(angle: Angle, question: str) -> Mapping[str, object]:
    """What `think` is called with from an angle."""
    return {"pattern": angle.pattern, "prompt": angle.prompt_for(question), **angle.fields}
