"""What every tool that makes a job does with it: start it, wait for it, hand it over."""

from collections.abc import Mapping
from typing import Final

import attrs
import trio

from aimux.engine import JobHandle, PreparedJob, Question, ResearchWork, SameResearch
from aimux.errors import PeerFault
from aimux.model import Job, ServerSettings, Work

from ._asking import LATE, asking, attend, take_answer
from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._results import View, is_bad, job_json, with_warning

# clients that give up on a call although progress flows: half a minute before they do
PATIENCE_S: Final[Mapping[str, float]] = {"codex-mcp-client": 270.0}


def number(value: object) -> float | None:
    """An argument that is a number, if it was given."""
    return float(value) if isinstance(value, int | float) else None


def check_waiting(given: Mapping[str, object]) -> None:
    """Refuse a call that waits for what it does not wait for.

    Raises:
        PeerFault: both `async` and `wait_seconds` were given.
    """
    if given.get("async") and number(given.get("wait_seconds")):
        raise PeerFault(
            "async=true returns at once, so wait_seconds would have no effect",
            code="contradictory_arguments",
            hint="give one of them",
        )


async def run_job(
    context: ToolContext,
    call: ToolCall,
    prepared: PreparedJob,
    work: Work | ResearchWork,
    same: SameResearch | None = None,
) -> Payload | InputRequired:
    """Start a prepared job and answer as the call's `async` and `wait_seconds` want it.

    Cancelling it before the job is handed over cancels the job.

    Raises:
        AimuxError: nothing was started.
    """
    given, settings = call.arguments, prepared.settings
    wait_s = number(given.get("wait_seconds"))
    is_async = bool(given.get("async", settings.default_async and wait_s is None))
    check_waiting(given)
    if call.parent_id:
        parent = context.engine.supervisor.find(call.parent_id)
        request = attrs.evolve(prepared.request, parent=parent)
        prepared = attrs.evolve(prepared, request=request)
    handle = await context.engine.start(prepared, work, same)
    if is_async:
        return _payload(context, call, settings, handle.job, handle)
    return await _waited(context, call, settings, handle)


async def go_on(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Go on with the job of a call that ended with a question: give it its answer and wait on.

    Where the question is over, tell how the job stands. Cancelling it cancels the job.
    """
    assert call.state is not None
    settings = (await context.engine.config.snapshot(call.client)).settings.server
    job, handle = await context.engine.jobs.get(str(call.state["job_id"]))
    if handle is not None and take_answer(handle, call):
        return await _waited(context, call, settings, handle)
    if handle is not None and handle.is_ending:  # nobody is told of an end that is not stored
        await handle.done.wait()
    job = job if handle is None else handle.job
    return with_warning(_payload(context, call, settings, job, handle), LATE)


async def _waited(
    context: ToolContext, call: ToolCall, settings: ServerSettings, handle: JobHandle
) -> Payload | InputRequired:
    """What there is to answer once the job has ended, asks something, or is handed over."""
    question = await _wait(context, call, handle, settings.sync_wait_seconds)
    if question is not None:
        return asking(handle, question)
    return _payload(context, call, settings, handle.job, handle)


def _payload(
    context: ToolContext,
    call: ToolCall,
    settings: ServerSettings,
    job: Job,
    handle: JobHandle | None,
) -> Payload:
    chars = call.arguments.get("max_chars")
    view = View(max_chars=chars if isinstance(chars, int) else settings.max_chars)
    body = job_json(job, handle.log if handle is not None else None, view)
    return Payload(body, is_bad(body), context.links(job))


async def _wait(
    context: ToolContext, call: ToolCall, handle: JobHandle, default_s: float
) -> Question | None:
    """Until the job ends, is handed over, or the call has to end with a question. Who gets
    progress waits as long as it wants.
    """
    limit_s = number(call.arguments.get("wait_seconds"))
    if limit_s is None:
        patience_s = PATIENCE_S.get(call.client.name, float("inf"))
        limit_s = patience_s if call.caller.wants_progress else default_s
    question: Question | None = None
    is_settled = False
    try:
        with trio.move_on_after(limit_s):
            question = await attend(handle, call.caller, context.settings.progress_interval_seconds)
        is_settled = True
    finally:
        if not is_settled:
            handle.cancel("cancelled by the client")
    return question
