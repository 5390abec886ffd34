"""stochastic_algorithm: an algorithm of chance, computed on the caller's own figures."""

from typing import Annotated, Final, Literal

import attrs

from aimux.think._base import Following, Pattern, Result, rounded, seed, share
from aimux.think._chance import (
    DRAWS,
    SWEEPS,
    Parameters,
    bandit,
    bayes,
    decide,
    expectation,
    hidden,
    search,
)
from aimux.think._fields import Json, Range
from aimux.think._words import figures, first_words, stem, stems

DESCRIPTIONS: Final = {
    "bandit": "which option to try next while learning what each is worth",
    "bayesian": "how evidence changes what is believed",
    "mdp": "what to do in each state when actions have uncertain ends",
    "hmm": "which hidden states are behind what is seen",
    "mcts": "which branch of a tree to look into next",
}
NEEDS: Final = {
    "bandit": ("outcomes", "arms"),
    "bayesian": ("priors", "outcomes"),
    "mdp": ("transitions",),
    "hmm": ("observations",),
    "mcts": ("nodes",),
}
SIGNALS: Final = {
    "bandit": "explore option test variant arm try reward ab",
    "bayesian": "evidence belief prior likelihood diagnose update hypothesis",
    "mdp": "state action policy plan reward step decision",
    "hmm": "hidden sequence observation signal infer sensor",
    "mcts": "tree game search move branch play",
}


@attrs.frozen(kw_only=True)
class Input:
    """A problem of chance."""

    algorithm_type: Annotated[
        Literal["mdp", "mcts", "bandit", "bayesian", "hmm"] | None, "by default what fits"
    ] = None
    problem_definition: Annotated[str, "the problem"] = ""
    parameters: Annotated[Parameters, "the figures; which ones depends on the algorithm"] = (
        attrs.field(factory=Parameters)
    )
    iterations: Annotated[
        int | None, Range(1, 10_000), "mdp: sweeps; bandit: draws; else how often it is done"
    ] = None
    result: Annotated[str, "what came out in reality, to be compared"] = ""


def think(given: Input) -> Result:
    """What the algorithm gives on the figures; which figures it needs while there are none."""
    own = given.parameters
    fit = {name: _fit(given.problem_definition, signals) for name, signals in SIGNALS.items()}
    kind = given.algorithm_type or _kind(own) or max(fit, key=lambda name: fit[name])
    if not given.problem_definition and _kind(own) is None:
        return Result(
            missing=["problemDefinition", "parameters"], summary="a problem and figures are needed"
        )
    has = [name for name in NEEDS[kind] if getattr(own, name)]
    warnings: list[str] = []
    if not has:
        return Result(
            data={
                "algorithmType": kind,
                "description": DESCRIPTIONS[kind],
                "fit": fit,
                "hasParameters": _kind(own) is not None,
                "suggestedOutcomes": [
                    seed(each, probability=None, value=None) for each in ("best", "usual", "worst")
                ],
                "parametersNeeded": list(NEEDS[kind]),
            },
            summary=f"{kind} needs figures: parameters.{' or '.join(NEEDS[kind])}",
            missing=["parameters"],
        )
    computed = _computed(kind, own, given.iterations, warnings)
    expected = computed.get("expectedValue")
    data: Json = {
        "algorithmType": kind,
        "description": DESCRIPTIONS[kind],
        "fit": fit,
        "hasParameters": True,
        "hasResult": bool(given.result),
        **computed,
        "comparison": _compared(given.result, computed),
    }
    if isinstance(expected, float) and given.iterations:
        data["expectedTotal"] = rounded(expected * given.iterations, 4)
    best = max(fit, key=lambda name: fit[name])
    if given.algorithm_type and fit[best] > fit[kind]:
        warnings.append(f"the problem reads more like {best}: {DESCRIPTIONS[best]}")
    return Result(
        data=data,
        summary=f"{kind}: {_headline(computed)}",
        warnings=warnings,
        following=Following(
            pattern="decision_framework",
            reason="weigh the figures with what they do not count",
            fields={"decision": given.problem_definition},
        ),
    )


def _fit(text: str, signals: str) -> float:
    said = stems(text)
    words = signals.split()
    return share(sum(stem(word) in said for word in words), len(words))


def _kind(own: Parameters) -> str | None:
    """The algorithm whose figures are there."""
    if own.priors:
        return "bayesian"
    if own.outcomes or own.arms:
        return "bandit"
    for kind in ("mdp", "hmm", "mcts"):
        if getattr(own, NEEDS[kind][0]):
            return kind
    return None


def _computed(kind: str, own: Parameters, iterations: int | None, warnings: list[str]) -> Json:
    match kind:
        case "mdp":
            return decide(own.transitions, own.gamma, iterations or SWEEPS, warnings)
        case "hmm":
            if not own.start:
                warnings.append("hmm needs start, moves and emissions")
                return {"likelihood": None, "path": []}
            return hidden(own.start, own.moves, own.emissions, own.observations, warnings)
        case "mcts":
            return search(own.nodes, own.exploration)
    found: Json = expectation(own.outcomes, warnings) if own.outcomes else {}
    if kind == "bandit" and own.arms:
        found |= bandit(own.arms, own.epsilon, min(iterations or DRAWS, DRAWS), own.seed)
    if kind == "bayesian" and own.priors:
        found |= bayes(own.priors, own.likelihoods, own.evidence, warnings)
    return found


def _compared(result: str, computed: Json) -> Json | None:
    """What really happened beside what was computed: as a number, or by name."""
    expected = computed.get("expectedValue")
    seen = figures(result)
    if isinstance(expected, float) and len(seen) == 1:
        (actual,) = seen
        deviation = computed["standardDeviation"]
        away = (
            (actual - expected) / deviation if isinstance(deviation, float) and deviation else 0.0
        )
        return {"actual": actual, "expected": expected, "deviations": rounded(away)}
    names = [computed.get(key) for key in ("mostLikely", "nextArm", "bestMean", "bestChild")]
    hits = [name for name in names if isinstance(name, str) and name.lower() in result.lower()]
    return {"mentions": hits} if result else None


def _headline(computed: Json) -> str:
    for key in ("nextArm", "mostLikely", "policy", "path", "bestChild", "expectedValue"):
        if computed.get(key) not in (None, [], {}):
            return f"{key} {first_words(str(computed[key]), 12)}"
    return "nothing could be computed"


PATTERN: Final = Pattern(name="stochastic_algorithm", input=Input, think=think)
