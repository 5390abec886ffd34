"""Bytes cut anywhere -> blocks of whole lines.

A newline never stands inside a UTF-8 sequence, so whole lines decode without a decoder's state.
"""

from typing import Final

MAX_LINE_BYTES: Final = (
    64 * 2**20
)  # a 10 MB answer in one record must arrive; a runaway must not stay


class LineBuffer:
    """Holds the unfinished line of one stream, at most `limit` bytes and one of it."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes | None:
        """The lines that `data` completes, without the last newline; None if it completes none.

        A line longer than the limit comes with its first `limit + 1` bytes or more, so that its
        length tells; the reader cuts it.
        """
        end = data.rfind(b"\n")
        if end < 0:
            self._hold(data)
            return None
        block = data[:end]
        if self._size:
            if self._size > self._limit:
                first = block.find(b"\n")
                block = b"" if first < 0 else block[first:]
            self._parts.append(block)
            block = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
        if end + 1 < len(data):
            self._hold(data[end + 1 :])
        return block

    def finish(self) -> bytes | None:
        """The last line if it has no newline; None if nothing is held."""
        if not self._size:
            return None
        rest = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return rest

    def _hold(self, data: bytes) -> None:
        room = self._limit + 1 - self._size
        if room > 0 and data:
            piece = data[:room]
            self._parts.append(piece)
            self._size += len(piece)
