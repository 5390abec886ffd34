"""The reader of CLIs that print JSON: finds the records, leaves their meaning to a family.

One reader serves JSON lines, a pretty-printed object over many lines and an array of records on one
line, on either stream, with anything between them: a CLI changes its format by a flag, and in a
terminal its stderr stands between its records.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
import orjson

from aimux.model import Stream

from ._ansi import clean
from ._blocks import BlockReader
from ._completion import Completion
from ._lines import MAX_REMARK_BYTES
from ._prose import Prose, take_prose
from ._records import glued, load
from ._shapes import Record
from ._turn_state import MAX_NOISE_CHARS, MAX_VALUE_CHARS, TurnState

_OPENERS: Final = (b"{", b"[")
_CLOSERS: Final = {"{": "}", "[": "]"}
_SCALAR: Final = r'(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|\{\}|\[\]|[\[{])'
_MAX_VALUE_LINES: Final = 50_000  # a short line costs ten times its length
_PRETTY_LINE: Final = re.compile(rf'\s*(?:(?:"(?:[^"\\]|\\.)*":\s*)?{_SCALAR}|[\]}}]),?\s*')


class Family(Protocol):
    """What the records of one CLI mean. It writes into the turn's state and keeps what it needs."""

    @property
    def joins(self) -> bool:
        """True if the answer is all messages, not the last one."""
        ...

    @property
    def harmless(self) -> re.Pattern[str] | None:
        """Lines that explain no failure though they look like one."""
        ...

    def record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        """Understand one record; False makes its line noise."""
        ...

    def line(self, turn: TurnState, stream: Stream, line: str) -> bool:
        """Understand one line without a record; False makes it noise."""
        ...

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """The child is gone: end what has no closing record."""
        ...


@attrs.define(eq=False)
class _Block:
    """A pretty-printed value whose end was not seen yet."""

    closer: str
    lines: list[str] = attrs.field(factory=list)
    size: int = 0

    def add(self, line: str) -> bool:
        """Keep `line`; True if it closes the value."""
        self.lines.append(line)
        self.size += len(line)
        return line.startswith(self.closer) and not line.startswith(f"{self.closer},")

    @property
    def is_full(self) -> bool:
        """True if no value of ours is that long."""
        return self.size > MAX_VALUE_CHARS or len(self.lines) > _MAX_VALUE_LINES

    def value(self) -> object:
        """The value, also when foreign lines stand between its own; None if there is none."""
        for lines in (self.lines, [each for each in self.lines if _PRETTY_LINE.fullmatch(each)]):
            try:
                return load("\n".join(lines))
            except ValueError:
                continue
        return None


