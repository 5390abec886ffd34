"""The daemon's socket, and a name that others take away."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from aimux.daemon import _local
from aimux.daemon._local import (
    LocalSocket,
    kept_local,
    make_runtime_dir,
    open_local,
    serve_local,
)
from aimux.daemon._lockfile import find_holder, open_daemon_lock, tell_holder
from aimux.shim.address import DaemonAddress, connect

from .. import needs

pytestmark = needs.sockets


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSocket]:
    """A socket in a directory of its own: tmp_path is too long for one."""
    with tempfile.TemporaryDirectory(prefix="ax") as made_at:
        place = Path(made_at).resolve()  # links on the way to a state directory are followed
        address = DaemonAddress(f"{place}/state", f"{place}/config", f"{place}/up/run")
        monkeypatch.setenv("AIMUX_STATE_DIR", address.state_dir)
        monkeypatch.setenv("AIMUX_RUNTIME_DIR", address.runtime_dir)
        make_runtime_dir(address)
        made = open_local(address)
        yield made
        made.unbind()
        made.plain.close()


def is_reached(local: LocalSocket) -> bool:
    """Whether a client that looks where the socket says it is gets through to it."""
    sock = connect(local.address)
    if sock is None:
        return False
    sock.close()
    local.plain.accept()[0].close()
    return True


def test_a_name_that_is_gone_is_bound_again(local: LocalSocket) -> None:
    """With the directory, if that is gone too."""
    before = local.address.socket
    for place in (Path(before), Path(before).parents[0], Path(before).parents[1]):
        assert local.is_named
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        assert not local.is_named
        assert local.bind_again()
        assert is_reached(local)

    assert local.address.socket == before


def test_a_name_that_somebody_else_has_is_not_ours(local: LocalSocket) -> None:
    """It is not taken away at the end."""
    name = Path(local.address.socket)
    name.rename(name.with_suffix(".old"))
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(name))
        local.unbind()

        assert not local.is_named
        assert name.exists()


def test_another_name_is_found_where_the_old_cannot_be_had(local: LocalSocket) -> None:
    """A logout takes more away than we may make."""
    up = Path(local.address.runtime_dir).parent
    shutil.rmtree(up)
    up.touch()
    before = local.address.socket

    assert local.bind_again()
    assert is_reached(local)
    assert Path(local.address.socket).name == Path(before).name
    assert local.address.socket != before
    assert local.address.state_dir == str(Path(local.address.daemon_lock).parent)


def test_where_nothing_can_be_bound_that_is_said(
    local: LocalSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else changes."""
    up = Path(local.address.runtime_dir).parent
    shutil.rmtree(up)
    up.touch()
    monkeypatch.setattr("aimux.daemon._local.find_address", lambda env: local.address)
    before = local.plain

    assert not local.bind_again()
    assert local.plain is before


def test_a_socket_that_was_kept_over_a_restart_has_the_name_it_had(local: LocalSocket) -> None:
    """Which may not be the one that this environment leads to."""
    elsewhere = DaemonAddress(local.address.state_dir, "/", "/elsewhere")
    kept = kept_local(elsewhere, local.plain)

    assert kept.address.socket == local.address.socket
    assert kept.is_named

    Path(local.address.socket).unlink()

    assert not kept_local(elsewhere, local.plain).is_named


@attrs.define(eq=False)
class Owner:
    """A daemon, as far as its socket matters."""

    nursery: trio.Nursery
    lock: int
    is_owner: bool = True
    stopping: trio.Event = attrs.field(factory=trio.Event)

    async def attend(self, stream: trio.SocketStream, /) -> None:
        await stream.aclose()


async def test_another_name_is_told_in_the_file_of_the_lock(
    local: LocalSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at the old one would find nobody."""
    monkeypatch.setattr(_local, "CHECK_S", 0.01)
    before = local.address.socket
    told = trio.Event()

    def tell(lock: int, address: DaemonAddress) -> None:
        tell_holder(lock, address)
        told.set()

    monkeypatch.setattr(_local, "tell_holder", tell)
    async with open_daemon_lock(local.address, is_served=lambda: False) as lock:
        tell_holder(lock, local.address)
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                await nursery.start(serve_local, Owner(nursery, lock), local)
                up = Path(local.address.runtime_dir).parent
                shutil.rmtree(up)
                up.touch()
                await told.wait()
                nursery.cancel_scope.cancel(reason="seen")
        holder = find_holder(local.address)

    assert holder is not None
    assert holder.socket == local.address.socket != before


async def test_a_daemon_whose_state_directory_is_gone_leaves(
    local: LocalSocket, tmp_path: Path
) -> None:
    """Its store is nobody's any more: it takes no other name, and asks to be stopped."""
    before = local.plain
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                owner = Owner(nursery, lock, is_owner=False)
                await nursery.start(serve_local, owner, local)
                await owner.stopping.wait()
        said = os.read(lock, 100)
    finally:
        os.close(lock)

    assert local.plain is before
    assert said == b""


async def test_a_daemon_that_no_client_can_reach_leaves(
    local: LocalSocket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no name that it could have: it would live on without anybody knowing."""
    monkeypatch.setattr(_local, "CHECK_S", 0.01)
    monkeypatch.setattr(LocalSocket, "bind_again", lambda self: False)
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                owner = Owner(nursery, lock)
                await nursery.start(serve_local, owner, local)
                await trio.to_thread.run_sync(os.unlink, local.address.socket)
                await owner.stopping.wait()
    finally:
        os.close(lock)

    assert owner.stopping.is_set()
