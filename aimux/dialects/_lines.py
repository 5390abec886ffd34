"""Bytes cut anywhere -> blocks of whole lines.

A newline never stands inside a UTF-8 sequence, so whole lines decode without a decoder's state.
"""

from typing import Final

# A record of 10 MB must arrive: one may hold all that a tool printed. Reading it takes up to six
# times its size for a moment (ours, the parser's copy, four bytes for each character).
MAX_LINE_BYTES: Final = 10_500_000
MAX_REMARK_BYTES: Final = 2**20  # a line on stderr is a remark or a small record


class LineBuffer:
    """Holds the unfinished line of one stream, at most `limit` bytes and one of it."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self.limit = limit
        self._held = bytearray()  # in place: parts and their sum would be twice as much

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, as blocks without the newline at their end.

        A long line is a block of its own. A line longer than the limit comes with its first `limit
        + 1` bytes or more, so that its length tells; the reader cuts it.
        """
        end = data.rfind(b"\n")
        if end < 0:
            self._hold(data)
            return []
        held = len(self._held)
        if not held:
            blocks = [data[:end]]
        elif held <= len(data) and held <= self.limit:
            blocks = [b"".join((self._held, memoryview(data)[:end]))]
            self._held.clear()
        else:
            first = data.find(b"\n")
            self._hold(data[:first])
            blocks = [self._taken()]
            if first < end:
                blocks.append(data[first + 1 : end])
        if end + 1 < len(data):
            self._hold(data[end + 1 :])
        return blocks

    def finish(self) -> list[bytes]:
        """The last line if it has no newline."""
        return [self._taken()] if self._held else []

    def _taken(self) -> bytes:
        taken = bytes(self._held)
        self._held = bytearray()  # `clear` would keep the room
        return taken

    def _hold(self, data: bytes) -> None:
        room = self.limit + 1 - len(self._held)
        if room > 0:
            self._held += data[:room]
