"""`workflow`: calls of tools as the steps of one job."""

import json
from typing import Final

import attrs
import trio

from aimux.engine import JobRequest, PreparedJob
from aimux.errors import InvalidArguments
from aimux.model import Budget, Mode, plural
from aimux.rules.workflow import Workflow, read_workflow
from aimux.strategies.seats import WorkflowRequest, workflow

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, number, run_job
from ._results import Json
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
KEPT_PROMPT: Final = 100_000  # characters of steps and input that stand in the job's row


@attrs.frozen(kw_only=True)
class Asked:
    """What a workflow is made of: as the call says it, or as an earlier run kept it."""

    name: str
    steps: object
    input: object
    cwd: str
    is_kept: bool = False


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
    asked = await _asked(context, call)
    tokens = given.get("max_tokens")
    request = JobRequest(
        tool="workflow",
        prompt=asked.name,
        mode=Mode(str(given.get("mode", Mode.READ))),
        cwd=asked.cwd,
        roots=roots.paths,
        warnings=roots.warnings,
        client=call.client,
        has_seats=False,
        keeps_session=False,
        timeout_s=number(given.get("timeout_seconds")),
        budget=Budget(tokens=tokens if isinstance(tokens, int) else None),
    )
    prepared = await context.engine.prepare(request)
    steps = asked.steps if asked.is_kept else await _steps(call, prepared)
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
        return _plan_payload(asked.name, prepared, found)
    earlier = given.get("resume_from")
    wanted = WorkflowRequest(
        name=asked.name,
        workflow=found,
        call=calls_of(context, call, prepared.job_id, prepared.cwd),
        input=asked.input,
        reuse=await ends_of(context.engine, str(earlier)) if earlier else {},
        at_once=prepared.snapshot.settings.workflow.max_parallel_steps,
    )
    row: Json = {"name": asked.name, "steps": steps, "context": asked.input}
    kept = json.dumps(row, ensure_ascii=False)[:KEPT_PROMPT]
    prepared = attrs.evolve(prepared, request=attrs.evolve(request, prompt=kept))
    return await run_job(context, call, prepared, workflow(wanted))


async def _asked(context: ToolContext, call: ToolCall) -> Asked:
    """The steps of a call, or, where it only says which run it goes on with, those of that run.

    Raises:
        InvalidArguments: there are neither, or that run has not kept them whole.
        NotFound: no such job.
    """
    given = call.arguments
    name, cwd = str(given.get("name", "")), str(given.get("cwd", ""))
    if "steps" in given:
        steps = given["steps"]
        return Asked(
            name=name or name_of(steps), steps=steps, input=given.get("context", ""), cwd=cwd
        )
    earlier = given.get("resume_from")
    if not earlier:
        raise _no_steps("", "what is to be run, or resume_from with the job_id of an earlier run")
    job, _ = await context.engine.jobs.get(str(earlier))
    try:
        kept = json.loads(job.prompt) if job.tool == "workflow" else None
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or "steps" not in kept:
        raise _no_steps(job.id, f"the steps again: {job.id} ({job.tool}) has not kept them whole")
    return Asked(
        name=name or str(kept.get("name", "workflow")),
        steps=kept["steps"],
        input=given.get("context", kept.get("context", "")),
        cwd=cwd or job.cwd,
        is_kept=True,
    )


def _no_steps(value: str, expected: str) -> InvalidArguments:
    return InvalidArguments(
        f"workflow: steps: expected {expected}",
        problems=[{"path": "steps", "value": value or None, "expected": expected}],
    )


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
    steps = plural(len(found.steps), "step")
    return Payload(
        {
            "job_id": None,
            "session_id": None,
            "status": "planned",
            "mode": str(prepared.mode),
            "content": f"{name} would run {steps} in {prepared.cwd}:\n\n{shown}",
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
