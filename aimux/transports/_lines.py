"""Messages as lines over a pair of byte streams, whatever carries the bytes."""

from collections.abc import Sequence
from typing import Final

import trio

from aimux.protocol import LineReader, Outgoing, Oversize

from ._descriptor import READ_BYTES

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024  # prompts are at most a few MiB


class LineWire:
    """Messages as lines over a pair of byte streams (stdio, Unix socket, named pipe)."""

    def __init__(
        self,
        source: trio.abc.ReceiveStream,
        sink: trio.abc.SendStream,
        *,
        first: bytes = b"",
        max_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """`first` are bytes that were read from `source` already."""
        self._source = source
        self._sink = sink
        self._lines = LineReader(max_bytes=max_bytes)
        self._first = first
        self._is_ended = False

    async def receive(self) -> Sequence[bytes | Oversize] | None:
        """The messages of the next read, at least one; None at the end of the stream.

        Cancelling it loses nothing: the part of a line that was read is kept.
        """
        if self._first:
            lines = self._lines.feed(self._first)
            self._first = b""
            if lines:
                return lines
        while True:
            if self._is_ended:  # said with the last line, which had no end of its own
                return None
            try:
                data = await self._source.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            lines = self._lines.feed(bytes(data))
            self._is_ended = not data
            if lines:
                return lines

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write whole lines. Cancelled, a part may have been written.

        Raises:
            trio.BrokenResourceError: nobody reads any more.
        """
        await self._sink.send_all(b"".join([message.data + b"\n" for message in messages]))
