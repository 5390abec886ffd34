"""decision_framework: options ranked by weighted criteria, and how firm the ranking is."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, rounded, seed
from aimux.think._domains import domain_of
from aimux.think._fields import Figure, Json, Range
from aimux.think._words import keywords, mentions

CRITERIA: Final = ("performance", "cost", "maintainability", "scalability")
_EITHER: Final = re.compile(
    r"(?:between |choose |whether to |should we (?:use )?)?"
    r"([\w.+#-]+(?: [\w.+#-]+){0,3}?) (?:or|vs\.?|versus|and) ([\w.+#-]+(?: [\w.+#-]+){0,2})",
    re.IGNORECASE,
)


@attrs.frozen(kw_only=True)
class Criterion:
    """What counts, and how much. With `min` the lower score is the better one."""

    SHORT = "name"
    name: str
    weight: Annotated[float, Range(0, 1e6), "how much it counts; 1 if not given"] = 1.0
    direction: Annotated[Literal["max", "min"], "min: the less the better"] = "max"


@attrs.frozen(kw_only=True)
class Option:
    """What could be chosen, with its score by criterion."""

    SHORT = "name"
    name: str
    scores: Annotated[Mapping[str, Figure], "criterion -> score"] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Input:
    """A decision with its options."""

    decision: Annotated[str, "what is to be decided"] = ""
    criteria: Annotated[Sequence[Criterion], "what counts: [{name, weight, direction}]"] = ()
    options: Annotated[Sequence[Option], "the choices: [{name, scores: {criterion: n}}]"] = ()
    normalize: Annotated[bool, "bring every criterion to 0..1 over the options first"] = False


Table = Mapping[str, Mapping[str, float]]  # option -> criterion -> score that counts


def think(given: Input) -> Result:
    """The ranking, its margin, what is missing from it and what would turn it."""
    if not given.decision and not given.options:
        return Result(missing=["decision", "criteria", "options"], summary="a decision is needed")
    criteria = {each.name: each for each in given.criteria}
    options = {each.name: each for each in given.options if criteria.keys() & each.scores.keys()}
    if not options:
        return _seeds(given)
    unscored = [each.name for each in given.options if each.name not in options]
    missing: list[Json] = [
        {"option": option, "criterion": criterion}
        for option in options
        for criterion in criteria
        if criterion not in options[option].scores
    ]
    unknown = sorted({name for each in options.values() for name in each.scores} - set(criteria))
    table = _counted(criteria, options, is_normal=given.normalize)
    weights = {name: each.weight for name, each in criteria.items()}
    totals = _totals(table, weights)
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    ties = [pair for pair in itertools.pairwise(ranked) if _equal(totals[pair[0]], totals[pair[1]])]
    is_tied = bool(ties) and ties[0][0] == ranked[0]
    margin = rounded(totals[ranked[0]] - totals[ranked[1]]) if len(ranked) > 1 else None
    flip = _flip(table, weights, ranked)
    data: Json = {
        "rankedOptions": _rows(ranked, totals, table, weights),
        "winner": None if is_tied else ranked[0],
        "tied": [name for name in ranked if _equal(totals[name], totals[ranked[0]])]
        if is_tied
        else [],
        "hasTies": bool(ties),
        "margin": margin,
        "optionCount": len(options),
        "criteriaCount": len(criteria),
        "criteriaUsed": list(criteria),
        "missingScores": missing,
        "unscoredOptions": unscored,
        "unknownCriteria": unknown,
        "dominatedOptions": _dominated(table),
        "sensitivity": flip,
        "unnamedOptions": [name for name in options if not mentions(given.decision, name)]
        if given.decision
        else [],
    }
    summary = f"{ranked[0]} leads with {rounded(totals[ranked[0]], 2)}"
    if is_tied:
        summary = (
            f"{' and '.join(map(str, ranked[:2]))} are tied at {rounded(totals[ranked[0]], 2)}"
        )
    elif margin is not None:
        summary += f", {rounded(margin, 2)} before {ranked[1]}"
    return Result(
        data=data,
        summary=summary,
        warnings=_warnings(given, missing, unknown),
        gate=[f"scores for {name}" for name in unscored]
        + [f"{each['option']} has no score for {each['criterion']}" for each in missing],
        following=Following(
            pattern="metacognitive_monitoring",
            reason="say how sure the scores are before acting on them",
            fields={"task": given.decision or f"choose {ranked[0]}"},
        ),
    )


def _equal(one: float, two: float) -> bool:
    return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)


def _counted(
    criteria: Mapping[str, Criterion], options: Mapping[str, Option], *, is_normal: bool
) -> Table:
    """The scores as they count. A missing one counts as the worst that any option has there."""
    table: dict[str, dict[str, float]] = {name: {} for name in options}
    for name, criterion in criteria.items():
        known = [each.scores[name] for each in options.values() if name in each.scores] or [0.0]
        low, high = min(known), max(known)
        is_cost = criterion.direction == "min"
        for option, each in options.items():
            value = each.scores.get(name, high if is_cost else low)
            if is_cost:
                value = low + high - value
            if is_normal:
                value = (value - low) / (high - low) if high > low else 1.0
            table[option][name] = value
    return table


def _totals(table: Table, weights: Mapping[str, float]) -> dict[str, float]:
    whole = sum(weights.values()) or 1.0
    return {
        option: sum(scores[name] * weights[name] for name in weights) / whole
        for option, scores in table.items()
    }


def _rows(
    ranked: Sequence[str], totals: Mapping[str, float], table: Table, weights: Mapping[str, float]
) -> list[Json]:
    whole = sum(weights.values()) or 1.0
    rows: list[Json] = []
    for at, name in enumerate(ranked, 1):
        before = rows[-1] if rows and _equal(totals[name], totals[ranked[at - 2]]) else None
        rows.append(
            {
                "name": name,
                "totalScore": rounded(totals[name], 6),
                "rank": before["rank"] if before else at,
                "contributions": {
                    each: rounded(table[name][each] * weights[each] / whole) for each in weights
                },
            }
        )
    return rows


def _dominated(table: Table) -> list[Json]:
    """Options that another one beats or equals everywhere."""
    found: list[Json] = []
    for name, scores in table.items():
        for other, others in table.items():
            if (
                other != name
                and scores != others
                and all(others[each] >= value for each, value in scores.items())
            ):
                found.append({"option": name, "by": other})
                break
    return found


def _flip(table: Table, weights: Mapping[str, float], ranked: Sequence[str]) -> Json | None:
    """The smallest change of one weight after which another option leads."""
    best: Json | None = None
    leader = ranked[0]
    for other in ranked[1:]:
        gaps = {name: table[leader][name] - table[other][name] for name in weights}
        total = sum(gaps[name] * weights[name] for name in weights)
        for name, gap in gaps.items():
            if not gap:
                continue
            wanted = weights[name] - total / gap
            if wanted < 0 or _equal(wanted, weights[name]):
                continue
            change = abs(wanted - weights[name])
            if best is None or change < float(str(best["change"])):
                best = {
                    "criterion": name,
                    "from": rounded(weights[name]),
                    "to": rounded(wanted),
                    "change": rounded(change),
                    "new_leader": other,
                }
    return best


def _warnings(given: Input, missing: Sequence[Json], unknown: Sequence[str]) -> list[str]:
    found = []
    if missing:
        found.append(
            f"{plural(len(missing), 'score')} missing: each counts as the worst of its criterion"
        )
    if unknown:
        found.append(f"scores for unknown criteria are left out: {', '.join(unknown)}")
    for kind, names in (
        ("criterion", [each.name for each in given.criteria]),
        ("option", [each.name for each in given.options]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            found.append(f"{kind} given twice, the last one counts: {', '.join(twice)}")
    if not any(each.weight for each in given.criteria):
        found.append("every weight is 0: nothing distinguishes the options")
    return found


def _seeds(given: Input) -> Result:
    domain = domain_of(given.decision)
    names = domain.criteria if domain else CRITERIA
    found = _EITHER.search(given.decision)
    options = [each.strip(" ?.") for each in found.groups()] if found else []
    missing = [] if given.criteria else ["criteria"]
    missing += ["options"] if not given.options or given.criteria else []
    return Result(
        data={
            "suggestedCriteria": [] if given.criteria else [seed(name) for name in names],
            "suggestedOptions": [] if given.options else [seed(each, "prompt") for each in options],
            "optionTemplate": {
                "name": options[0] if options else "…",
                "scores": {each.name: 0 for each in given.criteria} or dict.fromkeys(names, 0),
            },
            "autoAnalysis": {
                "source": "domain-template" if domain else "keyword-analysis",
                "domain": domain.name if domain else None,
                "keywords": keywords(given.decision),
            },
            "criteriaCount": len(given.criteria),
            "optionCount": len(given.options),
        },
        summary=f"nothing to rank yet: {' and '.join(missing)} needed",
        missing=missing,
    )


PATTERN: Final = Pattern(name="decision_framework", input=Input, think=think)
