"""What a CLI said, in lines that can be compared: as it was kept, and as it reads today.

What was understood from stdout, noise on stderr and warnings are compared apart: in which order
the two streams came is not kept.
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from aimux.model import (
    Event,
    FileChange,
    Message,
    NativeSession,
    Noise,
    Reasoning,
    Stream,
    Text,
    ToolUse,
    Usage,
    Warned,
)
from aimux.rules import mask_between

LINE_CHARS: Final = 160  # of a piece of a long line: what differs in it stays in sight
DIFF_LINES: Final = 400  # shown of one attempt
COMPARED_LINES: Final = 4_000  # that are matched with each other; of more the first ones are shown
KEPT_NOISE: Final = 200  # lines of a turn that its log keeps
KEPT_REASONING_CHARS: Final = 4_000  # of a thought that its log keeps
# codes of warnings that come from reading; all others come from rules and from the engine
READING: Final = frozenset(
    {
        "answer_truncated", "line_truncated", "noise_dropped", "notice", "plain_text",
        "record_too_long", "retrying", "usage_dropped",
    }
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Difference:
    """What two readings of one output do not share; `diff` is empty if they are the same."""

    diff: Sequence[str]
    is_cut: bool = False  # there are more differences than are shown


def compare_readings(kept: Iterable[Event], today: Iterable[Event]) -> Difference:
    """The differences between what a log has kept of an attempt and what is read today.

    Secrets are masked in what is shown.
    """
    diff: list[str] = []
    is_cut = False
    for before, after in zip(_apart(kept), _apart(today), strict=True):
        is_full = len(before) >= KEPT_NOISE and before[0].startswith("noise ")
        found, is_more = _diff(before, after[: len(before)] if is_full else after)
        diff += found
        is_cut = is_cut or is_more
    return Difference(diff=diff[:DIFF_LINES], is_cut=is_cut or len(diff) > DIFF_LINES)


def _apart(events: Iterable[Event]) -> tuple[list[str], list[str], list[str]]:
    """The lines of what was said, of noise, and of warnings."""
    said: list[str] = []
    noise: list[str] = []
    warned: list[str] = []
    text: list[str] = []

    def close() -> None:
        if text:
            said.extend(_lines("text", "".join(text)))
            text.clear()

    for event in events:
        if isinstance(event, Text):
            text.append(event.text)
        elif isinstance(event, Noise):
            noise.append(f"noise on {event.stream}: {event.line}")
        elif isinstance(event, Warned):
            if event.code in READING:
                warned += _lines(f"warning {event.code}", event.message)
        else:
            more = list(_said(event))
            if more:
                close()
                said += more
    close()
    return said, sorted(noise, key=_stream_of), sorted(warned)


def _stream_of(line: str) -> bool:
    return line.startswith(f"noise on {Stream.STDERR}")


def _said(event: Event) -> Iterator[str]:
    match event:
        case Message(text=text):
            yield from _lines("message", text)
        case Reasoning(text=text):
            yield from _lines("thought", text[:KEPT_REASONING_CHARS])
        case ToolUse() as tool:
            yield f"tool {tool.name} {tool.status}"
            yield from _lines("  with", tool.summary) if tool.summary else ()
        case FileChange(path=path, change=change):
            yield f"file {change} {path}"
        case NativeSession(native_id=native_id):
            yield f"session {native_id}"
        case Usage() as usage:
            figures = {
                key: value for key, value in attrs.asdict(usage).items() if value is not None
            }
            yield "usage " + ", ".join(f"{key} {value}" for key, value in figures.items())
        case _:
            return


def _lines(kind: str, text: str) -> Iterator[str]:
    """A text in lines of at most `LINE_CHARS`, each with what it is."""
    for line in text.split("\n"):
        for at in range(0, max(1, len(line)), LINE_CHARS):
            yield f"{kind}: {line[at : at + LINE_CHARS]}"


def _diff(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], bool]:
    """The lines of a unified diff without its heads, and whether some are left out."""
    if list(before) == list(after):
        return [], False
    first = next(
        (at for at, (one, two) in enumerate(zip(before, after, strict=False)) if one != two),
        min(len(before), len(after)),
    )
    start = max(0, first - 2)
    one, two = before[start:], after[start:]
    is_cut = max(len(one), len(two)) > COMPARED_LINES
    found = difflib.unified_diff(
        one[:COMPARED_LINES], two[:COMPARED_LINES], "kept", "today", lineterm="", n=2
    )
    shown = [line for line in found if not line.startswith(("--- kept", "+++ today"))]
    return [mask_between(line) for line in shown], is_cut
