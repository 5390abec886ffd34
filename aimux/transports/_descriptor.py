"""Bytes of a pipe or socket with the fewest steps: one wait and one read, or one write, a message.

Trio's own streams try a read that would block before they wait. A client that asks one thing at a
time lets every such try fail: a fifth of what a quick call takes (docs/design/figures.md).
"""

import os
from typing import Final

import trio

READ_BYTES: Final = 65_536  # what a pipe holds; more makes the allocator ask the system each time


class DescriptorStream(trio.abc.Stream):
    """Two non-blocking descriptors, of pipes or a socket. One task reads, one writes.

    Unlike Trio's streams, `send_all` does not yield where everything could be written at once.
    """

    def __init__(self, source_fd: int, sink_fd: int) -> None:
        """Takes both over; they differ, even if they lead to one socket."""
        # whoever else has them shares this flag, and is to find it as it was
        self._were_blocking = os.get_blocking(source_fd), os.get_blocking(sink_fd)
        os.set_blocking(source_fd, False)
        os.set_blocking(sink_fd, False)
        self._source_fd = source_fd
        self._sink_fd = sink_fd

    def __repr__(self) -> str:
        return f"<DescriptorStream: reads {self._source_fd}, writes {self._sink_fd}>"

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """At least one byte, or none at the end.

        Cancelled, it has read nothing.

        Raises:
            trio.BrokenResourceError: the other side broke off.
            trio.ClosedResourceError: closed, if by another task.
        """
        while True:
            if self._source_fd < 0:
                raise trio.ClosedResourceError
            await trio.lowlevel.wait_readable(self._source_fd)
            try:
                return os.read(self._source_fd, max_bytes or READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it. Cancelled, a part may have been written.

        Raises:
            trio.BrokenResourceError: nobody reads any more.
            trio.ClosedResourceError: closed, if by another task.
        """
        rest = memoryview(data)
        while rest:
            if self._sink_fd < 0:
                raise trio.ClosedResourceError
            try:
                rest = rest[os.write(self._sink_fd, rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sink_fd)
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until something can be written.

        Cancelling it only ends the waiting.
        """
        await trio.lowlevel.wait_writable(self._sink_fd)

    def end_input(self) -> None:
        """Read no more: whoever waits for input meets a closed resource."""
        if self._source_fd >= 0:
            _close(self._source_fd, was_blocking=self._were_blocking[0])
            self._source_fd = -1

    async def aclose(self) -> None:
        """Close both; tasks that wait for them hear of it.

        Cancelling it leaves both closed.
        """
        self.end_input()
        if self._sink_fd >= 0:
            _close(self._sink_fd, was_blocking=self._were_blocking[1])
            self._sink_fd = -1
        await trio.lowlevel.checkpoint()


def _close(fd: int, *, was_blocking: bool) -> None:
    trio.lowlevel.notify_closing(fd)
    os.set_blocking(fd, was_blocking)
    os.close(fd)
