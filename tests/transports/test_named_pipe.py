"""Connections of `multiprocessing` as streams: pipes with a name on Windows, elsewhere a socket."""

import multiprocessing
import multiprocessing.connection as mpc
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio

from aimux.transports import LineWire
from aimux.transports._named_pipe import (
    PipeStream,
    new_key,
    open_pipe_stream,
    serve_pipe,
)

KEY = new_key()
FAMILY = "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"


@pytest.fixture
def address() -> Iterator[str]:
    """A short path, or the name of a pipe."""
    if sys.platform == "win32":
        yield rf"\\.\pipe\aimux-test-{uuid.uuid4().hex}"
        return
    with tempfile.TemporaryDirectory(prefix="ax") as name:
        yield str(Path(name) / "p")


async def _echo(stream: PipeStream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)
    with suppress(trio.BrokenResourceError):  # the other end did not wait for it
        await stream.send_eof()


@asynccontextmanager
async def open_pipe(address: str, key: bytes) -> AsyncIterator[PipeStream]:
    """A stream to who listens, with the proof of the key that the shim's `Client` gives."""
    knock = partial(mpc.Client, address, FAMILY, authkey=key)
    async with open_pipe_stream(await trio.to_thread.run_sync(knock)) as stream:
        yield stream


@asynccontextmanager
async def served(address: str, handler: object = _echo) -> AsyncIterator[None]:
    """A listener with a handler, for as long as the body runs."""
    with trio.fail_after(60):
        async with trio.open_nursery() as handlers:
            async with trio.open_nursery() as accepting:
                serve = partial(serve_pipe, family=FAMILY, handler_nursery=handlers)
                told = await accepting.start(serve, handler, address, KEY)
                assert told == address
                yield
                accepting.cancel_scope.cancel(reason="test is over")
            handlers.cancel_scope.cancel(reason="test is over")


async def test_bytes_come_back_and_the_end_is_told(address: str) -> None:
    """More than a block, half-closed, read to its end."""
    sent = bytes(range(256)) * 4_000
    async with (
        served(address),
        open_pipe(address, KEY) as stream,
        trio.open_nursery() as nursery,
    ):

        async def say() -> None:
            await stream.send_all(sent)
            await stream.send_eof()

        nursery.start_soon(say)
        got = b""
        while data := await stream.receive_some(10_000):
            assert len(data) <= 10_000
            got += data

    assert got == sent


async def test_many_connections_are_served_at_once(address: str) -> None:
    """A silent one holds nobody up."""
    answers: list[bytes] = []

    async def ask(number: int) -> None:
        async with open_pipe(address, KEY) as stream:
            await stream.send_all(b"%d" % number)
            answers.append(await stream.receive_some())

    async with served(address), open_pipe(address, KEY), trio.open_nursery() as asking:
        for number in range(20):
            asking.start_soon(ask, number)

    assert sorted(map(int, answers)) == list(range(20))


async def test_a_wire_runs_over_it(address: str) -> None:
    """Lines are cut by the same code as on every other stream."""

    async def answer(stream: PipeStream) -> None:
        wire = LineWire(stream, stream)
        lines = await wire.receive()
        assert lines == [b"one", b"two"]
        await stream.send_all(b"fine\n")

    async with served(address, answer), open_pipe(address, KEY) as stream:
        await stream.send_all(b"one\ntwo\n")
        assert await stream.receive_some() == b"fine\n"


async def test_a_wrong_key_is_not_served(address: str) -> None:
    """Neither end says a word to somebody who cannot prove it."""
    async with served(address):
        with pytest.raises(multiprocessing.AuthenticationError):
            async with open_pipe(address, new_key()):
                pytest.fail("it was let in")
        async with open_pipe(address, KEY) as stream:
            await stream.send_all(b"x")
            assert await stream.receive_some() == b"x"


async def test_one_who_proves_nothing_does_not_stop_others(address: str) -> None:
    """A connection that stays silent during the proof waits alone."""
    async with served(address):
        stranger = await trio.to_thread.run_sync(partial(mpc.Client, address, FAMILY))
        async with open_pipe(address, KEY) as stream:
            await stream.send_all(b"x")
            got = await stream.receive_some()
        stranger.close()

    assert got == b"x"


