"""What to do next with a job, by how it stands and by the tool that made it.

What fits every job comes from here; what a tool leads to besides is `_seats` and stands first.
"""

from collections.abc import Mapping
from typing import Final

from ._calls import LONG_POLL_S, Call, Guidance, Json, call, guidance, rows
from ._investigate import guide_run
from ._offers import wants_to_write
from ._seats import after_seats
from ._think import thinks_on

OPEN: Final = frozenset({"queued", "running"})
BROKEN_OFF: Final = frozenset({"cancelled", "timed_out", "aborted"})
AGAIN: Final = frozenset({"exec", "background"})  # what sessions(action=retry) can repeat
TALKS: Final = frozenset({"dialog"})  # whose sessions go on by the tool itself
REVIEW_LANDED: Final = "Review the changes in the working tree that are not committed."
AT_WORK: Final = "do not send the same prompt again: this job is still at work"
FOR_SOMEBODY: Final = (
    "do not answer for the person: what they say goes into sessions(action=answer), and until then "
    "the CLI waits"
)
# what a whole answer of a tool is not
_TAKEN_FOR: Final = {
    "consensus": "do not take agreement for correctness",
    "debate": "do not take the verdict for a fact: it is what a judge holds",
    "audit": "do not take no findings for clean: data.phases says what was looked at",
    "deepresearch": "do not take what has no source for looked up",
}
# failures that the same call meets again; each says what not to do, and until when
_CHANGE_COURSE: Final = {
    "auth": "do not send it again before somebody has logged in to the CLI in a terminal",
    "quota": "do not send it again before the quota resets: wait, or name another cli or model",
    "model_unavailable": "do not name this model again: leave model out, so that the CLI's own"
    " default is used, or name another",
    "usage": "do not send it again unchanged: do what the hint of the error says, or name another"
    " cli; `aimux profile test {cli}` shows what the installed version takes",
}


def guide_job(payload: Json, tool: str = "exec", *, cwd: str = "", prompt: str = "") -> Guidance:
    """Guidance for a result of design section 6; `tool` is the one that made the job, in `cwd`.

    `prompt` is what the job was asked; a call may repeat it. The run of an investigation leads
    back to it, thinking goes on with what fits next.
    """
    data, status = _own_data(payload), str(payload["status"])
    if status in OPEN and (tool != "investigate" or payload.get("question") is not None):
        return _at_work(payload, status)
    if tool == "investigate":
        return guide_run(payload, data, cwd=cwd, question=prompt)
    state, following, do_not = _ended(payload, data, tool)
    following = [*_rest(payload), *following]
    if tool == "think":
        following += thinks_on(data)
    else:
        state, own = after_seats(payload, data, tool, cwd=cwd, prompt=prompt, state=state)
        following = [*own, *following]
    if len(following) < 2:  # what there is to see of every job
        job_id = payload["job_id"]
        did = call("status", "it is to be seen what it did", job_id=job_id, events_after=0)
        following.append(did)
    return guidance(state, following, do_not)


def _own_data(payload: Json) -> Json:
    """Data of ours: where one CLI has the session, data is its own and may say anything.

    Where there are seats with names, as those of a pair, the session is theirs together.
    """
    data = payload.get("data")
    has_seats = any(each.get("seat") for each in rows(payload.get("turns")))
    is_ours = payload["session_id"] is None or has_seats
    return data if isinstance(data, Mapping) and is_ours else {}


def _rest(payload: Json) -> list[Call]:
    if not payload.get("truncated") or payload.get("next_offset") is None:
        return []
    where = {"job_id": payload["job_id"], "offset": payload["next_offset"]}
    return [call("status", "the rest of the content is wanted", **where)]


def _at_work(payload: Json, status: str) -> Guidance:
    job_id = payload["job_id"]
    wait = call("status", "its end is waited for", job_id=job_id, wait_seconds=LONG_POLL_S)
    cancel = call("sessions", "it is not needed any more", action="cancel", job_id=job_id)
    if payload.get("question") is None:
        return guidance(status, [wait, cancel], [AT_WORK])
    looked = call("status", "what led to the question is wanted", job_id=job_id, events_after=0)
    return guidance("asks", [wait, looked, cancel], [AT_WORK, FOR_SOMEBODY])


def _ended(payload: Json, data: Json, tool: str) -> tuple[str, list[Call], list[str]]:
    status, job_id = str(payload["status"]), payload["job_id"]
    did = call("status", "it is to be seen what it did", job_id=job_id, events_after=0)
    whole = call("status", "all that was said is wanted", job_id=job_id, include_content=True)
    if status == "completed":
        if data.get("landed") is True:
            when = "what landed is to be looked at once more"
            review = call("exec", when, role="codereview", prompt=REVIEW_LANDED)
            return "landed", [review, _driver(job_id)], []
        follow = _going_on(payload, tool)
        offers = len(follow) > 1 and tool in AGAIN
        do_not = [_TAKEN_FOR[tool]] if tool in _TAKEN_FOR and data else []
        return "offers_changes" if offers else status, follow, do_not
    if status == "partial":
        if data.get("landed") is False:
            said = "do not say that anything was changed: nothing landed, the diff is in data.diff"
            return "not_landed", [_driver(job_id), whole], [said]
        follow = _going_on(payload, tool)
        is_first = tool in {*TALKS, "agents"}
        steps = [*follow, whole] if is_first else [whole, *follow]
        return status, steps, ["do not take this for a complete answer: see error"]
    health = call("sessions", "it is to be known which CLIs are ready", action="health")
    following = [whole if status == "timed_out" else health, did]
    if tool in AGAIN and payload["session_id"] is not None:
        again = call("sessions", "the same is to be tried again", action="retry", job_id=job_id)
        error = _error_of(payload)
        is_hopeful = bool(error.get("retryable")) and error.get("class") not in _CHANGE_COURSE
        is_first = status in BROKEN_OFF or is_hopeful
        following = [again, *following] if is_first else [*following, again]
    return status, following, _never(payload, status)


def _driver(job_id: object) -> Call:
    return call("status", "the driver's words are wanted", job_id=job_id, turn=1)


def _error_of(payload: Json) -> Json:
    error = payload.get("error")
    return error if isinstance(error, Mapping) else {}


def _never(payload: Json, status: str) -> list[str]:
    """What would not help after a failure."""
    error = _error_of(payload)
    failure = str(error.get("class", ""))
    if failure in _CHANGE_COURSE:
        return [_CHANGE_COURSE[failure].replace("{cli}", str(payload.get("cli") or "CLI"))]
    if error.get("retryable") or status in BROKEN_OFF:
        return []
    return ["do not repeat the same call unchanged"]


def _going_on(payload: Json, tool: str) -> list[Call]:
    """How a conversation may go on. Who may only read and offers to write needs to be let."""
    session_id = payload["session_id"]
    if not session_id:
        return []
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


def _talking_on(payload: Json, tool: str) -> list[Call]:
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
