"""`exec`: one prompt on one CLI, waited for, handed over, or in the background."""

import os
from collections.abc import Mapping
from typing import Final

import trio

from aimux.engine import Prepared, Ticket, Wish
from aimux.errors import AimuxError, PeerFault
from aimux.model import Mode, Plan
from aimux.rules import Want

from ._app import error_json
from ._calls import Payload, ToolCall
from ._desk import Desk
from ._progress import report_progress
from ._results import Json, View, is_bad, job_json

# clients that give up on a call although progress flows: half a minute before they do
PATIENCE_S: Final[Mapping[str, float]] = {"codex-mcp-client": 270.0}


def wish_of(call: ToolCall) -> Wish:
    """The arguments as a wish; they fit the schema already."""
    given = call.arguments
    mode = given.get("mode")
    fallback = given.get("fallback")
    schema = given.get("schema")
    return Wish(
        tool="exec",
        prompt=str(given["prompt"]),
        want=Want(
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


async def answer(desk: Desk, call: ToolCall) -> Payload:
    """Run a prompt. Cancelling it before it is handed over cancels the job and stops the child."""
    given = call.arguments
    prepared = await desk.engine.prepare(wish_of(call))
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
    chars = given.get("max_chars")
    view = View(max_chars=chars if isinstance(chars, int) else settings.max_chars)
    ticket = await desk.engine.start(prepared)
    if not is_async:
        await _wait(desk, call, ticket, wait_s, settings.sync_wait_seconds)
    body = job_json("exec", ticket.job, ticket.log, view)
    return Payload(body, is_bad(body), desk.links(ticket.job))


async def _wait(
    desk: Desk, call: ToolCall, ticket: Ticket, wait_s: float | None, default_s: float
) -> None:
    """Until the job ends or is handed over. Who gets progress waits as long as it wants."""
    limit_s = wait_s
    if limit_s is None:
        patience_s = PATIENCE_S.get(call.client.name, float("inf"))
        limit_s = patience_s if call.caller.wants_progress else default_s
    is_settled = False
    ticket.asker = call.caller.ask
    try:
        with trio.move_on_after(limit_s):
            async with trio.open_nursery() as waiting:
                waiting.start_soon(
                    report_progress, ticket, call.caller, desk.settings.progress_interval_seconds
                )
                await ticket.done.wait()
                waiting.cancel_scope.cancel(reason="the job ended")
        is_settled = True
    finally:
        ticket.asker = None
        if not is_settled:
            ticket.cancel("cancelled by the client")


def _plan_json(prepared: Prepared) -> Json:
    """What would be run, in the shape of a result: no job, nothing started."""
    request = prepared.request
    candidates = [
        {"cli": route.cli, "model": route.model or None, "why": route.why} | _one_plan(plan)
        for route, plan in zip(request.routes.candidates, prepared.plans, strict=True)
    ]
    first = request.routes.candidates[0]
    shown = (
        f"would run {first.cli} in {request.cwd}, mode {request.mode}, "
        f"at most {prepared.limit_s:g} s; {len(candidates)} candidate(s)"
    )
    return {
        "job_id": None,
        "session_id": None if prepared.is_new_session else prepared.session.id,
        "status": "planned",
        "role": prepared.role.name if prepared.role is not None else None,
        "cli": first.cli,
        "model": first.model or None,
        "mode": str(request.mode),
        "content": shown,
        "plan": {
            "candidates": candidates,
            "skipped": [{"cli": cli, "reason": why} for cli, why in request.routes.skipped],
            "cwd": request.cwd,
            "deadline_seconds": prepared.limit_s,
            "prompt_bytes": len(request.full_prompt.encode(errors="surrogatepass")),
            "platform": os.name,
        },
        "warnings": [
            {"code": each.code, "message": each.message} for each in request.routes.warnings
        ],
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