async def test_a_listener_that_fails_goes_on(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no client while there are no descriptors, waits a moment, and takes the next."""
    accept = mpc.Listener.accept
    faults = [OSError(24, "too many open files"), OSError(24, "too many open files")]

    def accept_in_the_end(listener: mpc.Listener) -> object:
        if faults:
            raise faults.pop()
        return accept(listener)

    monkeypatch.setattr(mpc.Listener, "accept", accept_in_the_end)
    async with served(address), open_pipe(address, KEY) as stream:
        await stream.send_all(b"x")

        assert await stream.receive_some() == b"x"


async def test_the_end_of_the_other_end_is_the_end_of_the_stream(address: str) -> None:
    """One that goes without a word."""
    gone = trio.Event()

    async def wait(stream: PipeStream) -> None:
        assert await stream.receive_some() == b""
        gone.set()

    async with served(address, wait):
        async with open_pipe(address, KEY):
            pass
        await gone.wait()


async def test_reading_can_be_cancelled_and_goes_on(address: str) -> None:
    """Nothing that comes later is lost."""
    async with served(address), open_pipe(address, KEY) as stream:
        with trio.move_on_after(0.01) as patience:
            await stream.receive_some()
        await stream.send_all(b"later")
        got = await stream.receive_some()

    assert patience.cancelled_caught
    assert got == b"later"


async def test_input_can_be_ended_from_this_side(address: str) -> None:
    """A daemon that drains lets its sessions see the end; their answers still go out."""
    ended = trio.Event()

    async def serve(stream: PipeStream) -> None:
        stream.end_input()
        assert await stream.receive_some() == b""
        await stream.send_all(b"last word")
        ended.set()

    async with served(address, serve), open_pipe(address, KEY) as stream:
        await ended.wait()
        got = await stream.receive_some()

    assert got == b"last word"


async def test_a_stream_closes_however_its_body_ends() -> None:
    """A session that is cancelled, or fails, leaves nobody waiting at the other end."""
    for fault in (False, True):
        here, there = multiprocessing.Pipe()
        with trio.CancelScope() as scope, suppress(ExceptionGroup):
            async with open_pipe_stream(here):
                if fault:
                    raise ValueError("a bug")
                scope.cancel()
                await trio.sleep_forever()

        assert here.closed
        with pytest.raises(EOFError):
            there.recv_bytes()
        there.close()


async def test_a_closed_stream_says_so(address: str) -> None:
    """Both directions."""
    async with served(address), open_pipe(address, KEY) as stream:
        await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"x")


async def test_a_write_that_nobody_takes_can_be_cancelled(address: str) -> None:
    """The stream is broken then, and the test ends."""
    hold = trio.Event()

    async def ignore(stream: PipeStream) -> None:
        await hold.wait()

    async with served(address, ignore), open_pipe(address, KEY) as stream:
        with trio.move_on_after(0.1) as patience:
            await stream.send_all(b"x" * 50_000_000)
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"x")

    assert patience.cancelled_caught


async def test_a_connection_closes_behind_the_last_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not under it: its handle may be another connection's at once."""
    here, there = multiprocessing.Pipe()
    writing, going_on = trio.Event(), trio.Event()
    send_bytes = here.send_bytes

    async def wait() -> None:
        writing.set()
        await going_on.wait()

    def write_later(block: bytes) -> None:
        trio.from_thread.run(wait)
        send_bytes(block)

    monkeypatch.setattr(here, "send_bytes", write_later)
    with trio.fail_after(60):
        async with open_pipe_stream(here) as stream, trio.open_nursery() as sending:
            sending.start_soon(stream.send_all, b"last words")
            await writing.wait()
            sending.cancel_scope.cancel(reason="given up")
        was_open = not here.closed
        going_on.set()
        said = await trio.to_thread.run_sync(there.recv_bytes)
        with pytest.raises(EOFError):
            await trio.to_thread.run_sync(there.recv_bytes)
    there.close()

    assert was_open
    assert said == b"last words"
