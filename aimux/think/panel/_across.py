"""What is found across several answers and belongs to no field of the pattern, by pattern."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final

from aimux.think._base import rounded
from aimux.think._fields import Json
from aimux.think._times import moment
from aimux.think._words import ALIKE, alike, conflict

from ._combine import field_of, judged, mean_confidence, number_of
from ._opinions import CALLER, Cluster, Clusters, Opinion, majority

LEVEL: Final[Mapping[object, int]] = {"high": 3, "medium": 2, "low": 1}
SECOND: Final = "needs second opinion"


def _votes(name: str, shown: str = "") -> Callable[[Clusters, Sequence[Opinion]], Json]:
    def find(found: Clusters, usable: Sequence[Opinion]) -> Json:
        del found
        said = [each.data.get(name) for each in usable if each.data and each.data.get(name)]
        counts: dict[str, int] = {}
        for each in said:
            counts[str(each)] = counts.get(str(each), 0) + 1
        most = max(counts.values(), default=0)
        is_won = sum(each == most for each in counts.values()) == 1
        return {shown or name: majority(said) if is_won else None, "votes": counts}

    return find


def chains(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Conclusions first, then the first step at which two lines of reasoning part."""
    del found
    lines = {each.seat: _texts(each, "steps") for each in usable}
    ends = {each.seat: str((each.data or {}).get("conclusion", "")) for each in usable}
    parted = []
    for one, other in combinations(lines, 2):
        at = next(
            (
                at
                for at, (first, second) in enumerate(zip(lines[one], lines[other], strict=False), 1)
                if alike(first, second) < ALIKE or conflict(first, second)
            ),
            None,
        )
        is_same = alike(ends[one], ends[other]) >= ALIKE and not conflict(ends[one], ends[other])
        parted.append({"seats": [one, other], "same_conclusion": is_same, "diverge_at_step": at})
    return {"conclusions": ends, "chains": lines, "pairs": parted}


def _texts(opinion: Opinion, name: str) -> list[str]:
    values = (opinion.data or {}).get(name)
    return [str(each) for each in values] if isinstance(values, list) else []


