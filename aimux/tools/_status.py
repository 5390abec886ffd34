"""`status`: a job's state, progress and answer; waits for its end, or its next event, if asked."""

import trio

from aimux.engine import BEFORE_ENTRIES, JobHandle, Question
from aimux.model import TERMINAL, Job, JobId

from ._asking import LATE, asking, attend, take_answer
from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._results import View, entries_json, job_json, turn_json, with_warning


def view_of(context: ToolContext, call: ToolCall) -> View:
    """Which part of the content the arguments ask for."""
    given = call.arguments
    chars, offset, tail = given.get("max_chars"), given.get("offset"), given.get("tail")
    limit = chars if isinstance(chars, int) else context.settings.max_chars
    return View(
        max_chars=None if given.get("include_content") else limit,
        offset=offset if isinstance(offset, int) else None,
        tail=tail if isinstance(tail, int) else None,
    )


def answer_nowait(context: ToolContext, call: ToolCall) -> Payload | None:
    """The answer for a job in memory when there is nothing to wait for; else None."""
    if "events_after" in call.arguments or "turn" in call.arguments:
        return None
    known = context.engine.jobs.get_nowait(str(call.arguments["job_id"]))
    if known is None:
        return None
    job, handle = known
    given = call.arguments
    if handle is not None and handle.is_ending:
        return None
    if job.status not in TERMINAL:
        return None if given.get("wait_seconds") else _payload(context, call, job, handle)
    is_settled = handle is None or handle.log.not_stored is None
    if given.get("include_content") or not is_settled:  # may be long, may change: not kept
        return _payload(context, call, job, handle)
    asked = given.get("max_chars"), given.get("offset"), given.get("tail")
    key = (job.id, context.settings.max_chars, *asked)
    return context.cached(key, lambda: _payload(context, call, job, handle))


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """The state of a job. Cancelling it only ends the waiting."""
    job_id = str(call.arguments["job_id"])
    wait = call.arguments.get("wait_seconds")
    after = call.arguments.get("events_after")
    job, handle = await context.engine.jobs.get(job_id)
    is_late = call.state is not None and not take_answer(handle, call)
    if handle is not None and handle.is_ending:  # nobody is told of an end that is not stored
        await handle.done.wait()
    if handle is not None:
        if isinstance(wait, int | float) and wait > 0 and not is_late:
            question: Question | None = None
            every_s = context.settings.progress_interval_seconds
            with trio.move_on_after(wait):
                question = await attend(
                    handle, call.caller, every_s, after=after if isinstance(after, int) else None
                )
            if question is not None:
                return asking(handle, question)
        job = handle.job
    turn = call.arguments.get("turn")
    if isinstance(turn, int):
        result = await context.engine.jobs.turn(job_id, turn)
        payload = Payload(turn_json(job, result, view_of(context, call)))
    else:
        payload = _payload(context, call, job, handle)
    if is_late:
        payload = with_warning(payload, LATE)
    if not isinstance(after, int):
        return payload
    entries = await context.engine.jobs.entries(JobId(job_id), max(0, after - BEFORE_ENTRIES))
    body = {**payload.body, "events_list": entries_json(entries, after)}
    return Payload(body, payload.is_error, payload.links)


def _payload(context: ToolContext, call: ToolCall, job: Job, handle: JobHandle | None) -> Payload:
    joblog = handle.log if handle is not None else None
    # the job may have failed; looking at it has not: no isError here
    return Payload(job_json(job, joblog, view_of(context, call)), False, context.links(job))
