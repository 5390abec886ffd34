"""What reasoning under watch is given, and what it keeps."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from ._fields import Share

Severity = Literal["critical", "major", "minor"]


@attrs.frozen(kw_only=True)
class Evidence:
    """Something a work product rests on."""

    SHORT = "summary"
    summary: str
    kind: Annotated[str, "such as file, command, url"] = ""
    ref: Annotated[str, "where it can be seen"] = ""
    verification_status: Annotated[str, "verified, inferred, stale, blocked or unknown"] = "unknown"


@attrs.frozen(kw_only=True)
class Entry:
    """A line of the ledger."""

    SHORT = "text"
    text: str
    kind: Literal["known", "unknown", "assumption", "conflict", "checkable", "blocked"] = "known"
    resolves: Annotated[str, "the text of a conflict or unknown that this settles"] = ""


@attrs.frozen(kw_only=True)
class Resolution:
    """What settles an objection."""

    id: str
    how: str


@attrs.frozen(kw_only=True)
class NewObjection:
    """An objection of the caller's own."""

    SHORT = "text"
    text: str
    severity: Severity = "minor"


@attrs.frozen(kw_only=True)
class Objection:
    """An objection that is kept, with what settled it."""

    id: str
    text: str
    severity: str
    resolved: str = ""


@attrs.frozen(kw_only=True)
class Move:
    """A move that was made."""

    pattern: str
    work_product: str
    gate: str
    confidence: float | None = None


@attrs.frozen(kw_only=True)
class Watch:
    """The whole of it, as it is kept."""

    task: str = ""
    goal: str = ""
    context_summary: str = ""
    success_signal: str = ""
    phase: str = "frame"
    moves: Sequence[Move] = ()
    evidence: Sequence[Evidence] = ()
    ledger: Sequence[Entry] = ()
    objections: Sequence[Objection] = ()
    idle: int = 0
    decision: str = "continue"


@attrs.frozen(kw_only=True)
class Start:
    """What it is about."""

    task: str
    context_summary: Annotated[str, "what is known and given"]
    goal: Annotated[str, "what is wanted"] = ""
    success_signal: Annotated[str, "how one sees that it is reached"] = ""


@attrs.frozen(kw_only=True)
class StepInput:
    """A move and what it produced."""

    chosen_move: Annotated[str, "a pattern"]
    work_product: Annotated[str, "what it led to, in your words"] = ""
    evidence: Annotated[Sequence[Evidence], "[{kind, ref, summary, verification_status}]"] = ()
    confidence: Annotated[Share | None, "0 to 1"] = None
    move_input: Annotated[Mapping[str, object], "the fields the pattern was given"] = attrs.field(
        factory=dict
    )
    ledger: Annotated[Sequence[Entry], "[{text, kind, resolves}]"] = ()
    objections: Annotated[Sequence[NewObjection], "your own: [{text, severity}]"] = ()
    resolve_objections: Annotated[Sequence[Resolution], "[{id, how}]"] = ()
    execute: Annotated[bool, "false: say what it would come to, keep nothing"] = True


@attrs.frozen(kw_only=True)
class Finalize:
    """The answer."""

    proposed_answer: str = ""
    force_finalize: Annotated[bool, "pass with what is missing told; never with critical ones"] = (
        False
    )


WATCH_INPUTS: Final[Mapping[str, type]] = {"start": Start, "step": StepInput, "finalize": Finalize}
