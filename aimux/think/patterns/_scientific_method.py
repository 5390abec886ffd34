"""scientific_method: entries that stand on each other, and what became of each hypothesis."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, blocked, full, share
from aimux.think._fields import Count, Json

Kind = Literal[
    "observation", "question", "hypothesis", "prediction", "experiment", "analysis", "result",
    "conclusion",
]  # fmt: skip
Stage = Literal[
    "observation", "question", "hypothesis", "experiment", "analysis", "conclusion", "iteration"
]
Outcome = Literal["supports", "refutes", "inconclusive"]

STAGE_OF: Final[Mapping[str, str]] = {"prediction": "hypothesis", "result": "analysis"}
# kind -> what it must stand on; a hypothesis or an analysis may stand on something
STANDS_ON: Final[Mapping[str, str]] = {
    "prediction": "hypothesis",
    "experiment": "prediction",
    "result": "experiment",
}
TEXTS: Final = ("observation", "question", "hypothesis", "experiment", "analysis", "conclusion")
NEEDED: Final = ("observation", "hypothesis", "prediction", "experiment", "result")


@attrs.frozen(kw_only=True)
class Entry:
    """One line of the notebook."""

    id: str
    type: str
    text: str
    linked_to: str | None = None
    outcome: str | None = None


@attrs.frozen(kw_only=True)
class State:
    """The notebook."""

    entries: Sequence[Entry] = ()
    stages: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class NewEntry:
    """An entry in one piece."""

    type: Kind
    text: str
    linked_to: Annotated[str, "id of what it stands on"] = ""
    outcome: Annotated[Outcome | None, "what a result says of its hypothesis"] = None


@attrs.frozen(kw_only=True)
class Input:
    """What is added: plain texts, or one entry of any kind with its link."""

    stage: Annotated[Stage | None, "by default that of the last entry"] = None
    observation: Annotated[str, "what was seen"] = ""
    question: Annotated[str, "what is asked"] = ""
    hypothesis: Annotated[str, "a possible answer"] = ""
    experiment: Annotated[str, "how it is tested; needs a prediction"] = ""
    analysis: Annotated[str, "what the results mean"] = ""
    conclusion: Annotated[str, "what follows"] = ""
    entry_type: Annotated[Kind | None, "kind of entry_text"] = None
    entry_text: Annotated[str, "one entry"] = ""
    link_to: Annotated[str, "id (E-1…) of what it stands on; by default the latest fitting"] = ""
    outcome: Annotated[Outcome | None, "what a result says of its hypothesis"] = None
    entry: Annotated[NewEntry | None, "the same in one piece"] = None
    step_number: Annotated[Count | None, "which step this is, checked against the session"] = None
    next_step_needed: Annotated[bool | None, "false when the inquiry is over"] = None


def think(given: Input, state: State) -> Result:
    """The notebook with the new entries; a prediction without a hypothesis is not taken."""
    entries = list(state.entries)
    new = _wanted(given)
    if not new and given.stage is None:
        return Result(missing=["observation"], summary="an observation or another entry is needed")
    if refusal := full(entries):
        return refusal
    for each in new:
        made = _linked(each, entries)
        if isinstance(made, Result):
            return made
        entries.append(made)
    added = entries[len(state.entries) :]
    last = added[-1].type if added else "observation"
    stage = given.stage or STAGE_OF.get(last, last)
    stages = [*state.stages, stage]
    hypotheses = _hypotheses(entries)
    tested = [each for each in hypotheses if each["status"] != "untested"]
    survived = [each for each in hypotheses if each["status"] == "supported"]
    data: Json = {
        "stage": stage,
        "stageHistoryLen": len(stages),
        "stageSequence": stages,
        "entries": entries,
        "entriesCount": len(entries),
        "entryCount": _counts(entries),
        "hypothesesCount": len(hypotheses),
        "hypotheses": hypotheses,
        "untestedHypotheses": _without(entries, "hypothesis", "prediction"),
        "incompleteExperiments": _without(entries, "experiment", "result"),
        "survivedHypotheses": [each["id"] for each in survived],
        "hypothesisSurvivalRate": share(len(survived), len(tested)) if tested else None,
        "entry": added[-1] if added else None,
    }
    warnings = []
    if given.step_number is not None and given.step_number != len(stages):
        warnings.append(f"step_number {given.step_number}: this is step {len(stages)}")
    if given.outcome and given.entry_type != "result":
        warnings.append("outcome is for entry_type result")
    gate = [f"an entry of type {kind}" for kind in NEEDED if kind not in _counts(entries)]
    if given.next_step_needed:
        gate.append("the next step: next_step_needed")
    if given.next_step_needed is False and gate:
        warnings.append("the inquiry is ended with steps left out")
    return Result(
        data=data,
        summary=f"{stage}: {plural(len(entries), 'entry')}; "
        f"{len(tested)} of {plural(len(hypotheses), 'hypothesis')} tested",
        warnings=warnings,
        gate=gate,
        following=None
        if stage == "iteration" or given.next_step_needed is False
        else Following(pattern="scientific_method", reason=_next(entries)),
        state=State(entries=entries, stages=stages),
    )


def _wanted(given: Input) -> list[NewEntry]:
    found = [
        NewEntry(type=name, text=getattr(given, name)) for name in TEXTS if getattr(given, name)
    ]
    if given.entry_type and given.entry_text:
        found.append(
            NewEntry(
                type=given.entry_type,
                text=given.entry_text,
                linked_to=given.link_to,
                outcome=given.outcome,
            )
        )
    elif given.entry_text:
        found.append(NewEntry(type="observation", text=given.entry_text, linked_to=given.link_to))
    elif given.entry_type:
        found.append(NewEntry(type=given.entry_type, text=""))
    return [*found, given.entry] if given.entry else found


def _linked(new: NewEntry, entries: Sequence[Entry]) -> Entry | Result:
    """The entry with its link, or why it is not taken."""
    if not new.text:
        return blocked("empty_entry", f"the {new.type} has no text", entry_type=new.type)
    known = {each.id: each for each in entries}
    wanted = STANDS_ON.get(new.type)
    link = new.linked_to
    if not link and wanted:
        link = next((each.id for each in reversed(entries) if each.type == wanted), "")
        if not link:
            return blocked(
                f"{new.type}_without_{wanted}",
                f"STOP: a {new.type} stands on a {wanted}, and there is none yet",
                entry_type=wanted,
            )
    if link and link not in known:
        return blocked("unknown_entry", f"there is no entry {link}", known=sorted(known))
    if link and wanted and known[link].type != wanted:
        return blocked(
            "wrong_link", f"a {new.type} stands on a {wanted}; {link} is {known[link].type}"
        )
    return Entry(
        id=f"E-{len(entries) + 1}",
        type=new.type,
        text=new.text,
        linked_to=link or None,
        outcome=(new.outcome or "inconclusive") if new.type == "result" else None,
    )


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in entries:
        counts[each.type] = counts.get(each.type, 0) + 1
    return dict(sorted(counts.items()))


def _without(entries: Sequence[Entry], kind: str, follower: str) -> list[str]:
    """Entries of a kind that no entry of the other kind stands on."""
    followed = {each.linked_to for each in entries if each.type == follower}
    return [
        f"[{each.id}] {each.text}"
        for each in entries
        if each.type == kind and each.id not in followed
    ]


def _hypotheses(entries: Sequence[Entry]) -> list[Json]:
    """Every hypothesis with what its results say."""
    parents = {each.id: each.linked_to for each in entries}
    kinds = {each.id: each.type for each in entries}
    outcomes: dict[str, list[str]] = {each.id: [] for each in entries if each.type == "hypothesis"}
    for each in entries:
        at: str | None = each.id if each.outcome else None
        while at is not None and kinds[at] != "hypothesis":
            at = parents[at]
        if at is not None and each.outcome:
            outcomes[at].append(each.outcome)
    return [
        {
            "id": each.id,
            "text": each.text,
            "status": _status(outcomes[each.id]),
            "results": outcomes[each.id],
        }
        for each in entries
        if each.type == "hypothesis"
    ]


def _status(outcomes: Sequence[str]) -> str:
    said = set(outcomes) - {"inconclusive"}
    if len(said) == 2:
        return "disputed"
    if said:
        return "supported" if "supports" in said else "refuted"
    return "inconclusive" if outcomes else "untested"


def _next(entries: Sequence[Entry]) -> str:
    have = _counts(entries)
    for kind in NEEDED:
        if kind not in have:
            return f"add {'an' if kind[0] in 'aeo' else 'a'} {kind}"
    return "analyse the results or begin another round"


PATTERN: Final = Pattern(name="scientific_method", input=Input, think=think, state=State)
