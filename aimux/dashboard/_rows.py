"""Jobs and log entries as the page gets them: small, masked, in milliseconds since 1970."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.engine import BEFORE_ENTRIES, JobHandle
from aimux.model import (
    TERMINAL,
    AttemptFailed,
    ChildExited,
    ChildStarted,
    Entry,
    Event,
    Failure,
    FileChange,
    Glance,
    Job,
    JobFinished,
    JobQueued,
    JobStarted,
    Message,
    NativeSession,
    Noise,
    Noted,
    Outcome,
    Reasoning,
    Text,
    ToolUse,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnStarted,
    Usage,
    Warned,
    plural,
)
from aimux.rules import mask_between, redact

Json = dict[str, object]

LINE_CHARS: Final = 600  # of an entry in a list
WINDOW_CHARS: Final = 8_192  # around what is shown: room for the longest secret
QUESTION_CHARS: Final = 2_000
STEP_MS: Final = 5_000  # of the time of the last event: a row that talks does not change each time


def ms(at: datetime.datetime | None) -> int | None:
    """Milliseconds since 1970."""
    return None if at is None else int(at.timestamp() * 1000)


def failure_of(failure: Failure | None) -> Json | None:
    """What a list says of a failure."""
    if failure is None:
        return None
    return {
        "class": str(failure.failure_class),
        "code": failure.code,
        "message": redact(failure.message)[:LINE_CHARS],
        "hint": failure.hint or None,
    }


def usage_of(usage: Usage | None) -> Json | None:
    """Tokens and cost."""
    return None if usage is None else attrs.asdict(usage)


def _plain(job: Job) -> Json:
    return {
        "id": job.id,
        "parent": job.parent_id or None,
        "session": job.session_id or None,
        "status": str(job.status),
        "tool": job.tool,
        "role": job.role or None,
        "mode": str(job.mode),
        "client": job.client or None,
        "cwd": job.cwd or None,
        "prompt": redact(job.prompt_preview),
        "created": ms(job.created_at),
        "started": ms(job.started_at),
        "finished": ms(job.finished_at),
        "events": job.last_seq,
    }


def stored_row(glance: Glance) -> Json:
    """A job of the store."""
    return _plain(glance.job) | {
        "cli": glance.cli or None,
        "model": glance.model or None,
        "error": _stored_failure(glance.failure),
        "usage": glance.usage,
        "duration_ms": glance.duration_ms if glance.job.status in TERMINAL else None,
        "state": glance.state or None,
        "resumable_from": glance.resumable_from or None,
    }


def _stored_failure(failure: Mapping[str, object] | None) -> Json | None:
    if not failure:
        return None
    return {
        "class": failure.get("failure_class"),
        "code": failure.get("code"),
        "message": redact(str(failure.get("message", "")))[:LINE_CHARS],
        "hint": failure.get("hint") or None,
    }


def live_row(handle: JobHandle, now: float) -> Json:
    """A job that is open, or whose end was a moment ago. `now` is the loop's clock."""
    job, joblog = handle.job, handle.log
    outcome = job.outcome or Outcome()
    data = outcome.data if isinstance(outcome.data, dict) else {}
    row = _plain(job) | {
        "cli": outcome.cli or job.cli or None,
        "model": outcome.model or job.model or None,
        "error": failure_of(outcome.error),
        "usage": usage_of(outcome.usage if job.outcome is not None else joblog.usage),
        "duration_ms": outcome.duration_ms if job.status in TERMINAL else None,
        "state": _text(data.get("state")),
        "resumable_from": _text(data.get("resumable_from")),
    }
    if job.status in TERMINAL:
        return row
    asked = [
        {
            "number": each.number,
            "turn": each.turn,
            "cli": each.cli,
            "text": redact(each.text)[-QUESTION_CHARS:],
        }
        for each in joblog.questions.open_ones
    ]
    last_seq = joblog.entries.last_seq
    last_ms = ((ms(joblog.wall()) or 0) - int((now - joblog.last_event) * 1000)) // STEP_MS
    return row | {
        "questions": asked,
        "position": joblog.queue_position or None,
        "turn": joblog.turn,
        "turns_open": len(joblog.live_turns),
        "last_event": joblog.last_said or None,
        "last_event_at": last_ms * STEP_MS,
        # whole numbers of entries would make each of them a change of the row
        "events": last_seq if last_seq < 20 else last_seq // 20 * 20,
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


# ---------------------------------------------------------------------------------- entries


def _said(event: Event) -> str | None:
    """What a CLI said in an event; None for one that tells what happened."""
    match event:
        case Text() | Message() | Reasoning():
            return event.text
        case Noise():
            return event.line
        case ToolUse():
            return event.summary
        case _:
            return None


def _before(entries: Sequence[Entry], at: int) -> str:
    """What the turn of an entry had said just before it, in entries of its kind."""
    entry = entries[at]
    pieces = [
        _said(each.event) or ""
        for each in entries[max(0, at - BEFORE_ENTRIES) : at]
        if each.turn == entry.turn and each.event.kind == entry.event.kind
    ]
    return "".join(pieces)[-WINDOW_CHARS:]


def entry_rows(entries: Sequence[Entry], after: int) -> list[Json]:
    """Entries with a higher number than `after`; a few earlier ones show secrets that reach over.

    What is longer than `LINE_CHARS` is cut, and says so.
    """
    return [
        entry_row(entries, at, LINE_CHARS) for at, each in enumerate(entries) if each.seq > after
    ]


def entry_row(entries: Sequence[Entry], at: int, max_chars: int) -> Json:
    """One entry among those around it, secrets masked."""
    entry = entries[at]
    row: Json = {
        "seq": entry.seq,
        "at": ms(entry.at),
        "offset": round(entry.offset_s, 3),
        "turn": entry.turn,
        "kind": entry.event.kind,
    }
    said = _said(entry.event)
    if said is None:
        text, more = _told(entry.event)
        return row | {"text": redact(text)[:max_chars]} | more
    part, after = said[:max_chars], said[max_chars : max_chars + WINDOW_CHARS]
    before = _before(entries, at) if isinstance(entry.event, Text) else ""
    row["text"] = _masked(part, before, after)
    if len(said) > max_chars:
        row["cut"] = len(said) - max_chars
    match entry.event:
        case Noise(stream=stream):
            row["stream"] = str(stream)
        case ToolUse(name=name, status=status):
            row |= {"name": redact(name), "status": status}
        case _:
            pass
    return row


def _masked(part: str, before: str, after: str) -> str:
    """A part of what was said without its secrets; most parts have none, which is seen at once."""
    whole = before + part + after
    return part if redact(whole) == whole else mask_between(part, before=before, after=after)


def _told(event: Event) -> tuple[str, Json]:
    """What happened, as a line and in fields."""
    match event:
        case JobQueued(position=position) | TurnQueued(position=position):
            return f"waits for a slot: number {position}", {}
        case TurnStarted():
            what = " ".join(filter(None, (event.cli, event.model, event.effort)))
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return f"{what} started ({event.mode}{again})", {
                "seat": event.seat, "cli": event.cli, "argv": [redact(each) for each in event.argv],
            }  # fmt: skip
        case ChildStarted(pid=pid):
            return f"process {pid}", {}
        case ChildExited():
            how = event.signal or f"code {event.exit_code}"
            swept = f", {event.swept} left behind were ended" if event.swept else ""
            return f"ended with {how} after {event.duration_ms / 1000:.1f} s{swept}", {}
        case AttemptFailed(failure=failure):
            return f"attempt {event.attempt} failed: {failure.message}", {
                "class": str(failure.failure_class), "code": failure.code,
            }  # fmt: skip
        case TurnFinished(result=result):
            return f"answered with {plural(len(result.content), 'character')}", {
                "seat": result.seat, "cli": result.cli,
            }  # fmt: skip
        case TurnFailed(result=result):
            failure_ = result.failure
            why = failure_.message if failure_ is not None else str(result.status)
            code = failure_.code if failure_ is not None else ""
            return f"{result.status}: {why}", {
                "seat": result.seat, "cli": result.cli, "code": code,
            }  # fmt: skip
        case JobStarted():
            return "it has its first slot: its time runs", {}
        case JobFinished():
            reason = f": {event.reason}" if event.reason else ""
            return f"{event.status}{reason}", {}
        case Noted():
            return event.text, {}
        case Warned():
            return f"{event.code}: {event.message}", {}
        case FileChange():
            return f"{event.change} {event.path}", {}
        case NativeSession():
            return event.native_id, {}
        case Usage():
            tokens = f"{event.input_tokens or 0} in, {event.output_tokens or 0} out"
            cost = f", {event.cost_usd:.4f} USD" if event.cost_usd else ""
            return tokens + cost, {}
        case _:
            return "", {}
