"""Unix sockets: who may reach them, and who came."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import memory_stream_pair

from aimux.errors import Refusal, SetupFault
from aimux.transports import (
    Credentials,
    LineWire,
    bind_unix,
    check_peer,
    credentials_of,
    listener_on,
    mark_of,
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
