"""The stdio end of the daemon: what starts when an editor opens. Little of the standard library.

Theory of operation. One hello line says who attaches and from where; everything else is copied, in
both directions, without being read. Towards the client only whole lines are written, so a daemon
that dies never leaves half a message there. Copies are kept as they came, and read (`_shim_mend`)
only when there are many of them or when the daemon is gone: then it is known which calls are open.
They are answered with an error, another daemon is attached, and the client's handshake is told to
it privately. A call that comes and is answered while nothing else is open leaves no copies.

End of input, SIGINT and SIGTERM mean the same: the daemon hears the end of the stream, what it
still has to say is delivered, and the process leaves. Reasons: docs/design/0009.
"""

import os
import select
import sys

if sys.platform != "win32":
    import _signal  # type: ignore[import-not-found]  # `signal` costs an import of enum and re
    import _socket

from aimux import __version__

HELLO_VERSION = 1  # raised only for a hello that an older daemon would misread
READ_BYTES = 65_536
WRITE_BYTES = 4_096  # what a pipe that is writable takes without blocking, if it may block
KEPT_BYTES = 262_144  # of copies, before they are read and dropped
PIPES = r"\\.\pipe\aimux-"
MAX_SOCKET_PATH = 100  # macOS: 104 with its end
LAST_WORDS_S = 2.0  # after the end of input, for a daemon that has more to say
HURRY_S = 0.3  # after a signal: hosts kill half a second later
ANSWER = b'{"jsonrpc":"2.0","id":'  # how our daemon's answers and requests begin
# lines that have to be read later: what changes the session, and spellings that could hide it
TELLING = (b'"initialize"', b'"logging/setLevel"', b'"resources/', b'"notifications/', b"\\")

_ESCAPES = {
    34: '\\"',
    92: "\\\\",
    **{code: f"\\u{code:04x}" for code in (*range(32), 127, *range(0xDC80, 0xDD00))},
}


class ShimFault(Exception):
    """No daemon can be had; the text says why and what to do."""


class Place:
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
        return f"<Place: {self.state_dir} at {self.socket}>"


