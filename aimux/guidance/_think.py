"""What to do after a step of thinking."""

from collections.abc import Mapping
from typing import Final

from ._calls import Guidance, Json, call, guidance

ASKING_CHARS: Final = 8_000  # of the fields of a call that is repeated

_LOOKS: Final = ("list", "get", "delete")  # actions that take no step


def guide_think(payload: Json, *, asking: Json | None = None) -> Guidance:
    """Guidance for `think`: the step that is missing, the session, the pattern that fits next.

    `asking` are the arguments with which CLIs would be asked about the same; None if none may be.
    """
    found = payload.get("data")
    data: Json = found if isinstance(found, Mapping) else {}
    if data.get("action") in _LOOKS:
        return _guide_look(data)
    name = data.get("technique") or data.get("pattern")
    session_id = payload.get("session_id")
    following: list[dict[str, object]] = []
    is_step = bool(session_id and data.get("pattern"))
    same = {"pattern": name, "session_id": session_id}
    if is_step and data.get("status", "ok") != "needs_input":
        following.append(_call(same, "look at the steps so far and at what is still open"))
    following += _moves(data)
    following += thinks_on(data)
    advice = data.get("advisor")
    if isinstance(advice, Mapping) and advice.get("action") == "switch":
        arguments = {"pattern": advice["target"], "session_id": session_id}
        following.insert(0, _call(arguments, advice["reason"]))
    if asking is not None and len(repr(asking)) <= ASKING_CHARS:
        needs = data.get("status") == "needs_input"
        when = "CLIs shall say what is missing" if needs else "what CLIs hold of it is wanted too"
        following.insert(0 if needs else len(following), _call(asking, when))
    return guidance(_state(payload, data), following, _do_not(data, session_id))


def _moves(data: Json) -> list[dict[str, object]]:
    """The moves of reasoning under watch that fit next: each first tells what it takes.

    A step without its work product would be held against the reasoning, so none is offered.
    """
    moves, inner = data.get("recommended_moves"), data.get("data")
    trace = inner.get("trace_summary") if isinstance(inner, Mapping) else None
    task = trace.get("task") if isinstance(trace, Mapping) else None
    if not isinstance(moves, list) or not isinstance(task, str) or len(task) > ASKING_CHARS:
        return []
    return [_call({"pattern": each["move"], "prompt": task}, each["for"]) for each in moves]


def thinks_on(data: Json) -> list[dict[str, object]]:
    """The call of the pattern that fits next, if the data of a step names one."""
    suggested = data.get("suggested_next")
    if not isinstance(suggested, Mapping):
        return []
    return [_call(suggested["arguments"], suggested["reason"])]


def _guide_look(data: Json) -> dict[str, object]:
    """Of `think(action=list|get|delete)`: the next page, one of them, going on with it."""
    following: list[dict[str, object]] = []
    sessions, session = data.get("sessions"), data.get("session")
    if data.get("next_cursor"):
        page = {"action": "list", "kind": "think", "cursor": data["next_cursor"]}
        when = "the next page is wanted"
        following.append({"tool": "sessions", "arguments": page, "when": when})
    if isinstance(sessions, list) and sessions:
        first = {"action": "get", "session_id": sessions[0]["id"]}
        following.append(_call(first, "the steps of the latest one are wanted"))
    if isinstance(session, Mapping):
        own = {"session_id": session["id"]}
        if session["pattern"]:
            on = {"pattern": session["pattern"], **own}
            following.append(_call(on, "it shall be gone on with"))
        following.append(_call({"action": "delete", **own}, "it is not needed any more"))
    if data.get("deleted"):
        following.append(_call({"action": "list"}, "those that are left are wanted"))
    return {"state": str(data["action"]), "next": following, "do_not": []}


def _call(arguments: object, when: object) -> dict[str, object]:
    assert isinstance(arguments, Mapping)
    return call("think", str(when), **arguments)


def _state(payload: Json, data: Json) -> str:
    if data.get("status", "ok") != "ok":
        return str(data["status"])
    gate = data.get("gate")
    is_done = isinstance(gate, Mapping) and gate["status"] == "complete"
    if is_done or not payload.get("session_id"):
        return "complete"
    step = data.get("step") or 0
    is_first = step == (0 if data.get("action") else 1)  # a start under watch takes none
    return "session_started" if is_first else f"step_{step}"


def _do_not(data: Json, session_id: object) -> list[str]:
    match data.get("status"):
        case "needs_input":
            return ["do not take suggestions for findings: fill the fields in data.needs yourself"]
        case "blocked":
            return ["do not send the same step again: what it stands on is missing"]
    if data.get("recommended_moves"):
        return ["do not send a step without work_product: it would count against the reasoning"]
    if session_id:
        return ["do not leave session_id out of the next step: it would begin anew"]
    return []
