"""What the shim needs rarely: to start a daemon, and to go on with another when one is gone.

Copies of the traffic are read into ledger: which calls are open, and which lines make up the state
of the session (handshake, log level, subscriptions). From these another daemon is told privately
what the old one knew; the answers to that are swallowed, for the client has had them already.
"""

import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING

from aimux import _shim
from aimux._shim import DaemonAddress, ShimFault, answered, connect

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    import _socket

START_LIMIT_S = 30.0  # a daemon that drains must leave before another can begin
RETRY_S = 0.02
MAX_LOSSES = 5  # daemons that may be lost
LOSSES_WITHIN_S = 30.0
LOG_BYTES = 1_000_000  # of what a daemon wrote to stderr, before it begins anew
READY_FD = 3
NOT_INHERITED = ("AIMUX_CHILD", "AIMUX_DAEMON", "AIMUX_LINEAGE")  # a daemon is nobody's child

# requests that leave something behind in the session; by URI where there may be several
STATEFUL = ("initialize", "logging/setLevel", "resources/subscribe")
LOST = (
    "the aimux daemon stopped while this call was open, and work that nobody else waits for "
    "stopped with it; calls from now on go to another daemon"
)
HINT = (
    "asynchronous jobs keep their id and what they had said: status(job_id=...), or "
    "sessions(action=list) to find them; send this call again to start it anew"
)
CODE = -32603
NOTICE = b'{"jsonrpc":"2.0","method":'  # how our daemon's notifications begin

Json = dict[str, object]


class Ledger:
    """What a client and its daemon have said, as far as it matters later."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}  # id as JSON -> requests without an answer
        self.setup: dict[str, tuple[str, bytes]] = {}  # what -> id, line
        self.initialized = b""
        self.rest = b""  # the head of a line of the client
        self.losses: list[float] = []

    def read_sent(self, data: bytes) -> None:
        """What the client has said."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            for message in _messages(line):
                self._note(message, line)

    def _note(self, message: Json, line: bytes) -> None:
        method, params = message.get("method"), message.get("params")
        if not isinstance(params, dict):
            params = {}
        if "id" not in message:
            if method == "notifications/initialized":
                self.initialized = line + b"\n"
            elif method == "notifications/cancelled":
                self.open.pop(_key(params.get("requestId")), None)
        elif isinstance(method, str):
            key = _key(message["id"])
            self.open[key] = self.open.get(key, 0) + 1
            if method in STATEFUL:
                self.setup[f"{method} {params.get('uri', '')}"] = (key, line + b"\n")
            elif method == "resources/unsubscribe":
                self.setup.pop(f"resources/subscribe {params.get('uri', '')}", None)

    def read_got(self, data: bytes) -> None:
        """What the daemon has said: whole lines."""
        begin = 0
        while begin < len(data):
            end = data.find(b"\n", begin) + 1
            number = answered(data, begin)
            if number:
                self._close(number.decode())
            elif not data.startswith(NOTICE, begin):
                for message in _messages(data[begin:end]):
                    if "method" not in message and "id" in message:
                        self._close(_key(message["id"]))
            begin = end

    def _close(self, key: str) -> None:
        if self.open.get(key, 0) > 1:
            self.open[key] -= 1
        else:
            self.open.pop(key, None)


def _key(call_id: object) -> str:
    """The id as JSON."""
    return str(call_id) if type(call_id) is int else json.dumps(call_id)


_decode = json.JSONDecoder().raw_decode  # `loads` without what it does around it


def _messages(line: bytes) -> list[Json]:
    try:
        text = line.decode().strip()
        found, end = _decode(text)
    except ValueError:  # blank, or nothing the daemon would have read either
        return []
    if end < len(text):
        return []
    if type(found) is dict:
        return [found]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def read_copies(shim: "_shim.Shim") -> Ledger:
    """The ledger up to now; the copies are dropped."""
    ledger = shim.ledger
    if not isinstance(ledger, Ledger):
        shim.ledger = ledger = Ledger()
    # requests first: an answer never comes before its request
    ledger.read_sent(b"".join(shim.sent))
    ledger.read_got(b"".join(shim.got))
    shim.sent.clear()
    shim.got.clear()
    shim.has_open = bool(ledger.open or ledger.rest)
    return ledger


def mend(shim: "_shim.Shim") -> tuple[bytes, bytes]:
    """What the next daemon is to hear first, and what the client is to hear now.

    Raises:
        ShimFault: daemons die as fast as they are started.
    """
    has_served = shim.has_reply
    unheard = b"".join(shim.sent)
    ledger = read_copies(shim)
    now = time.monotonic()
    ledger.losses = [*(each for each in ledger.losses if now - each < LOSSES_WITHIN_S), now]
    if len(ledger.losses) > MAX_LOSSES:
        raise ShimFault(f"{MAX_LOSSES} daemons were lost within {LOSSES_WITHIN_S:g} s; see the log")
    if not has_served:  # nobody has read it
        shim.opening += unheard
        return shim.opening, b""
    setup = list(ledger.setup.values())
    shim.swallowed = {key for key, _ in setup if key not in ledger.open}
    replayed = {key for key, _ in setup}
    said = b"".join([_lost(key) for key in ledger.open if key not in replayed])
    ledger.open = {key: 1 for key in ledger.open if key in replayed}
    if ledger.initialized:
        said += b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n'
    first, others = setup[:1], setup[1:]
    shim.opening = b"".join([line for _, line in first])
    shim.opening += ledger.initialized + b"".join([line for _, line in others]) + ledger.rest
    return shim.opening, said


def _lost(key: str) -> bytes:
    data = {"code": "daemon_gone", "retryable": True, "hint": HINT}
    error = json.dumps({"code": CODE, "message": f"{LOST}; {HINT}", "data": data})
    return f'{{"jsonrpc":"2.0","id":{key},"error":{error}}}\n'.encode()


def swallow(shim: "_shim.Shim", lines: bytes) -> bytes:
    """The lines without the answers that the client has had from an earlier daemon."""
    kept = []
    for line in lines.splitlines(keepends=True):
        answers = [each for each in _messages(line) if "method" not in each]
        key = json.dumps(answers[0].get("id")) if answers else ""
        if key in shim.swallowed:
            shim.swallowed.discard(key)
        else:
            kept.append(line)
    return b"".join(kept)


# ---------------------------------------------------------------------------------- starting


def start(address: DaemonAddress, env: dict[str, str], wake: int) -> "_socket.socket | None":
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
            os.makedirs(directory, mode=0o700, exist_ok=True)
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
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                said = f"no daemon listened within {START_LIMIT_S:g} s; see {address.state_dir}"
                raise ShimFault(said) from None
            if select.select((wake,), (), (), RETRY_S)[0]:
                return None
            continue
        sock = connect(address) or _elsewhere(address)  # while we took the lock
        return sock if sock is not None else _spawned(address, env, wake, deadline)


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
    argv = [sys.executable, "-m", "aimux", "daemon", "run", "--ready-fd", str(READY_FD)]
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
