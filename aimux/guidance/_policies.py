"""What to do next, per tool: one policy a tool, each a function of the payload it guides.

Every `next` entry is a call that can be sent as it stands, with real ids. States are the job's own
words where there is a job, so that a caller never has to translate.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ._calls import call
from ._offers import wants_to_write
from ._seats import after_seats
from ._think import guide_think, thinks_on

Json = Mapping[str, object]
Guidance = dict[str, object]

LONG_POLL_S: Final = 45  # below the 60 s at which most clients cut a call
TALKS: Final = frozenset({"dialog"})  # whose sessions go on by the tool itself
PLAN_CHARS: Final = 8_000  # of the arguments of a call that is repeated
OPEN: Final = frozenset({"queued", "running"})
# what follows the run of an investigation
RUN_OVER: Final = {"report": "its findings are wanted", "assess": "it is to be seen what is open"}
REVIEW_LANDED: Final = "Review the changes in the working tree that are not committed."
_CHANGE_COURSE: Final = {
    "auth": "log in to the CLI in a terminal, then send the call again",
    "quota": "wait for the quota to reset, or name another cli or model",
    "model_unavailable": "leave model out so that the CLI's own default is used, or name another",
    "usage": "do what the hint of the error says, or name another cli; `aimux profile test {cli}`"
    " shows what the installed version takes",
}


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


def guide_job(payload: Json, tool: str = "exec", *, cwd: str = "") -> Guidance:
    """Guidance for a result of design section 6; `tool` is the one that made the job, in `cwd`.

    The run of an investigation leads back to it, thinking goes on with what fits next.
    """
    guidance = _by_status(payload, tool)
    following = _listed(guidance["next"])
    data = payload.get("data")
    # a job with a session is a CLI's own, and its data may say anything
    if isinstance(data, Mapping) and payload["session_id"] is None:
        inv = data.get("investigation_id")
        if isinstance(inv, str) and inv.startswith("inv_"):
            steps = [
                call("investigate", when, action=action, session_id=inv)
                for action, when in RUN_OVER.items()
            ]
            following = [*steps, *following]
        elif "consensus" in data:
            following = [*following, *thinks_on(data)]
        elif payload["status"] not in OPEN:
            following = [*after_seats(payload, data, tool, cwd), *following]
    guidance["next"] = following
    return guidance


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _by_status(payload: Json, tool: str) -> Guidance:
    status, job_id, session_id = payload["status"], payload["job_id"], payload["session_id"]
    rest: list[dict[str, object]] = []
    if payload.get("truncated") and payload.get("next_offset") is not None:
        offset = payload["next_offset"]
        rest = [call("status", "the rest of the content is wanted", job_id=job_id, offset=offset)]
    match status:
        case "queued" | "running":
            return _guidance(
                str(status),
                [
                    call(
                        "status",
                        "its end is waited for",
                        job_id=job_id,
                        wait_seconds=LONG_POLL_S,
                    ),
                    call("sessions", "it is not needed any more", action="cancel", job_id=job_id),
                ],
                ["do not send the same prompt again: this job is still at work"],
            )
        case "completed":
            following = _going_on(payload, tool) if session_id else []
            if _landed(payload):
                when = "what landed is to be looked at once more"
                following = [call("exec", when, role="codereview", prompt=REVIEW_LANDED)]
            return _guidance("completed", [*rest, *following], [])
        case "partial" if _landed(payload) is False:
            return _guidance(
                "partial",
                [*rest, call("status", "the driver's words are wanted", job_id=job_id, turn=1)],
                ["do not say that anything was changed: nothing landed, the diff is in data.diff"],
            )
        case "partial":
            whole = call(
                "status", "all that was said is wanted", job_id=job_id, include_content=True
            )
            following = _going_on(payload, tool) if session_id else []
            is_first = tool in {*TALKS, "agents"}
            following = [*following, whole] if is_first else [whole, *following]
            return _guidance(
                "partial",
                [*rest, *following],
                ["do not take this for a complete answer: see error"],
            )
        case _:
            error = _error_of(payload)
            failure = str(error.get("class", ""))
            do_not = [] if error.get("retryable") else ["do not repeat the same call unchanged"]
            if failure in _CHANGE_COURSE:
                cli = str(payload.get("cli") or "CLI")
                do_not = [_CHANGE_COURSE[failure].replace("{cli}", cli)]
            following = [
                call("sessions", "it is to be known which CLIs are ready", action="health"),
                call("status", "it is to be seen what it did", job_id=job_id, events_after=0),
            ]
            return _guidance(str(status), [*rest, *following], do_not)


def _going_on(payload: Json, tool: str) -> list[dict[str, object]]:
    """How a conversation may go on. Who may only read and offers to write needs to be let."""
    session_id = payload["session_id"]
    if tool in TALKS:
        return _talking_on(payload, tool)
    follow = call("exec", "the conversation shall go on", session_id=session_id, prompt="Continue.")
    if tool == "agents":  # its file may be a clone's: nobody is told to let it write
        first = call("status", "its first turn is wanted", job_id=payload["job_id"], turn=1)
        return [follow, first]
    if payload.get("mode") != "read" or not wants_to_write(str(payload.get("content") or "")):
        return [follow]
    write = call(
        "exec",
        "it shall make the changes it offers",
        session_id=session_id,
        prompt="Make these changes.",
        mode="write",
    )
    return [write, follow]


def _talking_on(payload: Json, tool: str) -> list[dict[str, object]]:
    data = payload.get("data")
    is_open = isinstance(data, Mapping) and bool(data.get("open_points"))
    what, when = (
        ("Settle what is still open.", "what is still open is to be settled")
        if is_open
        else ("Work out its riskiest part in detail.", "it is to be worked out further")
    )
    return [
        call(tool, when, session_id=payload["session_id"], prompt=what),
        call("status", "its first draft is wanted", job_id=payload["job_id"], turn=1),
    ]


def guide_plan(tool: str, arguments: Json) -> Guidance:
    """Guidance for a plan: the call that carries it out, unless that is too long to repeat.

    Not of `exec`, whose results never repeat the prompt.
    """
    given = {name: value for name, value in arguments.items() if name != "dry_run"}
    is_short = tool != "exec" and len(repr(given)) <= PLAN_CHARS
    step = call(tool, "the plan is as it should be", **given)
    return _guidance("planned", [step] if is_short else [], [])


def guide_turn(payload: Json) -> Guidance:
    """Guidance for one turn of a job: the rest of its text, and the job it belongs to."""
    job_id, turn = payload["job_id"], payload["turn"]
    following = [call("status", "the job it belongs to is wanted", job_id=job_id)]
    if payload.get("truncated") and payload.get("next_offset") is not None:
        rest = {"job_id": job_id, "turn": turn, "offset": payload["next_offset"]}
        following.insert(0, call("status", "the rest of its text is wanted", **rest))
    return _guidance(str(payload["status"]), following, [])


def guide_sessions(payload: Json) -> Guidance:
    """Guidance for `sessions`, by what the action found."""
    following: list[dict[str, object]] = []
    action = str(payload.get("action", ""))
    cursor = payload.get("next_cursor")
    if cursor:
        session, filters = payload.get("session"), payload.get("filters")
        same = {"session_id": session["id"]} if isinstance(session, Mapping) else {}
        same |= dict(filters) if isinstance(filters, Mapping) else {}
        same |= {"action": action, "cursor": cursor}
        following.append(call("sessions", "the next page is wanted", **same))
    if action == "answer":
        wait = {"job_id": payload["job_id"], "wait_seconds": LONG_POLL_S}
        following.append(call("status", "what comes of the answer is wanted", **wait))
    sessions = payload.get("sessions")
    if isinstance(sessions, list) and sessions:
        first = {"action": "info", "session_id": sessions[0]["id"]}
        what = "steps" if sessions[0].get("kind") == "think" else "jobs"
        following.append(call("sessions", f"the {what} of the latest one are wanted", **first))
    if action == "health" and not payload.get("clis_ready"):
        return _guidance(
            "no_cli",
            following,
            ["do not call exec before a CLI is installed: see the remedy of each in `clis`"],
        )
    return _guidance(action, following, [])


def guide_agents(payload: Json) -> Guidance:
    """Guidance for `agents`: of a run as of any job, else from who there is to who does it."""
    if payload.get("job_id") is not None:
        return guide_job(payload, "agents")
    state, data = str(payload["state"]), payload["data"]
    assert isinstance(data, Mapping)
    following: list[dict[str, object]] = []
    if state == "found" and data["would_run"]:
        chosen, task = data["would_run"], data["query"]
        run = {"action": "run", "agent_id": chosen, "prompt": task}
        following.append(call("agents", "it shall do the task", **run))
        following.append(call("agents", "who it is is wanted", action="info", agent_id=chosen))
    elif state == "listed" and data["agents"]:
        first = {"action": "info", "agent_id": data["agents"][0]["id"]}
        following.append(call("agents", "who the first one is is wanted", **first))
    else:
        following.append(call("agents", "who there is is wanted", action="list"))
    return _guidance(state, following, ["do not choose by the name alone: find says who fits"])


_POLICIES: Final[Mapping[str, Callable[[Json], Guidance]]] = {
    "exec": guide_job,
    "audit": partial(guide_job, tool="audit"),
    "consensus": partial(guide_job, tool="consensus"),
    "deepresearch": partial(guide_job, tool="deepresearch"),
    "workflow": partial(guide_job, tool="workflow"),
    "investigate": guide_job,  # of its run; the other actions have an envelope of their own
    "dialog": partial(guide_job, tool="dialog"),
    "debate": partial(guide_job, tool="debate"),
    "agents": guide_agents,
    "background": guide_job,
    "status": guide_job,
    "sessions": guide_sessions,
    "think": guide_think,
}


def guide(tool: str, payload: Json) -> Guidance:
    """The guidance of `tool` for `payload`. KeyError: a tool without a policy."""
    return _POLICIES[tool](payload)
