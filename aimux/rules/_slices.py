"""How much of a long text one answer carries, and how to get the rest.

Texts are cut between characters as people see them: an accent stays with its letter, an emoji with
its modifiers. All figures are characters.
"""

import unicodedata
from typing import Final

import attrs

from aimux.errors import PeerFault

MAX_CHARS: Final = 16_384
_GLUE: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3" + "".join(map(chr, range(0x1F3FB, 0x1F400))))
_REACH: Final = 16  # so far a cut moves to spare a character; longer ones are not text


@attrs.frozen(kw_only=True)
class Slice:
    """A part of a text. `next_offset` is where to go on, None at the end; `hint` says how."""

    text: str
    offset: int
    total: int
    next_offset: int | None = None
    hint: str = ""

    @property
    def truncated(self) -> bool:
        """Whether anything is left out, before or behind."""
        return len(self.text) < self.total


def cut(
    text: str, max_chars: int = MAX_CHARS, *, offset: int | None = None, tail: int | None = None
) -> Slice:
    """At most `max_chars` characters: from the start, from `offset`, or the last `tail`.

    Raises:
        PeerFault: `offset` is negative, `tail` or `max_chars` below 1, or both are given.
    """
    _check(max_chars, offset, tail)
    total = len(text)
    if tail is not None:
        start = _boundary(text, max(total - min(tail, max_chars), 0), is_start=True)
        return _slice(text, start, total)
    start = min(offset or 0, total)
    end = min(start + max_chars, total)
    if end < total:
        spared = _boundary(text, end, is_start=False)
        end = spared if spared > start else end
    return _slice(text, start, end)


def _check(max_chars: int, offset: int | None, tail: int | None) -> None:
    if max_chars < 1 or (tail is not None and tail < 1):
        name, value = ("max_chars", max_chars) if max_chars < 1 else ("tail", tail)
        msg = f"{name} is {value}: it must be at least 1"
    elif offset is not None and offset < 0:
        msg = f"offset is {offset}: it counts from 0"
    elif offset is not None and tail is not None:
        msg = "offset and tail are both given: take one"
    else:
        return
    raise PeerFault(msg, code="invalid_slice")


def _slice(text: str, start: int, end: int) -> Slice:
    total = len(text)
    hint = ""
    if start > 0 or end < total:
        further = "what comes before starts at offset=0"
        if end < total:
            further = f"go on with offset={end}, or see the end with tail=2000"
        hint = f"characters {start} to {end} of {total}; {further}"
    return Slice(
        text=text[start:end],
        offset=start,
        total=total,
        next_offset=end if end < total else None,
        hint=hint,
    )


def _boundary(text: str, place: int, *, is_start: bool) -> int:
    """The nearest place that parts no character: later for a start, earlier for an end."""
    step = 1 if is_start else -1
    spared = place
    for _ in range(_REACH):
        if not _is_inside(text, spared):
            return spared
        spared += step
    return place


def _is_inside(text: str, place: int) -> bool:
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    return (
        after in _GLUE
        or before == "\u200d"
        or bool(unicodedata.combining(after))
        or (before, after) == ("\r", "\n")
    )
