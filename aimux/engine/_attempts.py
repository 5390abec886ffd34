"""From a request to an answer: candidates in order, models inside a CLI before another CLI.

Theory of operation. Every attempt is one turn of `run_turn`. What follows a failed one is a table:
quota and unknown models leave that (cli, model) alone and go on with the CLI's next model; a
transient failure is tried once more; auth and wrong flags leave the CLI; a fatal failure, the
deadline and a cancellation end the job. A write turn that had begun to use tools is never repeated
by anybody else: its changes are in the tree. All attempts share one deadline and one mode.
"""

import enum
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Protocol

import attrs
import trio

from aimux.drivers import Driver, choose_driver
from aimux.errors import AimuxError, BinaryMissing, CircuitOpen, Refusal, SetupFault
from aimux.model import (
    Attempt,
    Failure,
    FailureClass,
    HookSettings,
    HookTime,
    JobFinished,
    JobStatus,
    Mode,
    Outcome,
    Plan,
    PlanRequest,
    Profile,
    Route,
    ServerSettings,
    Strength,
    TurnOutput,
    Usage,
    Warned,
)
from aimux.rules import (
    SESSION_LOST,
    Contract,
    Routes,
    SilenceLimits,
    ask_for as ask_for_schema,
    check_answer,
    compose,
    silence_limits,
    turn_limit_s,
)
from aimux.store import Store

from ._clis import Cli
from ._guard import Guard
from ._hooks import Said, ask_hooks
from ._jobs import JobHandle
from ._metrics import Metrics
from ._retelling import PastTurn, retell
from ._scratch import Scratch, open_scratch
from ._turns import AttemptSpec, TurnReport, run_turn

SOFT: Final = frozenset({Strength.SOFT, Strength.NONE})


class Step(enum.StrEnum):
    """What follows a failed attempt."""

    AGAIN = "again"
    NEXT_MODEL = "next_model"
    NEXT_CLI = "next_cli"
    STOP = "stop"


AFTER: Final[Mapping[FailureClass, Step]] = {
    FailureClass.QUOTA: Step.NEXT_MODEL,
    FailureClass.MODEL_UNAVAILABLE: Step.NEXT_MODEL,
    FailureClass.AUTH: Step.NEXT_CLI,
    FailureClass.TRANSIENT: Step.AGAIN,
    FailureClass.USAGE: Step.NEXT_CLI,
    FailureClass.FATAL: Step.STOP,
    FailureClass.TIMEOUT: Step.STOP,
    FailureClass.CANCELLED: Step.STOP,
    FailureClass.UNKNOWN: Step.NEXT_CLI,
}


@attrs.frozen(kw_only=True)
class TurnSpec:
    """One piece of work for the CLIs, with everything that was decided about it beforehand."""

    job_id: str
    prompt: str  # what the caller wrote
    instructions: str  # the role's text; goes before the prompt, once per conversation
    mode: Mode
    cwd: str
    env: Mapping[str, str]  # the client's own
    extra_env: Mapping[str, str]
    routes: Routes
    clis: Mapping[str, Cli]  # the installed ones, with their profiles
    settings: ServerSettings
    native_id: str = ""
    is_resume: bool = False
    told: Sequence[PastTurn] = ()  # earlier turns, for a CLI that cannot continue by itself
    new_native_id: str = ""  # for CLIs whose sessions we name
    wants_terminal: bool = False
    is_effort_wanted: bool = True
    turn_limit_s: float | None = None  # of one turn; None takes the profile's
    hooks: Mapping[str, HookSettings] = attrs.field(factory=dict)
    schema: Mapping[str, object] | bool | None = None

    @property
    def full_prompt(self) -> str:
        """What the CLI gets; a resumed conversation has had its instructions."""
        parts = [self.prompt]
        if self.told and not self.is_resume:
            parts.insert(0, retell(self.told))
        if self.instructions and not self.is_resume:
            parts.insert(0, self.instructions)
        if self.schema is not None:
            parts.append(ask_for_schema(self.schema))
        return "\n\n".join(parts)


