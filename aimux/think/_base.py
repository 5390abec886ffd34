"""What a pattern is: an input class, a function over it, and the result that it computes.

A pattern that keeps a session has a state class too; its function takes the state and its result
brings the next one. Nothing here reads a clock, a file or another pattern.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from ._fields import Json

MAX_ENTRIES: Final = 500  # of one session, in each of its lists
PAIRS: Final = 120  # items that are compared with each other; more would take too long


@attrs.frozen(kw_only=True)
class Following:
    """The pattern that makes sense next, why, and what is known of its fields."""

    pattern: str
    reason: str
    fields: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Blocked:
    """Why a step was not taken: a code, the reason, and the fields that would be taken."""

    code: str
    message: str
    fields: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Result:
    """What a pattern computed.

    `missing` are fields without which there is nothing to compute; what `data` holds then are
    seeds, each with its `source`. `gate` lists what is still to be done before one may stop.
    """

    data: Json = attrs.field(factory=dict)
    summary: str = ""
    warnings: Sequence[str] = ()
    missing: Sequence[str] = ()
    blocked: Blocked | None = None
    gate: Sequence[str] = ()
    following: Following | None = None
    state: object = None


@attrs.frozen(kw_only=True)
class Pattern:
    """One way to think. `state` is None for one that keeps no session."""

    name: str
    input: type
    think: Callable[..., Result]
    state: type | None = None


def blocked(code: str, message: str, **fields: object) -> Result:
    """A step that is not taken; the session stays as it was."""
    return Result(blocked=Blocked(code=code, message=message, fields=fields), summary=message)


def seed(text: str, source: str = "template", **more: object) -> Json:
    """Something to begin with, made of the prompt or a template; it is no finding."""
    return {"text": text, "source": source, **more}


def rounded(value: float, digits: int = 4) -> float:
    """Rounded half away from zero."""
    scale = 10.0**digits
    whole = int(abs(value) * scale + 0.5)
    return (whole if value >= 0 else -whole) / scale


def share(part: float, whole: float) -> float:
    """A part of a whole; 0 of nothing."""
    return rounded(part / whole) if whole else 0.0


def as_list(value: object) -> list[object]:
    """A list as it is; empty for anything else."""
    return value if isinstance(value, list) else []


def diagram_name(name: str) -> str:
    """A name as diagrams take it."""
    return "".join(each if each.isalnum() else "_" for each in name)[:60] or "_"


def full(entries: Sequence[object]) -> Result | None:
    """The refusal of a session that holds as much as it may; None if there is space."""
    if len(entries) < MAX_ENTRIES:
        return None
    return blocked(
        "session_full", f"the session holds {MAX_ENTRIES} entries: begin another without session_id"
    )
