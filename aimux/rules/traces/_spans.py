"""The spans of a job, made from the events of its log once it has ended.

Theory of operation. One pass over the log: a turn is open from its first event to its end, an
attempt from `turn_started` to whatever ends it (the next one, `attempt_failed`, the turn's end), a
child inside its attempt. What a dead server left open is closed where the job ends, as an error.
Times are the job's birth plus the offset of the event, which no change of the clock disturbs.

What goes into a span is facts: ids, names, figures, classes and codes of failures. Never a prompt,
an answer, a message, an argument, a path or a value of an environment.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from aimux.model import (
    Attempt,
    AttemptFailed,
    ChildExited,
    ChildStarted,
    Entry,
    Job,
    JobFinished,
    JobStarted,
    JobStatus,
    NativeSession,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
)

from ._places import child_span_id, span_id
from ._span import Span, SpanKind, Value, code_of, make_span, usage_of

UNENDED: Final = "aborted"  # what is left open when its server dies
NOT_RUN: Final = "not_run"

MARKS: Final = (
    JobStarted,
    TurnQueued,
    TurnStarted,
    ChildStarted,
    ChildExited,
    NativeSession,
    AttemptFailed,
    TurnFinished,
    TurnFailed,
    JobFinished,
)  # the events that spans are made from
MARK_KINDS: Final = tuple(each.kind for each in MARKS)

_FAILED: Final = frozenset(
    {JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMED_OUT, JobStatus.ABORTED}
)
# as OpenTelemetry's registry names them; of the other CLIs only their user knows whom they ask
_PROVIDERS: Final[Mapping[str, str]] = {
    "claude": "anthropic",
    "codex": "openai",
    "gemini": "gcp.gemini",
}


def has_exported_spans(job: Job) -> bool:
    """Whether spans of this job are made and its trace is kept."""
    return job.trace is not None and job.trace.has_spans and job.trace.above.is_sampled


def spans_of(job: Job, entries: Iterable[Entry]) -> list[Span]:
    """The job's span first, then those of its turns as they ended, each with what is below it."""
    fold = _Fold(job)
    for entry in entries:
        fold.take(entry)
    return fold.spans()


@attrs.define(eq=False)
class _Open:
    """An attempt that runs, and its child."""

    number: int
    started: TurnStarted
    at_s: float
    child: ChildStarted | None = None
    child_at_s: float = 0.0


@attrs.define(eq=False)
class _Turn:
    """A turn that has not ended."""

    at_s: float
    number: int
    seat: str = ""
    spans: list[Span] = attrs.field(factory=list)
    listed: set[int] = attrs.field(factory=set)  # attempts that have a span
    attempt: _Open | None = None
    slot_at_s: float | None = None
    native_id: str = ""


