"""The Windows half, on a console and a job that are played."""

import errno
import queue
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from trio.testing import MockClock

from aimux.drivers import MARK, Driver, ProcessSpec, choose_driver
from aimux.drivers._spawn import spawn_fault
from aimux.drivers._windows import parse_shim, unwrap, without_batch
from aimux.drivers._winpty import run_in_console
from aimux.errors import BinaryMissing
from aimux.model import Stream
from aimux.testing import CHECKS, ECHOED, Output, check_driver

from .. import needs

DIRECTORY = "C:\\npm dir"
SCRIPT = "C:\\npm dir\\node_modules\\@openai\\codex\\bin\\codex.js"
NPM = """@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0

IF EXIST "%dp0%\\node.exe" (
  SET "_prog=%dp0%\\node.exe"
) ELSE (
  SET "_prog=node"
  SET PATHEXT=%PATHEXT:;.JS;=;%
)

endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js" %*
"""  # noqa: E501  as npm writes it
OLD = """@IF EXIST "%~dp0\\node.exe" (
  "%~dp0\\node.exe"  "%~dp0\\node_modules\\@openai\\codex\\bin\\codex.js" %*
) ELSE (
  @SETLOCAL
  node  "%~dp0\\node_modules\\@openai\\codex\\bin\\codex.js" %*
)
"""
ALONE = ["D:\\py\\python.exe", "-I", "C:\\npm dir\\x.py"]
PNPM = '@"%~dp0\\..\\store\\bin\\tool.exe"   %*\r\n'


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (NPM, ["node", SCRIPT]),
        (NPM.replace("\n", "\r\n"), ["node", SCRIPT]),
        (NPM.replace('"%_prog%"', '"%_prog%" --no-warnings '), ["node", "--no-warnings", SCRIPT]),
        (OLD, ["node", SCRIPT]),
        (PNPM, ["C:\\store\\bin\\tool.exe"]),
        ('@ECHO OFF\r\n\r\n"D:\\py\\python.exe" -I "%~dp0\\x.py" %*\r\n', ALONE),
        ('@rem ours\n@"D:\\py\\python.exe" -I "%~dp0x.py" %*', ALONE),
        ('@set A=b\n@"D:\\py\\python.exe" -I "%~dp0x.py" %*', None),
        ('@start "D:\\py\\python.exe" %*', None),
        ("@python.exe x.py %*", None),
        ("@echo off\necho %1\n", None),
        ("@call other.cmd %*\n", None),
        ('@"%_prog%" "%APPDATA%\\x.js" %*', None),
        ('@"%_prog%" %*', None),
        ("", None),
    ],
)
def test_shims_are_read_and_other_batch_files_are_not(text: str, command: list[str] | None) -> None:
    """What npm, pnpm and yarn write is understood; whatever else is left alone."""
    assert parse_shim(text, DIRECTORY) == command


def test_unwrapping_prefers_node_beside_the_shim() -> None:
    """As the shim itself does; arguments stay as they are, and programs need no unwrapping."""
    shim = DIRECTORY + "\\codex.CMD"

    def unwrapped(argv: list[str], beside: set[str]) -> list[str] | None:
        return unwrap(argv, read={shim: NPM}.__getitem__, is_file=beside.__contains__)

    here = DIRECTORY + "\\node.exe"
    assert unwrapped([shim, 'a" & calc'], {here}) == [here, SCRIPT, 'a" & calc']
    assert unwrapped([shim], set()) == ["node", SCRIPT]
    assert unwrapped(["x.exe", "y"], set()) == ["x.exe", "y"]


class PlayedConsole:
    """A console whose program is one of the cases of `check_driver`, and the job around it."""

    pid = 2**22 - 1

    def __init__(self, case: str) -> None:
        self.case = case
        self.argv: list[str] = []
        self.env: dict[str, str] = {}
        self.typed = ""
        self.helpers = 1 if case in {"holder", "session"} else 0
        self.is_closed = False
        self._output: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._codes: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._is_over = False

    def open(self, argv: list[str], _: ProcessSpec, env: dict[str, str]) -> "PlayedConsole":
        self.argv, self.env = argv, env
        match self.case:
            case "big":
                for _n in range(10):
                    self._output.put("x" * 1_000_000)
                self._leave(0)
            case "flood":
                self._output.put("e" * 3_000_000 + "answer\r\n")
                self._leave(0)
            case "deaf":
                self._leave(3)
            case "holder":
                self._leave(0)
            case "session":
                self._output.put("helper 1\r\n")
            case "polite" | "stubborn":
                self._output.put("ready\r\n")
        return self

    def open_job(self, pid: int) -> "PlayedConsole":
        assert pid == self.pid
        return self

    def _leave(self, code: int) -> None:
        if not self._is_over:
            self._is_over = True
            self._codes.put(code)
            if not self.helpers:
                self._output.put(None)

    # what a console does

    def read(self, size: int = 1024) -> str:
        assert size > 0
        if self.case == "chatty" and not self._is_over:
            return "x" * 1_000
        text = self._output.get()
        if text is None:
            raise EOFError
        return text

    def write(self, text: str) -> int:
        if self._is_over:
            raise OSError("the console is closed")
        if text == "\x03":
            if self.case == "polite":
                self._output.put("bye\r\n")
                self._leave(7)
            return 1
        self.typed += text
        if self.case == "echo" and self.typed.replace("\r", "\n") == ECHOED.decode():
            self._output.put(ECHOED.decode())
            self._leave(0)
        return len(text)

    def wait(self) -> int:
        return self._codes.get()

    # what a job does, and what both do

    def members(self) -> int:
        return self.helpers + (not self._is_over)

    def terminate(self) -> None:
        self._leave(1)
        self.helpers = 0
        self._output.put(None)

    def usage(self) -> tuple[int, float]:
        return 5_000_000, 0.25

    def close(self, force: bool = False) -> None:
        self.is_closed = True
        self.case = "closed"
        self._output.put(None)


