"""`workflow`: calls of tools as the steps of one job."""

import json
from typing import Final

import attrs
import trio

from aimux.engine import JobRequest, PreparedJob
from aimux.errors import InvalidArguments
from aimux.model import Budget, Mode
from aimux.rules.workflow import Workflow, read_workflow
from aimux.strategies.seats import WorkflowRequest, workflow

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, number, run_job
from ._roots import is_answer, roots_of
from ._steps import (
    calls_of,
    check_step,
    ends_of,
    name_of,
    read_steps,
    step_tools,
    without_writing,
)

answer_nowait: Final = None  # it waits for the store at least
KEPT_PROMPT: Final = 20_000  # characters of the steps that stand in the job's row


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Run a workflow. Cancelling it before it is handed over cancels the job and its steps.

    Raises:
        AimuxError: the steps do not fit together, with every fault at once.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    given = call.arguments
    name = str(given.get("name") or name_of(given["steps"]))
    tokens = given.get("max_tokens")
    request = JobRequest(
        tool="workflow",
        prompt=name,
        mode=Mode(str(given.get("mode", Mode.READ))),
        cwd=str(given.get("cwd", "")),
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        has_seats=False,
        keeps_session=False,
        timeout_s=number(given.get("timeout_seconds")),
        budget=Budget(tokens=tokens if isinstance(tokens, int) else None),
    )
    prepared = await context.engine.prepare(request)
    steps = await _steps(call, prepared)
    found = await trio.to_thread.run_sync(read_workflow, steps, step_tools(), check_step)
    if not isinstance(found, Workflow):
        told = "; ".join(f"{fault.path}: {fault.message}" for fault in found)
        raise InvalidArguments(
            f"workflow: {told}",
            problems=[
                {"path": fault.path, "value": None, "expected": fault.message} for fault in found
            ],
        )
    if given.get("dry_run"):
        return _plan_payload(name, prepared, found)
    earlier = given.get("resume_from")
    wanted = WorkflowRequest(
        name=name,
        workflow=found,
        call=calls_of(context, call, prepared.job_id, prepared.cwd),
        input=given.get("context", ""),
        reuse=await ends_of(context.engine, str(earlier)) if earlier else {},
        at_once=prepared.snapshot.settings.workflow.max_parallel_steps,
    )
    kept = json.dumps({"name": name, "steps": steps}, ensure_ascii=False)[:KEPT_PROMPT]
    prepared = attrs.evolve(prepared, request=attrs.evolve(request, prompt=kept))
    return await run_job(context, call, prepared, workflow(wanted))


async def _steps(call: ToolCall, prepared: PreparedJob) -> object:
    """The steps as a list; those of a file write only if the caller lets them."""
    steps = call.arguments["steps"]
    if not isinstance(steps, str):
        return steps
    steps, is_foreign = await trio.to_thread.run_sync(
        read_steps, steps, prepared.cwd, prepared.snapshot
    )
    is_let = call.arguments.get("mode") == "write"
    return without_writing(steps) if is_foreign and not is_let else steps


def _plan_payload(name: str, prepared: PreparedJob, found: Workflow) -> Payload:
    waves = [list(wave) for wave in found.waves]
    shown = "\n".join(f"{at}. {', '.join(wave)}" for at, wave in enumerate(waves, start=1))
    return Payload(
        {
            "job_id": None,
            "session_id": None,
            "status": "planned",
            "mode": str(prepared.mode),
            "content": f"{name} would run {len(found.steps)} steps in {prepared.cwd}:\n\n{shown}",
            "plan": {
                "waves": waves,
                "steps": [
                    {"id": step.id, "tool": step.tool, "needs": list(step.needs)}
                    for step in found.steps
                ],
                "cwd": prepared.cwd,
                "deadline_seconds": prepared.limit_s,
            },
            "warnings": [attrs.asdict(each) for each in prepared.request.warnings],
            "error": None,
            "guidance": {"state": "planned", "next": [], "do_not": []},
        }
    )
