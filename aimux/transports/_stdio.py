"""The standard streams as a message wire. Nobody else touches descriptors 0 and 1.

While serving, the wire is a private duplicate, descriptor 1 points at stderr and 0 at the null
device, so that neither a stray print nor a child can tear a frame or eat a request. Duplicates
share the non-blocking flag with their original: a description that stderr uses too (a terminal,
`2>&1`) is therefore read and written in a thread instead.
"""

import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from ._descriptor import READ_BYTES, DescriptorStream
from ._lines import LineWire


class _ThreadSource(trio.abc.ReceiveStream):
    """Reads a descriptor in a thread, for what cannot be made non-blocking."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        # a read that finishes late harms nobody: the process is about to end
        return await trio.to_thread.run_sync(
            os.read, self._fd, max_bytes or READ_BYTES, abandon_on_cancel=True
        )

    async def aclose(self) -> None:
        os.close(self._fd)
        await trio.lowlevel.checkpoint()


class _ThreadSink(trio.abc.SendStream):
    """Writes a descriptor in a thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await trio.to_thread.run_sync(self._write, bytes(data))
        except OSError as error:
            raise trio.BrokenResourceError from error

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        os.close(self._fd)
        await trio.lowlevel.checkpoint()


def _is_shared_with_stderr(fd: int) -> bool:
    try:
        mine, its = os.fstat(fd), os.fstat(2)
    except OSError:
        return False
    return (mine.st_dev, mine.st_ino) == (its.st_dev, its.st_ino)


def _needs_thread(fd: int) -> bool:
    if sys.platform == "win32" or _is_shared_with_stderr(fd):
        return True
    mode = os.fstat(fd).st_mode
    # a terminal is one description for all three streams, whatever stderr is now
    return stat.S_ISCHR(mode) and os.isatty(fd)


def _is_wire(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and not _needs_thread(fd)


def _streams(source_fd: int, sink_fd: int) -> tuple[trio.abc.ReceiveStream, trio.abc.SendStream]:
    if _is_wire(source_fd) and _is_wire(sink_fd):
        both = DescriptorStream(source_fd, sink_fd)
        return both, both
    # files and devices: there is no waiting for most of them
    return (
        _ThreadSource(source_fd) if _needs_thread(source_fd) else trio.lowlevel.FdStream(source_fd),
        _ThreadSink(sink_fd) if _needs_thread(sink_fd) else trio.lowlevel.FdStream(sink_fd),
    )


def _take_over() -> tuple[int, int]:
    """Private duplicates of 0 and 1; afterwards 0 is the null device and 1 is stderr."""
    try:
        source = os.dup(0)
    except OSError:  # closed: reads as an empty stream
        source = os.open(os.devnull, os.O_RDONLY)
    try:
        sink = os.dup(1)
    except OSError:
        sink = os.open(os.devnull, os.O_WRONLY)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)
    try:
        os.dup2(2, 1)
    except OSError:  # no stderr: nothing may reach the wire all the same
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
    return source, sink


@asynccontextmanager
async def open_stdio() -> AsyncIterator[LineWire]:
    """The process's standard streams as a wire, for the rest of the process's life.

    Descriptors 0 and 1 are not given back: what is printed afterwards goes to stderr. When the body
    ends, cancelled or not, the wire is closed within a second.
    """
    source_fd, sink_fd = _take_over()
    source, sink = _streams(source_fd, sink_fd)
    try:
        yield LineWire(source, sink)
    finally:
        with trio.move_on_after(1, shield=True):
            if not isinstance(source, _ThreadSource):  # a thread may still sit in read()
                await source.aclose()
            await sink.aclose()