class Reader(BlockReader):
    """A dialect over a family of records."""

    def __init__(self, family: Family, completion: Completion | None = None) -> None:
        super().__init__(joins=family.joins, completion=completion)
        self._family = family
        self._blocks: dict[Stream, _Block] = {}
        self._prose: Prose | None = Prose()  # None once a record came on stdout

    def _end_of(self, stream: Stream) -> None:
        self._close_block(stream)

    def _close(self, exit_code: int | None) -> None:
        turn = self._turn_state
        if exit_code == 0 and self._prose is not None and take_prose(turn, self._prose.text):
            turn.conclude(reason="exit")
        self._family.close(turn, exit_code)

    # ------------------------------------------------------------------------------ lines

    def _block(self, stream: Stream, block: bytes) -> None:
        record = self._record if self._completion is not None else self._family.record
        limit = self._buffers[stream].limit
        for raw in block.split(b"\n"):
            if raw[:1] in _OPENERS and len(raw) <= limit:
                try:
                    value: object = orjson.loads(raw)
                except ValueError:
                    self._odd(stream, raw)
                    continue
                if self._blocks or not isinstance(value, dict):
                    known = self._value(stream, value)
                else:  # the usual line, kept short: long turns are a hundred thousand of them
                    known = record(self._turn_state, stream, value)
                if not known:
                    del value
                    self._unknown(stream, raw)
                elif self._prose is not None and stream is Stream.STDOUT:
                    self._prose = None
            elif raw:
                self._odd(stream, raw)
            elif self._prose is not None and stream is Stream.STDOUT:
                self._prose.add("")

    def _unknown(self, stream: Stream, raw: bytes) -> None:
        """A record without a meaning here."""
        if len(raw) > MAX_VALUE_CHARS:
            self._head(stream, raw)
        else:
            self._foreign(stream, clean(raw.decode()))

    def _too_long(self, stream: Stream, said: str) -> None:
        if stream is Stream.STDOUT:
            self._turn_state.lose_record("line_truncated", f"{said}: the record is not read")
        else:
            self._turn_state.warn("line_truncated", said)

    def _head(self, stream: Stream, raw: bytes) -> None:
        head = raw[: 4 * MAX_NOISE_CHARS].decode("utf-8", "replace")
        self._turn_state.noise(stream, clean(head), explains=False)

    def _odd(self, stream: Stream, raw: bytes) -> None:
        """A line that is not simply one record."""
        if len(raw) > MAX_REMARK_BYTES:
            limit = min(self._buffers[stream].limit, MAX_VALUE_CHARS)
            if len(raw) > limit:  # what is left of a record says nothing
                self._too_long(stream, f"a line is longer than {limit} bytes")
                self._head(stream, raw)
                return
        text = raw.decode("utf-8", "replace")
        line = text if text.isprintable() else clean(text)
        if b"{" in raw and self._glued(stream, text):
            return
        self._foreign(stream, line)

    def _foreign(self, stream: Stream, line: str) -> None:
        """A line without a known record: part of a pretty-printed value, or noise."""
        if self._prose is not None and stream is Stream.STDOUT:
            self._prose.add(line)
        block = self._blocks.get(stream)
        if block is not None:
            if block.add(line):
                self._close_block(stream)
            elif block.is_full:
                self._too_long(stream, f"a value over {len(block.lines)} lines is too long")
                self._give_up(self._blocks.pop(stream), stream)
            return
        core = line.strip()
        if core in _CLOSERS:
            indent = line[: len(line) - len(line.lstrip())]
            block = self._blocks[stream] = _Block(indent + _CLOSERS[core])
            block.add(line)
        elif core:
            self._plain(stream, line)

    def _glued(self, stream: Stream, text: str) -> bool:
        """Records with something in front or behind; a carriage return separates here."""
        known = False
        for piece in text.split("\r"):
            segment = clean(piece)
            taken = [
                each for each in glued(segment) if self._record(self._turn_state, stream, each)
            ]
            if taken:
                known = True
                self._turn_state.noise(stream, segment[: segment.find("{")], explains=False)
        return known

    def _close_block(self, stream: Stream) -> None:
        block = self._blocks.pop(stream, None)
        if block is not None and not self._value(stream, block.value()):
            self._give_up(block, stream)

    def _give_up(self, block: _Block, stream: Stream) -> None:
        for line in block.lines:
            if line.strip():
                self._plain(stream, line)

    def _plain(self, stream: Stream, line: str) -> None:
        if self._family.line(self._turn_state, stream, line):
            if self._prose is not None and stream is Stream.STDOUT:
                self._prose.take_back(line)
        else:
            harmless = self._family.harmless
            explains = harmless is None or not harmless.search(line)
            self._turn_state.noise(stream, line, explains=explains)
        if self._completion is not None and stream is Stream.STDOUT:
            self._complete(seen=self._completion.in_line(line))

    # ---------------------------------------------------------------------------- records

    def _value(self, stream: Stream, value: object) -> bool:
        if isinstance(value, dict):
            return self._record(self._turn_state, stream, value)
        if isinstance(value, list):
            return self._array_of(stream, value)
        return False

    def _array_of(self, stream: Stream, items: Sequence[object]) -> bool:
        known = [
            self._record(self._turn_state, stream, each) for each in items if isinstance(each, dict)
        ]
        return any(known)

    def _record(self, turn: TurnState, stream: Stream, record: Record) -> bool:
        known = self._family.record(turn, stream, record)
        if known:
            if stream is Stream.STDOUT:
                self._prose = None
            self._close_block(stream)  # what a brace began was no value
        if self._completion is not None and stream is Stream.STDOUT:
            self._complete(seen=self._completion.in_record(record))
        return known

    def _complete(self, *, seen: bool) -> None:
        if seen:
            self._turn_state.conclude(reason="completion_pattern")
