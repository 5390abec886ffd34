"""`exec`: one prompt on one CLI, waited for, handed over, or in the background."""

import os
from collections.abc import Mapping
from typing import Final

import trio

from aimux.engine import JobHandle, JobRequest, Prepared, Question
from aimux.errors import AimuxError, PeerFault
from aimux.model import Job, Mode, Plan, ServerSettings
from aimux.rules import RouteRequest

from ._asking import LATE, asking, attend, take_answer
from ._calls import InputRequired, Payload, ToolCall, error_json
from ._context import ToolContext
from ._results import Json, View, is_bad, job_json, with_warning

# clients that give up on a call although progress flows: half a minute before they do
PATIENCE_S: Final[Mapping[str, float]] = {"codex-mcp-client": 270.0}


def request_of(call: ToolCall) -> JobRequest:
    """The arguments as a wish; they fit the schema already."""
    given = call.arguments
    mode = given.get("mode")
    fallback = given.get("fallback")
    schema = given.get("schema")
    return JobRequest(
        tool="exec",
        prompt=str(given["prompt"]),
        route=RouteRequest(
            role=str(given.get("role", "")),
            cli=str(given.get("cli", "")),
            model=str(given.get("model", "")),
            effort=str(given.get("effort", "")),
            fallback=fallback if isinstance(fallback, bool) else None,
        ),
        mode=None if mode is None else Mode(str(mode)),
        cwd=str(given.get("cwd", "")),
        client=call.client,
        session_id=str(given.get("session_id", "")),
        timeout_s=_number(given.get("timeout_seconds")),
        wants_terminal=bool(given.get("tty")),
        schema=schema if isinstance(schema, dict) else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


answer_nowait: Final = None  # it waits for the store at least


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Run a prompt. Cancelling it before it is handed over cancels the job and stops the child.

    A call that repeats one which ended with a question goes on with the job of that one.
    """
    given = call.arguments
    if call.state is not None:
        return await _go_on(context, call, str(call.state["job_id"]))
    prepared = await context.engine.prepare(request_of(call))
    settings = prepared.settings
    if given.get("dry_run"):
        return Payload(_plan_json(prepared))
    wait_s = _number(given.get("wait_seconds"))
    is_async = bool(given.get("async", settings.default_async and wait_s is None))
    if given.get("async") and wait_s:
        raise PeerFault(
            "async=true returns at once, so wait_seconds would have no effect",
            code="contradictory_arguments",
            hint="give one of them",
        )
    handle = await context.engine.start(prepared)
    if is_async:
        return _payload(context, call, settings, handle.job, handle)
    return await _waited(context, call, settings, handle)


async def _go_on(context: ToolContext, call: ToolCall, job_id: str) -> Payload | InputRequired:
    """Give the job its answer and wait on; where the question is over, tell how the job stands."""
    settings = (await context.engine.snapshot(call.client)).settings.server
    job, handle = await context.engine.job(job_id)
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
    body = job_json("exec", job, handle.log if handle is not None else None, view)
    return Payload(body, is_bad(body), context.links(job))


async def _wait(
    context: ToolContext, call: ToolCall, handle: JobHandle, default_s: float
) -> Question | None:
    """Until the job ends, is handed over, or the call has to end with a question. Who gets
    progress waits as long as it wants.
    """
    limit_s = _number(call.arguments.get("wait_seconds"))
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


def _plan_json(prepared: Prepared) -> Json:
    """What would be run, in the shape of a result: no job, nothing started."""
    spec = prepared.spec
    candidates = [
        {"cli": route.cli, "model": route.model or None, "why": route.why} | _one_plan(plan)
        for route, plan in zip(spec.routes.candidates, prepared.plans, strict=True)
    ]
    first = spec.routes.candidates[0]
    shown = (
        f"would run {first.cli} in {spec.cwd}, mode {spec.mode}, "
        f"at most {prepared.limit_s:g} s; {len(candidates)} candidate(s)"
    )
    return {
        "job_id": None,
        "session_id": None if prepared.is_new_session else prepared.session.id,
        "status": "planned",
        "role": prepared.role.name if prepared.role is not None else None,
        "cli": first.cli,
        "model": first.model or None,
        "mode": str(spec.mode),
        "content": shown,
        "plan": {
            "candidates": candidates,
            "skipped": [{"cli": cli, "reason": why} for cli, why in spec.routes.skipped],
            "cwd": spec.cwd,
            "deadline_seconds": prepared.limit_s,
            "prompt_bytes": len(spec.full_prompt.encode(errors="surrogatepass")),
            "platform": os.name,
        },
        "warnings": [{"code": each.code, "message": each.message} for each in spec.routes.warnings],
        "error": None,
        "guidance": {"state": "planned", "next": [], "do_not": []},
    }


def _one_plan(plan: Plan | AimuxError) -> Json:
    if isinstance(plan, AimuxError):
        return {"error": error_json(plan)}
    return {
        "argv": list(plan.shown_argv),
        "env_names": sorted(plan.env),
        "prompt_way": str(plan.prompt_way),
        "effort": plan.effort or None,
        "read_strength": str(plan.read_strength),
        "terminal": plan.is_terminal,
        "stop": {"signal": plan.stop_signal, "grace_seconds": plan.grace_s},
        "warnings": [{"code": each.code, "message": each.message} for each in plan.warnings],
    }