def _key(text: str) -> str:
    """Sixteen digits that differ for different texts (FNV-1a: no import)."""
    number = 0xCBF29CE484222325
    for byte in os.fsencode(text):
        number = ((number ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{number:016x}"


def find_place(env: dict[str, str]) -> Place:
    """The place of this environment's daemon; nothing is made.

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
        return Place(state_dir, config_dir, state_dir, is_pipe=True)
    is_pipe = env.get("AIMUX_LOCAL", "").strip().lower() == "pipe"
    # not TMPDIR: hosts set it differently, and all are to meet here
    short = f"/tmp/aimux-{os.getuid()}"  # noqa: S108
    runtime_dir = named("AIMUX_RUNTIME_DIR")
    if not runtime_dir:
        runtime_dir = env.get("XDG_RUNTIME_DIR", "").strip()
        runtime_dir = f"{runtime_dir}/aimux" if runtime_dir.startswith("/") else short
        if len(Place(state_dir, config_dir, runtime_dir, is_pipe=is_pipe).socket) > MAX_SOCKET_PATH:
            runtime_dir = short
    place = Place(state_dir, config_dir, os.path.abspath(runtime_dir), is_pipe=is_pipe)
    if len(os.fsencode(place.socket)) > MAX_SOCKET_PATH:
        raise ShimFault(f"{place.socket} is too long for a socket: shorten AIMUX_RUNTIME_DIR")
    return place


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


def connect(place: Place) -> "_socket.socket | None":
    """A connection to the daemon; None if nobody listens. Raises ShimFault: an unsafe place."""
    try:
        check_private(place.runtime_dir)
    except FileNotFoundError:
        return None
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(place.socket)
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    return sock


def hello(place: Place, env: dict[str, str], ask: str = "") -> bytes:
    """The line that says who attaches; with `ask`, an operator's question instead of a session."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = "/"
    facts = {
        "version": __version__,
        "cwd": cwd,
        "state_dir": place.state_dir,
        "config_dir": place.config_dir,
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
        "_held", "_kept", "_pending", "_reply", "_wake", "books", "env", "got", "has_open",
        "is_done", "is_patient", "opening", "place", "sent", "swallowed",
    )  # fmt: skip

    def __init__(
        self, place: Place, env: dict[str, str], wake: int, *, is_patient: bool = True
    ) -> None:
        self.place = place
        self.env = env
        self.is_patient = is_patient  # a write to the client may block, so it must be small
        self.sent: list[bytes] = []  # copies, to the daemon
        self.got: list[bytes] = []  # and to the client
        self.books: object = None  # made by _shim_mend when the copies are read first
        self.has_open = False  # the books know of a call, or of the head of a line, in between
        self.opening = b""  # what this daemon was told privately before them
        self.swallowed: set[str] = set()  # ids whose answers the client has had already
        self.is_done = False  # end of input or a signal
        self._kept = 0
        self._pending = b""  # what the daemon is to hear first
        self._held: list[bytes] = []  # the head of a line for the client
        self._reply = b""  # the daemon's line about our hello, as far as it came
        self._wake = wake

    def serve(self) -> int:
        """Serve until the client is done; the exit code. Raises ShimFault: there is no daemon."""
        sock = connect(self.place) or self._start()
        while sock is not None:
            self._pending = hello(self.place, self.env) + self._pending
            self._reply = b""
            self._held.clear()
            is_over = self._copy(sock)
            sock.close()
            if is_over:
                return 0
            sock = self._mend()
        return 0

    @property
    def has_reply(self) -> bool:
        """The daemon has said that it serves us."""
        return self._reply.endswith(b"\n")

    def _start(self) -> "_socket.socket | None":
        from aimux import _shim_mend

        return _shim_mend.start(self.place, self.env, self._wake)

    def _mend(self) -> "_socket.socket | None":
        """After the daemon is gone: another one, the open calls answered; None to leave."""
        from aimux import _shim_mend

        try:
            self._pending, said = _shim_mend.mend(self)
            self._kept = 0
            self._write(said)
            return connect(self.place) or self._start()
        except ShimFault as fault:
            complain(f"the daemon is gone and no other can be had: {fault}")
            sys.exit(1)

    def _copy(self, sock: "_socket.socket") -> bool:
        """Copy both ways. True: the client is done; False: the daemon is gone."""
        wake, wire = self._wake, sock.fileno()
        to_daemon, to_client, heard = self._pending, b"", b""
        self._pending = b""
        patience: float | None = None
        while True:
            readers, writers = [wake], []
            if to_daemon:
                writers.append(wire)
            elif not self.is_done:
                readers.append(0)
            if to_client:
                writers.append(1)
            else:
                readers.append(wire)
            ready, free, _ = select.select(readers, writers, (), patience)
            if not ready and not free:
                return True  # the daemon has had its time
            try:
                if wake in ready:
                    os.read(wake, 64)
                    self.is_done, patience = True, HURRY_S
                    sock.shutdown(_socket.SHUT_WR)
                    to_daemon = b""
                elif 0 in ready:
                    to_daemon = _read(0)
                    if to_daemon:
                        self._keep(self.sent, to_daemon)
                    else:
                        self.is_done, patience = True, LAST_WORDS_S
                        sock.shutdown(_socket.SHUT_WR)
                if to_daemon:
                    to_daemon = to_daemon[sock.send(to_daemon, _socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                pass
            except OSError:  # it is gone; what it said before is still to be read
                to_daemon = b""
            if wire in ready:
                try:
                    data = sock.recv(READ_BYTES)
                except ConnectionError:
                    data = b""
                if not data:
                    return self.is_done
                heard = to_client = self._whole_lines(data)
            if to_client:
                try:
                    to_client = to_client[self._write_some(to_client, is_free=1 in free) :]
                except OSError:
                    return True  # nobody reads any more
            if heard:  # the client comes first
                if not self._settles(heard):
                    self._keep(self.got, heard)
                heard = b""

    def _write_some(self, data: bytes, *, is_free: bool) -> int:
        """Write what the client takes without waiting; how much that was."""
        if self.is_patient:
            if not is_free and not select.select((), (1,), (), 0)[1]:
                return 0
            data = data[:WRITE_BYTES]
        try:
            return os.write(1, data)
        except BlockingIOError:
            return 0

    def _whole_lines(self, data: bytes) -> bytes:
        """What may be written to the client: the rest of a line is waited for."""
        if not self.has_reply:
            head, end, data = data.partition(b"\n")
            self._reply += head + end
            if end:
                self._check_reply()
        cut = data.rfind(b"\n") + 1
        if not cut:
            if data:
                self._held.append(data)
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
        return lines

    def _check_reply(self) -> None:
        if not self._reply.startswith(b'{"aimux":') or b'"error":' in self._reply:
            complain(f"the daemon refuses: {self._reply.decode(errors='replace').strip()}")
            sys.exit(1)

    def _settles(self, lines: bytes) -> bool:
        """Whether this is the answer of the only open call, so that no copies are needed.

        Most calls of most clients are of this kind, and reading copies costs more than copying.
        """
        if len(self.sent) != 1 or self.has_open or lines.find(b"\n") != len(lines) - 1:
            return False
        number, asked = answered(lines), self.sent[0]
        if not number or number not in asked or asked.find(b"\n") != len(asked) - 1:
            return False
        if any(each in asked for each in TELLING):
            return False
        self.sent.clear()
        self.got.clear()
        self._kept = 0
        return True

    def _keep(self, copies: list[bytes], data: bytes) -> None:
        copies.append(data)
        self._kept += len(data)
        if self._kept > KEPT_BYTES and self.has_reply:
            from aimux import _shim_mend

            _shim_mend.read_copies(self)
            self._kept = 0

    def _write(self, data: bytes) -> None:
        """Write all of it; a client that is gone is noticed later."""
        try:
            while data:
                select.select((), (1,), ())
                data = data[self._write_some(data, is_free=True) :]
        except OSError:
            self.is_done = True


def answered(line: bytes) -> bytes:
    """The id of the call that a line answers, if it is a number and the line our daemon's."""
    if not line.startswith(ANSWER):
        return b""
    end = line.find(b",", len(ANSWER))
    number = line[len(ANSWER) : end]
    return number if number.isdigit() and line.startswith((b',"result"', b',"error"'), end) else b""


def _is_private(descriptor: int) -> bool:
    """Whether a stream can be made non-blocking: neither stderr nor a terminal shares its flags."""
    try:
        mine, its = os.fstat(descriptor), os.fstat(2)
    except OSError:
        return False
    is_wire = mine.st_mode & 0o170000 in (0o010000, 0o140000)  # a pipe or a socket
    return is_wire and (mine.st_dev, mine.st_ino) != (its.st_dev, its.st_ino)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, READ_BYTES)
    except OSError:  # closed, or a terminal that hung up
        return b""


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
    handlers = [(each, _signal.signal(each, _noted)) for each in (_signal.SIGINT, _signal.SIGTERM)]
    is_private = _is_private(1)
    if is_private:
        os.set_blocking(1, False)
    try:
        return Shim(find_place(env), env, wake, is_patient=not is_private).serve()
    except ShimFault as fault:
        complain(f"serving in this process, without the daemon: {fault}")
    finally:
        if is_private:  # whoever has the stream after us is not to be surprised
            os.set_blocking(1, True)
    _signal.set_wakeup_fd(-1)
    for number, handler in handlers:
        _signal.signal(number, handler)
    os.close(wake)
    os.close(alarm)
    return None


def _noted(number: int, frame: object) -> None:
    """The wake-up descriptor tells the loop."""
