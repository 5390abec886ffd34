"""The shim where the daemon listens on a named pipe: Windows, and elsewhere AIMUX_LOCAL=pipe.

Theory of operation. A pipe cannot be waited for together with the standard streams, so threads copy
instead of one loop: the main one from the daemon to the client, another from the client to the
daemon. What is kept, and what is done when the daemon is gone, is the other shim's (`_shim`,
`_shim_mend`); one lock stands before the books. The client's thread takes nothing while there is no
daemon. As on the other end (`transports/_named_pipe`), a block of no bytes ends one direction.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any

from aimux import _shim, _shim_mend
from aimux._locks import try_lock
from aimux._shim import Place, ShimFault, complain, find_place, hello

LOOK_S = 0.05  # between looks for a daemon that starts: nothing wakes us when it listens
BLOCK_BYTES = 65_536
KEY_BYTES = 32

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        Pipe = Connection[Any, Any] | PipeConnection[Any, Any]
    else:
        Pipe = Connection[Any, Any]


def key_path(place: Place) -> str:
    """The file with the key that both ends of a pipe must know."""
    return f"{place.state_dir}/daemon.key"


def read_key(place: Place) -> bytes | None:
    """The key of a place's pipe; None if no daemon was ever there.

    Raises:
        ShimFault: it cannot be read, or somebody else could have written it.
    """
    try:
        with open(key_path(place), "rb") as file:
            if sys.platform != "win32":
                facts = os.fstat(file.fileno())
                if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
                    raise ShimFault(f"{key_path(place)} is not yours alone: remove it")
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ShimFault(f"{error.filename}: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise ShimFault(f"{key_path(place)} holds no key: remove it")
    return key


def connect(place: Place) -> "Pipe | None":
    """A connection to the daemon; None if nobody listens.

    Raises:
        ShimFault: an unsafe place, or whoever listens there does not know the key.
    """
    if sys.platform != "win32":
        try:
            _shim.check_private(place.runtime_dir)
        except FileNotFoundError:
            return None
    key = read_key(place)
    if key is None:
        return None
    try:
        return Client(place.socket, authkey=key)
    except (FileNotFoundError, ConnectionError, EOFError):  # nobody, or one that leaves
        return None
    except AuthenticationError as error:
        raise ShimFault(f"who listens at {place.socket} does not know our key") from error
    except OSError as error:
        raise ShimFault(f"{place.socket}: {error.strerror or error}") from error


# ---------------------------------------------------------------------------------- starting


def start(place: Place, env: dict[str, str]) -> "Pipe":
    """A connection to the daemon, which is started unless somebody else does.

    Whoever holds the start lock starts it; the others look until it listens.

    Raises:
        ShimFault: it cannot be started, or does not listen in time.
    """
    found = connect(place)
    if found is not None:
        return found
    if env.get("AIMUX_LINEAGE"):
        raise ShimFault("a nested aimux starts no daemon")
    lock = _shim_mend.open_start_lock(place)
    try:
        return _start_once(place, env, lock)
    finally:
        os.close(lock)


def _start_once(place: Place, env: dict[str, str], lock: int) -> "Pipe":
    deadline = time.monotonic() + _shim_mend.START_LIMIT_S
    is_mine = False
    child: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        is_mine = is_mine or try_lock(lock)
        is_over = child is not None and child.poll() is not None
        found = connect(place)
        if found is not None:
            return found
        if is_over:
            break
        if is_mine and child is None:
            child = spawn(place, env)
        time.sleep(LOOK_S)
    why = "it left" if child is not None and child.returncode is not None else "nobody listens"
    raise ShimFault(f"the daemon did not start ({why}); see {place.state_dir}/daemon.out")


def spawn(
    place: Place, env: dict[str, str], python: str = sys.executable, options: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a daemon that outlives us; `options` are the words after `aimux daemon run`.

    Raises:
        ShimFault: there is no such program, or its output has no place.
    """
    env = {name: value for name, value in env.items() if name not in _shim_mend.NOT_INHERITED}
    env["AIMUX_STATE_DIR"] = place.state_dir
    if sys.platform != "win32":
        env["AIMUX_RUNTIME_DIR"] = place.runtime_dir
    try:
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        out = os.open(f"{place.state_dir}/daemon.out", mode, 0o600)
        try:
            if os.fstat(out).st_size > _shim_mend.LOG_BYTES:
                os.ftruncate(out, 0)
            return _detached([python, "-m", "aimux", "daemon", "run", *options], env, out)
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


