"""What a job does, in one line for a person: fit for a progress notification.

Never the prompt, a path or reasoning: status lines end up in logs and on shared screens.
"""

from typing import Final

from aimux.model import (
    Entry,
    JobQueued,
    Message,
    Mode,
    Note,
    Reasoning,
    Text,
    ToolUse,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Warned,
)

from ._jobs import JobHandle

TAIL_CHARS: Final = 100


def line_for(entry: Entry) -> str | None:
    """One line about an entry, or None where there is nothing worth telling."""
    match entry.event:
        case JobQueued(position=position):
            return f"waiting for a place: number {position}"
        case TurnStarted() as turn:
            what = f"{turn.cli} {turn.model}".rstrip()
            how = "read only" if turn.mode is Mode.READ else f"mode {turn.mode}"
            again = f", attempt {turn.attempt}" if turn.attempt > 1 else ""
            return f"{what} started ({how}{again})"
        case Text(text=text) | Message(text=text):
            return _tail(text)
        case Reasoning():
            return "thinking"
        case ToolUse(name=name, status="started"):
            return f"uses {name}"
        case Warned(message=said) | Note(text=said):
            return said[:TAIL_CHARS]
        case TurnFailed(failure=failure):
            return f"failed: {failure.failure_class} ({failure.code})"
        case TurnFinished():
            return "answered"
        case _:
            return None


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
        return f"waiting for a place: number {joblog.queue_position}"
    age_s = now - joblog.last_event
    steps = f", {joblog.tool_steps} tool steps" if joblog.tool_steps else ""
    words = f", {joblog.text_chars} characters" if joblog.text_chars else ""
    return f"at work for {now - joblog.born:.0f} s{steps}{words}; last event {age_s:.0f} s ago"
