"""What a turn has come to so far, and the result that is made of it when its attempts are over."""

from typing import Final

import attrs

from aimux.engine._specs import TurnSpec
from aimux.engine.log import TurnLog
from aimux.errors import AimuxError, SetupFault
from aimux.model import (
    Attempt,
    Failure,
    FailureClass,
    JobStatus,
    Plan,
    Route,
    TurnOutput,
    TurnResult,
)

from ._turns import AttemptReport

MESSAGE_CHARS: Final = 300  # of a failure, in the list of attempts


@attrs.define(eq=False, kw_only=True)
class AttemptHistory:
    """The last attempt's report and failure, and the last thing that any attempt said."""

    log: TurnLog
    failure: Failure | None = None
    _report: AttemptReport | None = None
    _said: str = ""  # of the last attempt that said anything
    _is_said_cut: bool = False

    def keep(self, plan: Plan, report: AttemptReport, outcome: str) -> None:
        """Keep what an attempt came to."""
        self._report = report
        self.failure = report.failure
        text = report.output.answer or self.log.text_so_far
        if text.strip():
            self._said = text
            self._is_said_cut = (
                report.output.is_cut if report.output.answer else self.log.is_text_cut
            )
        self._list(plan.cli, plan.model, plan.effort, outcome, report.duration_s)

    def keep_refusal(self, route: Route, error: AimuxError, took_s: float) -> None:
        """Keep why an attempt could not even be started."""
        is_setup = isinstance(error, SetupFault)
        self.failure = Failure(
            failure_class=FailureClass.USAGE if is_setup else FailureClass.UNKNOWN,
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            hint=error.hint or "",
        )
        self._list(route.cli, route.model, route.effort, "not_run", took_s)

    def _list(self, cli: str, model: str, effort: str, outcome: str, duration_s: float) -> None:
        failure = self.failure
        self.log.attempts.append(
            Attempt(
                cli=cli,
                model=model,
                effort=effort,
                outcome=outcome,
                code=failure.code if failure is not None else "",
                message=failure.message[:MESSAGE_CHARS] if failure is not None else "",
                duration_ms=round(duration_s * 1000),
            )
        )

    def completed(self, spec: TurnSpec) -> TurnResult:
        """The result of a turn whose last attempt answered."""
        assert self._report is not None
        output = self._report.output
        return self._result(spec, JobStatus.COMPLETED, output.answer, None, is_cut=output.is_cut)

    def failed(self, spec: TurnSpec) -> TurnResult:
        """The result of a turn that nobody answered; what was said is its content."""
        failure = self.failure
        if failure is None:
            failure = Failure(
                failure_class=FailureClass.UNKNOWN, code="no_candidate", message="nothing was run"
            )
        if failure.failure_class is FailureClass.TIMEOUT:
            status = JobStatus.TIMED_OUT
        else:
            status = JobStatus.PARTIAL if self._said else JobStatus.FAILED
        return self._result(spec, status, self._said, failure, is_cut=self._is_said_cut)

    def too_late(self, spec: TurnSpec, cli: str) -> TurnResult:
        """The result of a turn whose deadline came while it waited for a slot of a CLI."""
        self.failure = Failure(
            failure_class=FailureClass.TIMEOUT,
            code="timed_out",
            message=f"no slot for {cli} before the deadline",
            retryable=True,
        )
        return self.failed(spec)

    def _result(
        self,
        spec: TurnSpec,
        status: JobStatus,
        content: str,
        failure: Failure | None,
        *,
        is_cut: bool,
    ) -> TurnResult:
        report = self._report
        output = report.output if report is not None else TurnOutput()
        gone = report.exit if report is not None else None
        made = self.log.result(status, content=content)
        cli = made.cli or (made.attempts[-1].cli if made.attempts else "")
        return attrs.evolve(
            made,
            is_cut=is_cut,
            cli=cli,
            model=output.model or made.model,
            mode=spec.mode,
            native_session=_native_session(spec, output, cli),
            failure=failure,
            exit_code=gone.exit_code if gone is not None else None,
            stderr_tail=report.stderr_tail if report is not None and failure is not None else "",
        )


def _native_session(spec: TurnSpec, output: TurnOutput, cli: str) -> str:
    if output.native_id:
        return output.native_id
    if spec.resumes(cli):
        return spec.native_id
    is_named = cli in spec.clis and spec.clis[cli].profile.resume.chosen
    return spec.new_native_id if is_named else ""
