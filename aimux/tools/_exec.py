"""`exec`: one prompt on one CLI, waited for, handed over, or in the background."""

import os
from typing import Final

import trio

from aimux.engine import JobRequest, PreparedJob
from aimux.errors import AimuxError, ConfigInvalid, InvalidArguments, NotFound
from aimux.model import Mode, Plan, RouteRequest
from aimux.strategies import single

from ._calls import InputRequired, Payload, ToolCall, error_json
from ._context import ToolContext
from ._health import PROFILE_REMEDY, fault_of
from ._jobs import go_on, number, run_job
from ._pair_wanted import is_wanted
from ._results import Json, with_warning
from ._roots import KnownRoots, is_answer, roots_of

# said of one call, or known from the job's row: the rest is what a job is repeated with
OF_ONE_CALL: Final = frozenset(
    {"prompt", "mode", "cwd", "session_id", "async", "wait_seconds", "max_chars", "dry_run"}
)
OF_PAIR: Final = frozenset(  # without effect on one turn
    {
        "pair", "verify", "reviewer", "best_of", "max_rounds", "timeout_per_turn_seconds", "dirty",
    }
)  # fmt: skip


def request_of(call: ToolCall, roots: KnownRoots) -> JobRequest:
    """The arguments as a request; they fit the schema already."""
    given = call.arguments
    mode = given.get("mode")
    fallback = given.get("fallback")
    schema = given.get("schema")
    return JobRequest(
        tool=call.name,
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
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        session_id=str(given.get("session_id", "")),
        timeout_s=number(given.get("timeout_seconds")),
        wants_terminal=bool(given.get("tty")),
        schema=schema if isinstance(schema, dict) else None,
        style=str(given.get("style", "")),
        asked={name: given[name] for name in given.keys() - OF_ONE_CALL - OF_PAIR},
    )


answer_nowait: Final = None  # it waits for the store at least


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Run a prompt. Cancelling it before it is handed over cancels the job and stops the child.

    A call that repeats one which ended with a question goes on with the job of that one.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    if await is_wanted(context, call):
        _refuse_style(call)
        from ._pair import answer_pair  # several seats: only where they are wanted

        return await answer_pair(context, call, roots)
    request = request_of(call, roots)
    try:
        prepared = await context.engine.prepare(request)
    except NotFound as error:
        raise await _explained(context, call, error) from error
    if call.arguments.get("dry_run"):
        return Payload(_plan_json(prepared))
    fault = await _left_out(context, call)
    work = single(request.prompt, schema=prepared.request.schema)
    payload = await run_job(context, call, prepared, work)
    return with_warning(payload, fault) if fault and isinstance(payload, Payload) else payload


def _refuse_style(call: ToolCall) -> None:
    if call.arguments.get("style"):
        raise InvalidArguments(
            "style has no effect where a change is made by pair: leave it out, or set pair=false",
            problems=[{"path": "style", "value": call.arguments["style"], "expected": "none"}],
        )


async def _left_out(context: ToolContext, call: ToolCall) -> Json:
    """A warning if the caller's own profile of the CLI it names is not the one in use."""
    name = str(call.arguments.get("cli", ""))
    if not name:
        await trio.lowlevel.checkpoint()
        return {}
    fault = fault_of(await context.engine.config.snapshot(call.client), name)
    message = f"your profile of {name} is left out: {fault}"
    return {"code": "profile_left_out", "message": message} if fault else {}


async def _explained(context: ToolContext, call: ToolCall, error: NotFound) -> AimuxError:
    """A CLI is not unknown if its profile has faults."""
    snapshot = await context.engine.config.snapshot(call.client)
    name = str(error.data.get("cli", ""))
    fault = fault_of(snapshot, name)
    if error.code != "cli_unknown" or not fault:
        return error
    return ConfigInvalid(
        f"the profile of {name} is left out: {fault}",
        code="profile_broken",
        hint=PROFILE_REMEDY,
        data={"problems": [str(each) for each in snapshot.broken[name]]},
    )


def _plan_json(prepared: PreparedJob) -> Json:
    """What would be run, in the shape of a result: no job, nothing started."""
    spec = prepared.first
    candidates = [
        {"cli": route.cli, "model": route.model or None, "why": route.why} | _one_plan(plan)
        for route, plan in zip(spec.routes.candidates, prepared.plans, strict=True)
    ]
    first = spec.routes.candidates[0]
    named = [":".join(filter(None, (each.cli, each.model))) for each in spec.routes.candidates]
    others = ", ".join(dict.fromkeys(named[1:]))
    shown = (
        f"would run {first.cli} in {prepared.cwd}, mode {spec.mode}, "
        f"at most {prepared.limit_s:g} s; if it fails, {others or 'no other CLI'}"
    )
    return {
        "job_id": None,
        "session_id": prepared.request.session_id or None,
        "status": "planned",
        "role": prepared.role.name if prepared.role is not None else None,
        "cli": first.cli,
        "model": first.model or None,
        "mode": str(spec.mode),
        "content": shown,
        "plan": {
            "candidates": candidates,
            "skipped": [{"cli": cli, "reason": why} for cli, why in spec.routes.skipped],
            "cwd": prepared.cwd,
            "deadline_seconds": prepared.limit_s,
            "prompt_bytes": len(spec.full_prompt(first.cli).encode(errors="surrogatepass")),
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
