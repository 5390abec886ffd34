"""sequential_thinking: a chain of thoughts with revisions and branches, checked as it grows."""

from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.think._base import Following, Pattern, Result, blocked, full, rounded
from aimux.think._fields import Count, Json
from aimux.think._words import SAME, first_words, is_negated, jaccard

CONTRADICTS: Final = 0.6  # as similar as a denial of the same sentence is
WEAK_REVISION: Final = 0.15
ANY: Final = 0.33  # up to here a chain begins
END: Final = 0.67


@attrs.frozen(kw_only=True)
class Thought:
    """One link of the chain."""

    number: int
    text: str
    is_revision: bool = False
    revises: int | None = None
    branch_from: int | None = None
    branch: str = ""
    contradicts: int | None = None


@attrs.frozen(kw_only=True)
class State:
    """The chain so far."""

    thoughts: Sequence[Thought] = ()


@attrs.frozen(kw_only=True)
class Input:
    """The next thought."""

    thought: Annotated[str, "this step, in a sentence or more"] = ""
    thought_number: Annotated[Count | None, "its number; the next one if not given"] = None
    step_number: Annotated[Count | None, "the same"] = None
    total_thoughts: Annotated[Count | None, "how many there will be, as far as is known"] = None
    next_thought_needed: Annotated[bool | None, "false when this is the conclusion"] = None
    is_revision: Annotated[bool, "it replaces an earlier one"] = False
    revises_thought: Annotated[Count | None, "the number of the one it replaces"] = None
    branch_from_thought: Annotated[Count | None, "the number of the one it branches from"] = None
    branch_id: Annotated[str, "the branch's name"] = ""


def think(given: Input, state: State) -> Result:
    """The chain with the new thought: stage, repetition, contradiction, branches, path."""
    if not given.thought:
        return Result(missing=["thought"], summary="a thought is needed")
    if refusal := full(state.thoughts) or _unknown(given, state):
        return refusal
    number = given.thought_number or given.step_number or len(state.thoughts) + 1
    total = given.total_thoughts or max(number, 1)
    warnings = []
    if number > total:
        warnings.append(f"thought {number} of {total}: taken as {number} of {number}")
        total = number
    if given.thought_number and given.step_number and given.thought_number != given.step_number:
        warnings.append("thoughtNumber and step_number differ: thoughtNumber counts")
    twin, similarity = _most_similar(given.thought, state.thoughts)
    negates = twin is not None and is_negated(given.thought) != is_negated(twin.text)
    contradicts = twin if negates and similarity > CONTRADICTS else None
    thought = Thought(
        number=number,
        text=given.thought,
        is_revision=given.is_revision or given.revises_thought is not None,
        revises=_revised(given, state),
        branch_from=given.branch_from_thought,
        branch=given.branch_id,
        contradicts=contradicts.number if contradicts else None,
    )
    thoughts = [*state.thoughts, thought]
    stage = stage_of(number, total)
    data: Json = {
        "thoughtEntry": thought,
        "totalInSession": len(thoughts),
        "totalThoughts": total,
        "stage": stage,
        "contradictionDetected": contradicts is not None,
        "contradictsWith": contradicts.number if contradicts else None,
        "similarity": rounded(similarity),
        "nextThoughtNeeded": _goes_on(given, stage),
        **_branches(thoughts),
        **_revision(thought, state.thoughts),
        "chain": _chain(thoughts),
    }
    if twin is not None and similarity >= SAME:
        data["duplicateWarning"] = (
            f"{round(similarity * 100)} % the same as thought {twin.number}: "
            f"{first_words(twin.text)}"
        )
    return Result(
        data=data,
        summary=f"thought {number} of {total} ({stage}): {first_words(given.thought)}"
        + (f"; contradicts thought {contradicts.number}" if contradicts else ""),
        warnings=warnings,
        gate=_open_ends(thoughts, is_going_on=_goes_on(given, stage)),
        following=_following(number, total, given.thought),
        state=State(thoughts=thoughts),
    )


def _revised(given: Input, state: State) -> int | None:
    """The thought that is replaced: the one before, if none is named."""
    if given.revises_thought is None and given.is_revision and state.thoughts:
        return state.thoughts[-1].number
    return given.revises_thought


