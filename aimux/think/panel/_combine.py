"""What is special to a pattern when several answered: what it then computes on, and what it finds.

`computed` gives the fields the pattern runs on, one set for each step; none where a pattern has no
field for what CLIs say. `COMBINE` has what is found across answers and belongs to no field.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final

import attrs

from aimux.think._base import rounded
from aimux.think._fields import Json, plain
from aimux.think._run import Step, schema_for
from aimux.think._times import moment
from aimux.think._words import ALIKE, alike, conflict

from ._contracts import Contract
from ._opinions import CALLER, Cluster, Clusters, Opinion, majority

SEVERITIES: Final = ("P0", "P1", "P2", "P3")
LEVEL: Final[Mapping[object, int]] = {"high": 3, "medium": 2, "low": 1}
SECOND: Final = "needs second opinion"


def given_of(step: Step) -> Mapping[str, object]:
    """The caller's lists, as far as they are merged with those of the CLIs.

    A session has the caller's own already, so what CLIs propose goes on top of it.
    """
    if step.choice.is_stateful:
        return {}
    inner = {"mental_model": "worksheet", "stochastic_algorithm": "parameters"}
    found = step.fields.get(inner[step.choice.name]) if step.choice.name in inner else step.fields
    return found if isinstance(found, Mapping) else {}


def normalised(name: str, opinions: Sequence[Opinion]) -> list[Opinion]:
    """Opinions whose figures can be averaged: weights of a decision sum to one for each seat."""
    if name != "decision_framework":
        return list(opinions)
    made = []
    for each in opinions:
        rows = (each.data or {}).get("criteria")
        criteria = [
            dict(row) if isinstance(row, Mapping) else {"name": str(row)}
            for row in (rows if isinstance(rows, list) else [])
        ]
        weights = [_number(row.get("weight", 1.0)) for row in criteria]
        total = sum(weights)
        criteria = [
            {**row, "weight": weight / total if total else 1 / len(criteria)}
            for row, weight in zip(criteria, weights, strict=True)
        ]
        made.append(attrs.evolve(each, data={**(each.data or {}), "criteria": criteria}))
    return made


def computed(
    step: Step, contract: Contract, found: Clusters, usable: Sequence[Opinion]
) -> list[Json]:
    """The fields of each run of the pattern."""
    name = step.choice.name
    begun = {} if step.session is not None and step.choice.is_stateful else dict(step.fields)
    steps: list[Json]
    match name:
        case "scientific_method":
            steps = [
                {"entry_type": kind, "entry_text": text}
                for each in found["hypotheses"]
                for kind, text in (
                    ("hypothesis", each.text),
                    ("prediction", _field(each, "prediction")),
                )
            ]
        case "debugging_approach":
            steps = [
                {"hypothesis": {"text": each.text, "confidence": _field(each, "confidence", 0.5)}}
                for each in found["hypotheses"]
            ]
        case "collaborative_reasoning":
            cli_of = {each.seat: f"{each.role} ({each.cli})" for each in usable}
            steps = [
                {"contribution": {"type": "insight", "text": each.text, "persona": cli_of[seat]}}
                for each in found["contributions"]
                for seat in each.seats
            ]
        case "structured_argumentation":
            arguments = _arguments(step, found["arguments"])
            steps = [{"arguments": arguments}] if arguments else []
        case "devils_advocate":
            steps = [{"objections": _objections(step, found["objections"])}]
        case "mental_model":
            sheet = {slot: [each.text for each in every] for slot, every in found.items()}
            model = step.result.data.get("modelName")
            steps = [{"worksheet": sheet} | ({"modelName": model} if model else {})]
        case "stochastic_algorithm":
            own = step.fields.get("parameters")
            known = own if isinstance(own, Mapping) else {}
            outcomes = [each.item for each in found["outcomes"]]
            steps = [{"parameters": {**known, "outcomes": outcomes}}] if outcomes else []
        case "recursive_thinking":
            texts = {each: voted(usable, each) for each in contract.single}
            steps = [{each: text for each, text in texts.items() if text and each not in begun}]
        case "peer_review":
            steps = [{"objections": [_judged(each) for each in found["objections"]]}]
        case "sequential_thinking" | "chain_of_thought" | "think":
            steps = []
        case _:
            steps = _own_lists(step, contract, found, usable)
    return [{**begun, **each} if at == 0 else each for at, each in enumerate(steps)]


def _own_lists(
    step: Step, contract: Contract, found: Clusters, usable: Sequence[Opinion]
) -> list[Json]:
    properties = schema_for(step.choice)["properties"]
    assert isinstance(properties, Mapping)
    fields: Json = {
        kind.name: [each.item for each in found[kind.name]]
        for kind in contract.lists
        if kind.name in properties
    }
    if step.choice.name == "metacognitive_monitoring" and "confidence" not in step.fields:
        mean = _mean_confidence(usable)
        fields |= {} if mean is None else {"confidence": mean}
    return [fields] if fields else []


def _arguments(step: Step, clusters: Sequence[Cluster]) -> list[Json]:
    """Arguments in an order in which each stands on one before it, numbered as the map does."""
    count = 0
    if step.session is not None:
        state = step.session.states.get(step.choice.name, {})
        known = state.get("arguments")
        count = len(known) if isinstance(known, list) else 0
    number: dict[tuple[str, str], str] = {}
    made: list[Json] = []
    waiting = sorted(clusters, key=lambda each: _field(each, "type") != "claim")
    while waiting:
        left = []
        for each in waiting:
            seat, item = each.members[0]
            stands_on = str(item.get("supports_claim_id", ""))
            target = number.get((seat, plain(stands_on)), "")
            if _field(each, "type") != "claim" and not target:
                left.append(each)
                continue
            name = f"A-{count + len(made) + 1}"
            for who, theirs in each.members:
                number[who, plain(str(theirs.get("id", "")))] = name
            made.append(
                {"type": _field(each, "type"), "text": each.text}
                | ({"supports_claim_id": target} if target else {})
                | ({"quality": _field(each, "quality")} if _field(each, "quality") else {})
            )
        if len(left) == len(waiting):
            break  # these stand on nothing that is there
        waiting = left
    return made


def _objections(step: Step, clusters: Sequence[Cluster]) -> list[object]:
    """Objections, aimed at claims that there are."""
    inner = step.result.data.get("technique")
    claims = inner.get("claims") if isinstance(inner, dict) else None
    known = {each.get("id") for each in claims or () if isinstance(each, dict)}
    made: list[object] = []
    for each in clusters:
        item = dict(each.item) if isinstance(each.item, dict) else {"text": each.text}
        if item.get("targets") not in known:
            item.pop("targets", None)
        made.append(item)
    return made


def _judged(cluster: Cluster) -> object:
    """An objection as grave as two find it; what one alone finds is one step less grave."""
    assert isinstance(cluster.item, dict)
    if CALLER in {seat for seat, _ in cluster.members}:
        return cluster.item
    claimed = sorted(str(item.get("severity", "P2")) for _, item in cluster.members)
    if len(cluster.seats) >= 2:
        return {**cluster.item, "severity": claimed[1]}
    lower = SEVERITIES[min(SEVERITIES.index(claimed[0]) + 1, len(SEVERITIES) - 1)]
    return {**cluster.item, "severity": lower}


def voted(usable: Sequence[Opinion], name: str) -> object:
    """What most of those say who said something of it; nothing if nobody did."""
    return majority([each.data[name] for each in usable if each.data and each.data.get(name)])


def _mean_confidence(usable: Sequence[Opinion]) -> float | None:
    given = [each.data.get("confidence") for each in usable if each.data]
    numbers = [float(each) for each in given if isinstance(each, int | float)]
    return rounded(sum(numbers) / len(numbers)) if numbers else None


def _field(cluster: Cluster, name: str, otherwise: object = "") -> object:
    return cluster.item.get(name, otherwise) if isinstance(cluster.item, dict) else otherwise


def _number(value: object, otherwise: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


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
        first, second = str(_field(one, "prediction")), str(_field(other, "prediction"))
        if why := conflict(first, second):
            pairs.append({"hypotheses": [one.text, other.text], "why": why,
                          "predictions": [first, second]})  # fmt: skip
    return {"discriminating_predictions": pairs}


def rankings(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """What each would choose, and how alike their rankings are: Kendall's W, 0 to 1."""
    weights: dict[str, dict[str, float]] = {}
    for each in found["criteria"]:
        name = str(_field(each, "name"))
        for seat, item in each.members:
            weights.setdefault(seat, {})[name] = _number(item.get("weight"), 1.0)
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
    return sum(_number(score) * weights.get(str(name), 0.0) for name, score in rows)


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
            "rank": rounded(_number(_field(each, "confidence"), 0.5) * len(each.seats)),
            "test": _field(each, "test") or None,
            "predicted_observation": _field(each, "predicted_observation") or None,
            "test_cost": _field(each, "test_cost", None),
        }
        for each in found["hypotheses"]
    ]
    del usable
    rows.sort(key=lambda each: -_number(each["rank"]))
    tests = [each for each in rows if each["test"]]
    tests.sort(key=lambda each: _number(each["test_cost"], 3.0))
    return {"ranked": rows, "tests": tests}


