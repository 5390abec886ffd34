"""`status`: a job's state, progress and answer; waits for its end, or its next event, if asked."""

import trio

from aimux.engine import Ticket
from aimux.model import TERMINAL, Job, JobId

from ._calls import Payload, ToolCall
from ._desk import Desk
from ._progress import report_progress
from ._results import View, entry_json, job_json


def view_of(desk: Desk, call: ToolCall) -> View:
    """Which part of the content the arguments ask for."""
    given = call.arguments
    chars, offset, tail = given.get("max_chars"), given.get("offset"), given.get("tail")
    limit = chars if isinstance(chars, int) else desk.settings.max_chars
    return View(
        max_chars=None if given.get("include_content") else limit,
        offset=offset if isinstance(offset, int) else None,
        tail=tail if isinstance(tail, int) else None,
    )


def quick(desk: Desk, call: ToolCall) -> Payload | None:
    """The answer for a job in memory when there is nothing to wait for; else None."""
    if "events_after" in call.arguments:
        return None
    known = desk.engine.job_nowait(str(call.arguments["job_id"]))
    if known is None:
        return None
    job, ticket = known
    given = call.arguments
    if ticket is not None and ticket.is_ending:
        return None
    if job.status not in TERMINAL:
        return None if given.get("wait_seconds") else _payload(desk, call, job, ticket)
    if given.get("include_content"):  # may be long: not kept
        return _payload(desk, call, job, ticket)
    key = (job.id, given.get("max_chars"), given.get("offset"), given.get("tail"))
    return desk.kept(key, lambda: _payload(desk, call, job, ticket))


async def answer(desk: Desk, call: ToolCall) -> Payload:
    """The state of a job. Cancelling it only ends the waiting."""
    job_id = str(call.arguments["job_id"])
    wait = call.arguments.get("wait_seconds")
    after = call.arguments.get("events_after")
    job, ticket = await desk.engine.job(job_id)
    if ticket is not None and ticket.is_ending:  # nobody is told of an end that is not stored
        await ticket.done.wait()
    if ticket is not None and isinstance(wait, int | float) and wait > 0:
        with trio.move_on_after(wait):
            async with trio.open_nursery() as waiting:
                waiting.start_soon(
                    report_progress, ticket, call.caller, desk.settings.progress_interval_seconds
                )
                if isinstance(after, int):
                    waiting.start_soon(_end_after, waiting.cancel_scope, ticket, after)
                await ticket.done.wait()
                waiting.cancel_scope.cancel(reason="the job ended")
        job = ticket.job
    payload = _payload(desk, call, job, ticket)
    if not isinstance(after, int):
        return payload
    entries = await desk.engine.entries(JobId(job_id), after)
    body = {**payload.body, "events_list": [entry_json(each) for each in entries]}
    return Payload(body, payload.is_error, payload.links)


async def _end_after(scope: trio.CancelScope, ticket: Ticket, seq: int) -> None:
    """End the waiting at the first event after `seq`: who follows a log wants it then."""
    await ticket.log.wait_after(seq)
    scope.cancel(reason="an event came")


def _payload(desk: Desk, call: ToolCall, job: Job, ticket: Ticket | None) -> Payload:
    joblog = ticket.log if ticket is not None else None
    # the job may have failed; looking at it has not: no isError here
    return Payload(job_json("status", job, joblog, view_of(desk, call)), False, desk.links(job))
