"""The one result shape (design section 6), made of a job's row and, while it runs, its log."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.engine import JobLog, line_at
from aimux.guidance import guide_job, guide_turn
from aimux.model import (
    TERMINAL,
    Attempt,
    Entry,
    Failure,
    Job,
    JobStatus,
    Outcome,
    Session,
    TurnResult,
    TurnSummary,
    Usage,
    Warned,
)
from aimux.rules import Slice, cut, summarise
from aimux.times import utc_stamp

from ._calls import Payload

Json = dict[str, object]

COST_DIGITS: Final = 9  # of a cost in USD
STDERR_SHOWN: Final = 2_000
ANSWERED: Final = frozenset({JobStatus.COMPLETED, JobStatus.PARTIAL})
BAD: Final = frozenset({JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.ABORTED})


@attrs.frozen(kw_only=True)
class View:
    """Which part of the content is wanted; None of `max_chars` is all of it."""

    max_chars: int | None
    offset: int | None = None
    tail: int | None = None


def stamp(at: datetime.datetime | None) -> str | None:
    """UTC, ISO 8601 with `Z`, milliseconds; None for no time."""
    return None if at is None else utc_stamp(at)


def _usage(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    shown = attrs.asdict(usage)
    if usage.cost_usd is not None:  # a sum of floats says more than anybody knows
        shown["cost_usd"] = round(usage.cost_usd, COST_DIGITS)
    return shown


def _warnings(warnings: Sequence[Warned]) -> list[Json]:
    seen: dict[tuple[str, str], int] = {}
    for warning in warnings:
        key = (warning.code, warning.message)
        seen[key] = seen.get(key, 0) + 1
    return [
        {"code": code, "message": message} | ({"times": times} if times > 1 else {})
        for (code, message), times in seen.items()
    ]


def _attempts(attempts: Sequence[Attempt]) -> list[Json]:
    return [
        {key: value for key, value in attrs.asdict(attempt).items() if value != ""}
        for attempt in attempts
    ]


def failure_json(failure: Failure | None) -> Json | None:
    """`{code, class, message, retryable, hint}` and what the CLI said."""
    if failure is None:
        return None
    shown: Json = {
        "code": failure.code,
        "class": str(failure.failure_class),
        "message": failure.message,
        "retryable": failure.retryable,
        "hint": failure.hint or None,
    }
    return shown | ({"excerpt": failure.excerpt} if failure.excerpt else {})


def _content(job: Job, joblog: JobLog | None, view: View) -> Slice:
    text = job.outcome.content if job.outcome is not None else ""
    if job.outcome is None and joblog is not None:
        text = joblog.text_so_far
    return _slice(text, view)


def _slice(text: str, view: View) -> Slice:
    whole = max(1, len(text))
    return cut(text, view.max_chars or whole, offset=view.offset, tail=view.tail)


def _running(joblog: JobLog, now: float) -> Json:
    age_s = max(0.0, now - joblog.last_event)
    open_ones = joblog.questions.open_ones
    asks: Json = {"question": open_ones[0].text} if open_ones else {}
    return asks | {
        "position": joblog.queue_position or None,
        "turn": joblog.turn,
        "tool_steps": joblog.tool_steps,
        "last_event": joblog.last_said or None,
        "last_event_age_ms": round(age_s * 1000),
        "events": joblog.entries.last_seq,
        "elapsed_ms": round((now - joblog.born) * 1000),
        "usage": _usage(joblog.usage),
        "warnings": _warnings(joblog.all_warnings),
        "duration_ms": None,
    }


def _turns(job: Job, joblog: JobLog | None) -> list[Json]:
    """The job's turns: as its outcome lists them, while it runs as its log does."""
    if job.outcome is not None:
        return [_turn_row(turn) for turn in job.outcome.turns]
    if joblog is None:
        return []
    live = [
        summarise(turn.result(JobStatus.QUEUED if turn.position else JobStatus.RUNNING))
        for turn in joblog.live_turns
    ]
    return [_turn_row(turn) for turn in [*map(summarise, joblog.results), *live]]


def _turn_row(turn: TurnSummary) -> Json:
    return {
        "turn": turn.turn,
        "seat": turn.seat,
        "cli": turn.cli or None,
        "model": turn.model or None,
        "mode": str(turn.mode),
        "status": str(turn.status),
        "duration_ms": turn.duration_ms,
        "usage": _usage(turn.usage),
        "attempts": _attempts(turn.attempts),
        "content_length": turn.content_chars,
        "error": failure_json(turn.failure),
    }


def turn_json(job: Job, result: TurnResult, view: View) -> Json:
    """One turn of a job in the shape of a result: its text, its figures, the job it belongs to."""
    part = _slice(result.content, view)
    body: Json = {
        "job_id": job.id,
        "session_id": job.session_id or None,
        "turn": result.turn,
        "seat": result.seat,
        "job_status": str(job.status),
        "status": str(result.status),
        "role": job.role or None,
        "cli": result.cli or None,
        "model": result.model or None,
        "effort": result.effort or None,
        "mode": str(result.mode),
        "content": part.text,
        "data": result.data,
        "content_length": part.total,
        "offset": part.offset,
        "next_offset": part.next_offset,
        "truncated": part.truncated or result.is_cut,
        "usage": _usage(result.usage),
        "duration_ms": result.duration_ms,
        "exit_code": result.exit_code,
        "attempts": _attempts(result.attempts),
        "warnings": _warnings(result.warnings),
        "error": failure_json(result.failure),
    }
    if result.stderr_tail:
        body["stderr_tail"] = result.stderr_tail[-STDERR_SHOWN:]
    if part.hint:
        body["hint"] = part.hint
    body["guidance"] = guide_turn(body)
    return body