class _Fold:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._turns: dict[int, _Turn] = {}
        self._ended: list[Span] = []
        self._last_s = 0.0
        self._started_s: float | None = None
        self._finished: JobFinished | None = None

    def take(self, entry: Entry) -> None:
        event, at_s = entry.event, entry.offset_s
        if not isinstance(event, MARKS):
            return
        self._last_s = max(self._last_s, at_s)
        if isinstance(event, JobStarted):
            self._started_s = at_s
        elif isinstance(event, JobFinished):
            self._finished = event
        elif entry.turn:
            turn = self._turns.get(entry.turn)
            if turn is None:
                turn = self._turns[entry.turn] = _Turn(at_s, entry.turn)
            self._take_turn(turn, event, at_s)

    def _take_turn(self, turn: _Turn, event: object, at_s: float) -> None:
        match event:
            case TurnQueued():
                turn.seat = event.seat
            case TurnStarted():
                self._end_attempt(turn, at_s, "")
                turn.seat = event.seat
                if turn.slot_at_s is None:
                    turn.slot_at_s = at_s
                turn.attempt = _Open(event.attempt, event, at_s)
            case ChildStarted() if turn.attempt is not None:
                turn.attempt.child, turn.attempt.child_at_s = event, at_s
            case ChildExited() if turn.attempt is not None and turn.attempt.child is not None:
                turn.spans.append(self._child(turn, turn.attempt, turn.attempt.child, at_s, event))
                turn.attempt.child = None
            case NativeSession():
                turn.native_id = event.native_id
            case AttemptFailed():
                self._fail_attempt(turn, event, at_s)
            case TurnFinished(result=result) | TurnFailed(result=result):
                self._end_turn(turn, at_s, result)
            case _:
                pass

    # ------------------------------------------------------------------ attempts

    def _fail_attempt(self, turn: _Turn, event: AttemptFailed, at_s: float) -> None:
        if turn.attempt is not None and turn.attempt.number == event.attempt:
            self._end_attempt(turn, at_s, code_of(event.failure))

    def _end_attempt(
        self, turn: _Turn, at_s: float, error: str, result: TurnResult | None = None
    ) -> None:
        attempt, turn.attempt = turn.attempt, None
        if attempt is None:
            return
        if attempt.child is not None:  # nobody saw it leave
            turn.spans.append(self._child(turn, attempt, attempt.child, at_s, None))
        started = attempt.started
        told: dict[str, Value | None] = {
            "aimux.mode": str(started.mode),
            "aimux.effort": started.effort,
            "gen_ai.conversation.id": turn.native_id,
        }
        if result is not None and len(result.attempts) <= 1:  # else they are those of several
            told |= usage_of(result.usage)
        turn.listed.add(attempt.number)
        turn.spans.append(
            self._attempt_span(
                turn, attempt.number, started.cli, started.model, attempt.at_s, at_s, error, told
            )
        )

    def _attempt_span(
        self,
        turn: _Turn,
        number: int,
        cli: str,
        model: str,
        from_s: float,
        to_s: float,
        error: str,
        told: Mapping[str, Value | None],
    ) -> Span:
        named: dict[str, Value | None] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": cli,
            "gen_ai.provider.name": _PROVIDERS.get(cli, ""),
            "gen_ai.request.model": model,
            "aimux.attempt": number,
        }
        return make_span(
            self._job,
            f"invoke_agent {cli}",
            "attempt",
            SpanKind.CLIENT,
            span_id(self._job.id, turn.number, number, "attempt"),
            span_id(self._job.id, turn.number, 0, "turn"),
            (from_s, to_s),
            error,
            named | dict(told),
        )

    def _child(
        self,
        turn: _Turn,
        attempt: _Open,
        child: ChildStarted,
        at_s: float,
        exited: ChildExited | None,
    ) -> Span:
        error = ""
        told: dict[str, Value | None] = {"process.pid": child.pid}
        if exited is None:
            error = UNENDED
        else:
            told |= {
                "process.exit.code": exited.exit_code,
                "aimux.process.signal": exited.signal,
                "aimux.process.cpu_ms": exited.cpu_ms,
                "aimux.process.max_rss_bytes": exited.max_rss_bytes,
            }
            if exited.signal:
                error = exited.signal
            elif exited.exit_code:
                error = str(exited.exit_code)
        program = attempt.started.argv[0] if attempt.started.argv else attempt.started.cli
        name = program.replace("\\", "/").rpartition("/")[2] or attempt.started.cli
        return make_span(
            self._job,
            name,
            "child",
            SpanKind.INTERNAL,
            child_span_id(self._job.id, turn.number, attempt.number),
            span_id(self._job.id, turn.number, attempt.number, "attempt"),
            (attempt.child_at_s, at_s),
            error,
            {"process.executable.name": name, **told},
        )

    def _list_unstarted(self, turn: _Turn, at_s: float, attempts: Iterable[Attempt]) -> None:
        """Spans of candidates that could not be started: the log has nothing but the turn's end."""
        for number, each in enumerate(attempts, 1):
            if number not in turn.listed and each.outcome == NOT_RUN:
                spent = min(each.duration_ms / 1000, at_s - turn.at_s)
                turn.spans.append(
                    self._attempt_span(
                        turn, number, each.cli, each.model, at_s - spent, at_s,
                        each.code or NOT_RUN, {},
                    )
                )  # fmt: skip

    # ------------------------------------------------------------------ turns, the job

    def _end_turn(self, turn: _Turn, at_s: float, result: TurnResult | None) -> None:
        del self._turns[turn.number]
        error = _error(result.status if result is not None else JobStatus.ABORTED, result)
        last = _last_error(turn, result, error)
        self._end_attempt(turn, at_s, last, result)
        told: dict[str, Value | None] = {}
        if result is not None:
            self._list_unstarted(turn, at_s, result.attempts)
            told = {
                "aimux.status": str(result.status),
                "aimux.attempts": len(result.attempts),
                "gen_ai.agent.name": result.cli,
                "gen_ai.response.model": result.model,
                **usage_of(result.usage),
            }
        if turn.slot_at_s is not None:
            told["aimux.queued_ms"] = round((turn.slot_at_s - turn.at_s) * 1000)
        self._ended.append(
            make_span(
                self._job,
                "turn",
                "turn",
                SpanKind.INTERNAL,
                span_id(self._job.id, turn.number, 0, "turn"),
                span_id(self._job.id),
                (turn.at_s, at_s),
                error,
                {"aimux.turn": turn.number, "aimux.seat": turn.seat, **told},
            )
        )
        self._ended += reversed(turn.spans)

    def spans(self) -> list[Span]:
        for turn in list(self._turns.values()):
            self._end_turn(turn, self._last_s, None)
        job, outcome, finished = self._job, self._job.outcome, self._finished
        status = finished.status if finished is not None else JobStatus.ABORTED
        error = ""
        if status in _FAILED:
            known = outcome.error if outcome is not None else None
            error = code_of(known) if known is not None else str(status)
        told: dict[str, Value | None] = {
            "aimux.status": str(status),
            "aimux.role": job.role,
            "aimux.mode": str(job.mode),
            "aimux.client": job.client,
            "aimux.parent_job.id": job.parent_id,
            "gen_ai.tool.name": job.tool,
            "gen_ai.conversation.id": job.session_id,
        }
        if self._started_s is not None:
            told["aimux.queued_ms"] = round(self._started_s * 1000)
        if outcome is not None:
            told |= {
                "aimux.turns": len(outcome.turns),
                "gen_ai.agent.name": outcome.cli,
                "gen_ai.response.model": outcome.model,
                **usage_of(outcome.usage),
            }
        above = job.trace.above.span_id if job.trace is not None else ""
        whole = make_span(
            self._job,
            f"job {job.tool}",
            "job",
            SpanKind.INTERNAL if job.parent_id else SpanKind.SERVER,
            span_id(job.id),
            above,
            (0.0, self._last_s),
            error,
            told,
            is_parent_remote=bool(above) and not job.parent_id,
        )
        return [whole, *self._ended]


def _error(status: JobStatus, result: TurnResult | None) -> str:
    """Why a turn is an error; one that gave a part of an answer is none."""
    if status not in _FAILED:
        return ""
    failure = result.failure if result is not None else None
    return code_of(failure) if failure is not None else str(status)


def _last_error(turn: _Turn, result: TurnResult | None, error: str) -> str:
    """Why the last attempt is an error: what is listed of it, else why its turn is one."""
    attempt = turn.attempt
    if attempt is None or result is None or len(result.attempts) < attempt.number:
        return error
    listed = result.attempts[attempt.number - 1]
    return "" if listed.outcome == JobStatus.COMPLETED else listed.code or listed.outcome
