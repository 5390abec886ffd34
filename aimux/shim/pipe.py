"""The shim where the daemon listens on a named pipe: Windows, and elsewhere AIMUX_LOCAL=pipe.

How it is reached and who starts it differs; the rest is the other shim's (`relay`, `ledger`).
"""

import os
import subprocess
import sys
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any

from aimux.files.locks import try_lock
from aimux.shim.address import DaemonAddress, ShimFault, check_private, find_address
from aimux.shim.command import own_command
from aimux.shim.relay import Shim, serve_with
from aimux.shim.start import LOG_BYTES, NOT_INHERITED, START_LIMIT_S, open_start_lock

POLL_S = 0.05  # between tries to reach a daemon that starts: nothing wakes us when it listens
BLOCK_BYTES = 65_536
KEY_BYTES = 32

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        Pipe = Connection[Any, Any] | PipeConnection[Any, Any]
    else:
        Pipe = Connection[Any, Any]


def key_path(address: DaemonAddress) -> str:
    """The file with the key that both ends of a pipe must know."""
    return f"{address.state_dir}/daemon.key"


def read_key(address: DaemonAddress) -> bytes | None:
    """The key of an address's pipe; None if no daemon was ever there.

    Raises:
        ShimFault: it cannot be read, or somebody else could have written it.
    """
    try:
        with open(key_path(address), "rb") as file:
            if sys.platform != "win32":
                facts = os.fstat(file.fileno())
                if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
                    raise ShimFault(f"{key_path(address)} is not yours alone: remove it")
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ShimFault(f"{error.filename}: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise ShimFault(f"{key_path(address)} holds no key: remove it")
    return key


def connect(address: DaemonAddress) -> "Pipe | None":
    """A connection to the daemon; None if nobody listens.

    Raises:
        ShimFault: an unsafe address, or whoever listens there does not know the key.
    """
    if sys.platform != "win32":
        try:
            check_private(address.runtime_dir)
        except FileNotFoundError:
            return None
    key = read_key(address)
    if key is None:
        return None
    try:
        return Client(address.socket, authkey=key)
    except (FileNotFoundError, ConnectionError, EOFError):  # nobody, or one that leaves
        return None
    except AuthenticationError as error:
        raise ShimFault(f"who listens at {address.socket} does not know our key") from error
    except OSError as error:
        raise ShimFault(f"{address.socket}: {error.strerror or error}") from error


# ---------------------------------------------------------------------------------- starting


def start_daemon(address: DaemonAddress, env: dict[str, str]) -> "Pipe":
    """A connection to the daemon, which is started unless somebody else does.

    Whoever holds the start lock starts it; the others try until it listens.

    Raises:
        ShimFault: it cannot be started, or does not listen in time.
    """
    found = connect(address)
    if found is not None:
        return found
    if env.get("AIMUX_LINEAGE"):
        raise ShimFault("a nested aimux starts no daemon")
    lock = open_start_lock(address)
    try:
        return _start_once(address, env, lock)
    finally:
        os.close(lock)


def _start_once(address: DaemonAddress, env: dict[str, str], lock: int) -> "Pipe":
    deadline = time.monotonic() + START_LIMIT_S
    is_mine = False
    child: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        is_mine = is_mine or try_lock(lock)
        is_over = child is not None and child.poll() is not None
        found = connect(address)
        if found is not None:
            return found
        if is_over:
            break
        if is_mine and child is None:
            child = spawn(address, env)
        time.sleep(POLL_S)
    why = "it left" if child is not None and child.returncode is not None else "nobody listens"
    raise ShimFault(f"the daemon did not start ({why}); see {address.state_dir}/daemon.out")


def spawn(
    address: DaemonAddress,
    env: dict[str, str],
    python: str = sys.executable,
    options: tuple[str, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a daemon that outlives us; `options` are the words after `aimux daemon run`.

    Raises:
        ShimFault: there is no such program, or its output cannot be kept.
    """
    env = {name: value for name, value in env.items() if name not in NOT_INHERITED}
    env["AIMUX_STATE_DIR"] = address.state_dir
    if sys.platform != "win32":
        env["AIMUX_RUNTIME_DIR"] = address.runtime_dir
    try:
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        out = os.open(f"{address.state_dir}/daemon.out", mode, 0o600)
        try:
            if os.fstat(out).st_size > LOG_BYTES:
                os.ftruncate(out, 0)
            return _detached(own_command("daemon", "run", *options, python=python), env, out)
        finally:
            os.close(out)
    except OSError as error:
        raise ShimFault(f"{error.filename or python}: {error.strerror}") from error


def _detached(argv: list[str], env: dict[str, str], out: int) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        # a console without a window, not none at all: git and the like would open one of theirs
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        try:  # a host may keep its servers in a job that ends with it
            return _begin(argv, env, out, flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:  # and that lets nobody go
            return _begin(argv, env, out, flags)
    else:
        return _begin(argv, env, out, 0)


def _begin(argv: list[str], env: dict[str, str], out: int, flags: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        env=env,
        cwd=os.path.abspath(os.sep),
        creationflags=flags,
        start_new_session=True,  # without a meaning on Windows
    )


# ---------------------------------------------------------------------------------- copying


class PipeWire:
    """A connection to the daemon. As on its other end, a block of no bytes ends one direction."""

    def __init__(self, pipe: "Pipe") -> None:
        self._pipe = pipe

    def receive(self) -> bytes:
        """What the daemon says next; nothing at the end."""
        try:
            return self._pipe.recv_bytes()
        except (OSError, EOFError):
            return b""

    def send(self, data: bytes) -> None:
        """Say all of it. If the daemon is gone, whoever receives hears of it."""
        for begin in range(0, len(data), BLOCK_BYTES):
            self._send(data[begin : begin + BLOCK_BYTES])

    def end(self) -> None:
        """Say nothing more."""
        self._send(b"")

    def _send(self, block: bytes) -> None:
        try:
            self._pipe.send_bytes(block)
        except (OSError, ValueError):
            pass

    def close(self) -> None:
        """Leave the daemon."""
        self._pipe.close()


class PipeShim(Shim):
    """The streams of one client, and what outlives a daemon, over a named pipe."""

    __slots__ = ()

    def attach(self) -> PipeWire:
        """A way to a daemon, started if need be. Raises ShimFault: there is none."""
        return PipeWire(start_daemon(self.address, self.env))


def serve() -> int | None:
    """Serve stdin and stdout from the daemon; the exit code, or None if there can be no daemon.

    None comes before anything was read or written, and is explained on stderr.
    """
    env = dict(os.environ)
    return serve_with(lambda: PipeShim(find_address(env), env, -1))
