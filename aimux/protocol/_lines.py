"""Bytes to lines: one JSON text per line, of a bounded length.

Theory of operation. The reader is in one of two states: *holding* the head of a line whose end has
not come, or *skipping* the rest of a line that grew over the limit. A line break leads back to
holding nothing. An oversize line is reported once, when it crosses the limit and not when it ends,
so that a peer who never sends the line break still hears of it; nothing of it is kept.
"""

from typing import Final, NamedTuple

MAX_LINE_BYTES: Final = 4 * 1024 * 1024  # the reference SDKs' limit for one message


class Oversize(NamedTuple):
    """A line longer than ``limit_bytes`` was thrown away."""

    limit_bytes: int


class LineReader:
    """Cuts a stream of bytes into lines; where the reads were cut makes no difference."""

    __slots__ = ("_held", "_is_ended", "_is_skipping", "max_bytes")

    def __init__(self, *, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._held = bytearray()
        self._is_skipping = False
        self._is_ended = False

    def __repr__(self) -> str:
        """Show as a status line."""
        doing = "skipping" if self._is_skipping else f"{len(self._held)} bytes held"
        return f"<LineReader: {'ended' if self._is_ended else doing}>"

    def feed(self, data: bytes) -> list[bytes | Oversize]:
        r"""Return the lines that ``data`` completes, without line ends and without blank ones.

        ``b""`` ends the stream and delivers an unfinished last line. The limit counts every byte
        before the ``\n``.

        Raises:
            ValueError: data after the end.
        """
        if self._is_ended:
            raise ValueError("bytes after the end of the stream")
        if not data:
            self._is_ended = True
            return self._close(b"")
        first, *others = data.split(b"\n")
        if not others:
            return self._hold(first)
        found: list[bytes | Oversize] = self._close(first)
        last = others.pop()
        limit = self.max_bytes
        for line in others:
            if len(line) > limit:
                found.append(Oversize(limit))
            elif line := line.strip(b" \t\r"):
                found.append(line)
        if last:
            found += self._hold(last)
        return found

    def _hold(self, piece: bytes) -> list[bytes | Oversize]:
        """Keep the head of a line, or begin to skip it."""
        if self._is_skipping:
            return []
        if len(self._held) + len(piece) > self.max_bytes:
            self._held.clear()
            self._is_skipping = True
            return [Oversize(self.max_bytes)]
        self._held += piece
        return []

    def _close(self, piece: bytes) -> list[bytes | Oversize]:
        """Finish the line of which ``piece`` is the last part."""
        if self._is_skipping:
            self._is_skipping = False
            return []
        if len(self._held) + len(piece) > self.max_bytes:
            self._held.clear()
            return [Oversize(self.max_bytes)]
        if self._held:
            self._held += piece
            piece = bytes(self._held)
            self._held.clear()
        line = piece.strip(b" \t\r")
        return [line] if line else []
