"""The stdio end of the daemon: what starts when an editor opens. Little of the standard library.

Theory of operation. The daemon is reached by its socket and spoken to over two pipes handed to it
there. One hello line says who attaches and from where; everything else is copied without being
read, by one thread for each direction: a thread that sleeps in `read` is woken sooner than a loop
that waits for many things. Towards the client only whole lines are written, so a daemon that dies
never leaves half a message there. Copies are kept as they came, and read (`_shim_mend`) only when
there are many of them or when the daemon is gone: then it is known which calls are open. They are
answered with an error, another daemon is attached, and the client's handshake is told to it
privately. A call that comes and is answered while nothing else is open leaves no copies.

The main thread copies to the client and mends. `_speaking` is held by whoever may write to the
daemon, by the main thread while there is none; `_ledger` by whoever changes the copies. Who needs
both takes `_speaking` first, and nobody waits for bytes with `_ledger` in hand.

End of input, SIGINT and SIGTERM mean the same: the daemon hears the end of the stream, what it
still has to say is delivered, and the process leaves. Reasons: docs/design/0009, 0015.
"""

import _signal  # type: ignore[import-not-found]  # `signal` costs an import of enum and re
import _thread
import os
import select
import sys
import time

if sys.platform != "win32":
    import _socket

from aimux import __version__

TYPE_CHECKING = False  # `typing` costs as much as all that is imported here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Wire(Protocol):
        """Bytes to and from one daemon."""

        def receive(self) -> bytes:
            """What it says next; nothing at the end."""
            ...

        def send(self, data: bytes) -> None:
            """Say all of it. If the daemon is gone, whoever receives hears of it."""
            ...

        def end(self) -> None:
            """Say nothing more."""
            ...

        def close(self) -> None:
            """Leave the daemon; nobody sends."""
            ...


HELLO_VERSION = 1  # raised only for a hello that an older daemon would misread
READ_BYTES = 65_536
KEPT_BYTES = 32_768  # of copies, before they are read and dropped: a third of a millisecond
PIPES = r"\\.\pipe\aimux-"
MAX_SOCKET_PATH = 100  # macOS: 104 with its end
LAST_WORDS_S = 2.0  # after the end of input, for a daemon that has more to say
HURRY_S = 0.3  # after a signal: hosts kill half a second later
ANSWER = b'{"jsonrpc":"2.0","id":'  # how our daemon's answers and requests begin
NEWLINE = 10

_ESCAPES = {
    34: '\\"',
    92: "\\\\",
    **{code: f"\\u{code:04x}" for code in (*range(32), 127, *range(0xDC80, 0xDD00))},
}


class ShimFault(Exception):
    """No daemon can be had; the text says why and what to do."""


class DaemonAddress:
    """Where the daemon of one user and state directory is found."""

    __slots__ = (
        "config_dir", "daemon_lock", "is_pipe", "runtime_dir", "socket", "start_lock", "state_dir",
    )  # fmt: skip

    def __init__(
        self, state_dir: str, config_dir: str, runtime_dir: str, *, is_pipe: bool = False
    ) -> None:
        self.state_dir = state_dir
        self.config_dir = config_dir
        self.runtime_dir = runtime_dir
        self.is_pipe = is_pipe  # _shim_pipe connects there, not `connect`
        if not is_pipe:
            self.socket = f"{runtime_dir}/{_key(state_dir)}"
        elif sys.platform == "win32":
            self.socket = f"{PIPES}{_key(os.path.normcase(state_dir))}"
        else:
            self.socket = f"{runtime_dir}/p{_key(state_dir)}"
        # in the state directory: one daemon per store, wherever its socket is
        self.daemon_lock = f"{state_dir}/daemon.lock"
        self.start_lock = f"{state_dir}/start.lock"

    def __repr__(self) -> str:
        return f"<DaemonAddress: {self.state_dir} at {self.socket}>"


