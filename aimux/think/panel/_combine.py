"""What is special to a pattern when several answered: what it then computes on.

`computed` gives the fields the pattern runs on, one set for each step; none where a pattern has no
field for what CLIs say.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.think._base import rounded
from aimux.think._fields import Json, plain
from aimux.think._run import Step, schema_for

from ._contracts import Contract
from ._opinions import CALLER, Cluster, Clusters, Opinion, majority

SEVERITIES: Final = ("P0", "P1", "P2", "P3")


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
        weights = [number_of(row.get("weight", 1.0)) for row in criteria]
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
                    ("prediction", field_of(each, "prediction")),
                )
            ]
        case "debugging_approach":
            steps = [
                {"hypothesis": {"text": each.text, "confidence": field_of(each, "confidence", 0.5)}}
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
            steps = [{"objections": [judged(each) for each in found["objections"]]}]
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
        mean = mean_confidence(usable)
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
    waiting = sorted(clusters, key=lambda each: field_of(each, "type") != "claim")
    while waiting:
        left = []
        for each in waiting:
            seat, item = each.members[0]
            stands_on = str(item.get("supports_claim_id", ""))
            target = number.get((seat, plain(stands_on)), "")
            if field_of(each, "type") != "claim" and not target:
                left.append(each)
                continue
            name = f"A-{count + len(made) + 1}"
            for who, theirs in each.members:
                number[who, plain(str(theirs.get("id", "")))] = name
            made.append(
                {"type": field_of(each, "type"), "text": each.text}
                | ({"supports_claim_id": target} if target else {})
                | ({"quality": field_of(each, "quality")} if field_of(each, "quality") else {})
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


def judged(cluster: Cluster) -> object:
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


def mean_confidence(usable: Sequence[Opinion]) -> float | None:
    """The mean of the confidences that were given; None of none."""
    given = [each.data.get("confidence") for each in usable if each.data]
    numbers = [float(each) for each in given if isinstance(each, int | float)]
    return rounded(sum(numbers) / len(numbers)) if numbers else None


def field_of(cluster: Cluster, name: str, otherwise: object = "") -> object:
    """A field of what a cluster comes to."""
    return cluster.item.get(name, otherwise) if isinstance(cluster.item, dict) else otherwise


def number_of(value: object, otherwise: float = 0.0) -> float:
    """A value that is a number, else another one."""
    return float(value) if isinstance(value, int | float) else otherwise
