"""What readers share: bytes gathered into whole lines per stream, and an end that comes once."""

import abc

from aimux.model import Said, Stream

from ._base import TurnOutput
from ._completion import Completion
from ._lines import MAX_LINE_BYTES, MAX_REMARK_BYTES, LineBuffer
from ._turn_state import TurnState


class BlockReader(abc.ABC):
    """A dialect that looks at whole lines.

    Bytes may be cut anywhere; the events do not depend on it. A subclass says what a block of lines
    means, and what the end does.
    """

    def __init__(
        self,
        *,
        joins: bool,
        completion: Completion | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        """`max_line_bytes` is for stdout; on stderr it is `MAX_REMARK_BYTES`."""
        self._completion = completion
        self._turn_state = TurnState(joins=joins)
        self._buffers = {
            Stream.STDOUT: LineBuffer(max_line_bytes),
            Stream.STDERR: LineBuffer(MAX_REMARK_BYTES),
        }
        self._finished = False

    @property
    def steps(self) -> int:
        """How many tools it has used so far."""
        return self._turn_state.steps

    @property
    def output(self) -> TurnOutput:
        """What the turn amounts to so far; final after `finish`."""
        return self._turn_state.output

    def feed(self, stream: Stream, data: bytes) -> list[Said]:
        """The events that `data` completes; nothing after `finish`."""
        if not self._finished:
            for block in self._buffers[stream].feed(data):
                self._block(stream, block)
        return self._turn_state.drain()

    def finish(self, exit_code: int | None) -> list[Said]:
        """The events of what was still held back; a second call has none."""
        if self._finished:
            return []
        self._finished = True
        for stream, buffer in self._buffers.items():
            for rest in buffer.finish():
                self._block(stream, rest)
            self._end_of(stream)
        self._close(exit_code)
        self._turn_state.close()
        return self._turn_state.drain()

    @abc.abstractmethod
    def _block(self, stream: Stream, block: bytes) -> None:
        """Whole lines of one stream, without the last line end."""

    def _end_of(self, stream: Stream) -> None:  # noqa: B027  # most have nothing held back
        """A stream is at its end."""

    @abc.abstractmethod
    def _close(self, exit_code: int | None) -> None:
        """The child is gone; decide what it all amounts to."""
