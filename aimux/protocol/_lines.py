"""Bytes to lines: one JSON text per line, of a bounded length.

Theory of operation. The reader is in one of two states: *holding* the head of a line whose end has
not come, or *skipping* the rest of a line that grew over the limit. A line break leads back to
holding nothing. An oversize line is reported once: as soon as it is known who asks in it, and at
the latest when it ends or was skipped for ``MAX_SKIMMED_BYTES``, so that a peer who never sends the
line break still hears of it. Nothing of it is kept but ids.
"""

from typing import Final, NamedTuple

from aimux.protocol._errors import Code, Fault
from aimux.protocol._unread import Unread, error_data, errors_data, unread_of
from aimux.skim import Skimmer

MAX_LINE_BYTES: Final = 4 * 1024 * 1024  # the reference SDKs' limit for one message
MAX_SKIMMED_BYTES: Final = 64 * 1024 * 1024  # of a line; many clients send the id last


class Oversize(NamedTuple):
    """A line longer than ``limit_bytes`` was thrown away, with the requests in it."""

    limit_bytes: int
    unread: Unread = Unread()


class Refused(NamedTuple):
    """What a relay says of a message it does not pass on: to its sender, and to whom it answers."""

    back: bytes | None
    onward: tuple[bytes, ...]


def oversize_fault(found: Oversize) -> Fault:
    """Return the error that answers the requests in a line that was thrown away."""
    return Fault(Code.INVALID_REQUEST, f"message larger than {found.limit_bytes} bytes")


def refuse_at_relay(found: Oversize) -> Refused:
    """Return what ends, on either side, the requests that a line was to make or to answer."""
    asked, answered, is_batch = found.unread
    fault = oversize_fault(found)
    back = errors_data(fault, asked, is_batch=is_batch) if asked or not answered else None
    return Refused(back, tuple(error_data(fault, each) for each in answered))


class LineReader:
    """Cuts a stream of bytes into lines; where the reads were cut makes no difference."""

    __slots__ = ("_held", "_is_ended", "_is_skipping", "_skimmed_bytes", "_skimmer", "max_bytes")

    def __init__(self, *, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._held = bytearray()
        self._is_skipping = False
        self._is_ended = False
        self._skimmer: Skimmer | None = None  # of a line that is skipped and not reported yet
        self._skimmed_bytes = 0

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
                found += self._skip(line)
                found += self._close(b"")
            elif line := line.strip(b" \t\r"):
                found.append(line)
        if last:
            found += self._hold(last)
        return found

    def _hold(self, piece: bytes) -> list[bytes | Oversize]:
        """Keep the head of a line, or begin to skip it."""
        if self._is_skipping:
            return self._skim(piece)
        if len(self._held) + len(piece) > self.max_bytes:
            return self._skip(piece)
        self._held += piece
        return []

    def _close(self, piece: bytes) -> list[bytes | Oversize]:
        """Finish the line of which ``piece`` is the last part."""
        if not self._is_skipping and len(self._held) + len(piece) <= self.max_bytes:
            if self._held:
                self._held += piece
                piece = bytes(self._held)
                self._held.clear()
            line = piece.strip(b" \t\r")
            return [line] if line else []
        found = self._hold(piece)
        self._is_skipping = False
        return found + self._report()

    def _skip(self, piece: bytes) -> list[bytes | Oversize]:
        """Begin to skip a line of which ``piece`` is the last part so far."""
        held = bytes(self._held)
        self._held.clear()
        self._is_skipping = True
        self._skimmer = Skimmer()
        self._skimmed_bytes = 0
        return self._skim(held) + self._skim(piece)

    def _skim(self, piece: bytes) -> list[bytes | Oversize]:
        """Look for who asks in a line that is skipped; reported once."""
        if self._skimmer is None:
            return []
        self._skimmer.feed(piece[: MAX_SKIMMED_BYTES - self._skimmed_bytes])
        self._skimmed_bytes += len(piece)
        is_known = self._skimmer.is_over or self._skimmed_bytes >= MAX_SKIMMED_BYTES
        return self._report() if is_known else []

    def _report(self) -> list[bytes | Oversize]:
        """What there is to say of a line that is skipped."""
        if self._skimmer is None:
            return []
        found = Oversize(self.max_bytes, unread_of(self._skimmer))
        self._skimmer = None
        return [found]
