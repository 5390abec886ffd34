"""From a turn's spec to its result: candidates in order, models inside a CLI before another CLI.

Theory of operation. Every attempt is one child process run by `run_attempt`; what follows a failed
one is the table in `rules`. All attempts of a turn share one deadline, one mode, one log and one
slot, which follows them to another CLI. What a CLI did wrong is part of the result, never an
exception: attempts know no job.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import attrs
import trio

from aimux.engine._clis import Cli
from aimux.engine._specs import (
    TurnResources,
    TurnSpec,
    attempt_limit_s,
    placed,
    plan_turn,
    silence_of,
)
from aimux.engine.copies import Scratch, open_scratch
from aimux.engine.log import TurnLog
from aimux.errors import AimuxError, BinaryMissing, CircuitOpen, Refusal, SetupFault
from aimux.model import (
    AttemptFailed,
    Failure,
    FailureClass,
    Mode,
    Plan,
    Profile,
    Route,
    Strength,
    TurnResult,
)
from aimux.rules import SESSION_LOST, FailedAttempt, NextStep, after_failure

from ._attempt_history import AttemptHistory
from ._hooked import run_hooked
from ._turns import AttemptReport, AttemptSpec, run_attempt

SOFT: Final = frozenset({Strength.SOFT, Strength.NONE})

TakeShare = Callable[[str], Awaitable[None]]


async def run_attempts(
    spec: TurnSpec,
    log: TurnLog,
    resources: TurnResources,
    *,
    deadline: float,
    take_share: TakeShare,
    plans: Sequence[Plan | AimuxError] = (),
) -> TurnResult:
    """Run a turn on its candidates until one answers, and tell what came of it.

    `deadline` is of the loop's clock. `take_share` is awaited before an attempt on another CLI
    than the one before. `plans` are those of `planned`, where they were made already. A failed CLI
    is a result, not an exception. Cancelling it stops the child that runs.
    """
    run = _Attempts(
        asked=spec,
        plans=plans,
        spec=spec,
        log=log,
        resources=resources,
        deadline=deadline,
        take_share=take_share,
    )
    return await run.run()


@attrs.define(eq=False, kw_only=True)
class _Attempts:
    """The attempts of one turn: which comes next, and what the last one means for it."""

    asked: TurnSpec
    plans: Sequence[Plan | AimuxError]  # of `asked`; none if they were not made
    spec: TurnSpec  # the same, until something was learnt
    log: TurnLog
    resources: TurnResources
    deadline: float
    take_share: TakeShare
    left: set[str] = attrs.field(factory=set)  # CLIs that are not tried again
    has_acted: bool = False  # an attempt has said or done something
    history: AttemptHistory = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.history = AttemptHistory(log=self.log)

    async def run(self) -> TurnResult:
        candidates = self.spec.routes.candidates
        self._tell_routes()
        running = candidates[0].cli
        for route in candidates:
            if route.cli in self.left:
                continue
            if route.cli != running:
                running = route.cli
                with trio.move_on_at(self.deadline) as waiting:
                    await self.take_share(running)
                if waiting.cancelled_caught:
                    return self.history.too_late(self.spec, running)
            step = await self._try(route)
            if step is NextStep.AGAIN:
                self._tell_another()
                step = await self._try(route)
            if step is None:
                return self.history.completed(self.spec)
            if step is NextStep.STOP:
                break
            if step in (NextStep.NEXT_CLI, NextStep.AGAIN):
                self.left.add(route.cli)
            if any(each.cli not in self.left for each in candidates[candidates.index(route) + 1 :]):
                self._tell_another()
        return self.history.failed(self.spec)

    def _tell_routes(self) -> None:
        routes = self.spec.routes
        for name, reason in routes.skipped:
            self.log.add_warning("candidate_skipped", f"{name}: {reason}")
        for warning in routes.warnings:
            self.log.add(warning)
        if self.spec.told and not self.spec.resumes(routes.candidates[0].cli):
            self.log.add_warning(
                "session_retold",
                "this CLI cannot continue a session, so the earlier turns are told in the prompt",
            )

    def _tell_another(self) -> None:
        """An attempt has failed and another one follows."""
        failure = self.history.failure
        if failure is not None:
            number = len(self.log.attempts)
            self.log.add(AttemptFailed(turn=self.log.turn, attempt=number, failure=failure))

    async def _try(self, route: Route) -> NextStep | None:
        """One attempt; None is success."""
        cli = self.spec.clis[route.cli]
        began = trio.current_time()
        scratch: Scratch | None = None
        try:
            async with AsyncExitStack() as stack:
                plan = self._plan(route)
                if self.spec.mode is Mode.READ and plan.read_strength in SOFT:
                    scratch = await stack.enter_async_context(
                        open_scratch(self.spec.cwd, self.resources.scratch_dir)
                    )
                    plan = plan_turn(self.spec, route, self.resources, cwd=str(scratch.path))
                report = await self._run(self._attempt(plan, cli), route)
                if scratch is not None:
                    self._tell_changes(await scratch.changes())
        except (BinaryMissing, CircuitOpen, SetupFault, Refusal) as error:
            return self._not_run(route, error, began)
        return self._judged(plan, cli.profile, report)

    async def _run(self, attempt: AttemptSpec, route: Route) -> AttemptReport:
        """The attempt, with the user's hooks before and after it where there are any."""
        if not self.spec.hooks:
            return await run_attempt(attempt, self.log, self.resources.guard)

        def changed(prompt: str) -> AttemptSpec:
            spec = attrs.evolve(self.spec, prompt=prompt, instructions="", told=(), schema=None)
            plan = plan_turn(spec, route, self.resources, cwd=attempt.plan.cwd)
            return attrs.evolve(attempt, plan=self._placed(plan, attempt.attempt, attempt.deadline))

        return await run_hooked(attempt, self.spec, self.log, self.resources, changed)

    def _plan(self, route: Route) -> Plan:
        """What was planned before the turn began, if that is still what is asked for."""
        is_planned = self.spec is self.asked and bool(self.plans)
        at = list(self.asked.routes.candidates).index(route)
        planned = self.plans[at] if is_planned else None
        return planned if isinstance(planned, Plan) else plan_turn(self.spec, route, self.resources)

    def _attempt(self, plan: Plan, cli: Cli) -> AttemptSpec:
        for warning in plan.warnings:
            # an effort that only the role suggested may be dropped without a word
            if self.spec.is_effort_wanted or not warning.code.startswith("effort_"):
                self.log.add(warning)
        now = trio.current_time()
        number = len(self.log.attempts) + 1
        deadline = min(self.deadline, now + attempt_limit_s(self.spec, plan))
        return AttemptSpec(
            attempt=number,
            plan=self._placed(plan, number, deadline),
            profile=cli.profile,
            silence=silence_of(cli.profile, self.spec.settings),
            deadline=deadline,
            drive=self.resources.choose(is_terminal=plan.is_terminal),
            spool=self.resources.store.spool(self.spec.job_id, self.log.turn, number),
            temp_dir=self.resources.temp_dir,
            places=cli.places,
        )

    def _placed(self, plan: Plan, number: int, deadline: float) -> Plan:
        left_s = deadline - trio.current_time()
        return placed(plan, self.spec, left_s, turn=self.log.turn, attempt=number)

    # ------------------------------------------------------------------ judging

    def _judged(self, plan: Plan, profile: Profile, report: AttemptReport) -> NextStep | None:
        failure = report.failure
        outcome = "completed" if failure is None else str(failure.failure_class)
        self.history.keep(plan, report, outcome)
        self.resources.metrics.turn(
            cli=plan.cli,
            model=plan.model,
            role=self.spec.role,
            outcome=outcome,
            duration_s=report.duration_s,
            usage=report.output.usage,
        )
        self.resources.guard.learn(plan.cli, failure)
        if failure is None:
            return None
        return self._after(plan, profile, report, failure)

    def _after(
        self, plan: Plan, profile: Profile, report: AttemptReport, failure: Failure
    ) -> NextStep:
        is_lost = failure.code == SESSION_LOST and self.spec.resumes(plan.cli)
        retry = after_failure(
            FailedAttempt(
                failure=failure,
                mode=plan.mode,
                has_acted=report.has_worked,
                acted_before=self.has_acted,
                failures=self._failures_of(plan),
                is_lost_session=is_lost and (bool(self.spec.told) or self.spec.restates),
            )
        )
        self.has_acted = self.has_acted or report.has_worked
        if failure.failure_class in (FailureClass.QUOTA, FailureClass.MODEL_UNAVAILABLE):
            self.resources.guard.cool(plan.cli, plan.model, profile.model.cooldown_s, failure)
        if retry.warning == "session_retold":
            told = "earlier turns are told" if self.spec.told else "its prompt has all that counts"
            self.log.add_warning(retry.warning, f"{plan.cli} has lost the session; {told}")
            self.spec = attrs.evolve(self.spec, native_id="", native_cli="")
        elif retry.warning:
            self.log.add_warning(retry.warning, f"{plan.cli} had begun to work; no further attempt")
        return retry.step

    def _failures_of(self, plan: Plan) -> int:
        return sum(
            each.cli == plan.cli and each.model == plan.model and each.outcome != "completed"
            for each in self.log.attempts
        )

    def _not_run(self, route: Route, error: AimuxError, began: float) -> NextStep:
        """The candidate could not even be started."""
        self.history.keep_refusal(route, error, trio.current_time() - began)
        return NextStep.NEXT_CLI

    def _tell_changes(self, changes: Sequence[str]) -> None:
        if changes:
            shown = ", ".join(changes[:20])
            self.log.add_warning(
                "mode_violated", f"changed files although told to read only: {shown}"
            )
