"""An attempt between the user's hooks: before it to block, skip or change it, after it to judge."""

from collections.abc import Callable

import attrs

from aimux.engine._specs import TurnResources, TurnSpec
from aimux.engine.log import TurnLog
from aimux.model import Failure, FailureClass, HookTime, Plan, TurnOutput
from aimux.rules.traces import turn_env

from ._hooks import Said, consult_hooks
from ._turns import AttemptReport, AttemptSpec, run_attempt


async def run_hooked(
    attempt: AttemptSpec,
    spec: TurnSpec,
    log: TurnLog,
    resources: TurnResources,
    changed: Callable[[str], AttemptSpec],
) -> AttemptReport:
    """Run an attempt as its hooks want it; `changed` gives the attempt with another prompt.

    Cancelling it stops the hook or the child that runs.

    Raises:
        BinaryMissing, PeerFault, CircuitOpen: as `run_attempt`.
    """

    async def consult(when: HookTime, turn: dict[str, object]) -> Said:
        driver = resources.choose(is_terminal=False)
        traced = turn_env(spec.trace, spec.job_id, log.turn)
        plan = attrs.evolve(attempt.plan, env={**attempt.plan.env, **traced})
        said = await consult_hooks(spec.hooks, when, plan, spec.role, turn, driver)
        for warning in said.warnings:
            log.add(warning)
        return said

    shown = _turn_json(spec, attempt.plan, log.turn)
    said = await consult(HookTime.BEFORE, shown)
    if said.refusal:
        return _refused("hook_blocked", said.refusal)
    if said.content is not None:
        log.add_warning("hook_skipped", f"hook {said.by} answered instead of {attempt.plan.cli}")
        return _without_child(TurnOutput(answer=said.content))
    if said.prompt is not None:
        log.add_warning("hook_changed_prompt", "a hook has changed the prompt")
        attempt = changed(said.prompt)
        shown["prompt"] = said.prompt
    report = await run_attempt(attempt, log, resources.guard)
    failure = report.failure
    after: dict[str, object] = {
        **shown,
        "content": report.output.answer,
        "exit_code": report.exit.exit_code if report.exit is not None else None,
        "duration_ms": round(report.duration_s * 1000),
        "failure": failure.code if failure is not None else None,
    }
    said = await consult(HookTime.AFTER, after)
    if said.refusal and failure is None:
        rejected = _refused("hook_rejected", said.refusal).failure
        return attrs.evolve(report, failure=rejected)
    return report


def _turn_json(spec: TurnSpec, plan: Plan, turn: int) -> dict[str, object]:
    return {
        "job_id": spec.job_id,
        "session_id": spec.session_id or None,
        "turn": turn,
        "seat": spec.seat,
        "cli": plan.cli,
        "model": plan.model or None,
        "role": spec.role or None,
        "mode": str(plan.mode),
        "cwd": plan.cwd,
        "prompt": spec.full_prompt(plan.cli),
    }


def _without_child(output: TurnOutput, failure: Failure | None = None) -> AttemptReport:
    """The report of an attempt for which no child was run."""
    return AttemptReport(output=output, failure=failure, exit=None, duration_s=0.0, stderr_tail="")


def _refused(code: str, message: str) -> AttemptReport:
    failure = Failure(
        failure_class=FailureClass.FATAL,
        code=code,
        message=message,
        hint="the hook is the user's own: see hooks in the configuration",
    )
    return _without_child(TurnOutput(), failure)
