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
MAX_TRIED: Final = 50  # beginnings of such a quote
MAX_FOUND: Final = 10_000  # of one quote in one file; the nearest of them counts

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


def judge_evidence(place: SourcePlace, found: FileLines | str) -> Evidence:
    """What a place comes to, given its file or the reason why that cannot be read."""
    return _judge(place, found if isinstance(found, str) else _Folded(found))


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

    def line_at(self, offset: int) -> int:
        return self._numbers[bisect.bisect_right(self._starts, offset) - 1]

    def find(self, quote: str) -> Iterator[tuple[int, int]]:
        """First and last line of each place where a quote stands."""
        for start, stop in self._whole(" ".join(quote.split())):
            yield self.line_at(start), self.line_at(stop - 1)

    def find_pieces(self, pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
        """The same for a quote with omissions: its pieces in order, not far from each other."""
        first, *rest = pieces
        for tried, (start, stop) in enumerate(self._whole(first)):
            if tried == MAX_TRIED:
                return
            end = stop
            limit = self._offset_after(self.line_at(start) + MAX_OMITTED)
            for piece in rest:
                at = self.text.find(piece, end, limit)
                if at < 0:
                    break
                end = at + len(piece)
            else:
                yield self.line_at(start), self.line_at(end - 1)

    def _offset_after(self, line: int) -> int:
        at = bisect.bisect_right(self._numbers, line)
        return self._starts[at] if at < len(self._starts) else len(self.text)

    def _whole(self, folded: str) -> Iterator[tuple[int, int]]:
        at = self.text.find(folded)
        for _ in range(MAX_FOUND):
            if at < 0:
                return
            yield at, at + len(folded)
            at = self.text.find(folded, at + len(folded))


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
    places = list(found.find(evidence.quote))
    if not places and (pieces := _pieces(evidence.quote)):
        places = list(found.find_pieces(pieces))
    if not places:
        return attrs.evolve(evidence, why="the quote is not in the file")
    if line is None:
        first, last = places[0]
        others = f", and {len(places) - 1} more times" if len(places) > 1 else ""
        why = f"found at line {first}{others}"
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
