"""first_principles: what is only convention, what is true, and what can be rebuilt from that."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, seed, share
from aimux.think._fields import Json
from aimux.think._words import ALIKE, alike, keywords, mentions


@attrs.frozen(kw_only=True)
class Assumption:
    """What is taken for granted."""

    SHORT = "text"
    text: str
    status: Literal["fact", "convention", "unknown"] = "unknown"
    evidence: str = ""


@attrs.frozen(kw_only=True)
class Truth:
    """What is true whatever one is used to."""

    SHORT = "text"
    text: str
    id: Annotated[str, "T-n if not given"] = ""
    evidence: str = ""


@attrs.frozen(kw_only=True)
class Rebuilt:
    """What could be done by the truths alone."""

    SHORT = "text"
    text: str
    uses_truths: Annotated[Sequence[str], "ids T-n"] = ()


@attrs.frozen(kw_only=True)
class Input:
    """A problem, taken apart."""

    problem: Annotated[str, "the problem"] = ""
    assumptions: Annotated[Sequence[Assumption], "[{text, status, evidence}]"] = ()
    truths: Annotated[Sequence[Truth], "[{text, id, evidence}]"] = ()
    rebuilt_options: Annotated[Sequence[Rebuilt], "[{text, uses_truths}]"] = ()


def think(given: Input) -> Result:
    """Share of conventions, truths without evidence, options that stand on no truth."""
    if not given.problem and not given.assumptions:
        return Result(missing=["problem", "assumptions"], summary="a problem is needed")
    ids = [each.id or f"T-{at}" for at, each in enumerate(given.truths, 1)]
    conventions = [each.text for each in given.assumptions if each.status == "convention"]
    unknown = [each.text for each in given.assumptions if each.status == "unknown"]
    bare = [each.text for each in given.assumptions if each.status == "fact" and not each.evidence]
    unproven = [name for name, each in zip(ids, given.truths, strict=True) if not each.evidence]
    rows = [_option(each, ids, unproven, conventions) for each in given.rebuilt_options]
    ungrounded = [row["text"] for row in rows if not row["grounded"]]
    used = {name for each in given.rebuilt_options for name in each.uses_truths}
    said = " ".join(
        [*(each.text for each in given.assumptions), *(each.text for each in given.truths)]
    )
    slots = {
        "assumptions": "what is taken for granted here?",
        "truths": "what stays true without that?",
        "rebuilt_options": "what can be built from the truths alone?",
    }
    empty = [name for name in slots if not getattr(given, name)]
    technique: Json = {
        "conventionShare": share(len(conventions), len(given.assumptions)),
        "conventions": conventions,
        "unknownAssumptions": unknown,
        "factsWithoutEvidence": bare,
        "truths": [
            {"id": name, "text": each.text} for name, each in zip(ids, given.truths, strict=True)
        ],
        "truthsWithoutEvidence": unproven,
        "unusedTruths": [name for name in ids if name not in used],
        "options": rows,
        "ungroundedOptions": ungrounded,
        "uncoveredTerms": [word for word in keywords(given.problem) if not mentions(said, word)],
        "seeds": [seed(slots[name], slot=name) for name in empty],
    }
    gate = [f"{name}: {slots[name]}" for name in empty]
    gate += [f"evidence for {name}" for name in unproven]
    gate += [f"a truth under: {text}" for text in ungrounded]
    return Result(
        data={"technique": technique},
        summary=f"{len(conventions)} of {plural(len(given.assumptions), 'assumption')} only "
        f"convention; {len(rows) - len(ungrounded)} of {plural(len(rows), 'option')} grounded",
        missing=["assumptions"] if len(empty) == len(slots) else [],
        gate=gate,
        following=Following(
            pattern="decision_framework",
            reason="choose between what was rebuilt",
            fields={
                "decision": given.problem,
                "options": [each.text for each in given.rebuilt_options],
            },
        )
        if rows
        else None,
    )


def _option(
    option: Rebuilt, ids: Sequence[str], unproven: Sequence[str], conventions: Sequence[str]
) -> Json:
    known = [name for name in option.uses_truths if name in ids]
    return {
        "text": option.text,
        "grounded": bool(known),
        "unknownTruths": [name for name in option.uses_truths if name not in ids],
        "restatesConvention": any(alike(option.text, each) >= ALIKE for each in conventions),
        "restsOnUnproven": [name for name in known if name in unproven],
    }


PATTERN: Final = Pattern(name="first_principles", input=Input, think=think)
