"""devils_advocate: every claim is opposed, and only answers make it robust."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import (
    MAX_ENTRIES,
    PAIRS,
    Following,
    Pattern,
    Result,
    as_list,
    blocked,
    seed,
    share,
)
from aimux.think._biases import biases_in
from aimux.think._fields import Json
from aimux.think._words import ALIKE, alike, first_words, sentences

WEIGHTS: Final = {"P0": 8, "P1": 4, "P2": 2, "P3": 1}
SLOTS: Final = {
    "opposite": "what if the opposite is true?",
    "cost": "what does it cost to be wrong?",
    "disconfirming": "what evidence would disprove it?",
    "other_cause": "what else would explain it?",
}
_CLAIM: Final = re.compile(r"\b(?:should|will|must|because|therefore|needs? to)\b", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Objection:
    """An objection against a claim (C-n), and what became of it."""

    SHORT = "text"
    text: str
    targets: Annotated[str, "the claim C-n"] = ""
    severity: Literal["P0", "P1", "P2", "P3"] = "P2"
    status: Literal["open", "answered", "conceded"] = "open"
    answer: Annotated[str, "what answers it"] = ""
    id: Annotated[str, "O-n of one that is there, to change it"] = ""
    kind: Annotated[
        Literal["opposite", "cost", "disconfirming", "other_cause"] | None, "the slot it fills"
    ] = None


@attrs.frozen(kw_only=True)
class State:
    """The case so far."""

    issue: str = ""
    claims: Sequence[str] = ()
    assumptions: Sequence[str] = ()
    objections: Sequence[Objection] = ()


@attrs.frozen(kw_only=True)
class Input:
    """What is put forward, and what is said against it."""

    issue: Annotated[str, "what is put forward; its claims are found in it"] = ""
    claims: Annotated[Sequence[str], "its claims; by default the sentences that claim"] = ()
    assumptions: Annotated[Sequence[str], "what it takes for granted; opposed like claims"] = ()
    objections: Annotated[
        Sequence[Objection], "[{text, targets, severity, status, answer, kind, id}]"
    ] = ()


def think(given: Input, state: State) -> Result:
    """Claims with the counter-slots still to be filled, open objections, robustness, verdict."""
    issue = given.issue or state.issue
    claims = [*state.claims, *(each for each in given.claims if each not in state.claims)]
    if not claims and issue:
        claims = [each for each in sentences(issue) if _CLAIM.search(each)] or [issue]
    assumptions = list(dict.fromkeys([*state.assumptions, *given.assumptions]))
    if not claims:
        return Result(missing=["issue"], summary="something to be opposed is needed")
    objections = _merged(state.objections, given.objections)
    if len(objections) > MAX_ENTRIES or len(claims) + len(assumptions) > MAX_ENTRIES:
        return blocked("session_full", f"a case holds {MAX_ENTRIES} entries: begin another")
    known = [f"C-{at}" for at in range(1, len(claims) + len(assumptions) + 1)]
    for each in objections:
        if each.targets and each.targets not in known:
            return blocked("unknown_claim", f"there is no claim {each.targets}", known=known)
    texts = [*claims, *assumptions]
    slots = _slots(known, objections)
    weight = dict.fromkeys(("open", "answered", "conceded"), 0)
    for each in objections:
        weight[_status(each)] += WEIGHTS[each.severity]
    verdict = _verdict(objections)
    biases = biases_in(" ".join([issue, *claims]))
    warnings = [
        f"{each.id} is called answered, without an answer: it stays open"
        for each in objections
        if each.status == "answered" and not each.answer
    ]
    technique: Json = {
        "claims": [
            _claim(name, text, objections, is_assumption=at >= len(claims))
            for at, (name, text) in enumerate(zip(known, texts, strict=True))
        ],
        "counter_slots": slots,
        "objections": [{**_shown(each), "status": _status(each)} for each in objections],
        "open": [each.id for each in objections if _status(each) == "open"],
        "unaimed": [each.id for each in objections if not each.targets],
        "unopposed": [
            name for name in known if not any(each.targets == name for each in objections)
        ],
        "repeated": _repeated(objections[:PAIRS]),
        "detectedBiases": biases,
        "robustness": share(weight["answered"], sum(weight.values())) if objections else None,
        "verdict": verdict,
    }
    return Result(
        data={"technique": technique},
        summary=f"{verdict}: {plural(len(objections), 'objection')} to "
        f"{plural(len(known), 'claim')}, {len(as_list(technique['open']))} open",
        warnings=warnings,
        missing=[] if objections else ["objections"],
        gate=[
            f"an answer to {each.id}: {first_words(each.text)}"
            for each in objections
            if _status(each) == "open" and each.severity in ("P0", "P1")
        ],
        following=Following(
            pattern="structured_argumentation",
            reason="map what stands",
            fields={
                "topic": issue,
                "arguments": [{"type": "claim", "text": text} for text in texts],
            },
        ),
        state=State(issue=issue, claims=claims, assumptions=assumptions, objections=objections),
    )


def _slots(known: Sequence[str], objections: Sequence[Objection]) -> list[Json]:
    """What nobody has said yet against each claim."""
    return [
        seed(question, claim=name, kind=kind)
        for name in known
        for kind, question in SLOTS.items()
        if not any(each.targets == name and each.kind == kind for each in objections)
    ]


def _claim(name: str, text: str, objections: Sequence[Objection], *, is_assumption: bool) -> Json:
    against = [each.id for each in objections if each.targets == name]
    return {"id": name, "text": text, "isAssumption": is_assumption, "objections": against}


def _repeated(objections: Sequence[Objection]) -> list[list[str]]:
    return [
        [one.id, two.id]
        for at, one in enumerate(objections)
        for two in objections[at + 1 :]
        if alike(one.text, two.text) >= ALIKE
    ]


def _shown(each: Objection) -> Json:
    return {
        "id": each.id,
        "text": each.text,
        "targets": each.targets,
        "severity": each.severity,
        "answer": each.answer,
        "kind": each.kind,
    }


def _status(each: Objection) -> str:
    return "open" if each.status == "answered" and not each.answer else each.status


def _merged(before: Sequence[Objection], new: Sequence[Objection]) -> list[Objection]:
    """Objections by id; a new one without is numbered, one with an id that is there replaces it."""
    found = {each.id: each for each in before}
    for each in new:
        name = each.id
        if name not in found:
            name = f"O-{len(found) + 1}"
        found[name] = attrs.evolve(each, id=name)
    return list(found.values())


def _verdict(objections: Sequence[Objection]) -> str:
    if not objections:
        return "insufficient_input"
    if any(each.severity == "P0" and each.status == "conceded" for each in objections):
        return "withdrawn"
    grave = [each for each in objections if each.severity in ("P0", "P1")]
    return "contested" if any(_status(each) == "open" for each in grave) else "survived"


PATTERN: Final = Pattern(name="devils_advocate", input=Input, think=think, state=State)
