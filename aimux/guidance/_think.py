"""What to do after a step of thinking."""

from collections.abc import Mapping
from typing import Final

Json = Mapping[str, object]

_LOOKS: Final = ("list", "get", "delete")  # actions that take no step


def guide_think(payload: Json) -> dict[str, object]:
    """Guidance for `think`: the step that is missing, the session, the pattern that fits next."""
    found = payload.get("data")
    data: Json = found if isinstance(found, Mapping) else {}
    if data.get("action") in _LOOKS:
        return _guide_look(data)
    name = data.get("technique") or data.get("pattern")
    session_id = payload.get("session_id")
    following: list[dict[str, object]] = []
    if session_id and data.get("pattern"):
        same = {"pattern": name, "session_id": session_id}
        following.append(_call(same, "look at the steps so far and at what is still open"))
    moves = data.get("recommended_moves")
    if isinstance(moves, list) and session_id:
        following = [
            _call(
                {"action": "step", "session_id": session_id, "chosen_move": each["move"]},
                each["for"],
            )
            for each in moves
        ]
    following += thinks_on(data)
    advice = data.get("advisor")
    if isinstance(advice, Mapping) and advice.get("action") == "switch":
        arguments = {"pattern": advice["target"], "session_id": session_id}
        following.insert(0, _call(arguments, advice["reason"]))
    return {"state": _state(payload, data), "next": following, "do_not": _do_not(data, session_id)}


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
    return {"tool": "think", "arguments": arguments, "when": when}


def _state(payload: Json, data: Json) -> str:
    if data.get("status", "ok") != "ok":
        return str(data["status"])
    gate = data.get("gate")
    is_done = isinstance(gate, Mapping) and gate["status"] == "complete"
    if is_done or not payload.get("session_id") or not data.get("step"):
        return "complete"
    return "session_started" if data["step"] == 1 else f"step_{data['step']}"


def _do_not(data: Json, session_id: object) -> list[str]:
    match data.get("status"):
        case "needs_input":
            return ["do not take suggestions for findings: fill the fields in data.needs yourself"]
        case "blocked":
            return ["do not send the same step again: what it stands on is missing"]
    if session_id:
        return ["do not leave session_id out of the next step: it would begin anew"]
    return []
