"""`think(action=list|get|delete)`: which sessions there are, and what one of them holds."""

from collections.abc import Mapping, Sequence
from typing import Final

from aimux.errors import InvalidArguments, PeerFault
from aimux.guidance import guide
from aimux.model import ThoughtId, ThoughtSession
from aimux.rules import cut

from ._calls import Payload, ToolCall
from ._context import ToolContext
from ._results import Json, stamp

PAGE: Final = 20
LIST: Final = "list"
GET: Final = "get"
DELETE: Final = "delete"
LOOKING: Final = frozenset({LIST, GET, DELETE})  # actions that take no step
_OF: Final = {
    LIST: frozenset({"action", "max_chars"}),
    GET: frozenset({"action", "max_chars", "session_id"}),
    DELETE: frozenset({"action", "session_id"}),
}
_PREFIX: Final = "thk_"


def is_thought(session_id: str) -> bool:
    """Whether an id is that of a session of thinking."""
    return session_id.startswith(_PREFIX)


def thought_json(session: ThoughtSession) -> Json:
    """A session of thinking as lists show it."""
    from aimux.think import HARNESS, overview  # patterns, only where somebody thinks

    told = overview(dict(session.body))
    return {
        "id": session.id,
        "kind": "think",
        "pattern": None if session.pattern == HARNESS else session.pattern,
        "patterns": list(told.patterns),
        "steps": told.steps,
        "summary": told.summary,
        "client": session.client or None,
        "created_at": stamp(session.created_at),
        "last_active_at": stamp(session.last_active_at),
    }


def whole_json(session: ThoughtSession) -> Json:
    """A session of thinking with the state of each pattern that was used in it."""
    return {**thought_json(session), "states": session.body.get("states", {})}


async def answer_looking(context: ToolContext, call: ToolCall, action: str) -> Payload:
    """Do one of these actions. Cancelling it leaves what was done.

    Raises:
        NotFound: no such session.
        InvalidArguments: `session_id` is missing.
        PeerFault: there are arguments that the action does not take.
    """
    given = {name: value for name, value in call.arguments.items() if value is not None}
    idle = sorted(given.keys() - _OF[action])
    if idle:
        raise PeerFault(
            f"{', '.join(idle)}: think(action={action}) takes no such argument",
            code="contradictory_arguments",
            hint=f"it takes {', '.join(sorted(_OF[action] - {'action'}))}",
        )
    store = context.engine.store
    if action == LIST:
        page = await store.thoughts(limit=PAGE)
        rows = [thought_json(each) for each in page.thoughts]
        shown: Json = {
            "sessions": rows,
            "count": len(rows),
            "total_sessions": page.total,
            "next_cursor": page.cursor,
        }
        return _payload(context, call, action, None, shown, _lines(rows, page.total))
    session_id = str(given.get("session_id") or "")
    if not session_id:
        raise InvalidArguments(
            f"think(action={action}) needs session_id",
            problems=[{"path": "session_id", "value": None, "expected": "a session_id, thk_…"}],
        )
    session = await store.thought(ThoughtId(session_id))
    if action == GET:
        found = whole_json(session)
        return _payload(context, call, action, session.id, {"session": found}, _line(found))
    await store.forget_thought(session.id)
    return _payload(
        context, call, action, session.id, {"deleted": session.id}, f"deleted {session.id}"
    )


def _lines(rows: Sequence[Mapping[str, object]], total: int) -> str:
    if not rows:
        return "no sessions of thinking"
    return "\n".join([f"{len(rows)} of {total}, the latest first:", *map(_line, rows)])


def _line(row: Mapping[str, object]) -> str:
    used = row["patterns"]
    assert isinstance(used, list)
    return f"- {row['id']}: {', '.join(used)}, steps: {row['steps']}; {row['summary']}"


def _payload(
    context: ToolContext,
    call: ToolCall,
    action: str,
    session_id: str | None,
    shown: Json,
    text: str,
) -> Payload:
    chars = call.arguments.get("max_chars")
    part = cut(text, chars if isinstance(chars, int) else context.settings.max_chars)
    body: Json = {
        "job_id": None,
        "session_id": session_id,
        "status": "completed",
        "role": None,
        "cli": None,
        "model": None,
        "mode": None,
        "content": part.text,
        "data": {"action": action, **shown},
        "content_length": part.total,
        "truncated": part.truncated,
        "usage": None,
        "duration_ms": None,
        "exit_code": None,
        "attempts": [],
        "warnings": [],
        "error": None,
    }
    return Payload({**body, "guidance": guide("think", body)})
