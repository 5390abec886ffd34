"""What is said to one client, in order and in whole frames.

A frame is written by nobody whose scope a client can cancel, so it is never torn. The reader holds
the outbox during a batch and flushes it then; what others add wakes the writer.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from aimux.protocol import Outgoing
from aimux.waiting import Broadcast

FLUSH_S: Final = 1.0  # to write what is left when the session ends
BUFFER_BYTES: Final = 64 * 1024 * 1024  # a client that reads nothing is let go
BUSY_MESSAGES: Final = 1_000  # above it, progress and log messages are dropped

Send = Callable[[Sequence[Outgoing]], Awaitable[None]]


class Outbox:
    """Messages for one client until they are written."""

    __slots__ = (
        "_is_torn",
        "_is_writing",
        "_messages",
        "_more",
        "_send",
        "_size_bytes",
        "_written",
        "dropped",
        "is_held",
    )

    def __init__(self, send: Send) -> None:
        """`send` writes messages in order, or raises trio.BrokenResourceError."""
        self.dropped = 0
        self.is_held = False  # whoever holds it flushes it soon: the writer is not woken
        self._send = send
        self._messages: list[Outgoing] = []
        self._size_bytes = 0
        self._more = trio.Event()
        self._is_writing = False
        self._written = Broadcast()
        self._is_torn = False  # a write ended in the middle: nothing may follow it

    def __repr__(self) -> str:
        return f"<Outbox: {len(self._messages)} waiting, {self.dropped} dropped>"

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """The client has read nothing for so long that it is given up."""
        return self._size_bytes > BUFFER_BYTES

    def push(self, outgoing: Outgoing | None) -> None:
        """Add a message. None is nothing to say."""
        if outgoing is None:
            return
        self._messages.append(outgoing)
        self._size_bytes += len(outgoing.data)
        if not (self._is_writing or self.is_held):
            self._more.set()

    def push_droppable(self, outgoing: Outgoing | None) -> None:
        """Add a message unless the client is behind; what is dropped is counted."""
        if outgoing is not None and len(self._messages) >= BUSY_MESSAGES:
            self.dropped += 1
        else:
            self.push(outgoing)

    async def flush(self) -> None:
        """Write all there is; nothing to do if somebody is at it, or nothing may follow.

        Cancelled in the middle of a write, it leaves the outbox torn: nothing is written any more.
        """
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._messages and not self._is_torn:
                batch, self._messages, self._size_bytes = self._messages, [], 0
                self._is_torn = True  # unless it is sent whole
                await self._send(batch)
                self._is_torn = False
        finally:
            self._is_writing = False
            self._written.notify()

    async def flush_rest(self) -> None:
        """Write what is left, after what the writer is at: cancelling it would lose that."""
        with trio.move_on_after(FLUSH_S):
            while self._is_writing:
                await self._written.wait()
            await self.flush()

    async def run_writer(self) -> None:
        """Write what is added while nobody holds it, until cancelled."""
        while True:
            await self._more.wait()
            self._more = trio.Event()
            await self.flush()