def _key(text: str) -> str:
    """Sixteen digits that differ for different texts (FNV-1a: no import)."""
    number = 0xCBF29CE484222325
    for byte in os.fsencode(text):
        number = ((number ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{number:016x}"


def find_address(env: dict[str, str]) -> DaemonAddress:
    """The address of this environment's daemon; nothing is made.

    Raises:
        ShimFault: the path that AIMUX_RUNTIME_DIR leads to is too long for a socket.
    """
    home = env.get("HOME") or env.get("USERPROFILE") or os.path.expanduser("~")

    def named(variable: str) -> str:
        text = env.get(variable, "").strip()
        return home + text[1:] if text == "~" or text[:2] in ("~/", "~\\") else text

    usual = f"{home}/.config/aimux"
    state_dir = os.path.realpath(named("AIMUX_STATE_DIR") or usual)
    config_dir = os.path.abspath(named("AIMUX_CONFIG_DIR") or usual)
    if sys.platform == "win32":  # pipes have a directory of the system's; nothing else is kept
        return DaemonAddress(state_dir, config_dir, state_dir, is_pipe=True)
    is_pipe = env.get("AIMUX_LOCAL", "").strip().lower() == "pipe"
    # not TMPDIR: hosts set it differently, and all are to meet here
    short = f"/tmp/aimux-{os.getuid()}"  # noqa: S108
    runtime_dir = named("AIMUX_RUNTIME_DIR")
    if not runtime_dir:
        runtime_dir = env.get("XDG_RUNTIME_DIR", "").strip()
        runtime_dir = f"{runtime_dir}/aimux" if runtime_dir.startswith("/") else short
        if (
            len(DaemonAddress(state_dir, config_dir, runtime_dir, is_pipe=is_pipe).socket)
            > MAX_SOCKET_PATH
        ):
            runtime_dir = short
    address = DaemonAddress(state_dir, config_dir, os.path.abspath(runtime_dir), is_pipe=is_pipe)
    if len(os.fsencode(address.socket)) > MAX_SOCKET_PATH:
        raise ShimFault(f"{address.socket} is too long for a socket: shorten AIMUX_RUNTIME_DIR")
    return address


def check_private(directory: str) -> None:
    """Nothing, if the directory is ours alone.

    Raises:
        ShimFault: somebody else owns it, may write there or look in, or it is no directory.
        FileNotFoundError: there is none.
    """
    facts = os.lstat(directory)
    if facts.st_mode & 0o170000 != 0o040000:
        raise ShimFault(f"{directory} is not a directory: remove it, or set AIMUX_RUNTIME_DIR")
    if facts.st_uid != os.geteuid():
        raise ShimFault(
            f"{directory} belongs to user {facts.st_uid}, so its sockets are not trusted: "
            "remove it, or set AIMUX_RUNTIME_DIR"
        )
    if facts.st_mode & 0o077:
        raise ShimFault(f"{directory} is open to others: chmod 700 it, or set AIMUX_RUNTIME_DIR")


def connect(address: DaemonAddress) -> "_socket.socket | None":
    """A connection to the daemon; None if nobody listens. Raises ShimFault: an unsafe address."""
    try:
        check_private(address.runtime_dir)
    except FileNotFoundError:
        return None
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(address.socket)
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    return sock


class Pipes:
    """Two pipes to the daemon, which takes their other ends from the connection they replace.

    A message over pipes costs a quarter less than over the connection itself.
    """

    __slots__ = ("_sock", "reader", "writer")

    def __init__(self, sock: "_socket.socket") -> None:
        """Takes the connection over. Raises ShimFault: no more descriptors."""
        try:
            self.reader, sink = os.pipe()
            source, self.writer = os.pipe()
        except OSError as error:
            raise ShimFault(f"no pipes to the daemon: {error.strerror}") from error
        rights = b"".join([each.to_bytes(4, sys.byteorder) for each in (source, sink)])
        try:
            sock.sendmsg([b"\n"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        except OSError:
            pass  # it is gone: the pipes are at their end
        os.close(source)
        os.close(sink)
        self._sock = sock  # the daemon asks it who we are

    def __repr__(self) -> str:
        return f"<Pipes: reads {self.reader}, writes {self.writer}>"

    def receive(self) -> bytes:
        """What the daemon says next; nothing at the end."""
        return os.read(self.reader, READ_BYTES)

    def send(self, data: bytes) -> None:
        """Say all of it. If the daemon is gone, whoever receives hears of it."""
        try:
            while data:
                data = data[os.write(self.writer, data) :]
        except OSError:
            pass

    def end(self) -> None:
        """Say nothing more."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Leave the daemon."""
        self.end()
        os.close(self.reader)
        self._sock.close()


def hello(address: DaemonAddress, env: dict[str, str], ask: str = "") -> bytes:
    """The line that says who attaches; with `ask`, an operator's question instead of a session."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = "/"
    facts = {
        "version": __version__,
        "cwd": cwd,
        "state_dir": address.state_dir,
        "config_dir": address.config_dir,
        "python": sys.executable,
        "ask": ask,
    }
    told = ",".join([f'"{name}":{_quoted(value)}' for name, value in facts.items()])
    listed = ",".join([f"{_quoted(name)}:{_quoted(value)}" for name, value in env.items()])
    text = f'{{"aimux":{HELLO_VERSION},"pid":{os.getpid()},{told},"env":{{{listed}}}}}\n'
    return text.encode()


def _quoted(text: str) -> str:
    """A JSON string; bytes that are not UTF-8 travel as lone surrogates."""
    return f'"{text.translate(_ESCAPES)}"'


class Shim:
    """The streams of one client, and what outlives a daemon."""

    __slots__ = (
        "_has_heard",
        "_held",
        "_is_smooth",
        "_kept",
        "_ledger",
        "_reply",
        "_speaking",
        "_wake",
        "_wire",
        "address",
        "env",
        "got",
        "has_open",
        "is_done",
        "ledger",
        "opening",
        "sent",
        "swallowed",
    )  # fmt: skip

    def __init__(self, address: DaemonAddress, env: dict[str, str], wake: int) -> None:
        """`wake` is readable once a signal has asked to leave."""
        self.address = address
        self.env = env
        self.sent: list[bytes] = []  # copies, to the daemon
        self.got: list[bytes] = []  # and to the client
        self.ledger: object = None  # made by _shim_mend when the copies are read first
        self.has_open = False  # the ledger knows of a call, or of the head of a line, in between
        self.opening = b""  # what this daemon was told privately before them
        self.swallowed: set[str] = set()  # ids whose answers the client has had already
        self.is_done = False  # end of input or a signal
        self._wire: Wire | None = None
        self._speaking = _thread.allocate_lock()
        self._ledger = _thread.allocate_lock()
        self._kept = 0
        self._held: list[bytes] = []  # the head of a line for the client
        self._is_smooth = False  # what ends with a line is for the client as it comes
        self._has_heard = False  # the daemon has said something since somebody looked
        self._reply = b""  # the daemon's line about our hello, as far as it came
        self._wake = wake

    def attach(self) -> "Wire | None":
        """A way to a daemon, started if need be; None to leave. Raises ShimFault: there is none."""
        sock = connect(self.address)
        if sock is None:
            from aimux import _shim_mend

            sock = _shim_mend.start(self.address, self.env, self._wake)
        return None if sock is None else Pipes(sock)

    def serve(self) -> int:
        """Serve until the client is done; the exit code. Raises ShimFault: there is no daemon."""
        wire, opening = self.attach(), b""
        self._speaking.acquire()
        _begin_thread(self._run_client)
        while wire is not None and not self.is_done:
            self._wire = wire
            self._reply = b""
            self._is_smooth = False
            self._held.clear()
            _begin_thread(self._tell, hello(self.address, self.env) + opening)
            if self._run_daemon(wire):
                return 0
            self._speaking.acquire()  # who writes to nobody is soon through
            wire.close()
            from aimux import _shim_mend

            try:
                with self._ledger:
                    opening, said = _shim_mend.mend(self)
                    self._kept = 0
                if not _written(said):
                    return 0
                wire = self.attach()
            except ShimFault as fault:
                complain(f"the daemon is gone and no other can be had: {fault}")
                return 1
        return 0

    @property
    def has_reply(self) -> bool:
        """The daemon has said that it serves us."""
        return self._reply.endswith(b"\n")

    def leave(self, patience_s: float) -> None:
        """End what the client says, and the process when the daemon is silent for that long."""
        self.is_done = True
        if self._speaking.acquire(timeout=patience_s / 3):
            if self._wire is not None:
                self._wire.end()
            self._speaking.release()
        self._has_heard = True
        while self._has_heard:
            self._has_heard = False
            time.sleep(patience_s)
        os._exit(0)

    def _tell(self, first: bytes) -> None:
        """Say what this daemon is to hear first, then let the client speak. In a thread: it may
        answer before it has heard all.
        """
        assert self._wire is not None
        self._wire.send(first)
        self._speaking.release()

    def _run_client(self) -> None:
        """Copy to the daemon, until the end."""
        while True:
            data = _read(0)
            if not data:
                break
            with self._speaking:
                assert self._wire is not None
                with self._ledger:
                    self.sent.append(data)
                    self._kept += len(data)
                self._wire.send(data)
            self._read_many()
        self.leave(LAST_WORDS_S)

    def _run_daemon(self, wire: "Wire") -> bool:
        """Copy to the client. True: the client is done; False: the daemon is gone."""
        while True:
            data = wire.receive()
            if not data:
                return self.is_done
            self._has_heard = True
            lines = self._whole_lines(data)
            if lines:
                lone = self.find_lone()
                if not _written(lines):
                    return True  # nobody reads any more
                self.note_got(lines, lone)  # the client comes first

    def _whole_lines(self, data: bytes) -> bytes:
        """What may be written to the client: the rest of a line is waited for."""
        if self._is_smooth and data[-1] == NEWLINE:
            return data
        if not self.has_reply:
            head, end, data = data.partition(b"\n")
            self._reply += head + end
            if end:
                self._check_reply()
        cut = data.rfind(b"\n") + 1
        if not cut:
            if data:
                self._held.append(data)
                self._is_smooth = False
            return b""
        lines = data[:cut]
        if self._held:
            lines = b"".join([*self._held, lines])
            self._held.clear()
        if cut < len(data):
            self._held.append(data[cut:])
        if self.swallowed:
            from aimux import _shim_mend

            lines = _shim_mend.swallow(self, lines)
        self._is_smooth = not self._held and not self.swallowed
        return lines

    def _check_reply(self) -> None:
        if not self._reply.startswith(b'{"aimux":') or b'"error":' in self._reply:
            complain(f"the daemon refuses: {self._reply.decode(errors='replace').strip()}")
            sys.exit(1)

    def find_lone(self) -> bytes:
        """The copy of the only open call, if there is only one. To be taken before an answer to it
        is written: the client may have sent the next one when it is noted.
        """
        with self._ledger:
            return self.sent[0] if len(self.sent) == 1 and not self.has_open else b""

    def note_got(self, lines: bytes, lone: bytes) -> None:
        """Keep a copy of what the client has got, unless it settles the `lone` call.

        Most calls of most clients are settled, and reading copies costs more than copying.
        """
        with self._ledger:
            if lone and self.sent and self.sent[0] is lone and settles(lone, lines):
                del self.sent[0]
                self.got.clear()
                self._kept = sum(map(len, self.sent))
            else:
                self.got.append(lines)
                self._kept += len(lines)
        self._read_many()

    def _read_many(self) -> None:
        if self._kept > KEPT_BYTES and self.has_reply:
            from aimux import _shim_mend

            with self._ledger:
                _shim_mend.read_copies(self)
                self._kept = 0


def settles(asked: bytes, lines: bytes) -> bool:
    """Whether a call that came alone is answered by this, and nothing of both matters later."""
    number = answered(lines)
    if not number or number not in asked or is_telling(asked):
        return False
    return asked.find(b"\n") == len(asked) - 1 and lines.find(b"\n") == len(lines) - 1


def answered(data: bytes, begin: int = 0) -> bytes:
    """The id of the call that a line answers, if it is a number and the line our daemon's. The line
    begins at `begin`.
    """
    if not data.startswith(ANSWER, begin):
        return b""
    begin += len(ANSWER)
    end = data.find(b",", begin)
    number = data[begin:end]
    return number if number.isdigit() and data.startswith((b',"result"', b',"error"'), end) else b""


def is_telling(line: bytes) -> bool:
    """Whether it has to be read later: it may change the session, or be spelt to hide that."""
    return (
        b"\\" in line
        or b'"resources/' in line
        or b'"notifications/' in line
        or b'"initialize"' in line
        or b'"logging/setLevel"' in line
    )


def _read(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:  # made so by whoever has the other end of it too
            select.select((descriptor,), (), ())
        except OSError:  # closed, or a terminal that hung up
            return b""


def _written(data: bytes) -> bool:
    """Write all of it to the client; False if it is gone."""
    while data:
        try:
            data = data[os.write(1, data) :]
        except BlockingIOError:
            select.select((), (1,), ())
        except OSError:
            return False
    return True


def _begin_thread(run: "Callable[..., None]", *arguments: object) -> None:
    """Run it beside the main thread, which alone hears signals."""

    def body() -> None:
        if sys.platform != "win32":
            _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT, _signal.SIGTERM))
        run(*arguments)

    _thread.start_new_thread(body, ())


def complain(text: str) -> None:
    """One line on stderr."""
    try:
        os.write(2, f"aimux: {text}\n".encode(errors="replace"))
    except OSError:
        pass  # nobody listens


def serve() -> int | None:
    """Serve stdin and stdout from the daemon; the exit code, or None if there can be no daemon.

    None comes before anything was read or written, and is explained on stderr.
    """
    env = dict(os.environ)
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    _signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    code = serve_with(lambda: Shim(find_address(env), env, wake))
    if code is None:
        _signal.set_wakeup_fd(-1)
        os.close(wake)
        os.close(alarm)
    return code


def serve_with(make: "Callable[[], Shim]") -> int | None:
    """`serve`, with the shim that is made."""
    signals, handlers = (_signal.SIGINT, _signal.SIGTERM), []
    try:
        shim = make()

        def leave(number: int, frame: object) -> None:
            shim.is_done = True
            _begin_thread(shim.leave, HURRY_S)

        handlers += [_signal.signal(each, leave) for each in signals]
        return shim.serve()
    except ShimFault as fault:
        complain(f"serving in this process, without the daemon: {fault}")
    for number, handler in zip(signals, handlers):  # noqa: B905  # none, if there is no address
        _signal.signal(number, handler)
    return None
