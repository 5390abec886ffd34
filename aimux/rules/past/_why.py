"""Why a job ended as it did: which rule decided what, step by step, read from its log.

Nothing is remembered for this: the log has what happened, and the rules are the ones that were
asked then. A step is what one rule said about one attempt, one turn or the job.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import (
    AttemptFailed,
    ChildExited,
    Entry,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobQueued,
    JobStatus,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
    Warned,
    plural,
)
from aimux.rules import AFTER, TOOLS_DENIED, NextStep, Quiet, mask_between

SAID_CHARS: Final = 600
RULES: Final[Mapping[str, str]] = {  # code of a failure -> the rule that it comes from
    "timed_out": "deadline",
    "silent": "silence",
    "runaway": "limit",
    "budget_spent": "limit",
    "circuit_open": "breaker",
    "answer_contract": "contract",
    "hook_blocked": "hook",
    "hook_rejected": "hook",
    "cancelled": "cancel",
    "aborted": "restart",
    "empty_answer": "validator",
    "output_cut": "validator",
    "cut_short": "validator",
    "error_as_answer": "validator",
    "error_on_stderr": "validator",
    TOOLS_DENIED: "validator",
    "record_too_long": "validator",
}
SILENCES: Final = frozenset({Quiet.WARNING, Quiet.STALLED})  # codes of warnings about one
_STEPS: Final[Mapping[NextStep, str]] = {
    NextStep.AGAIN: "once more on the same CLI and model",
    NextStep.NEXT_MODEL: "the CLI's next model",
    NextStep.NEXT_CLI: "the next CLI",
    NextStep.STOP: "no further attempt",
}


@attrs.frozen(kw_only=True)
class Step:
    """What one rule said. `turn` and `attempt` are 0 where it was about the whole job or turn."""

    seq: int
    offset_s: float
    turn: int = 0
    seat: str = ""
    attempt: int = 0
    rule: str
    said: str


@attrs.frozen(kw_only=True)
class Why:
    """The rule that ended a job, and what led there. `rule` is empty while the job is open."""

    rule: str
    said: str
    steps: Sequence[Step]


def rule_of(failure: Failure) -> str:
    """The rule that a failure comes from: one of `RULES`, else its class."""
    if failure.failure_class is FailureClass.TIMEOUT and failure.code not in RULES:
        return "deadline"
    return RULES.get(failure.code, "class")


def explain_end(job: Job, entries: Sequence[Entry]) -> Why:
    """Which rule ended a job, and each decision before it; secrets are masked."""
    reader = _Reader()
    steps = [step for entry in entries for step in reader.read(entry)]
    rule, said = _ended_by(job)
    return Why(rule=rule, said=_shown(said), steps=steps)


def _ended_by(job: Job) -> tuple[str, str]:
    error = job.outcome.error if job.outcome is not None else None
    match job.status:
        case JobStatus.QUEUED | JobStatus.RUNNING:
            return "", f"the job is {job.status}"
        case JobStatus.COMPLETED:
            return "answer", "a validated answer is there"
        case JobStatus.ABORTED:
            said = error.message if error is not None else ""
            return "restart", said or "the server that ran it is gone"
    if error is None:
        return "strategy", f"its work reported {job.status}"
    turns = job.outcome.turns if job.outcome is not None else ()
    is_a_turns = any(turn.failure is not None and turn.failure.code == error.code for turn in turns)
    is_known = error.code in RULES or job.status in (JobStatus.CANCELLED, JobStatus.TIMED_OUT)
    if job.status is JobStatus.CANCELLED:
        return "cancel", error.message
    return rule_of(error) if is_a_turns or is_known else "strategy", _failure_text(error)


@attrs.define(eq=False)
class _Reader:
    """What must be remembered of each turn while its log is read."""

    seats: dict[int, str] = attrs.field(factory=dict)
    running: dict[int, TurnStarted] = attrs.field(factory=dict)  # the attempt that runs, or ran
    failed: dict[int, TurnStarted] = attrs.field(factory=dict)  # the one another attempt follows
    not_retried: set[int] = attrs.field(factory=set)

    def read(self, entry: Entry) -> Iterator[Step]:
        for rule, attempt, said in self._said(entry):
            yield Step(
                seq=entry.seq,
                offset_s=entry.offset_s,
                turn=entry.turn,
                seat=self.seats.get(entry.turn, ""),
                attempt=attempt,
                rule=rule,
                said=_shown(said),
            )

    def _said(self, entry: Entry) -> Iterator[tuple[str, int, str]]:
        turn = entry.turn
        before = self.running.get(turn)
        attempt = before.attempt if before is not None else 0
        match entry.event:
            case JobQueued(position=position):
                yield "slot", 0, f"the job waited as number {position}"
            case TurnQueued(seat=seat, position=position):
                self.seats[turn] = seat
                yield "slot", 0, f"the turn waited as number {position}"
            case TurnStarted() as started:
                self.seats[turn] = started.seat
                self.running[turn] = started
                yield "route", started.attempt, self._route(started)
            case Warned(code=code, message=message):
                if code == "not_retried":
                    self.not_retried.add(turn)
                yield "silence" if code in SILENCES else "warning", attempt, f"{code}: {message}"
            case ChildExited() as gone:
                yield "child", attempt, _exit_text(gone)
            case AttemptFailed(failure=failure) as failed:
                yield rule_of(failure), failed.attempt, _failure_text(failure)
                yield "retry", failed.attempt, _row(failure)
                if before is not None:
                    self.failed[turn] = before
            case TurnFinished(result=result):
                warned = ", ".join(dict.fromkeys(each.code for each in result.warnings))
                noted = f"; warnings: {warned}" if warned else ""
                said = f"the answer of {plural(len(result.content), 'character')} is valid{noted}"
                yield "validator", len(result.attempts), said
            case TurnFailed(result=result):
                yield from self._turn_failed(turn, result)
            case JobFinished() as end:
                reason = f": {end.reason}" if end.reason else ""
                yield "job", 0, f"{end.status}{reason}"
            case _:
                return

    def _route(self, started: TurnStarted) -> str:
        what = f"{started.cli} {started.model}".rstrip()
        said = f"{what}, mode {started.mode}"
        before = self.failed.pop(started.turn, None)
        if before is None:
            return said
        if before.cli != started.cli:
            return f"{said}: another CLI after {before.cli}"
        if before.model != started.model:
            return f"{said}: the next model after {before.model or 'the default one'}"
        return f"{said}: once more"

    def _turn_failed(self, turn: int, result: TurnResult) -> Iterator[tuple[str, int, str]]:
        failure = result.failure
        if failure is None:
            yield "validator", len(result.attempts), f"the turn is {result.status}"
            return
        number = len(result.attempts)
        yield rule_of(failure), number, _failure_text(failure)
        step = AFTER[failure.failure_class]
        if step is NextStep.STOP:
            yield "retry", number, _row(failure)
        elif turn in self.not_retried:
            yield "retry", number, f"{_row(failure)}, but it had begun to work: not repeated"
        else:
            yield "retry", number, f"{_row(failure)}, but nothing is left to be tried"


def _row(failure: Failure) -> str:
    """The row of the table for a failure, in words."""
    return f"after {failure.failure_class}: {_STEPS[AFTER[failure.failure_class]]}"


def _failure_text(failure: Failure) -> str:
    return f"{failure.failure_class} ({failure.code}): {failure.message}"


def _exit_text(gone: ChildExited) -> str:
    how = f"exit code {gone.exit_code}" if gone.exit_code is not None else gone.signal or "a signal"
    swept = f"; {gone.swept} leftovers were ended" if gone.swept else ""
    return f"the child left with {how} after {gone.duration_ms / 1000:.1f} s{swept}"


def _shown(text: str) -> str:
    return mask_between(text)[:SAID_CHARS]
