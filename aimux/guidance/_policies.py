"""What to do next, per tool: one policy a tool, each a function of the payload it guides.

Every `next` entry is a call that can be sent as it stands, with real ids. States are the job's own
words where there is a job, so that a caller never has to translate.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ._offers import wants_to_write
from ._think import guide_think

Json = Mapping[str, object]
Guidance = dict[str, object]

LONG_POLL_S: Final = 45  # below the 60 s at which most clients cut a call
RUN_OVER: Final = ("report", "assess")  # what follows the run of an investigation
_TALKS: Final = frozenset({"dialog"})  # whose sessions go on by the tool itself
_TOPIC_CHARS: Final = 2_000  # of a debate's topic in a call that follows it
REVIEW_LANDED: Final = "Review the changes in the working tree that are not committed."
_CHANGE_COURSE: Final = {
    "auth": "log in to the CLI in a terminal, then send the call again",
    "quota": "wait for the quota to reset, or name another cli or model",
    "model_unavailable": "leave model out so that the CLI's own default is used, or name another",
    "usage": "do what the hint of the error says, or name another cli; `aimux profile test {cli}`"
    " shows what the installed version takes",
}


def _call(tool: str, **arguments: object) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments}


def _guidance(state: str, following: list[dict[str, object]], do_not: list[str]) -> Guidance:
    return {"state": state, "next": following, "do_not": do_not}


def _error_of(payload: Json) -> Json:
    error = payload.get("error")
    return error if isinstance(error, Mapping) else {}


def _landed(payload: Json) -> bool | None:
    """Whether a change of files landed; None where none was to be landed."""
    data = payload.get("data")
    if not isinstance(data, Mapping) or payload["session_id"] is not None:
        return None  # a job with a session is a CLI's own, and its data may say anything
    found = data.get("landed")
    return found if isinstance(found, bool) else None


def guide_job(payload: Json, tool: str = "exec") -> Guidance:
    """Guidance for a result of design section 6; `tool` is the one that made the job.

    The run of an investigation leads back to it.
    """
    guidance = _by_status(payload, tool)
    data = payload.get("data")
    # a job with a session is a CLI's own, and its data may say anything
    if isinstance(data, Mapping) and payload["session_id"] is None:
        inv = data.get("investigation_id")
        if isinstance(inv, str) and inv.startswith("inv_"):
            steps = [_call("investigate", action=each, session_id=inv) for each in RUN_OVER]
            guidance["next"] = [*steps, *_listed(guidance["next"])]
    return guidance


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _by_status(payload: Json, tool: str) -> Guidance:
    status, job_id, session_id = payload["status"], payload["job_id"], payload["session_id"]
    rest: list[dict[str, object]] = []
    if payload.get("truncated") and payload.get("next_offset") is not None:
        rest = [_call("status", job_id=job_id, offset=payload["next_offset"])]
    match status:
        case "queued" | "running":
            return _guidance(
                str(status),
                [
                    _call("status", job_id=job_id, wait_seconds=LONG_POLL_S),
                    _call("sessions", action="cancel", job_id=job_id),
                ],
                ["do not send the same prompt again: this job is still at work"],
            )
        case "completed":
            following = _going_on(payload, tool) if session_id else _after(payload, tool)
            if _landed(payload):
                following = [_call("exec", role="codereview", prompt=REVIEW_LANDED)]
            return _guidance("completed", [*rest, *following], [])
        case "partial" if _landed(payload) is False:
            return _guidance(
                "partial",
                [*rest, _call("status", job_id=job_id, turn=1)],
                ["do not say that anything was changed: nothing landed, the diff is in data.diff"],
            )
        case "partial":
            again = _going_on(payload, tool) if session_id and tool in _TALKS else []
            return _guidance(
                "partial",
                [*rest, *again, _call("status", job_id=job_id, include_content=True)],
                ["do not take this for a complete answer: see error"],
            )
        case _:
            error = _error_of(payload)
            failure = str(error.get("class", ""))
            do_not = [] if error.get("retryable") else ["do not repeat the same call unchanged"]
            if failure in _CHANGE_COURSE:
                cli = str(payload.get("cli") or "CLI")
                do_not = [_CHANGE_COURSE[failure].replace("{cli}", cli)]
            look = _call("sessions", action="health")
            return _guidance(str(status), [*rest, look], do_not)


def _going_on(payload: Json, tool: str) -> list[dict[str, object]]:
    """How a conversation may go on. Who may only read and offers to write needs to be let."""
    session_id = payload["session_id"]
    if tool in _TALKS:
        data = payload.get("data")
        is_open = isinstance(data, Mapping) and bool(data.get("open_points"))
        what = "Settle what is still open." if is_open else "Work out its riskiest part in detail."
        return [
            _call(tool, session_id=session_id, prompt=what),
            _call("status", job_id=payload["job_id"], turn=1),
        ]
    follow = _call("exec", session_id=session_id, prompt="Continue.")
    if payload.get("mode") != "read" or not wants_to_write(str(payload.get("content") or "")):
        return [follow]
    write = _call("exec", session_id=session_id, prompt="Make these changes.", mode="write")
    return [write, follow]


def _after(payload: Json, tool: str) -> list[dict[str, object]]:
    """What a debate leads to: a plan, or a look at what was said.

    The plan is asked for in the caller's own words: what a judge recommends is no prompt.
    """
    data = payload.get("data")
    topic = data.get("topic") if isinstance(data, Mapping) else None
    if tool != "debate" or not isinstance(topic, str):
        return []
    plan = f"Write a plan that follows from settling this: {topic[:_TOPIC_CHARS]}"
    return [_call("dialog", prompt=plan), _call("status", job_id=payload["job_id"], turn=1)]


def guide_turn(payload: Json) -> Guidance:
    """Guidance for one turn of a job: the rest of its text, and the job it belongs to."""
    job_id, turn = payload["job_id"], payload["turn"]
    rest: list[dict[str, object]] = []
    if payload.get("truncated") and payload.get("next_offset") is not None:
        rest = [_call("status", job_id=job_id, turn=turn, offset=payload["next_offset"])]
    return _guidance(str(payload["status"]), [*rest, _call("status", job_id=job_id)], [])


def guide_sessions(payload: Json) -> Guidance:
    """Guidance for `sessions`, by what the action found."""
    following: list[dict[str, object]] = []
    action = str(payload.get("action", ""))
    cursor = payload.get("next_cursor")
    if cursor:
        session, filters = payload.get("session"), payload.get("filters")
        same = {"session_id": session["id"]} if isinstance(session, Mapping) else {}
        same |= dict(filters) if isinstance(filters, Mapping) else {}
        following.append(_call("sessions", action=action, **same, cursor=cursor))
    sessions = payload.get("sessions")
    if isinstance(sessions, list) and sessions:
        first = sessions[0]
        following.append(_call("sessions", action="info", session_id=first["id"]))
    if action == "health" and not payload.get("clis_ready"):
        return _guidance(
            "no_cli",
            following,
            ["do not call exec before a CLI is installed: see the remedy of each in `clis`"],
        )
    return _guidance(action, following, [])


_POLICIES: Final[Mapping[str, Callable[[Json], Guidance]]] = {
    "exec": guide_job,
    "audit": guide_job,
    "consensus": guide_job,
    "deepresearch": guide_job,
    "workflow": guide_job,
    "investigate": guide_job,  # of its run; the other actions have an envelope of their own
    "dialog": partial(guide_job, tool="dialog"),
    "debate": partial(guide_job, tool="debate"),
    "status": guide_job,
    "sessions": guide_sessions,
    "think": guide_think,
}


def guide(tool: str, payload: Json) -> Guidance:
    """The guidance of `tool` for `payload`. KeyError: a tool without a policy."""
    return _POLICIES[tool](payload)
