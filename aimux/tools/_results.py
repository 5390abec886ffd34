"""The one result shape (design section 6), made of a job's row and, while it runs, its log."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.engine import JobLog, line_for
from aimux.guidance import guide
from aimux.model import (
    TERMINAL,
    Attempt,
    Entry,
    Failure,
    Job,
    JobStatus,
    Outcome,
    Session,
    Usage,
    Warned,
)
from aimux.rules import Slice, cut
from aimux.times import utc_stamp

from ._calls import Payload

Json = dict[str, object]

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
    return None if usage is None else attrs.asdict(usage)


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
    whole = max(1, len(text))
    return cut(text, view.max_chars or whole, offset=view.offset, tail=view.tail)


def _running(job: Job, joblog: JobLog, now: float) -> Json:
    age_s = max(0.0, now - joblog.last_event)
    asks: Json = {"question": joblog.question} if joblog.question else {}
    return asks | {
        "position": joblog.queue_position or None,
        "turn": joblog.turn,
        "tool_steps": joblog.tool_steps,
        "last_event": joblog.last_said or None,
        "last_event_age_ms": round(age_s * 1000),
        "events": joblog.last_seq,
        "elapsed_ms": round((now - joblog.born) * 1000),
        "usage": _usage(joblog.usage),
        "warnings": _warnings(joblog.warnings),
        "duration_ms": None,
    }


def job_json(tool: str, job: Job, joblog: JobLog | None, view: View) -> Json:
    """A job as its tool answers it, with guidance."""
    outcome = job.outcome or Outcome()
    part = _content(job, joblog, view)
    is_cut = outcome.is_cut
    if job.outcome is None and joblog is not None:
        is_cut = joblog.is_text_cut
    body: Json = {
        "job_id": job.id,
        "session_id": job.session_id,
        "status": str(job.status),
        "role": job.role or None,
        "cli": outcome.cli or job.cli or None,
        "model": outcome.model or job.model or None,
        "effort": outcome.effort or job.effort or None,
        "mode": str(job.mode),
        "content": part.text,
        "data": outcome.data,
        "content_length": part.total,
        "offset": part.offset,
        "next_offset": part.next_offset,
        "truncated": part.truncated or is_cut,
        "usage": _usage(outcome.usage),
        "duration_ms": outcome.duration_ms if job.status in TERMINAL else None,
        "exit_code": outcome.exit_code,
        "attempts": _attempts(outcome.attempts),
        "warnings": _warnings(outcome.warnings),
        "error": failure_json(outcome.error),
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
    }
    if outcome.stderr_tail:
        body["stderr_tail"] = outcome.stderr_tail[-STDERR_SHOWN:]
    if job.status not in TERMINAL and joblog is not None:
        body |= _running(job, joblog, trio.current_time())
    if part.hint:
        body["hint"] = part.hint
    elif is_cut:
        body["hint"] = f"more was said than the {part.total} characters that are kept"
    body["guidance"] = guide(tool, body)
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
    """A session as lists show it."""
    return {
        "id": session.id,
        "status": str(session.status),
        "cli": session.cli,
        "kind": session.kind,
        "model": session.model or None,
        "mode": str(session.mode),
        "role": session.role or None,
        "cwd": session.cwd,
        "turns": session.turns,
        "resumable": bool(session.native_id) or session.status in ANSWERED,
        "native_id": session.native_id or None,
        "client": session.client or None,
        "created_at": stamp(session.created_at),
        "last_active_at": stamp(session.last_active_at),
    }


def entry_json(entry: Entry) -> Json:
    """One line of a job's log, for a reader."""
    return {
        "seq": entry.seq,
        "at": stamp(entry.at),
        "kind": entry.event.kind,
        "turn": entry.turn,
        "line": line_for(entry),
    }