class ChooseDriver(Protocol):
    """Says which driver runs a child; tests give one that starts no processes."""

    def __call__(self, *, is_terminal: bool) -> Driver: ...


@attrs.frozen(kw_only=True)
class TurnResources:
    """What every attempt shares: the guard, places for files, figures, ways to run a child."""

    guard: Guard
    store: Store
    temp_dir: Path
    scratch_dir: Path
    data_dir: Path
    metrics: Metrics
    choose: ChooseDriver = choose_driver


def plan_request(spec: TurnSpec, route: Route, profile: Profile, data_dir: Path) -> PlanRequest:
    """The request as one candidate's turn."""
    chosen = spec.native_id or (spec.new_native_id if profile.resume.chosen else "")
    wants_data = bool(profile.data_dir_flag or profile.data_dir_env)
    return PlanRequest(
        prompt=spec.full_prompt,
        route=route,
        mode=spec.mode,
        cwd=spec.cwd,
        env=spec.env,
        extra_env=spec.extra_env,
        native_id=chosen,
        is_resume=spec.is_resume,
        wants_terminal=spec.wants_terminal,
        data_dir=str(data_dir / profile.name) if wants_data else "",
    )


def silence_of(profile: Profile, settings: ServerSettings) -> SilenceLimits:
    """The silence limits of a CLI; one that prints only at the end has only its deadline."""
    general = SilenceLimits(
        start_s=settings.streaming_grace_seconds,
        warn_s=settings.streaming_soft_warning_seconds,
        stall_s=settings.streaming_hard_stall_seconds,
        cancel_s=settings.streaming_auto_cancel_seconds,
    )
    return silence_limits(profile.silence, general)


