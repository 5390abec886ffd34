"""structured_argumentation: claims with what supports and attacks them, and which of them stand."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, blocked, full, rounded
from aimux.think._fields import Share
from aimux.think._words import shared

Kind = Literal["claim", "evidence", "rebuttal", "warrant", "backing", "qualifier"]
SLOTS: Final = ("evidence", "warrant", "backing", "qualifier", "rebuttal")  # of Toulmin


@attrs.frozen(kw_only=True)
class Argument:
    """One argument of the map."""

    id: str
    type: str
    text: str
    supports_claim_id: str | None = None
    quality: float = 1.0


@attrs.frozen(kw_only=True)
class State:
    """The map."""

    topic: str = ""
    arguments: Sequence[Argument] = ()


@attrs.frozen(kw_only=True)
class NewArgument:
    """An argument in one piece."""

    type: Kind
    text: str
    supports_claim_id: Annotated[str, "id of what it supports, explains or attacks"] = ""
    quality: Annotated[Share, "how good it is, 1 if not given"] = 1.0


@attrs.frozen(kw_only=True)
class Input:
    """The topic, and arguments to be added."""

    topic: Annotated[str, "what is argued about"] = ""
    argument_type: Annotated[Kind | None, "kind of argument_text"] = None
    argument_text: Annotated[str, "one argument"] = ""
    supports_claim_id: Annotated[str, "A-n it supports, explains or attacks"] = ""
    quality: Annotated[Share, "how good the evidence is, 0 to 1"] = 1.0
    argument: Annotated[NewArgument | None, "the same in one piece"] = None
    arguments: Annotated[Sequence[NewArgument], "several at once, in order"] = ()


def think(given: Input, state: State) -> Result:
    """Strength and standing of each claim; what is unsupported, unattached or beside the topic."""
    topic = given.topic or state.topic
    new = _new(given)
    warnings: list[str] = []
    if given.argument_text and given.argument_type is None:
        warnings.append("argument_type not given: taken as a claim")
    if not topic and not new:
        return Result(missing=["topic"], summary="a topic is needed")
    arguments = list(state.arguments)
    for each in new:
        if refusal := full(arguments):
            return refusal
        made = _checked(each, arguments)
        if isinstance(made, Result):
            return made
        arguments.append(made)
    if not arguments:
        return Result(
            missing=["argument_type", "argument_text"],
            summary="no argument yet: begin with a claim",
            state=State(topic=topic),
        )
    claims = [each for each in arguments if each.type == "claim"]
    standing = grounded(arguments)
    strengths = {each.id: _strength(each.id, arguments, standing) for each in claims}
    unsupported = [each for each in claims if not _with(each.id, "evidence", arguments)]
    loose = [each.id for each in arguments if each.type != "claim" and not each.supports_claim_id]
    if loose:
        warnings.append(f"attached to nothing, so without effect: {', '.join(loose)}")
    count = {
        kind: sum(each.type == kind for each in arguments)
        for kind in ("claim", "evidence", "rebuttal", "warrant", "backing", "qualifier")
    }
    accepted = [each.id for each in claims if standing[each.id] == "accepted"]
    return Result(
        data={
            "arguments": arguments,
            "argumentCount": count,
            "claimCount": count["claim"],
            "evidenceCount": count["evidence"],
            "rebuttalCount": count["rebuttal"],
            "unsupportedClaims": [{"id": each.id, "text": each.text} for each in unsupported],
            "claimStrengths": strengths,
            "status": standing,
            "missingSlots": {
                each.id: [slot for slot in SLOTS if not _with(each.id, slot, arguments)]
                for each in claims
            },
            "unattached": loose,
            "besideTopic": [each.id for each in claims if topic and not shared(topic, each.text)],
        },
        summary=f"{plural(len(claims), 'claim')}: {len(accepted)} stand, "
        f"{len(unsupported)} without evidence",
        warnings=warnings,
        gate=[f"evidence for {each.id}" for each in unsupported]
        + ([] if claims else ["at least one claim"]),
        following=Following(
            pattern="decision_framework",
            reason="decide by the claims that stand",
            fields={"decision": topic},
        )
        if accepted
        else None,
        state=State(topic=topic, arguments=arguments),
    )


def _new(given: Input) -> list[NewArgument]:
    found = list(given.arguments) + ([given.argument] if given.argument else [])
    if given.argument_text:
        found.append(
            NewArgument(
                type=given.argument_type or "claim",
                text=given.argument_text,
                supports_claim_id=given.supports_claim_id,
                quality=given.quality,
            )
        )
    return found


def _checked(new: NewArgument, before: Sequence[Argument]) -> Argument | Result:
    known = {each.id: each for each in before}
    target = new.supports_claim_id
    if target and target not in known:
        return blocked("unknown_argument", f"there is no argument {target}", known=sorted(known))
    if target and new.type not in ("rebuttal", "claim") and known[target].type != "claim":
        return blocked(
            "not_a_claim",
            f"{new.type} belongs to a claim; {target} is {known[target].type}",
            known=[each.id for each in before if each.type == "claim"],
        )
    return Argument(
        id=f"A-{len(before) + 1}",
        type=new.type,
        text=new.text,
        supports_claim_id=target or None,
        quality=new.quality,
    )


def _with(claim: str, kind: str, arguments: Sequence[Argument]) -> list[Argument]:
    return [each for each in arguments if each.type == kind and each.supports_claim_id == claim]


def _strength(claim: str, arguments: Sequence[Argument], standing: Mapping[str, str]) -> float:
    """Evidence by quality against rebuttals that stand; 0 without evidence."""
    pro = sum(each.quality for each in _with(claim, "evidence", arguments))
    con = sum(
        each.quality
        for each in _with(claim, "rebuttal", arguments)
        if standing[each.id] != "defeated"
    )
    return rounded(pro / (pro + con)) if pro else 0.0


def grounded(arguments: Sequence[Argument]) -> Mapping[str, str]:
    """Which arguments are accepted and which defeated: rebuttals attack what they are aimed at.

    One is accepted if all that attack it are defeated, and defeated if one that attacks it is
    accepted (the grounded extension). Targets are older, so one pass from the newest settles all.
    """
    standing: dict[str, str] = {}
    hit: set[str | None] = set()  # what an accepted rebuttal is aimed at
    for each in reversed(arguments):
        standing[each.id] = "defeated" if each.id in hit else "accepted"
        if each.type == "rebuttal" and each.id not in hit:
            hit.add(each.supports_claim_id)
    return {each.id: standing[each.id] for each in arguments}


PATTERN: Final = Pattern(name="structured_argumentation", input=Input, think=think, state=State)