def spread_of_confidence(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """How sure each is, and how far apart they are."""
    del found
    given = {each.seat: (each.data or {}).get("confidence") for each in usable}
    numbers = [float(each) for each in given.values() if isinstance(each, int | float)]
    spread = rounded(max(numbers) - min(numbers)) if numbers else None
    return {"confidence": {"by_seat": given, "spread": spread, "mean": _mean_confidence(usable)}}


def missing_measure(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Who names nothing that shrinks."""
    del found
    without = [each.seat for each in usable if not (each.data or {}).get("convergenceCheck")]
    return {"without_measure": without}


def concerns(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Concerns by severity and support."""
    del usable
    rows = [
        {"text": each.text, "attribute": _field(each, "attribute") or None,
         "severity": _field(each, "severity", "medium"), "support": len(each.seats)}
        for each in found["concerns"]
    ]  # fmt: skip
    rows.sort(key=lambda each: -LEVEL.get(each["severity"], 2) * int(_number(each["support"])))
    return {"concerns": rows}


def intervals(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """The expected value that each seat's outcomes come to, as an interval."""
    values = {}
    for each in usable:
        rows = [item for group in found["outcomes"] for seat, item in group.members
                if seat == each.seat]  # fmt: skip
        if rows:
            total = sum(_number(row.get("probability")) * _number(row.get("value")) for row in rows)
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
        counted = _judged(each)
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
        {"title": each.text, "why": _field(each, "why") or None, "verified": False}
        for each in found["candidate_sources"]
    ]
    return {"candidate_sources": rows}


def experiments(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Experiments by what they promise for what they cost."""
    del usable
    rows = [
        {"change": each.text, "support": len(each.seats),
         "value": rounded(_number(_field(each, "expected"), 1) / _number(_field(each, "cost"), 1))}
        for each in found["next_experiments"]
    ]  # fmt: skip
    return {"next_experiments": sorted(rows, key=lambda each: -_number(each["value"]))}


def two_sided(found: Clusters, usable: Sequence[Opinion]) -> Json:
    """Claims that something supports and something opposes."""
    del usable
    return {
        "contested_claims": [
            each.text
            for each in found["claims"]
            if _field(each, "supporting") and _field(each, "opposing")
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
    said = {each.text: _field(each, "relation") for each in found["pairs"]}
    return {"relations": said, "split": split}


COMBINE: Final[Mapping[str, Callable[[Clusters, Sequence[Opinion]], Json]]] = {
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
