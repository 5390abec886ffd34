"""experimental_loop: experiments towards a metric, and when to go on, turn or stop."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, full, rounded
from aimux.think._fields import Figure, Json, Range
from aimux.think._words import SAME, jaccard

STREAK: Final = 3  # without improvement: turn
BUDGET: Final = 10  # experiments
TREND: Final = 3  # measurements before there is one
FLAT: Final = 0.01  # of slope


@attrs.frozen(kw_only=True)
class Experiment:
    """One round."""

    hypothesis: str
    observation: str = ""
    result: str = ""
    metric: float | None = None
    is_improvement: bool = False


@attrs.frozen(kw_only=True)
class State:
    """The log, and what was agreed on at its beginning."""

    experiments: Sequence[Experiment] = ()
    direction: str = "max"
    target: float | None = None
    noise: float = 0.0
    budget: int = BUDGET


@attrs.frozen(kw_only=True)
class Input:
    """A round, and what is aimed at."""

    hypothesis: Annotated[
        str, "what is tried and why it should help; the last one if not given"
    ] = ""
    observation: Annotated[str, "what was seen"] = ""
    result: Annotated[str, "what came out, in words"] = ""
    metric: Annotated[Figure | None, "what was measured"] = None
    direction: Annotated[Literal["max", "min"] | None, "min: the less the better; kept"] = None
    target: Annotated[Figure | None, "stop here; kept"] = None
    noise: Annotated[float | None, Range(0, 1e9), "smaller differences count for nothing; kept"] = (
        None
    )
    budget: Annotated[int | None, Range(1, 500), "experiments at most; kept"] = None


def think(given: Input, state: State) -> Result:
    """Best so far, improvement, streak, trend, and what to do next."""
    last = state.experiments[-1].hypothesis if state.experiments else ""
    hypothesis = given.hypothesis or last
    if not hypothesis or not any(
        (given.hypothesis, given.observation, given.result, given.metric is not None)
    ):
        return Result(missing=["hypothesis"], summary="a hypothesis is needed")
    if refusal := full(state.experiments):
        return refusal
    direction = given.direction or state.direction
    noise = state.noise if given.noise is None else given.noise
    target = state.target if given.target is None else given.target
    budget = given.budget or state.budget
    sign = 1 if direction == "max" else -1
    is_better = _is_better(given, state, sign, noise)
    experiment = Experiment(
        hypothesis=hypothesis,
        observation=given.observation,
        result=given.result,
        metric=given.metric,
        is_improvement=is_better,
    )
    experiments = [*state.experiments, experiment]
    measured = [each.metric for each in experiments if each.metric is not None]
    best = max(measured, key=lambda each: sign * each) if measured else None
    streak = _streak(experiments)
    reached = best is not None and target is not None and sign * (best - target) >= 0
    action, why = _action(len(experiments), streak, budget, is_reached=reached)
    slope = slope_of(measured)
    repeated = [
        at
        for at, each in enumerate(state.experiments, 1)
        if given.hypothesis and jaccard(each.hypothesis, hypothesis) >= SAME
    ]
    data: Json = {
        "experimentCount": len(experiments),
        "experiments": experiments,
        "currentMetric": given.metric,
        "baseline": measured[0] if measured else None,
        "bestMetric": best,
        "gain": rounded(sign * (best - measured[0]), 6) if best is not None else None,
        "isImprovement": is_better,
        "streakWithoutImprovement": streak,
        "suggestedAction": action,
        "reason": why,
        "targetReached": reached,
        "metricTrendSlope": slope,
        "trendDirection": _trend(slope, sign),
        "repeatedHypothesis": repeated,
        "unmeasured": [at for at, each in enumerate(experiments, 1) if each.metric is None],
        "unexplained": [
            at
            for at, each in enumerate(experiments, 1)
            if each.metric is not None and not each.result and not each.observation
        ],
    }
    return Result(
        data=data,
        summary=f"{action}: {why}; {plural(len(experiments), 'experiment')}, best {best}",
        warnings=_warnings(given, state),
        gate=[] if measured else ["a measured metric"],
        following=_following(action, why, hypothesis, experiments),
        state=State(
            experiments=experiments, direction=direction, target=target, noise=noise, budget=budget
        ),
    )


def _is_better(given: Input, state: State, sign: int, noise: float) -> bool:
    """Whether a metric is better than every one before it; the first one is the baseline."""
    before = [sign * each.metric for each in state.experiments if each.metric is not None]
    if given.metric is None or not before:
        return False
    return sign * given.metric - max(before) > noise


def _warnings(given: Input, state: State) -> list[str]:
    warnings = []
    if given.metric is None and (given.result or given.observation):
        warnings.append("no metric: this round counts for no improvement and for none missed")
    if given.direction and state.experiments and given.direction != state.direction:
        warnings.append("the direction was changed: earlier rounds were judged by the other one")
    return warnings


def _following(
    action: str, why: str, hypothesis: str, experiments: Sequence[Experiment]
) -> Following:
    if action != "stop":
        return Following(pattern="experimental_loop", reason=f"{action}: {why}")
    results = [each.result for each in experiments if each.result]
    return Following(
        pattern="research_synthesis",
        reason="put the results together",
        fields={"topic": hypothesis, "findings": results},
    )


def _streak(experiments: Sequence[Experiment]) -> int:
    """Measured rounds since the last improvement; the first one is the baseline."""
    flags = [each.is_improvement for each in experiments if each.metric is not None][1:]
    count = 0
    for is_better in reversed(flags):
        if is_better:
            break
        count += 1
    return count


def _action(count: int, streak: int, budget: int, *, is_reached: bool) -> tuple[str, str]:
    if is_reached:
        return "stop", "the target is reached"
    if count >= budget:
        return "stop", f"the budget of {plural(budget, 'experiment')} is spent"
    if streak >= STREAK:
        return "pivot", f"{streak} rounds without improvement"
    return "continue", "there is space for improvement"


def slope_of(measured: Sequence[float]) -> float | None:
    """Least squares over the rounds; None for fewer than three."""
    count = len(measured)
    if count < TREND:
        return None
    middle, mean = (count - 1) / 2, sum(measured) / count
    over = sum((at - middle) * (each - mean) for at, each in enumerate(measured))
    return rounded(over / sum((at - middle) ** 2 for at in range(count)), 6)


def _trend(slope: float | None, sign: int) -> str:
    if slope is None:
        return "unknown"
    if abs(slope) <= FLAT:
        return "flat"
    return "better" if sign * slope > 0 else "worse"


PATTERN: Final = Pattern(name="experimental_loop", input=Input, think=think, state=State)
