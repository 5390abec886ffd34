"""The daemon's socket, and a name that others take away."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimux.daemon._local import LocalSocket, kept_local, make_runtime_dir, open_local
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