@attrs.define(eq=False)
class _Attempts:
    asked: TurnSpec
    plans: Sequence[Plan | AimuxError]  # of `asked`
    spec: TurnSpec  # the same, until something was learnt
    handle: JobHandle
    resources: TurnResources
    attempts: list[Attempt] = attrs.field(factory=list)
    left: set[str] = attrs.field(factory=set)  # CLIs that are not tried again
    turn: int = 0
    failure: Failure | None = None
    report: TurnReport | None = None
    usage: Usage | None = None
    scratch: Scratch | None = None

    async def run(self) -> JobFinished:
        for name, reason in self.spec.routes.skipped:
            self._warn("candidate_skipped", f"{name}: {reason}")
        for warning in self.spec.routes.warnings:
            self.handle.log.add(warning)
        if self.spec.told and not self.spec.is_resume:
            self._warn(
                "session_retold",
                "this CLI cannot continue a session, so the earlier turns are told in the prompt",
            )
        for route in self.spec.routes.candidates:
            if route.cli in self.left:
                continue
            step = await self._try(route)
            if step is Step.AGAIN:
                step = await self._try(route)
            if step is None:
                return await self._completed()
            if step is Step.STOP:
                break
            if step in (Step.NEXT_CLI, Step.AGAIN):
                self.left.add(route.cli)
        return self._failed()

    async def _try(self, route: Route) -> Step | None:
        """One attempt; None is success."""
        cli = self.spec.clis[route.cli]
        began = trio.current_time()
        try:
            async with AsyncExitStack() as stack:
                plan = await self._plan(route, cli, stack)
                order = self._order(plan, cli)
                self._draft(plan)
                report = await self._turn_with_hooks(order, route, cli)
                await self._check_tree()
        except (BinaryMissing, CircuitOpen, SetupFault, Refusal) as error:
            return self._not_run(route, error, began)
        return self._judged(plan, cli.profile, report)

    async def _turn_with_hooks(self, order: AttemptSpec, route: Route, cli: Cli) -> TurnReport:
        """The turn, asked about before and after where the user has hooks."""
        hooks = self.spec.hooks
        if not hooks:
            return await run_turn(order, self.handle, self.resources.guard)
        shown = self._turn_json(order.plan)
        said = await self._ask_hooks(HookTime.BEFORE, order.plan, shown)
        if said.refusal:
            return _refused("hook_blocked", said.refusal)
        if said.content is not None:
            self._warn("hook_skipped", f"hook {said.by} answered instead of {order.plan.cli}")
            return _without_child(TurnOutput(answer=said.content))
        if said.prompt is not None:
            self._warn("hook_changed_prompt", "a hook has changed the prompt")
            changed = attrs.evolve(
                self.spec, prompt=said.prompt, instructions="", told=(), schema=None
            )
            order = attrs.evolve(order, plan=self._composed(changed, route, cli, order.plan.cwd))
            shown["prompt"] = said.prompt
        report = await run_turn(order, self.handle, self.resources.guard)
        failure = report.failure
        after: dict[str, object] = {
            **shown,
            "content": report.output.answer,
            "exit_code": report.exit.exit_code if report.exit is not None else None,
            "duration_ms": round(report.duration_s * 1000),
            "failure": failure.code if failure is not None else None,
        }
        said = await self._ask_hooks(HookTime.AFTER, order.plan, after)
        if said.refusal and failure is None:
            rejected = _refused("hook_rejected", said.refusal).failure
            return attrs.evolve(report, failure=rejected)
        return report

    async def _ask_hooks(self, when: HookTime, plan: Plan, turn: dict[str, object]) -> Said:
        said = await ask_hooks(
            self.spec.hooks,
            when,
            plan,
            self.handle.job.role,
            turn,
            self.resources.choose(is_terminal=False),
        )
        for warning in said.warnings:
            self.handle.log.add(warning)
        return said

    def _turn_json(self, plan: Plan) -> dict[str, object]:
        return {
            "job_id": self.handle.id,
            "session_id": self.handle.session.id,
            "cli": plan.cli,
            "model": plan.model or None,
            "role": self.handle.job.role or None,
            "mode": str(plan.mode),
            "cwd": plan.cwd,
            "prompt": self.spec.full_prompt,
        }

    async def _plan(self, route: Route, cli: Cli, stack: AsyncExitStack) -> Plan:
        plan = self._known(route) or self._composed(self.spec, route, cli, self.spec.cwd)
        self.scratch = None
        if self.spec.mode is Mode.READ and plan.read_strength in SOFT:
            self.scratch = await stack.enter_async_context(
                open_scratch(self.spec.cwd, self.resources.scratch_dir)
            )
            plan = self._composed(self.spec, route, cli, str(self.scratch.path))
        return plan

    def _known(self, route: Route) -> Plan | None:
        """What was planned before the job began, if that is still what is asked for."""
        if self.spec is not self.asked:
            return None
        for candidate, plan in zip(self.asked.routes.candidates, self.plans, strict=True):
            if candidate is route and isinstance(plan, Plan):
                return plan
        return None

    def _composed(self, spec: TurnSpec, route: Route, cli: Cli, cwd: str) -> Plan:
        ask = plan_request(spec, route, cli.profile, self.resources.data_dir)
        return compose(cli.profile, cli.path, attrs.evolve(ask, cwd=cwd))

    def _order(self, plan: Plan, cli: Cli) -> AttemptSpec:
        self.turn += 1
        for warning in plan.warnings:
            # an effort that only the role suggested may be dropped without a word
            if self.spec.is_effort_wanted or not warning.code.startswith("effort_"):
                self.handle.log.add(warning)
        return AttemptSpec(
            turn=self.turn,
            attempt=len(self.attempts) + 1,
            plan=plan,
            profile=cli.profile,
            silence=silence_of(cli.profile, self.spec.settings),
            deadline=min(self.handle.deadline, trio.current_time() + self._limit_s(plan, cli)),
            drive=self.resources.choose(is_terminal=plan.is_terminal),
            spool=self.resources.store.spool(self.handle.id, self.turn),
            temp_dir=self.resources.temp_dir,
            places=cli.places,
        )

    def _limit_s(self, plan: Plan, cli: Cli) -> float:
        own = self.spec.turn_limit_s
        return turn_limit_s(plan.effort, cli.profile.timeout_s) if own is None else own

    def _draft(self, plan: Plan) -> None:
        self.handle.draft = attrs.evolve(
            self.handle.draft,
            cli=plan.cli,
            model=plan.model,
            effort=plan.effort,
            mode=plan.mode,
            attempts=tuple(self.attempts),
            turns=self.turn,
        )

    def _judged(self, plan: Plan, profile: Profile, report: TurnReport) -> Step | None:
        self.report = report
        self.failure = failure = report.failure
        outcome = "completed" if failure is None else str(failure.failure_class)
        self._record(plan, outcome, failure, report.duration_s)
        self.resources.metrics.turn(
            cli=plan.cli,
            role=self.handle.job.role,
            outcome=outcome,
            duration_s=report.duration_s,
            usage=report.output.usage,
        )
        self.resources.guard.learn(plan.cli, failure)
        if failure is None:
            return None
        step = AFTER[failure.failure_class]
        if failure.code == SESSION_LOST and self.spec.is_resume and self.spec.told:
            self._warn("session_retold", f"{plan.cli} has lost the session; earlier turns are told")
            self.spec = attrs.evolve(self.spec, is_resume=False, native_id="")
            return Step.AGAIN
        if step is Step.NEXT_MODEL:
            self.resources.guard.cool(plan.cli, plan.model, profile.model.cooldown_s, failure)
        if step is Step.AGAIN and self._failures_of(plan) > 1:
            step = Step.NEXT_CLI
        if plan.mode is not Mode.READ and report.output.steps:
            self._warn("not_retried", f"{plan.cli} had begun to change files; no further attempt")
            step = Step.STOP
        return step

    def _failures_of(self, plan: Plan) -> int:
        return sum(
            each.cli == plan.cli and each.model == plan.model and each.outcome != "completed"
            for each in self.attempts
        )

    def _not_run(self, route: Route, error: AimuxError, began: float) -> Step:
        """The candidate could not even be started."""
        failure_class = (
            FailureClass.USAGE if isinstance(error, SetupFault) else FailureClass.UNKNOWN
        )
        self.failure = Failure(
            failure_class=failure_class,
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            hint=error.hint or "",
        )
        self.attempts.append(
            Attempt(
                cli=route.cli,
                model=route.model,
                effort=route.effort,
                outcome="not_run",
                code=error.code,
                message=error.message[:300],
                duration_ms=round((trio.current_time() - began) * 1000),
            )
        )
        return Step.NEXT_CLI

    def _record(self, plan: Plan, outcome: str, failure: Failure | None, duration_s: float) -> None:
        self.attempts.append(
            Attempt(
                cli=plan.cli,
                model=plan.model,
                effort=plan.effort,
                outcome=outcome,
                code=failure.code if failure is not None else "",
                message=failure.message[:300] if failure is not None else "",
                duration_ms=round(duration_s * 1000),
            )
        )

    async def _check_tree(self) -> None:
        if self.scratch is None:
            return
        changes = await self.scratch.changes()
        if changes:
            shown = ", ".join(changes[:20])
            self._warn("mode_violated", f"changed files although told to read only: {shown}")

    def _warn(self, code: str, message: str) -> None:
        self.handle.log.add(Warned(code=code, message=message))

    # ------------------------------------------------------------------ the end

    async def _completed(self) -> JobFinished:
        assert self.report is not None
        content, data = self.report.output.answer, None
        status, failure = JobStatus.COMPLETED, None
        if self.spec.schema is not None:
            contract = check_answer(content, self.spec.schema)
            if contract.problems and (repaired := await self._repair(contract)) is not None:
                contract, content = repaired, self.report.output.answer
            data = contract.data
            if contract.problems:
                status = JobStatus.PARTIAL
                failure = Failure(
                    failure_class=FailureClass.UNKNOWN,
                    code="answer_contract",
                    message="the answer does not fit the schema: " + "; ".join(contract.problems),
                    hint="see content for what was answered; a simpler schema may help",
                )
        return self._finished(status, content, failure, data, is_cut=self.report.output.is_cut)

    async def _repair(self, contract: Contract) -> Contract | None:
        """Ask once more, telling what was wrong; None if that failed too."""
        route = next(
            each for each in self.spec.routes.candidates if each.cli == self.attempts[-1].cli
        )
        first = self.report
        assert first is not None
        resume = self.spec.clis[route.cli].profile.resume
        native_id = first.output.native_id or self.spec.new_native_id
        can_resume = bool(resume.flags and native_id)
        original = self.spec
        self.spec = attrs.evolve(
            original,
            prompt=contract.repair_prompt(original.prompt, is_same_conversation=can_resume),
            native_id=native_id if can_resume else "",
            is_resume=can_resume,
            schema=None,  # the prompt asks for it already
        )
        try:
            step = await self._try(route)
        finally:
            self.spec = original
        if step is not None or self.report is None:
            self.report = first
            return None
        assert original.schema is not None
        return check_answer(self.report.output.answer, original.schema)

    def _failed(self) -> JobFinished:
        failure = self.failure
        if failure is None:
            failure = Failure(
                failure_class=FailureClass.UNKNOWN, code="no_candidate", message="nothing was run"
            )
        self.handle.log.flush()
        answer, is_cut = "", False
        if self.report is not None:
            answer, is_cut = self.report.output.answer, self.report.output.is_cut
            if not answer:
                answer, is_cut = self.handle.log.text_so_far, self.handle.log.is_text_cut
        if failure.failure_class is FailureClass.TIMEOUT:
            status = JobStatus.TIMED_OUT
        else:
            status = JobStatus.PARTIAL if answer.strip() else JobStatus.FAILED
        return self._finished(status, answer, failure, None, is_cut=is_cut)

    def _finished(
        self,
        status: JobStatus,
        content: str,
        failure: Failure | None,
        data: object,
        *,
        is_cut: bool,
    ) -> JobFinished:
        report, joblog = self.report, self.handle.log
        joblog.flush()
        output = report.output if report is not None else None
        gone = report.exit if report is not None else None
        native = (output.native_id if output is not None else "") or self.spec.native_id
        if not native and self.attempts:
            profile = self.spec.clis[self.attempts[-1].cli].profile
            native = self.spec.new_native_id if profile.resume.chosen else ""
        outcome = Outcome(
            content=content,
            is_cut=is_cut,
            data=data,
            cli=self.handle.draft.cli,
            model=(output.model if output is not None else "") or self.handle.draft.model,
            effort=self.handle.draft.effort,
            mode=self.spec.mode,
            usage=output.usage if output is not None else None,
            exit_code=gone.exit_code if gone is not None else None,
            attempts=tuple(self.attempts),
            warnings=tuple(joblog.warnings),
            error=failure,
            stderr_tail=report.stderr_tail if report is not None and failure is not None else "",
            native_session=native,
            turns=self.turn,
        )
        return JobFinished(
            status=status, reason=failure.message if failure is not None else "", outcome=outcome
        )


