"""Unix sockets: who may reach them, and who came."""

import os
import socket
import stat
import struct
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import memory_stream_pair

from aimux.errors import Refusal, SetupFault
from aimux.transports import (
    Credentials,
    DescriptorStream,
    LineWire,
    bind_unix,
    check_peer,
    credentials_of,
    listener_on,
    mark_of,
    take_ends,
    unbind_unix,
)


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name fits into a socket's address."""
    with tempfile.TemporaryDirectory(prefix="ax") as name:
        yield Path(name)


async def test_a_peer_is_known_by_what_the_system_says(short: Path) -> None:
    """User and process of whoever connects."""
    async with listener_on(bind_unix(short / "s")) as listener:
        client = await trio.open_unix_socket(short / "s")
        async with client, await listener.accept() as stream:
            found = credentials_of(stream)

    assert found.uid == os.geteuid()
    assert found.pid == os.getpid()
    check_peer(found)


async def test_two_pipes_replace_a_connection(short: Path) -> None:
    """They come with the first byte; what is spoken goes through them, the connection may close."""
    theirs_reader, sink = os.pipe()
    source, theirs_writer = os.pipe()
    async with listener_on(bind_unix(short / "s")) as listener:
        client = await trio.open_unix_socket(short / "s")
        async with client, await listener.accept() as connection:
            rights = struct.pack("2i", source, sink)
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            await client.socket.sendmsg([b"\n"], beside)
            stream, said = await take_ends(connection)
    os.close(source)
    os.close(sink)
    async with stream:
        os.write(theirs_writer, b"question")
        question = await stream.receive_some()
        await stream.send_all(b"answer")
        answer = os.read(theirs_reader, 100)
    end = os.read(theirs_reader, 100)
    with pytest.raises(BrokenPipeError):
        os.write(theirs_writer, b"more")
    os.close(theirs_reader)
    os.close(theirs_writer)

    assert said == b""
    assert (question, answer, end) == (b"question", b"answer", b"")


@pytest.mark.parametrize("count", [0, 1])
async def test_a_connection_without_two_pipes_is_spoken_over_itself(
    short: Path, count: int
) -> None:
    """What it said first is not lost, and a descriptor that came alone is closed."""
    reader, writer = os.pipe()
    async with listener_on(bind_unix(short / "s")) as listener:
        client = await trio.open_unix_socket(short / "s")
        async with client:
            async with await listener.accept() as connection:
                rights = struct.pack(f"{count}i", *[writer][:count])
                beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if count else []
                await client.socket.sendmsg([b"hello"], beside)
                stream, said = await take_ends(connection)
            os.close(writer)
            async with stream:
                await client.send_all(b"question")
                question = await stream.receive_some()
                await stream.send_all(b"answer")
                answer = await client.receive_some()
            end = await client.receive_some()

    assert said == b"hello"
    assert (question, answer, end) == (b"question", b"answer", b"")
    assert os.read(reader, 1) == b"", "nobody else has the other end"
    os.close(reader)


@asynccontextmanager
async def _piped() -> AsyncIterator[tuple[DescriptorStream, int, int]]:
    """A stream on two pipes, and their far ends: what it says, what it hears."""
    theirs_reader, sink = os.pipe()
    source, theirs_writer = os.pipe()
    async with DescriptorStream(source, sink) as stream:
        yield stream, theirs_reader, theirs_writer
    os.close(theirs_reader)
    os.close(theirs_writer)


async def test_what_a_pipe_does_not_hold_waits_for_its_reader() -> None:
    """All of it arrives, in order."""
    data = bytes(range(256)) * 4_000
    got = bytearray()
    async with _piped() as (stream, reader, _), trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        while len(got) < len(data):
            await trio.testing.wait_all_tasks_blocked()
            got += os.read(reader, 1 << 20)

    assert got == data


async def test_the_end_of_input_reaches_who_waits_for_it() -> None:
    """What is to be written goes out all the same."""
    async with _piped() as (stream, reader, _):
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await stream.receive_some()

            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            stream.end_input()
            stream.end_input()
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()
        await stream.send_all(b"last words")

        assert os.read(reader, 100) == b"last words"


async def test_a_closed_stream_says_so_and_a_broken_one_too() -> None:
    """Nobody reads any more; or we have left."""
    reader, sink = os.pipe()
    source, writer = os.pipe()
    async with DescriptorStream(source, sink) as stream:
        os.close(reader)
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x")
        await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"x")
    os.close(writer)


def test_another_user_is_refused() -> None:
    """Whatever the directory's mode was when it connected."""
    with pytest.raises(Refusal, match="may not attach") as caught:
        check_peer(Credentials(uid=os.geteuid() + 1, pid=1))

    assert not caught.value.retryable


def test_only_the_owner_may_use_the_socket(short: Path) -> None:
    """Its mode is 0600."""
    with bind_unix(short / "s"):
        mode = (short / "s").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


def test_a_stale_socket_is_replaced(short: Path) -> None:
    """One that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(short / "s"))
    with bind_unix(short / "s"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(short / "s"))


def test_a_socket_that_cannot_be_bound_names_its_path(short: Path) -> None:
    """The directory is missing; what was opened is closed."""
    with pytest.raises(SetupFault, match="missing/s") as caught:
        bind_unix(short / "missing" / "s")

    assert caught.value.code == "socket_unusable"


def test_the_name_may_be_gone_already(short: Path) -> None:
    """Taking it away twice is harmless."""
    with bind_unix(short / "s"):
        mark = mark_of(short / "s")
        unbind_unix(short / "s", mark)
        unbind_unix(short / "s", mark)

    assert list(short.iterdir()) == []
    assert mark_of(short / "s") == (0, 0)


def test_the_name_of_a_successor_stays(short: Path) -> None:
    """Whoever leaves takes away only the name that is its own."""
    with bind_unix(short / "s"):
        mark = mark_of(short / "s")
        with bind_unix(short / "s"):
            unbind_unix(short / "s", mark)

            assert (short / "s").exists()


async def test_bytes_read_before_come_first() -> None:
    """What followed the hello in the same read is not lost, whole lines or not."""
    client, server = memory_stream_pair()
    wire = LineWire(server, server, first=b"one\ntw")
    await client.send_all(b"o\nthree\n")
    await client.send_eof()
    first = await wire.receive()
    rest = await wire.receive()
    end = await wire.receive()

    assert first == [b"one"]
    assert rest == [b"two", b"three"]
    assert end is None
