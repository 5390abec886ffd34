"""Where a client works that says so: its roots, for a call that does not name a directory.

A handshake client is asked in the course of the call, a modern one by the call's result: the call
is repeated with the answer, and only then is anything begun.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Warned
from aimux.protocol import read_roots

from ._calls import InputRequired, Reach, ToolCall

METHOD: Final = "roots/list"
_KEY: Final = "roots"
_STATE: Final[Mapping[str, object]] = {"asked": "roots"}
UNTOLD: Final = Warned(
    code="roots_unanswered",
    message="the client declares roots and did not tell them: where it was started counts",
)


@attrs.frozen
class KnownRoots:
    """What a client said of its roots, as far as it was asked."""

    paths: Sequence[str] = ()
    warnings: Sequence[Warned] = ()


def is_answer(call: ToolCall) -> bool:
    """Whether the call repeats one that ended with the question for roots."""
    return call.state is not None and call.state.get("asked") == _STATE["asked"]


def asks_first(call: ToolCall) -> bool:
    """Whether the call ends with the question for roots before anything is begun."""
    if (call.state is not None and not is_answer(call)) or not _needs_roots(call):
        return False
    return call.caller.roots_reach is Reach.BY_RESULT and _answer_of(call) is None


def _answer_of(call: ToolCall) -> list[str] | None:
    """The roots that a repeated call brings; None if it brings none that can be read."""
    return read_roots(call.responses.get(_KEY)) if is_answer(call) else None


def _needs_roots(call: ToolCall) -> bool:
    return not call.arguments.get("cwd") and not call.arguments.get("session_id")


async def roots_of(call: ToolCall) -> KnownRoots | InputRequired:
    """The roots of whoever calls, where they matter, or the question for them.

    Cancelling it takes the question back.
    """
    if not _needs_roots(call):
        return KnownRoots()
    match call.caller.roots_reach:
        case Reach.NOBODY:
            return KnownRoots()
        case Reach.BY_REQUEST:
            paths = read_roots(await call.caller.roots())
            return KnownRoots(warnings=[UNTOLD]) if paths is None else KnownRoots(paths)
        case Reach.BY_RESULT:
            paths = _answer_of(call)
            if paths is None:  # not asked yet, or no answer came
                return InputRequired(requests={_KEY: {"method": METHOD}}, state=_STATE)
            return KnownRoots(paths)