def _unknown(given: Input, state: State) -> Result | None:
    known = {each.number for each in state.thoughts}
    for name, target in (
        ("revisesThought", given.revises_thought),
        ("branchFromThought", given.branch_from_thought),
    ):
        if target is not None and target not in known:
            return blocked(
                "unknown_thought",
                f"{name}: there is no thought {target} in this session",
                known=sorted(known),
            )
    return None


def stage_of(number: int, total: int) -> str:
    """Where in the chain a thought stands: initial, middle or final."""
    if total <= 1:
        return "final"
    if number == 1:
        return "initial"
    ratio = number / total
    if number == total or total == 2 or ratio >= END:
        return "final"
    return "initial" if ratio <= ANY else "middle"


def _goes_on(given: Input, stage: str) -> bool:
    if given.next_thought_needed is not None:
        return given.next_thought_needed
    return stage != "final" or given.total_thoughts is None


def _most_similar(text: str, thoughts: Sequence[Thought]) -> tuple[Thought | None, float]:
    best: Thought | None = None
    most = 0.0
    for each in thoughts:
        similarity = jaccard(text, each.text)
        if similarity > most:
            best, most = each, similarity
    return best, most


def _branches(thoughts: Sequence[Thought]) -> Json:
    branches: dict[str, list[int]] = {}
    for each in thoughts:
        if each.branch or each.branch_from is not None:
            branches.setdefault(each.branch or f"from-{each.branch_from}", []).append(each.number)
    return {"hasBranches": bool(branches), "branchCount": len(branches), "branches": branches}


def _revision(thought: Thought, before: Sequence[Thought]) -> Json:
    if not thought.is_revision:
        return {"revisionDelta": None, "weakRevision": False}
    original = next((each for each in reversed(before) if each.number == thought.revises), None)
    if original is None:
        return {"revisionDelta": None, "weakRevision": False}
    delta = rounded(1 - jaccard(original.text, thought.text))
    return {"revisionDelta": delta, "weakRevision": delta < WEAK_REVISION}


def _chain(thoughts: Sequence[Thought]) -> Json:
    """Which thought stands on which, the way to the last one, and what is still contradicted."""
    parents: dict[int, int | None] = {}
    last: dict[str, int] = {}  # branch -> its last thought
    for each in thoughts:
        parent = each.branch_from if each.branch_from is not None else last.get(each.branch)
        if each.revises is not None:
            parent = parents.get(each.revises)
        parents[each.number] = parent if parent != each.number else None
        last[each.branch] = each.number
    numbers = sorted({each.number for each in thoughts})
    path, seen = list[int](), set[int]()
    at_number: int | None = thoughts[-1].number
    while at_number is not None and at_number not in seen:
        seen.add(at_number)
        path.append(at_number)
        at_number = parents.get(at_number)
    revised = {each.revises for each in thoughts}
    return {
        "nodes": [{"number": number, "parent": parents[number]} for number in numbers],
        "currentPath": path[::-1],
        "unresolvedContradictions": _contradictions(thoughts, revised),
    }


def _contradictions(thoughts: Sequence[Thought], revised: set[int | None]) -> list[Json]:
    return [
        {"thought": each.number, "contradicts": each.contradicts}
        for each in thoughts
        if each.contradicts is not None
        and each.number not in revised
        and each.contradicts not in revised
        and each.revises != each.contradicts
    ]


def _open_ends(thoughts: Sequence[Thought], *, is_going_on: bool) -> list[str]:
    found = ["a conclusion: nextThoughtNeeded=false"] if is_going_on else []
    revised = {each.revises for each in thoughts}
    found += [
        f"thoughts {each['contradicts']} and {each['thought']} contradict each other: revise one"
        for each in _contradictions(thoughts, revised)
    ]
    return found


def _following(number: int, total: int, text: str) -> Following | None:
    if number == 1 and total > 1:
        return Following(
            pattern="mental_model", reason="see it through a model", fields={"problem": text}
        )
    if number == total and total > 1:
        return Following(
            pattern="decision_framework", reason="the chain has ended", fields={"decision": text}
        )
    return None


PATTERN: Final = Pattern(name="sequential_thinking", input=Input, think=think, state=State)
