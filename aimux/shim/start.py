"""How a daemon is started by whoever needs one first."""

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from aimux.files.locks import try_lock
from aimux.files.private import make_private
from aimux.shim.address import DaemonAddress, ShimFault, connect
from aimux.shim.command import own_command

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    import _socket

START_LIMIT_S = 30.0  # a daemon that drains must leave before another can begin
RETRY_S = 0.02
LOG_BYTES = 1_000_000  # of what a daemon wrote to stderr, before it begins anew
READY_FD = 3
NOT_INHERITED = ("AIMUX_CHILD", "AIMUX_DAEMON", "AIMUX_LINEAGE")  # a daemon is nobody's child


def start_daemon(address: DaemonAddress, env: dict[str, str], wake: int) -> "_socket.socket | None":
    """A connection to the daemon, which is started unless somebody else does; None to leave.

    Whoever holds the start lock starts it; the others wait until it listens. `wake` is a descriptor
    that becomes readable when a signal asks to leave.

    Raises:
        ShimFault: it cannot be started, or does not listen in time.
    """
    if env.get("AIMUX_LINEAGE"):
        sock = _elsewhere(address)
        if sock is None:
            raise ShimFault("a nested aimux starts no daemon")
        return sock
    lock = open_start_lock(address)
    try:
        return _start_once(address, env, wake, lock)
    finally:
        os.close(lock)


def open_start_lock(address: DaemonAddress) -> int:
    """The file that those who would start a daemon race for, not locked yet; makes its directories.

    Raises:
        ShimFault: they cannot be made.
    """
    try:
        for directory in (address.state_dir, address.runtime_dir):
            make_private(directory)
        return os.open(address.start_lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ShimFault(f"{error.filename}: {error.strerror}") from error


def _start_once(
    address: DaemonAddress, env: dict[str, str], wake: int, lock: int
) -> "_socket.socket | None":
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        sock = connect(address) or _elsewhere(address)
        if sock is not None:
            return sock
        if not _try_lock(address, lock):
            if time.monotonic() > deadline:
                said = f"no daemon listened within {START_LIMIT_S:g} s; see {address.state_dir}"
                raise ShimFault(said)
            if select.select((wake,), (), (), RETRY_S)[0]:
                return None
            continue
        sock = connect(address) or _elsewhere(address)  # while we took the lock
        return sock if sock is not None else _spawned(address, env, wake, deadline)


def _try_lock(address: DaemonAddress, lock: int) -> bool:
    try:
        return try_lock(lock)
    except OSError as error:  # a file system without locks
        raise ShimFault(f"{address.start_lock}: {error.strerror}") from error


def _elsewhere(address: DaemonAddress) -> "_socket.socket | None":
    """The daemon of this store that was started with another runtime directory, if it lives."""
    try:
        with open(address.daemon_lock, encoding="utf-8", errors="surrogateescape") as file:
            _, path = (*file.read(4096).split("\n"), "", "")[:2]
    except OSError:
        return None
    if not path or path == address.socket:
        return None
    other = DaemonAddress(address.state_dir, address.config_dir, os.path.dirname(path))
    other.socket = path
    try:
        return connect(other)
    except OSError:
        return None


def _spawned(
    address: DaemonAddress, env: dict[str, str], wake: int, deadline: float
) -> "_socket.socket | None":
    ready, told = os.pipe()
    try:
        _spawn(address, env, told)
    finally:
        os.close(told)
    said = b""
    while True:
        able, _, _ = select.select((ready, wake), (), (), max(0.0, deadline - time.monotonic()))
        if wake in able:
            return None  # the daemon starts all the same, and leaves when nobody comes
        data = os.read(ready, 4096) if able else b""
        if not data:
            break
        said += data
    os.close(ready)
    sock = connect(address) or _elsewhere(address) if said == b"ready\n" else None
    if sock is None:
        why = said.decode(errors="replace").strip() or "it said nothing"
        raise ShimFault(f"the daemon did not start ({why}); see {address.state_dir}/daemon.out")
    return sock


def _spawn(address: DaemonAddress, env: dict[str, str], told: int) -> None:
    """Start the daemon in a session of its own, as nobody's child."""
    env = {name: value for name, value in env.items() if name not in NOT_INHERITED}
    env["AIMUX_STATE_DIR"], env["AIMUX_RUNTIME_DIR"] = address.state_dir, address.runtime_dir
    argv = own_command("daemon", "run", "--ready-fd", str(READY_FD))
    out = os.open(f"{address.state_dir}/daemon.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.fstat(out).st_size > LOG_BYTES:
        os.ftruncate(out, 0)
    child = os.fork()
    if child:
        os.close(out)
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        _become(argv, env, out, told)
    finally:
        os._exit(1)


def _become(argv: list[str], env: dict[str, str], out: int, told: int) -> None:
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        # high first: the targets may be in use by the sources
        told = fcntl.fcntl(told, fcntl.F_DUPFD, 16)
        out = fcntl.fcntl(out, fcntl.F_DUPFD, 16)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(told, READY_FD)
        os.closerange(READY_FD + 1, 4096)
        os.chdir("/")
        os.execve(argv[0], argv, env)  # noqa: S606  # a list, no shell
    except OSError as error:
        os.write(READY_FD, f"{argv[0]}: {error.strerror}".encode())