@pytest.fixture
def mock_clock() -> MockClock:
    """Half as fast as for pipes: threads are slow on a busy machine."""
    return MockClock(rate=4)


@pytest.mark.parametrize("check", CHECKS)
async def test_console_driver(mock_clock: MockClock, check: str) -> None:
    """The same suite as for the others."""

    def make(case: str) -> tuple[Driver, ProcessSpec]:
        console = PlayedConsole(case)
        stdin = {"echo": ECHOED, "deaf": b"x" * 5_000_000}.get(case)
        spec = ProcessSpec(argv=["C:\\x.exe"], cwd="C:\\", env={}, stdin=stdin, grace_s=1.0)
        return partial(run_in_console, open_console=console.open, open_job=console.open_job), spec

    await check_driver(make, cases=[check])


async def test_console_types_and_tells_usage(mock_clock: MockClock) -> None:
    """Lines end with Enter, the child carries its mark, usage is the job's, the console closes."""
    console = PlayedConsole("polite")
    spec = ProcessSpec(argv=["C:\\x.exe", "a"], cwd="C:\\", env={"A": "b"}, stdin=b"one\ntwo")
    output = Output()

    def take(stream: Stream, data: bytes) -> None:
        output(stream, data)
        if b"ready" in data:
            console.write("\x03")

    exit_ = await run_in_console(spec, take, open_console=console.open, open_job=console.open_job)

    assert (exit_.exit_code, exit_.max_rss_bytes, exit_.cpu_s) == (7, 5_000_000, 0.25)
    assert output.text() == b"ready\r\nbye\r\n"
    assert console.typed in {"one\rtwo\r", ""}  # it may leave before it reads
    assert console.argv == ["C:\\x.exe", "a"]
    assert set(console.env) == {"A", MARK}
    assert console.is_closed


async def test_batch_file_that_is_no_shim_is_refused(mock_clock: MockClock) -> None:
    """cmd.exe would read a prompt as commands."""
    spec = ProcessSpec(argv=["C:\\x.bat", "a & calc"], cwd="C:\\", env={})

    with pytest.raises(BinaryMissing, match=r"x\.bat: is a batch file"):
        await run_in_console(spec, lambda *_: None, open_console=PlayedConsole("echo").open)


@needs.posix
def test_node_of_a_shim_is_looked_for_on_the_path_of_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's PATH counts; the system would look on the daemon's, and where that stands."""
    monkeypatch.chdir(tmp_path)  # names with backslashes are plain names here
    spec = ProcessSpec(
        argv=["C:\\npm\\codex.cmd", "x"], cwd="C:\\", env={"PATH": "C:\\one;C:\\two"}
    )
    Path("C:\\npm\\codex.cmd").write_text(NPM, encoding="utf-8")

    with pytest.raises(BinaryMissing, match="node: not found"):
        without_batch(spec)
    Path("C:\\two\\node.exe").touch()
    script = "C:\\npm\\node_modules\\@openai\\codex\\bin\\codex.js"

    assert without_batch(spec) == ["C:\\two\\node.exe", script, "x"]


class _Refused(Exception):
    """What pywinpty raises: a class of its own."""


async def test_faults_of_pywinpty_are_ours(
    mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no OSError: one when it starts is told, one when it is typed at is an early end."""
    console = PlayedConsole("polite")
    refusals = ["no console can be had"]

    def spawn(argv: list[str], **_: object) -> PlayedConsole:
        if refusals:
            raise _Refused(refusals.pop())
        return console.open(argv, spec, {})

    def write(_: str) -> int:
        console._leave(7)
        raise _Refused("the pipe has been ended")

    monkeypatch.setattr(console, "write", write)
    played = SimpleNamespace(PtyProcess=SimpleNamespace(spawn=spawn), WinptyError=_Refused)
    monkeypatch.setitem(sys.modules, "winpty", played)
    spec = ProcessSpec(argv=["C:\\x.exe"], cwd="/", env={}, stdin=b"words\n")

    with pytest.raises(BinaryMissing, match="no console can be had"):
        await run_in_console(spec, lambda *_: None, open_job=console.open_job)
    exit_ = await run_in_console(spec, lambda *_: None, open_job=console.open_job)

    assert exit_.exit_code == 7
    assert console.is_closed


def test_command_line_that_is_too_long_is_told_as_such() -> None:
    """Windows calls it a file that was not found."""
    spec = ProcessSpec(argv=["C:\\x.exe", "y" * 40_000], cwd="/", env={})
    error = FileNotFoundError(errno.ENOENT, "The filename or extension is too long")
    error.winerror = 206  # type: ignore[attr-defined,unused-ignore]

    assert spawn_fault(spec, error).code == "argument_list_too_long"


async def test_refused_job_closes_the_console(mock_clock: MockClock) -> None:
    """Without a job nobody could end what the child starts, so it must not run."""
    console = PlayedConsole("polite")

    def refuse(_: int) -> PlayedConsole:
        raise PermissionError(13, "no jobs here")

    with pytest.raises(BinaryMissing):
        await run_in_console(
            ProcessSpec(argv=["C:\\x.exe"], cwd="/", env={}), lambda *_: None,
            open_console=console.open, open_job=refuse,
        )  # fmt: skip

    assert console.is_closed


def test_windows_gets_its_own_terminal_driver() -> None:
    """The choice is made by name of the system."""
    assert choose_driver(is_terminal=True, system="win32") is run_in_console