def _not_stored(joblog: JobLog | None) -> list[Warned]:
    if joblog is None or joblog.not_stored is None:
        return []
    return [joblog.not_stored.warning]


def job_json(job: Job, joblog: JobLog | None, view: View) -> Json:
    """A job as its tool answers it, with guidance."""
    outcome = job.outcome or Outcome()
    part = _content(job, joblog, view)
    is_cut = outcome.is_cut
    if job.outcome is None and joblog is not None:
        is_cut = joblog.is_text_cut
    body: Json = {
        "job_id": job.id,
        "session_id": job.session_id or None,
        "status": str(job.status),
        "role": job.role or None,
        "cli": outcome.cli or job.cli or None,
        "model": outcome.model or job.model or None,
        "effort": outcome.effort or job.effort or None,
        "mode": str(job.mode),
        "content": part.text,
        "data": joblog.so_far if job.outcome is None and joblog is not None else outcome.data,
        "content_length": part.total,
        "offset": part.offset,
        "next_offset": part.next_offset,
        "truncated": part.truncated or is_cut,
        "usage": _usage(outcome.usage),
        "duration_ms": outcome.duration_ms if job.status in TERMINAL else None,
        "exit_code": outcome.exit_code,
        "attempts": _attempts(outcome.attempts),
        "warnings": _warnings([*outcome.warnings, *_not_stored(joblog)]),
        "error": failure_json(outcome.error),
        "turns": _turns(job, joblog),
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
    }
    if job.parent_id:
        body["parent_id"] = job.parent_id
    if outcome.stderr_tail:
        body["stderr_tail"] = outcome.stderr_tail[-STDERR_SHOWN:]
    if job.status not in TERMINAL and joblog is not None:
        body |= _running(joblog, trio.current_time())
    if part.hint:
        body["hint"] = part.hint
    elif is_cut:
        body["hint"] = f"more was said than the {part.total} characters that are kept"
    body["guidance"] = guide_job(body, job.tool, cwd=job.cwd, prompt=job.prompt)
    return body


def with_warning(payload: Payload, warning: Mapping[str, object]) -> Payload:
    """A payload that also warns of something about the call itself."""
    warnings = payload.body.get("warnings")
    known = warnings if isinstance(warnings, list) else []
    body = {**payload.body, "warnings": [*known, dict(warning)]}
    return Payload(body, payload.is_error, payload.links)


def job_row(job: Job) -> Json:
    """A job in a list: no content."""
    outcome = job.outcome or Outcome()
    return {
        "id": job.id,
        "parent_id": job.parent_id or None,
        "status": str(job.status),
        "tool": job.tool,
        "role": job.role or None,
        "cli": outcome.cli or job.cli or None,
        "model": outcome.model or job.model or None,
        "mode": str(job.mode),
        "prompt_preview": job.prompt_preview,
        "content_length": len(outcome.content),
        "error": failure_json(outcome.error),
        "created_at": stamp(job.created_at),
        "finished_at": stamp(job.finished_at),
        "duration_ms": outcome.duration_ms if job.status in TERMINAL else None,
    }


def is_bad(body: Mapping[str, object]) -> bool:
    """Whether a job result is an error to its caller: failed, timed out or aborted."""
    return body.get("status") in BAD


def session_json(session: Session) -> Json:
    """A session as lists show it; its seats, where they have names."""
    own = session.seat()
    is_native = any(seat.native_id for seat in session.seats.values())
    shown: Json = {
        "id": session.id,
        "status": str(session.status),
        "cli": session.cli,
        "kind": session.kind,
        "model": own.model or None,
        "mode": str(session.mode),
        "role": session.role or None,
        "cwd": session.cwd,
        "turns": session.turns,
        "resumable": is_native or session.status in ANSWERED,
        "native_id": own.native_id or None,
        "client": session.client or None,
        "created_at": stamp(session.created_at),
        "last_active_at": stamp(session.last_active_at),
    }
    named = {name: attrs.asdict(seat) for name, seat in session.seats.items() if name}
    return shown | ({"seats": named} if named else {})


def entries_json(entries: Sequence[Entry], after_seq: int) -> list[Json]:
    """The lines of a job's log after `after_seq`, for a reader.

    `entries` begin `BEFORE_ENTRIES` earlier, where there are so many.
    """
    return [
        {
            "seq": entry.seq,
            "at": stamp(entry.at),
            "kind": entry.event.kind,
            "turn": entry.turn,
            "line": line_at(entries, at),
        }
        for at, entry in enumerate(entries)
        if entry.seq > after_seq
    ]
