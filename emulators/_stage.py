"""What every emulator stands on: output with faults applied, stdin, signals, the clock, tools.

A run goes: parse, read stdin, ``begin`` (the model thinks, faults are armed), print the opening,
``ready`` (waits and noise before the answer), print the turn, ``end``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

from . import _brain, _sessions, faults
from ._grammar import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess  # costs milliseconds at run time, and only faults need it

FAR_S = 86_400.0  # "for ever", for a test
CHILD_S = 600.0  # how long a child of a fault lives when nobody ends it
PIECE_S = 0.01  # between two pieces of a streamed answer
_LOG_LINE = 4096


def _script(path: str) -> list[dict[str, object]]:
    """The answers that a launcher was given, if it was given any."""
    if not path:
        return []
    with open(path, encoding="utf-8") as file:
        entries: list[dict[str, object]] = json.load(file)
    return entries


class Stopped(BaseException):
    """A signal asked the run to end; raised wherever the run waits."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def play(module: object, argv: list[str]) -> int:
    """Run an emulator module's ``main`` and turn what comes out into an exit code."""
    main: Callable[[list[str]], int] = module.main  # type: ignore[attr-defined]
    words = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in argv]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return guard(lambda: main(words))


def guard(work: Callable[[], int]) -> int:
    """Do the work; a refusal prints what the real program prints."""
    try:
        return work()
    except Refused as refused:
        _write(1, refused.stdout.encode("utf-8", "surrogateescape"))
        _write(2, refused.stderr.encode("utf-8", "surrogateescape"))
        return refused.code
    except BrokenPipeError:
        return 1
    except ValueError as trouble:
        _write(2, f"emulator: {trouble}\n".encode("utf-8", "surrogateescape"))
        return 2


def scale() -> float:
    """Factor on the waits the real CLI makes by itself (variable EMULATOR_TIME_SCALE)."""
    return float(os.environ.get("EMULATOR_TIME_SCALE") or 1.0)


def pause(seconds: float) -> None:
    """Wait as the real CLI would, scaled."""
    time.sleep(seconds * scale())


