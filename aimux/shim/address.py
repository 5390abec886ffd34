"""Where the daemon of one user and state directory is, and what is said to it first."""

import os
import sys

if sys.platform != "win32":
    import _socket

from aimux import __version__

HELLO_VERSION = 1  # raised only for a hello that an older daemon would misread
PIPES = r"\\.\pipe\aimux-"
MAX_SOCKET_PATH = 100  # macOS: 104 with its end

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
        self.is_pipe = is_pipe  # `aimux.shim.pipe` connects there, not `connect`
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
        ShimFault: the path that AIMUX_RUNTIME_DIR leads to is too long for a socket, or a directory
            is wanted in a home that this user does not have.
    """

    def home() -> str:
        usual = env.get("HOME", "")
        if os.path.isabs(usual):
            return usual
        from aimux.files.home import REMEDY, NoHomeError, find_home

        try:
            return find_home(env)
        except NoHomeError as error:
            raise ShimFault(f"{error}: {REMEDY}") from error

    def named(variable: str) -> str:
        text = env.get(variable, "").strip()
        return home() + text[1:] if text == "~" or text[:2] in ("~/", "~\\") else text

    state_dir = os.path.realpath(named("AIMUX_STATE_DIR") or f"{home()}/.config/aimux")
    config_dir = os.path.abspath(named("AIMUX_CONFIG_DIR") or f"{home()}/.config/aimux")
    if sys.platform == "win32":  # pipes have a directory of the system's; nothing else is kept
        return DaemonAddress(state_dir, config_dir, state_dir, is_pipe=True)
    is_pipe = env.get("AIMUX_LOCAL", "").strip().lower() == "pipe"
    # not TMPDIR: hosts set it differently, and all are to meet here
    short = f"/tmp/aimux-{os.getuid()}"  # noqa: S108
    runtime_dir = named("AIMUX_RUNTIME_DIR")
    if not runtime_dir:
        runtime_dir = env.get("XDG_RUNTIME_DIR", "").strip()
        runtime_dir = f"{runtime_dir}/aimux" if runtime_dir.startswith("/") else short
        usual = DaemonAddress(state_dir, config_dir, runtime_dir, is_pipe=is_pipe)
        if len(os.fsencode(usual.socket)) > MAX_SOCKET_PATH:
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