def _without_child(output: TurnOutput, failure: Failure | None = None) -> TurnReport:
    """The report of a turn for which no child was run."""
    return TurnReport(output=output, failure=failure, exit=None, duration_s=0.0, stderr_tail="")


def _refused(code: str, message: str) -> TurnReport:
    failure = Failure(
        failure_class=FailureClass.FATAL,
        code=code,
        message=message,
        hint="the hook is the user's own: see hooks in the configuration",
    )
    return _without_child(TurnOutput(), failure)


async def run_attempts(
    spec: TurnSpec,
    plans: Sequence[Plan | AimuxError],
    handle: JobHandle,
    resources: TurnResources,
) -> JobFinished:
    """Run a request on its candidates until one answers, and tell what came of it.

    `plans` are those of `planned`. A failed CLI is a result, not an exception. Cancelling it stops
    the child that runs.
    """
    return await _Attempts(spec, plans, spec, handle, resources).run()


def planned(spec: TurnSpec, resources: TurnResources) -> Sequence[Plan | AimuxError]:
    """Each candidate's plan without running anything; an error where it could not be run."""
    plans: list[Plan | AimuxError] = []
    for route in spec.routes.candidates:
        cli = spec.clis[route.cli]
        try:
            ask = plan_request(spec, route, cli.profile, resources.data_dir)
            plans.append(compose(cli.profile, cli.path, ask))
        except AimuxError as error:
            plans.append(error)
    return plans
