"""What a job does, in one line for a person: fit for a progress notification.

Never the prompt, a path or reasoning: status lines end up in logs and on shared screens.
"""

from typing import Final

from aimux.model import (
    AttemptFailed,
    Entry,
    JobQueued,
    Message,
    Mode,
    Noted,
    Reasoning,
    Text,
    ToolUse,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnStarted,
    Warned,
)

from ._handle import JobHandle

TAIL_CHARS: Final = 100


def line_for(entry: Entry) -> str | None:
    """One line about an entry, or None where there is nothing worth telling."""
    match entry.event:
        case JobQueued(position=position):
            return f"waiting for a slot: number {position}"
        case TurnQueued(seat=seat, position=position):
            return f"{_by(seat)}waiting for a slot: number {position}"
        case TurnStarted() as turn:
            what = f"{turn.cli} {turn.model}".rstrip()
            how = "read only" if turn.mode is Mode.READ else f"mode {turn.mode}"
            again = f", attempt {turn.attempt}" if turn.attempt > 1 else ""
            return f"{_by(turn.seat)}{what} started ({how}{again})"
        case Text(text=text) | Message(text=text):
            return _tail(text)
        case Reasoning():
            return "thinking"
        case ToolUse(name=name, status="started"):
            return f"uses {name}"
        case Warned(message=said) | Noted(text=said):
            return said[:TAIL_CHARS]
        case AttemptFailed(failure=failure):
            return f"failed: {failure.failure_class} ({failure.code})"
        case TurnFailed(result=result):
            why = str(result.status)
            if result.failure is not None:
                why = f"{result.failure.failure_class} ({result.failure.code})"
            return f"{_by(result.seat)}failed: {why}"
        case TurnFinished(result=result):
            return f"{_by(result.seat)}answered"
        case _:
            return None


def _by(seat: str) -> str:
    return f"{seat}: " if seat else ""


def _tail(text: str) -> str | None:
    """The last line that says something."""
    for line in reversed(text.splitlines()):
        if line.strip():
            return line.strip()[-TAIL_CHARS:]
    return None


def heartbeat(handle: JobHandle, now: float) -> str:
    """What to say when nothing was said for a while."""
    joblog = handle.log
    if joblog.queue_position:
        return f"waiting for a slot: number {joblog.queue_position}"
    running = len(joblog.live_turns)
    turns = f", {running} turns" if running > 1 else ""
    age_s = now - joblog.last_event
    steps = f", {joblog.tool_steps} tool steps" if joblog.tool_steps else ""
    words = f", {joblog.text_chars} characters" if joblog.text_chars else ""
    return (
        f"at work for {now - joblog.born:.0f} s{turns}{steps}{words}; last event {age_s:.0f} s ago"
    )
