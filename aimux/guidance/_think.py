"""What to do after a step of thinking."""

from collections.abc import Mapping

Json = Mapping[str, object]


def guide_think(payload: Json) -> dict[str, object]:
    """Guidance for `think`: the step that is missing, the session, the pattern that fits next."""
    found = payload.get("data")
    data: Json = found if isinstance(found, Mapping) else {}
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
