"""Connections of `multiprocessing.connection` as Trio streams, for systems without Unix sockets.

There they are named pipes.

Theory of operation. A connection carries blocks; a block of no bytes says that its sender has said
everything, for a pipe cannot be closed by half. One thread per connection reads it for its whole
life and is ended through a second, private pipe, because closing a handle does not wake a reader on
every system. A write that nobody takes sits in a thread until the other end is gone, and only then
the connection closes: a handle that is closed under a thread may be another pipe's at once.

Faults of a connection do not leave the thread that met them: in their tracebacks lie the system's
operations (`_winapi.Overlapped`), and Python 3.11.3 was seen to crash when it collected one as
garbage.

Who connects must know the key: both ends prove it before anything else is said.
"""

import multiprocessing
import multiprocessing.connection as mpc
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Lock  # noqa: TID251  # between the loop and the threads it left behind
from typing import TYPE_CHECKING, Any, Final

import trio

BLOCK_BYTES: Final = 65_536
AHEAD: Final = 16  # blocks that wait to be received
THREADS: Final = 2_000  # two for a connection; each sleeps in the system
PROOF_S: Final = 5.0  # to prove that the key is known
FAULT_PAUSE_S: Final = 0.05  # before the next client after one that could not be taken in
KEY_BYTES: Final = 32

_GONE: Final = (OSError, EOFError, ValueError)  # ValueError: the handle was closed meanwhile

if TYPE_CHECKING:  # generic for type checkers only
    if sys.platform == "win32":
        Pipe = mpc.Connection[Any, Any] | mpc.PipeConnection[Any, Any]
    else:
        Pipe = mpc.Connection[Any, Any]


class _Held:
    """A connection that closes when its owner and every thread in it have let go."""

    def __init__(self, connection: "Pipe") -> None:
        self._connection = connection
        self._holders = 1
        self._lock = Lock()

    @contextmanager
    def used(self) -> Iterator["Pipe"]:
        """The connection, open while the body runs. Raises OSError: it is closed."""
        with self._lock:
            if not self._holders:
                raise OSError("the connection is closed")
            self._holders += 1
        try:
            yield self._connection
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Close it, or leave that to the last one in it. Once for each holder."""
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._connection.close()


class PipeStream(trio.abc.HalfCloseableStream):
    """One end of a connection. Made by `open_pipe_stream`."""

    def __init__(
        self,
        held: _Held,
        blocks: trio.MemoryReceiveChannel[bytes],
        close: Callable[[], None],
    ) -> None:
        self._held = held
        self._blocks = blocks
        self._close = close
        self._rest = b""
        self._is_closed = False
        self._limiter = trio.CapacityLimiter(1)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next bytes; none at the end of what the other end says.

        Cancelled, it takes nothing.
        """
        if self._is_closed:
            raise trio.ClosedResourceError
        if not self._rest:
            try:
                self._rest = await self._blocks.receive()
            except trio.EndOfChannel:
                return b""
        else:
            await trio.lowlevel.checkpoint()
        limit = max_bytes or len(self._rest)
        data, self._rest = self._rest[:limit], self._rest[limit:]
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes. Cancelling it breaks the stream: nobody knows how much went out."""
        view = memoryview(data)
        if not view:
            await trio.lowlevel.checkpoint()
        while view:
            await self._send(bytes(view[:BLOCK_BYTES]))
            view = view[BLOCK_BYTES:]

    async def _send(self, block: bytes) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError
        is_sent = False
        try:
            is_sent = await trio.to_thread.run_sync(
                self._write, block, limiter=self._limiter, abandon_on_cancel=True
            )
        finally:
            if not is_sent:
                self._shut()
        if not is_sent:
            raise trio.BrokenResourceError("the other end is gone")

    def _write(self, block: bytes) -> bool:
        try:
            with self._held.used() as connection:
                connection.send_bytes(block)
        except _GONE:
            return False
        return True

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once, for a pipe does not tell.

        Cancelling it changes nothing.
        """
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        """Say that nothing more will come from here.

        Cancelling it breaks the stream.
        """
        await self._send(b"")

    def end_input(self) -> None:
        """Have the reader see the end of the stream, whatever still comes."""
        self._close()

    def _shut(self) -> None:
        self._is_closed = True
        self._close()

    async def aclose(self) -> None:
        """Close both directions.

        Cancelling it leaves both closed.
        """
        self._shut()
        await trio.lowlevel.checkpoint()


