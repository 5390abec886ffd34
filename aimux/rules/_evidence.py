"""Whether what a text says of a file is there: no model is asked, nothing is read here.

What a place comes to, the first that fits:

| the file | the quote | the lines | verified | why |
|---|---|---|---|---|
| cannot be read | | | false | the reader's reason |
| | found in them, or within `TOLERANCE` lines | named | quote | |
| | found elsewhere | named, there or not | quote | found at line N |
| | not found | | false | the quote is not in the file |
| | none, or under `MIN_CHARS` | in the file | line_exists | |
| | none, or under `MIN_CHARS` | beyond its end, or not named | false | how many it has |

The decisions are in docs/design/0019.
"""

import bisect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from aimux.files.tree import FileLines
from aimux.model import Evidence, SourcePlace, Verified

MIN_CHARS: Final = 12  # of a quote, without white space: less is found by chance
MIN_PIECE_CHARS: Final = 4  # between two omissions; a closing bracket is not looked for
TOLERANCE: Final = 2  # lines: a model counts a decorator in, or from nought
MAX_OMITTED: Final = 100  # lines, from the first piece of a quote with omissions to its last
MAX_TRIED: Final = 50  # beginnings of such a quote, from the named line and from the first

_OMITTED = re.compile(r"(?:(?:#|//|--|/\*)\s*)?(?:\[\s*)?(?:\.{3,}|…)(?:\s*\])?(?:\s*\*/)?")

Read = Callable[[str], FileLines | str]


def check_places(places: Sequence[SourcePlace], read: Read) -> list[Evidence]:
    """Look each place up, in the order given; `read` has the lines of a file, or says why not.

    Each file is read once. `read` waits for the disk: from a task, call this in a thread.
    """
    order: dict[str, list[int]] = {}
    for at, place in enumerate(places):
        order.setdefault(place.path, []).append(at)
    judged: dict[int, Evidence] = {}
    for path, positions in order.items():
        found = read(path)
        folded = found if isinstance(found, str) else _Folded(found)
        for at in positions:
            judged[at] = _judge(places[at], folded)
    return [judged[at] for at in range(len(places))]


class _Folded:
    """A file as one line: white space folded, each word's line known."""

    def __init__(self, file: FileLines) -> None:
        self.file = file
        self._starts: list[int] = []  # of each line that is not blank, in the text
        self._numbers: list[int] = []
        words: list[str] = []
        at = 0
        for number, line in enumerate(file.lines, 1):
            if folded := " ".join(line.split()):
                self._starts.append(at)
                self._numbers.append(number)
                words.append(folded)
                at += len(folded) + 1
        self.text = " ".join(words)

    def offset_of(self, line: int) -> int:
        """Where a line begins, or the next one that is not blank."""
        at = bisect.bisect_left(self._numbers, line)
        return self._starts[at] if at < len(self._starts) else len(self.text)

    def find(self, quote: str, line: int) -> list[tuple[int, int]]:
        """First and last line where a quote stands: the last before a line, the first from it."""
        folded, near = " ".join(quote.split()), self.offset_of(line)
        before = self.text.rfind(folded, 0, max(0, near + len(folded) - 1))
        starts = (before, self.text.find(folded, near))
        return [self._lines(at, at + len(folded)) for at in starts if at >= 0]

    def find_pieces(self, pieces: Sequence[str], line: int) -> list[tuple[int, int]]:
        """The same for a quote with omissions: its pieces in order, not far from each other."""
        near = self.offset_of(line - TOLERANCE)
        starts = [*self._starts_of(pieces[0], near), *self._starts_of(pieces[0], 0)]
        stops = [self._stop_of(pieces, start) for start in starts]
        return [self._lines(*both) for both in zip(starts, stops, strict=True) if both[1] >= 0]

    def _starts_of(self, piece: str, at: int) -> Iterator[int]:
        for _ in range(MAX_TRIED):
            at = self.text.find(piece, at)
            if at < 0:
                return
            yield at
            at += len(piece)

    def _stop_of(self, pieces: Sequence[str], start: int) -> int:
        limit = self.offset_of(self._line_at(start) + MAX_OMITTED + 1)
        at = start
        for piece in pieces:
            at = self.text.find(piece, at, limit)
            if at < 0:
                return -1
            at += len(piece)
        return at

    def _lines(self, start: int, stop: int) -> tuple[int, int]:
        return self._line_at(start), self._line_at(stop - 1)

    def _line_at(self, offset: int) -> int:
        return self._numbers[bisect.bisect_right(self._starts, offset) - 1]


def _judge(place: SourcePlace, found: _Folded | str) -> Evidence:
    evidence = Evidence(
        path=place.path, line=place.line, end_line=place.end_line, quote=place.quote
    )
    if isinstance(found, str):
        return attrs.evolve(evidence, why=found)
    evidence = _in_order(attrs.evolve(evidence, path=found.file.path))
    if not place.quote.strip() or _weight(place.quote) < MIN_CHARS:
        judged = _judge_lines(evidence, len(found.file.lines))
    else:
        judged = _judge_quote(evidence, found)
    return attrs.evolve(judged, why="; ".join(filter(None, (found.file.note, judged.why))))


def _in_order(evidence: Evidence) -> Evidence:
    """A range that was written from its end."""
    line, last = evidence.line, evidence.end_line
    if line is None or last is None or last >= line:
        return evidence
    return attrs.evolve(evidence, line=last, end_line=line)


def _judge_lines(evidence: Evidence, count: int) -> Evidence:
    line, last = evidence.line, evidence.end_line
    short = f"a quote under {MIN_CHARS} characters proves nothing" if evidence.quote.strip() else ""
    if line is None:
        return attrs.evolve(evidence, why=short or "neither a line nor a quote")
    if line < 1:
        return attrs.evolve(evidence, why="lines are counted from 1")
    if (last or line) > count:
        return attrs.evolve(evidence, why=f"the file has {count} line{'s' * (count != 1)}")
    return attrs.evolve(evidence, verified=Verified.LINE_EXISTS, why=short)


def _judge_quote(evidence: Evidence, found: _Folded) -> Evidence:
    line = evidence.line
    places = found.find(evidence.quote, line or 1)
    if not places and (pieces := _pieces(evidence.quote)):
        places = found.find_pieces(pieces, line or 1)
    if not places:
        return attrs.evolve(evidence, why="the quote is not in the file")
    if line is None:
        first, last = places[0]
        others = found.text.count(" ".join(evidence.quote.split())) - 1
        why = f"found at line {first}" + (f", and {others} more times" if others > 0 else "")
    else:
        end = evidence.end_line or line
        first, last = min(places, key=lambda at: max(line - at[1], at[0] - end, 0))
        if first <= end + TOLERANCE and last >= line - TOLERANCE:
            return attrs.evolve(evidence, verified=Verified.QUOTE)
        why = f"found at line {first}, not {line}"
    return attrs.evolve(
        evidence,
        line=first,
        end_line=last if last > first else None,
        verified=Verified.QUOTE,
        why=why,
    )


def _pieces(quote: str) -> list[str]:
    """What a quote with omissions says, folded; nothing if it omits nothing or says too little."""
    if not _OMITTED.search(quote):
        return []
    pieces = [" ".join(each.split()) for each in _OMITTED.split(quote)]
    pieces = [each for each in pieces if _weight(each) >= MIN_PIECE_CHARS]
    return pieces if max(map(_weight, pieces), default=0) >= MIN_CHARS else []


def _weight(text: str) -> int:
    return sum(len(each) for each in text.split())