class PipeShim(_shim.Shim):
    """The streams of one client, and what outlives a daemon; threads instead of a loop."""

    __slots__ = ("_heard", "_lock", "_sending", "_wire")

    def __init__(self, place: Place, env: dict[str, str]) -> None:
        super().__init__(place, env, -1)
        # before the books and the wire; notified when there is another wire
        self._lock = threading.Condition()
        self._wire: Pipe | None = None  # where the client's thread writes to
        self._sending = threading.Lock()  # a handle that is closed may be another pipe's at once
        self._heard = threading.Event()  # the daemon still says something

    def serve(self) -> int:
        """Serve until the client is done; the exit code. Raises ShimFault: there is no daemon."""
        pipe = start(self.place, self.env)
        threading.Thread(target=self._run_client, daemon=True).start()
        while True:
            with self._lock:
                first = hello(self.place, self.env) + self._pending
                self._pending, self._reply = b"", b""
                self._held.clear()
            # the daemon may answer before it has read all of it
            teller = threading.Thread(target=self._tell, args=(pipe, first), daemon=True)
            teller.start()
            is_over = self._run_daemon(pipe)
            if is_over:
                return 0
            teller.join()  # at once: nobody reads at the other end any more
            with self._lock:
                self._wire = None
                with self._sending:
                    pipe.close()
                try:
                    self._pending, said = _shim_mend.mend(self)
                    self._kept = 0
                    self._write(said)
                    pipe = start(self.place, self.env)
                except ShimFault as fault:
                    complain(f"the daemon is gone and no other can be had: {fault}")
                    return 1

    def _tell(self, pipe: "Pipe", first: bytes) -> None:
        """Say what this daemon is to hear first, then let the client speak."""
        _send(pipe, first)
        with self._lock:
            self._wire = pipe
            self._lock.notify()

    def _run_daemon(self, pipe: "Pipe") -> bool:
        """Copy to the client. True: the client is done; False: the daemon is gone."""
        while True:
            try:
                data = pipe.recv_bytes()
            except (OSError, EOFError):
                data = b""
            if not data:
                return self.is_done
            self._heard.set()
            with self._lock:
                lines = self._whole_lines(data)
                if lines and not self._settles(lines):
                    self._keep(self.got, lines)
            if not _written(lines):
                return True  # nobody reads any more

    def _run_client(self) -> None:
        """Copy from the client, and end the process when the daemon is silent after the end."""
        while not self.is_done:
            data = _shim._read(0)  # noqa: SLF001  # the two are one program
            with self._lock:
                self._lock.wait_for(lambda: self._wire is not None)
                wire = self._wire
                self.is_done = not data
                if data:
                    self._keep(self.sent, data)
            if wire is not None:
                with self._sending:
                    _send(wire, data)
        while self._heard.wait(_shim.LAST_WORDS_S):
            self._heard.clear()
        os._exit(0)  # the daemon has had its time

    def _write(self, data: bytes) -> None:
        if not _written(data):
            self.is_done = True


def _send(pipe: "Pipe", data: bytes) -> None:
    """Send blocks; of no bytes, the end. If the daemon is gone, its reader notices."""
    try:
        for begin in range(0, len(data) or 1, BLOCK_BYTES):
            pipe.send_bytes(data[begin : begin + BLOCK_BYTES])
    except (OSError, ValueError):
        pass


def _written(data: bytes) -> bool:
    """Write all of it to the client; False if it is gone."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return False
    return True


def serve() -> int | None:
    """Serve stdin and stdout from the daemon; the exit code, or None if there can be no daemon.

    None comes before anything was read or written, and is explained on stderr.
    """
    env = dict(os.environ)
    handlers = [(each, signal.signal(each, _leave)) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        return PipeShim(find_place(env), env).serve()
    except ShimFault as fault:
        complain(f"serving in this process, without the daemon: {fault}")
    for number, handler in handlers:
        signal.signal(number, handler)
    return None


def _leave(number: int, frame: object) -> None:
    """The daemon hears the end when the system closes our pipe."""
    sys.exit(0)