def discriminating(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Predictions that hold under one hypothesis and fail under another."""
    del usable
    pairs = []
    for one, other in combinations(found["hypotheses"], 2):
        first, second = str(field_of(one, "prediction")), str(field_of(other, "prediction"))
        if why := conflict(first, second):
            pairs.append({"hypotheses": [one.text, other.text], "why": why,
                          "predictions": [first, second]})  # fmt: skip
    return {"discriminating_predictions": pairs}


def rankings(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """What each would choose, and how alike their rankings are: Kendall's W, 0 to 1."""
    weights: dict[str, dict[str, float]] = {}
    for each in found["criteria"]:
        name = str(field_of(each, "name"))
        for seat, item in each.members:
            weights.setdefault(seat, {})[name] = number_of(item.get("weight"), 1.0)
    seats = [each.seat for each in usable]
    common = [each for each in found["options"] if set(seats) <= {who for who, _ in each.members}]
    totals = {
        seat: [_total(each, seat, weights.get(seat, {})) for each in common] for seat in seats
    }
    first = {
        seat: common[max(range(len(common)), key=lambda at: values[at])].text
        for seat, values in totals.items()
        if common
    }
    chosen = _votes("choice")(found, usable)
    return {"kendalls_w": kendalls_w(list(totals.values())), "first_by_seat": first, **chosen}


def _total(option: Cluster, seat: str, weights: Mapping[str, float]) -> float:
    item = next(item for who, item in option.members if who == seat)
    scores = item.get("scores")
    rows = scores.items() if isinstance(scores, Mapping) else ()
    return sum(number_of(score) * weights.get(str(name), 0.0) for name, score in rows)


def kendalls_w(totals: Sequence[Sequence[float]]) -> float | None:
    """How alike several rankings of the same things are; None of fewer than two of either."""
    judges, count = len(totals), len(totals[0]) if totals else 0
    if judges < 2 or count < 2:
        return None
    ranks = [_ranks(each) for each in totals]
    sums = [sum(each[at] for each in ranks) for at in range(count)]
    mean = sum(sums) / count
    ties = sum(
        each.count(rank) ** 3 - each.count(rank) for each in ranks for rank in dict.fromkeys(each)
    )
    most = judges**2 * (count**3 - count) - judges * ties
    return rounded(12 * sum((each - mean) ** 2 for each in sums) / most) if most else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks, 1 the best; equal values share their mean rank."""
    return [
        1 + sum(other > each for other in values) + (sum(other == each for other in values) - 1) / 2
        for each in values
    ]


def causes(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Causes by mean confidence and support; tests, the cheapest first."""
    rows = [
        {
            "text": each.text,
            "rank": rounded(number_of(field_of(each, "confidence"), 0.5) * len(each.seats)),
            "test": field_of(each, "test") or None,
            "predicted_observation": field_of(each, "predicted_observation") or None,
            "test_cost": field_of(each, "test_cost", None),
        }
        for each in found["hypotheses"]
    ]
    del usable
    rows.sort(key=lambda each: -number_of(each["rank"]))
    tests = [each for each in rows if each["test"]]
    tests.sort(key=lambda each: number_of(each["test_cost"], 3.0))
    return {"ranked": rows, "tests": tests}


def spread_of_confidence(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """How sure each is, and how far apart they are."""
    del found
    given = {each.seat: (each.data or {}).get("confidence") for each in usable}
    numbers = [float(each) for each in given.values() if isinstance(each, int | float)]
    spread = rounded(max(numbers) - min(numbers)) if numbers else None
    return {"confidence": {"by_seat": given, "spread": spread, "mean": mean_confidence(usable)}}


def missing_measure(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Who names nothing that shrinks."""
    del found
    without = [each.seat for each in usable if not (each.data or {}).get("convergenceCheck")]
    return {"without_measure": without}


def concerns(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Concerns by severity and support."""
    del usable
    rows = [
        {"text": each.text, "attribute": field_of(each, "attribute") or None,
         "severity": field_of(each, "severity", "medium"), "support": len(each.seats)}
        for each in found["concerns"]
    ]  # fmt: skip
    rows.sort(key=lambda each: -LEVEL.get(each["severity"], 2) * int(number_of(each["support"])))
    return {"concerns": rows}


def intervals(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """The expected value that each seat's outcomes come to, as an interval."""
    values = {}
    for each in usable:
        rows = [item for group in found["outcomes"] for seat, item in group.members
                if seat == each.seat]  # fmt: skip
        if rows:
            total = sum(
                number_of(row.get("probability")) * number_of(row.get("value")) for row in rows
            )
            values[each.seat] = rounded(total)
    low, high = min(values.values(), default=None), max(values.values(), default=None)
    return {"expected_value": {"by_seat": values, "low": low, "high": high}}


def order_conflicts(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Events that one puts before another and somebody else after it."""
    del usable
    times: dict[str, dict[str, float]] = {}
    for each in found["events"]:
        for seat, item in each.members:
            at = moment(str(item.get("time", "")))
            if at is not None:
                times.setdefault(each.text, {})[seat] = at
    pairs = []
    for one, other in combinations(times, 2):
        both = [seat for seat in times[one] if seat in times[other]]
        before = [seat for seat in both if times[one][seat] < times[other][seat]]
        after = [seat for seat in both if times[one][seat] > times[other][seat]]
        if before and after:
            pairs.append({"events": [one, other], "in_this_order": before, "reversed": after})
    return {"order_conflicts": pairs}


def severities(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """How grave each objection is held, and counted."""
    del usable
    rows = []
    for each in found["objections"]:
        counted = judged(each)
        assert isinstance(counted, dict)
        claimed = sorted(str(item.get("severity", "P2")) for _, item in each.members)
        is_alone = len(each.seats) < 2 and CALLER not in {seat for seat, _ in each.members}
        rows.append({"text": each.text, "claimed": claimed, "counted": counted.get("severity"),
                     "note": SECOND if is_alone else None})  # fmt: skip
    return {"severities": rows}


def unverified(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Sources that were named from memory: none was looked up."""
    del usable
    rows = [
        {"title": each.text, "why": field_of(each, "why") or None, "verified": False}
        for each in found["candidate_sources"]
    ]
    return {"candidate_sources": rows}


def experiments(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Experiments by what they promise for what they cost."""
    del usable
    rows = [
        {"change": each.text, "support": len(each.seats),
         "value": rounded(number_of(field_of(each, "expected"), 1)
                          / number_of(field_of(each, "cost"), 1))}
        for each in found["next_experiments"]
    ]  # fmt: skip
    return {"next_experiments": sorted(rows, key=lambda each: -number_of(each["value"]))}


def two_sided(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Claims that something supports and something opposes."""
    del usable
    return {
        "contested_claims": [
            each.text
            for each in found["claims"]
            if field_of(each, "supporting") and field_of(each, "opposing")
        ]
    }


def relations(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """What most say of each pair of sources, and the pairs they do not agree on."""
    del usable
    split = [
        each.text
        for each in found["pairs"]
        if len({item.get("relation") for _, item in each.members}) > 1
    ]
    said = {each.text: field_of(each, "relation") for each in found["pairs"]}
    return {"relations": said, "split": split}


ACROSS: Final[Mapping[str, Callable[[Clusters, Sequence[Opinion]], Json]]] = {
    "think": _votes("next_pattern"),
    "sequential_thinking": chains,
    "chain_of_thought": chains,
    "scientific_method": discriminating,
    "decision_framework": rankings,
    "debugging_approach": causes,
    "metacognitive_monitoring": spread_of_confidence,
    "recursive_thinking": missing_measure,
    "architecture_analysis": concerns,
    "stochastic_algorithm": intervals,
    "temporal_thinking": order_conflicts,
    "peer_review": severities,
    "literature_review": unverified,
    "replication_analysis": _votes("verdict", "feasibility"),
    "experimental_loop": experiments,
    "research_synthesis": two_sided,
    "source_comparison": relations,
    "premortem": _votes("verdict", "verdict_by_vote"),
}
