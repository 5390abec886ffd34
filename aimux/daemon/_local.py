"""The daemon's socket, and its name in the file system, which may be removed under it.

A logout empties the runtime directory, and so does what cleans up /tmp. The socket lives on without
its name, and nobody can reach it. Nothing tells its owner, so it checks, and binds the name again,
or another that clients are told of by the lock's file.
"""

import logging
import os
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import attrs
import trio

from aimux.errors import AimuxError, SetupFault
from aimux.files.private import make_private
from aimux.shim.address import DaemonAddress, ShimFault, check_private, find_address
from aimux.transports import bind_unix, listener_on, mark_of, unbind_unix

from ._lockfile import tell_holder

CHECK_S: Final = 1.0  # between checks of the name: whoever starts a daemon waits that long for it
IN_TMP_WITHOUT: Final = frozenset({"AIMUX_RUNTIME_DIR", "XDG_RUNTIME_DIR"})

log = logging.getLogger("aimux.daemon")


def make_runtime_dir(address: DaemonAddress) -> None:
    """Have the directory of an address, for this user alone.

    Raises:
        SetupFault: it cannot be made, or is open to others.
    """
    try:
        make_private(address.runtime_dir)
        if sys.platform != "win32":
            check_private(address.runtime_dir)
    except (ShimFault, OSError) as error:
        raise SetupFault(str(error), code="runtime_dir_unusable") from error


@attrs.define(eq=False)
class LocalSocket:
    """The socket that clients of this machine connect to. `address` says where they find it."""

    address: DaemonAddress
    plain: socket.socket
    mark: tuple[int, int]

    def __repr__(self) -> str:
        return f"<LocalSocket: {self.address.socket}{'' if self.is_named else ', without name'}>"

    @property
    def is_named(self) -> bool:
        """Whether the name still leads to it."""
        return self.mark != (0, 0) and mark_of(Path(self.address.socket)) == self.mark

    def bind_again(self) -> bool:
        """Have a name again; whether that could be done.

        It is the old one if possible, else the one in /tmp: a logout takes the whole of
        /run/user/UID away.
        """
        env = {name: value for name, value in os.environ.items() if name not in IN_TMP_WITHOUT}
        for address in (self.address, find_address(env)):
            try:
                make_runtime_dir(address)
                fresh = bind_unix(Path(address.socket))
            except AimuxError as error:
                log.warning("%s cannot be bound again: %s", address.socket, error.message)
                continue
            self.plain.close()
            self.address, self.plain = address, fresh
            self.mark = mark_of(Path(address.socket))
            return True
        return False

    def unbind(self) -> None:
        """Take the name away, if it is ours: whoever comes now starts another daemon."""
        unbind_unix(Path(self.address.socket), self.mark)


def open_local(address: DaemonAddress) -> LocalSocket:
    """A socket at an address.

    Raises:
        SetupFault: it cannot be bound.
    """
    plain = bind_unix(Path(address.socket))
    return LocalSocket(address, plain, mark_of(Path(address.socket)))


def kept_local(address: DaemonAddress, plain: socket.socket) -> LocalSocket:
    """The socket of a process that became this one, at the name that it has."""
    found = DaemonAddress(address.state_dir, address.config_dir, address.runtime_dir)
    found.socket = plain.getsockname() or address.socket
    found.runtime_dir = str(Path(found.socket).parent)
    return LocalSocket(found, plain, mark_of(Path(found.socket)))


class Owner(Protocol):
    """The daemon, as far as its socket matters."""

    nursery: trio.Nursery  # of sessions
    stopping: trio.Event
    lock: int

    @property
    def is_owner(self) -> bool:
        """Whether the state directory is ours still."""
        ...

    async def attend(self, stream: trio.SocketStream, /) -> None:
        """Serve one connection; cancelled, it is closed."""


async def serve_local(
    daemon: Owner,
    local: LocalSocket,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take clients in at a socket, until cancelled; asks the daemon to stop where none can come.

    Cancelling it leaves the socket open and named: that is for whoever opened it.
    """
    while True:
        async with trio.open_nursery() as accepting:
            serve = partial(trio.serve_listeners, handler_nursery=daemon.nursery)
            await accepting.start(serve, daemon.attend, [listener_on(local.plain.dup())])
            task_status.started()
            task_status = trio.TASK_STATUS_IGNORED
            while local.is_named and daemon.is_owner:  # noqa: ASYNC110  # nothing there wakes us
                await trio.sleep(CHECK_S)
            accepting.cancel_scope.cancel(reason="the name is gone")
        if not daemon.is_owner:
            log.warning("%s was removed, leaving", local.address.state_dir)
            break
        if not local.bind_again():
            log.error("no client can reach this daemon any more, leaving")
            break
        tell_holder(daemon.lock, local.address)
        log.warning("the name of the socket was gone, it is %s now", local.address.socket)
    daemon.stopping.set()