def clock() -> str:
    """The wall time as the JavaScript CLIs print it."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(handle, view) :]
        except BlockingIOError:
            select.select([], [handle], [])


def error(text: str) -> None:
    """Write to stderr as it is."""
    _write(2, text.encode("utf-8", "surrogateescape"))


def on_signal(signum: int, action: str) -> None:
    """Set a signal to ``default`` (die by it), ``ignore``, or ``stop`` (raise Stopped)."""
    if action == "stop":
        signal.signal(signum, _stop)
    else:
        signal.signal(signum, signal.SIG_IGN if action == "ignore" else signal.SIG_DFL)


def _stop(signum: int, frame: object) -> None:
    signal.signal(signum, signal.SIG_DFL)
    raise Stopped(signum)


# --- stdin


def stdin_state() -> str:
    """``closed``, ``tty``, ``file``, ``null`` or ``pipe`` (sockets too)."""
    try:
        mode = os.fstat(0).st_mode & 0o170000
    except OSError:
        return "closed"
    if os.isatty(0):
        return "tty"
    return {0o100000: "file", 0o020000: "null"}.get(mode, "pipe")


def read_stdin() -> str:
    """All of stdin to its end; blocks on an open pipe, as the real CLIs do."""
    if stdin_state() in ("closed", "tty"):
        return ""
    kept = bytearray()
    while chunk := os.read(0, 1 << 16):
        kept += chunk
    return kept.decode("utf-8", "surrogateescape")


def wait_stdin(seconds: float, *, scaled: bool = True) -> bool:
    """Whether stdin has data, or has ended, before the time is over.

    ``scaled=False`` is for a prompt that can come from nowhere else: shortening that wait would
    make a race of it.
    """
    seconds *= scale() if scaled else 1.0
    if stdin_state() in ("closed", "tty"):
        return True
    if sys.platform == "win32":  # select works on sockets only there
        import msvcrt
        from ctypes import byref, c_ulong, windll

        handle, ready = msvcrt.get_osfhandle(0), c_ulong(0)
        limit = time.time() + seconds
        while time.time() <= limit:
            alive = windll.kernel32.PeekNamedPipe(handle, None, 0, None, byref(ready), None)
            if not alive or ready.value:
                return True
            time.sleep(0.01)
        return False
    return bool(select.select([0], [], [], seconds)[0])


class Stage:
    """One run of one emulator."""

    def __init__(self, cli: str, display: str, *, jsonl: bool, marker: str = "") -> None:
        self.cli = cli
        self.display = display
        self.jsonl = jsonl
        self.marker = marker
        self.prompt = ""
        self.reply = _brain.Reply()
        self.session: _sessions.Session | None = None
        self.outcomes: list[str] = []
        self.started = time.time()
        self.faults = faults.Faults(cli)
        self._newline_owed = False
        self._crashes = False
        self._last = ""  # the line written last
        self.typed: list[str] = []  # what was said to our questions
        self._children: list[subprocess.Popen[bytes]] = []

    # --- output

    def write(self, text: str) -> None:
        """Write to stdout, with the faults of this run applied."""
        if not text:
            return
        data = text.encode("utf-8", "surrogateescape")
        if self._crashes:
            _write(1, data[: max(1, len(data) // 2)])
            os._exit(int(self.faults.number("crash_mid_json", 1)))
        if "no_final_newline" in self.faults:
            if self._newline_owed:
                data = b"\n" + data
            self._newline_owed = data.endswith(b"\n")
            data = data.removesuffix(b"\n")
        if "drip" in self.faults:
            step = max(1, len(data) // 4)
            for start in range(0, len(data), step):
                _write(1, data[start : start + step])
                time.sleep(self.faults.number("drip", 0.2))
            return
        if "split_utf8" in self.faults:
            data = self._write_split(data)
        _write(1, data)

    def _write_split(self, data: bytes) -> bytes:
        for _ in range(20):  # enough characters to hurt, not enough to take for ever
            cut = next((at for at, byte in enumerate(data) if byte >= 0xC0), -1)
            if cut < 0:
                break
            _write(1, data[: cut + 1])
            time.sleep(0.01)
            data = data[cut + 1 :]
        return data

    def line(self, text: str) -> None:
        """Write one line, with noise and spinner before it when asked for."""
        if "noise" in self.faults:
            for number in range(int(self.faults.number("noise", 1))):
                self.write(f"debug: emulator noise {number} {{not json\n")
        if "cr_spinner" in self.faults:
            frames = "".join(f"\r\x1b[2K\x1b[36m{one}\x1b[0m Thinking..." for one in "⠋⠙⠹")
            text = f"{frames}\r\x1b[2K{text}"
        self._last = text
        self.write(text + "\n")

    def event(self, value: object) -> None:
        """Write one JSON line in the compact form of JavaScript and serde."""
        self.line(dump(value))

    # --- the run

    def begin(
        self,
        prompt: str,
        session: _sessions.Session,
        schema: dict[str, object] | None = None,
        received: str | None = None,
    ) -> None:
        """Let the model think about the prompt and arm the faults.

        ``received`` is the prompt before the CLI wrapped it, where it wraps it.

        Raises:
            ValueError: a directive or a fault is not usable.
            Refused: the run ends here, in its runtime or with plain text.
        """
        self.prompt = prompt
        self.session = session
        bare = prompt if received is None else received
        unsaid = os.environ.get("EMULATOR_DIRECTIVES", "")
        script = _script(os.environ.get("EMULATOR_SCRIPT", ""))
        self.reply = _brain.think(bare, session.begin(bare), self.display, schema, unsaid, script)
        for script in (os.environ.get("EMULATOR_FAULTS", ""), *self.reply.faults):
            self.faults.add(script)
        if "ignore_term" in self.faults:
            on_signal(signal.SIGTERM, "ignore")
        if "ignore_int" in self.faults:
            on_signal(signal.SIGINT, "ignore")
        if "fork_holds_stdout" in self.faults:
            self._child(self.faults.number("fork_holds_stdout", CHILD_S), own_session=False)
        if "orphan_session" in self.faults:
            self._child(self.faults.number("orphan_session", CHILD_S), own_session=True)
        if "double_fork" in self.faults:
            faults.leave_alone(self.faults.number("double_fork", CHILD_S))
        if "stopped" in self.faults:
            os.kill(os.getpid(), signal.SIGSTOP)
        if "flood_stderr" in self.faults:
            left = int(self.faults.number("flood_stderr", 200_000))
            while left > 0:
                error(("warning: emulated flood on stderr " * 4)[: min(left, 120) - 1] + "\n")
                left -= 120
        if "auth_prompt" in self.faults:
            self._ask_login()
        if "ask" in self.faults and stdin_state() == "tty":
            for number in range(1, int(self.faults.number("ask", 1)) + 1):
                self.typed.append(self._ask(number))
        if "hang_before" in self.faults:
            time.sleep(FAR_S)
        if "die" in self.faults:
            raise Refused(*self.faults.death())
        if "plain" in self.faults:
            raise Refused(0, "", "\n".join(self.messages()) + "\n")

    def ready(self) -> str:
        """Wait and make noise as told; return the model failure to show, if any."""
        if "silent" in self.faults:
            time.sleep(self.faults.number("silent", 1.0))
        time.sleep(self.reply.delay_s)
        if "big_line" in self.faults:
            size = int(self.faults.number("big_line", 10_000_000))
            self.write(self._log_line(size))
        if "big_output" in self.faults:
            left = int(self.faults.number("big_output", 1_000_000))
            while left > 0:
                self.write(self._log_line(min(left, _LOG_LINE)))
                left -= _LOG_LINE
        if "strange_json" in self.faults:
            self.write("\n".join([*faults.STRANGE, ""]))
        while "flood" in self.faults:
            self.write(self._log_line(_LOG_LINE) * 16)
        while "endless_line" in self.faults:
            self.write("x" * 65_536)
        self._crashes = "crash_mid_json" in self.faults
        return self.faults.failure()

    def messages(self) -> list[str]:
        """The assistant messages, after the actions."""
        if "empty" in self.faults:
            return [""]
        if "refuse" in self.faults:
            return [_brain.REFUSAL]
        texts = self.reply.messages(self.outcomes)
        if "marker_in_text" in self.faults:
            texts[-1] += f"\nThe end is marked by {self.marker} but this is not it."
        if "split_utf8" in self.faults:
            texts[-1] += " ✓ 日本語 naïve"
        if "bad_utf8" in self.faults:
            texts[-1] += " \udcff\udcfe\udcc3"
        if self.typed:
            texts[-1] += f"\nTyped: {', '.join(self.typed)}"
        return texts

    def fragment(self) -> str:
        """What a stream that ends in the middle has delivered."""
        text = "".join(self.messages())
        return text[: max(1, len(text) // 2)]

    def usage(self, answer: str) -> tuple[int, int]:
        """Input and output tokens: as directed, else a quarter of the bytes."""
        if self.reply.usage is not None:
            return self.reply.usage
        size = len(_brain.raw(answer))
        return max(1, len(_brain.raw(self.prompt)) // 4), (size + 3) // 4

    def end(self, code: int = 0) -> int:
        """The turn is printed: hang if told to, else return the exit code."""
        if "end_twice" in self.faults:
            time.sleep(self.faults.number("end_twice", 1.0))
            self.write(self._last + "\n")
        if "close_stdout" in self.faults:
            os.close(1)
            os.close(2)
            time.sleep(FAR_S)
        if "hang_after_result" in self.faults:
            time.sleep(FAR_S)
        return int(self.faults.number("exit", code)) if "exit" in self.faults else code

    def elapsed_ms(self) -> int:
        """Milliseconds since the start."""
        return int((time.time() - self.started) * 1000)

    def endless(self) -> Iterator[int]:
        """Count for ever, ten times a second."""
        number = 0
        while True:
            yield number
            number += 1
            time.sleep(max(0.005, 0.1 * scale()))

    # --- tools

    def write_file(self, action: _brain.Action) -> str:
        """Really write the file, relative to the working directory; return its full path."""
        path = os.path.abspath(action.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(action.text)
        self.outcomes.append(f"Wrote {action.path}.")
        return path

    def refuse(self, action: _brain.Action, why: str) -> str:
        """Note that the action was refused; return why."""
        name = action.path or action.command
        self.outcomes.append(f"Could not write {name}: {why}" if action.path else why)
        return why

    def run_tool(self, action: _brain.Action, *, own_session: bool) -> str:
        """Run the harmless tool and return its output; a sleeping one is a real child."""
        if not action.seconds:
            self.outcomes.append(f"The working directory is {os.getcwd()}.")
            return f"{os.getcwd()}\n"
        child = self._child(action.seconds, own_session=own_session, quiet=True)
        child.wait()
        self.outcomes.append(f"The tool ran {action.seconds} s.")
        return ""

    def kill_tools(self) -> None:
        """End the tool children, as CLIs do that clean up."""
        for child in self._children:
            child.kill()

    def _child(
        self, seconds: float, *, own_session: bool, quiet: bool = False
    ) -> subprocess.Popen[bytes]:
        import subprocess

        code = f"import time; time.sleep({seconds})"
        nowhere = subprocess.DEVNULL
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            stdin=nowhere,
            stdout=nowhere if quiet or own_session else None,
            stderr=nowhere,
            start_new_session=own_session,
        )
        self._children.append(child)
        faults.note_child(child.pid)
        return child

    def _ask(self, number: int) -> str:
        self.write(f"Working in {os.getcwd()}\nMay step {number} be taken? [y/n] ")
        line = b""
        while not line.endswith((b"\n", b"\r")) and (data := os.read(0, 4096)):
            line += data
        self.write("\n")
        return line.decode(errors="replace").strip()

    def _ask_login(self) -> None:
        address = "https://example.invalid/device"
        self.write(f"Please sign in to continue.\nOpen {address} and enter the code: ")
        state = stdin_state()
        if state == "tty":
            os.read(0, 4096)
            return
        try:
            terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError:
            time.sleep(FAR_S)
            return
        os.read(terminal, 4096)

    def _log_line(self, size: int) -> str:
        if not self.jsonl:
            return "x" * (size - 1) + "\n"
        head, tail = '{"type":"log","data":"', '"}\n'
        return head + "x" * max(1, size - len(head) - len(tail)) + tail


def relaunch(work: Callable[[], int], *, leader: str) -> int:
    """Do the work in a second process of the same group, as launchers of Node CLIs do.

    ``leader`` says what signals do to the first process: ``ignore`` or ``default``; in neither
    case does it pass them on.
    """
    if not hasattr(os, "fork"):
        return work()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = guard(work)
        finally:
            os._exit(code)
    on_signal(signal.SIGINT, leader)
    on_signal(signal.SIGTERM, leader)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def dump(value: object) -> str:
    """JSON as JavaScript and serde print it: no spaces, no escapes beyond the needed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pieces(text: str) -> Iterator[str]:
    """A streamed answer: up to four pieces at word boundaries, a few milliseconds apart."""
    start = 0
    step = max(16, len(text) // 4 + 1)
    while start < len(text):
        end = text.find(" ", start + step)
        if end < 0:
            end = len(text)
        if start:
            pause(PIECE_S)
        yield text[start:end]
        start = end


def inside(path: str, roots: list[str]) -> bool:
    """Whether a path lies in one of the directories."""
    full = os.path.realpath(path)
    return any(
        full == root or full.startswith(root + os.sep) for root in map(os.path.realpath, roots)
    )


def enter(folder: str, complaint: str, code: int = 1) -> None:
    """Make a directory the working directory.

    Raises:
        Refused: it cannot be entered; ``{}`` in the complaint stands for it.
    """
    try:
        os.chdir(folder)
    except OSError as trouble:
        raise Refused(code, complaint.format(folder, trouble.strerror)) from trouble


def stdout_tty() -> bool:
    """Whether stdout is a terminal."""
    try:
        return os.isatty(1)
    except OSError:
        return False