@asynccontextmanager
async def open_pipe_stream(connection: "Pipe") -> AsyncIterator[PipeStream]:
    """A connection as a stream; it is closed in the end, cancelled or not."""
    held = _Held(connection)
    watched, alarm = multiprocessing.Pipe(duplex=False)
    sender, receiver = trio.open_memory_channel[bytes](AHEAD)

    def close() -> None:
        with suppress(OSError):
            alarm.close()  # its other end becomes readable

    async def pump() -> None:
        def read() -> None:
            while connection in mpc.wait([connection, watched]) and not alarm.closed:
                try:
                    block = connection.recv_bytes()
                except _GONE:
                    return
                if not block:
                    return
                trio.from_thread.run(sender.send, block)

        async with sender:
            with suppress(trio.BrokenResourceError):
                await trio.to_thread.run_sync(read, limiter=_threads())

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pump)
            try:
                yield PipeStream(held, receiver, close)
            finally:
                close()
                receiver.close()
                nursery.cancel_scope.cancel(reason="stream closed")
    finally:  # the other end is to hear of it, however the body ended
        watched.close()
        held.let_go()


_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("aimux_pipe_threads")


def _threads() -> trio.CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(THREADS)
        _limiter.set(limiter)
        return limiter


def new_key() -> bytes:
    """A key nobody can guess."""
    return os.urandom(KEY_BYTES)


def _proves(connection: "Pipe", key: bytes) -> bool:
    """Whether both ends know the key; False too if the other one is gone."""
    try:
        mpc.deliver_challenge(connection, key)
        mpc.answer_challenge(connection, key)
    except (*_GONE, multiprocessing.AuthenticationError):
        return False
    return True


async def serve_pipe(
    handler: Callable[[PipeStream], Awaitable[object]],
    address: str,
    key: bytes,
    *,
    family: str | None = None,
    handler_nursery: trio.Nursery,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run `handler` for every connection that knows the key, until cancelled.

    The address goes to `started` once it can be connected to. Handlers live in `handler_nursery`.

    Raises:
        OSError: the address cannot be listened at.
    """
    listener = mpc.Listener(address, family, backlog=64)
    is_over = False

    async def attend(connection: "Pipe") -> None:
        is_known = False
        held = _Held(connection)

        def proves() -> bool:
            with held.used():
                return _proves(connection, key)

        try:
            with trio.move_on_after(PROOF_S):
                # abandoned, it ends when the connection is closed by its other end
                is_known = await trio.to_thread.run_sync(
                    proves, limiter=_threads(), abandon_on_cancel=True
                )
        finally:
            if not is_known:
                held.let_go()
        if is_known:
            async with open_pipe_stream(connection) as stream:
                await handler(stream)

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()
            except OSError:
                if is_over:
                    return
                # one that left while it came; or no more handles, and then it says so at once
                trio.from_thread.run(trio.sleep, FAULT_PAUSE_S)
                continue
            if is_over:
                connection.close()
                return
            trio.from_thread.run_sync(handler_nursery.start_soon, attend, connection)

    def knock() -> None:
        """Wake the thread that accepts: nothing else does on every system."""
        with suppress(OSError):
            mpc.Client(address, family).close()

    async with trio.open_nursery() as accepting:
        accepting.start_soon(trio.to_thread.run_sync, accept)
        try:
            task_status.started(str(listener.address))
            await trio.sleep_forever()
        finally:
            is_over = True
            with trio.move_on_after(PROOF_S, shield=True):
                await trio.to_thread.run_sync(knock)
            listener.close()
