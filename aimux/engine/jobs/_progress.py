"""What a job does, in one line for a person: fit for a progress notification.

Never the prompt, a path, reasoning or a secret: status lines end up in logs and on shared screens.
Every way out of a log goes through `line_at`, so this is where what CLIs said is masked.
"""

from collections.abc import Sequence
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
from aimux.rules import mask_between

from ._handle import JobHandle

TAIL_CHARS: Final = 100
BEFORE_ENTRIES: Final = 8  # to be read before those that are shown: a secret may reach over them
WINDOW_CHARS: Final = 8_192  # of what was said up to a line: room for the longest secret


def line_at(entries: Sequence[Entry], at: int) -> str | None:
    """One line about an entry among those around it, secrets masked.

    None where there is nothing worth telling. `BEFORE_ENTRIES` earlier ones are enough.
    """
    entry = entries[at]
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
        case Text(text=text):
            return _tail(text, _said_before(entries, at))
        case Message(text=text):
            return _tail(text, "")
        case Reasoning():
            return "thinking"
        case ToolUse(name=name, status="started"):
            return f"uses {mask_between(name)}"
        case Warned(message=said) | Noted(text=said):
            return mask_between(said)[:TAIL_CHARS]
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


def _said_before(entries: Sequence[Entry], at: int) -> str:
    """What the turn of an entry had said up to it."""
    turn = entries[at].turn
    pieces: list[str] = []
    for entry in reversed(entries[max(0, at - BEFORE_ENTRIES) : at]):
        if entry.turn != turn:
            continue
        if not isinstance(entry.event, Text):
            break
        pieces.append(entry.event.text)
    return "".join(reversed(pieces))[-WINDOW_CHARS:]


def _tail(text: str, before: str) -> str | None:
    """The last line that says something."""
    text = text.rstrip()
    before = (before + text[:-WINDOW_CHARS])[-WINDOW_CHARS:]
    for line in reversed(mask_between(text[-WINDOW_CHARS:], before=before).splitlines()):
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
