"""CLIs that print only text: everything on stdout is the answer, stderr is noise.

One `Text` holds the whole lines of one `feed`, so where the pieces end depends on the chunks;
joined they do not. That is what makes 100 MB/s possible; every other dialect gives the same events
for any cut.
"""

import re
from typing import Final, Protocol

from aimux.model import Said, Stream

from ._ansi import clean_lines, is_plain
from ._blocks import BlockReader
from ._completion import Completion
from ._turn_state import MAX_ANSWER_CHARS, TurnState

# More than an answer holds, in characters of four bytes.
_MAX_LINE_BYTES: Final = 4 * MAX_ANSWER_CHARS
_TAIL_CHARS: Final = 2_000  # of the text of a failed CLI that printed its error as an answer
_NAMED: Final = re.compile(r"\berror\b", re.IGNORECASE)
_TAIL_LINES: Final = 5  # of what explains the failure, as its message


class TextFamily(Protocol):
    """What the text of one CLI means."""

    @property
    def joins(self) -> bool:
        """True if the answer is all messages, not the last one."""
        ...

    @property
    def harmless(self) -> re.Pattern[str] | None:
        """Lines of stderr that explain no failure."""
        ...

    def wants(self, turn: TurnState) -> bool:
        """False once nothing more on stdout can change anything."""
        ...

    def block(self, turn: TurnState, text: str) -> None:
        """Whole cleaned lines of stdout, each with its newline."""
        ...

    def remark(self, turn: TurnState, line: str) -> bool:
        """A cleaned line of stderr; False makes it noise."""
        ...

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """The child is gone: there is no closing record, so this decides."""
        ...


class TextReader(BlockReader):
    """A dialect over a family of text."""

    def __init__(self, family: TextFamily, completion: Completion | None = None) -> None:
        super().__init__(joins=family.joins, completion=completion, max_line_bytes=_MAX_LINE_BYTES)
        self._family = family

    def feed(self, stream: Stream, data: bytes) -> list[Said]:
        """The events that `data` completes; nothing after `finish`."""
        if stream is Stream.STDOUT and self._is_deaf():
            return self._turn_state.drain()
        return super().feed(stream, data)

    def _is_deaf(self) -> bool:
        """Nothing on stdout matters any more: a flood is not even decoded."""
        turn = self._turn_state
        return (self._completion is None or turn.ended is not None) and not self._family.wants(turn)

    def _close(self, exit_code: int | None) -> None:
        self._family.close(self._turn_state, exit_code)

    def _block(self, stream: Stream, block: bytes) -> None:
        text = self._cleaned(block, self._buffers[stream].limit)
        if stream is Stream.STDERR:
            for line in text.split("\n"):
                self._remark(line)
            return
        self._family.block(self._turn_state, f"{text}\n")
        if self._completion is not None and self._turn_state.ended is None:
            for line in text.split("\n"):
                if self._completion.in_line(line):
                    self._turn_state.conclude(reason="completion_pattern")

    def _cleaned(self, block: bytes, limit: int) -> str:
        if len(block) > limit:
            block = b"\n".join(self._cut(each, limit) for each in block.split(b"\n"))
        if b"\r\n" in block:
            block = block.replace(b"\r\n", b"\n")
        block = block.rstrip(b"\r")
        text = block.decode("utf-8", "replace")
        if is_plain(block):
            return text
        return clean_lines(text)

    def _cut(self, line: bytes, limit: int) -> bytes:
        if len(line) > limit:
            self._turn_state.warn("line_truncated", f"a line is longer than {limit} bytes")
        return line[:limit]

    def _remark(self, line: str) -> None:
        if line.strip() and not self._family.remark(self._turn_state, line):
            harmless = self._family.harmless
            explains = harmless is None or not harmless.search(line)
            self._turn_state.noise(Stream.STDERR, line, explains=explains)


class PlainText:
    """The family of crush and of any CLI whose whole stdout is its answer.

    The exit code decides; a signal leaves the turn without an end.
    """

    joins = True
    harmless = None

    def wants(self, turn: TurnState) -> bool:
        """What is beyond a full answer is dropped."""
        return not turn.is_full

    def block(self, turn: TurnState, text: str) -> None:
        """All of it is answer."""
        turn.text(text)

    def remark(self, turn: TurnState, line: str) -> bool:
        """Nothing on stderr has a meaning of its own."""
        return False

    def close(self, turn: TurnState, exit_code: int | None) -> None:
        """0 is success."""
        end_by_exit(turn, exit_code)


def end_by_exit(turn: TurnState, exit_code: int | None) -> None:
    """End a turn that has no closing record by the exit code; a signal leaves it open."""
    if exit_code is None:
        return
    if exit_code == 0:
        turn.conclude(reason="exit")
        return
    if not turn.error_text:
        turn.error(turn.output.answer[-_TAIL_CHARS:])
    turn.conclude(is_error=True, reason=f"exit_{exit_code}", message=turn.told or _gist(turn))


def _gist(turn: TurnState) -> str:
    """The last line that calls itself an error, else the last lines: usage texts are long."""
    lines = turn.error_text.splitlines()
    named = [each for each in lines if _NAMED.search(each)]
    return "\n".join(named[-1:] or lines[-_TAIL_LINES:])[-_TAIL_CHARS:]
