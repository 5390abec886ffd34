"""A child on a Windows console of its own (ConPTY by way of pywinpty), behind the same interface.

A console has no end of input, cannot be raw, and wraps at its width, so it is made very wide.
pywinpty only blocks, so reads, writes and the wait for the end are in threads; closing the console
is what unblocks them.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

import attrs
import trio

from aimux.model import Stream

from ._base import CHUNK_BYTES, Child, Exit, OnOutput, ProcessSpec
from ._life import Wires, attend
from ._processes import GONE_S, MARK, inspect
from ._spawn import spawn_fault
from ._stop import new_mark
from ._windows import Charge, Job, without_batch

INTERRUPT: Final = "\x03"  # Ctrl-C, the polite signal of a console
ENTER: Final = "\r"


class Console(Protocol):
    """What is used of `winpty.PtyProcess`."""

    pid: int

    def read(self, size: int = ...) -> str:
        """Block for text; EOFError at the end."""

    def write(self, text: str) -> int:
        """Type text."""

    def wait(self) -> int:
        """Block for the exit code."""

    def close(self, force: bool = ...) -> None:
        """Close the console, which ends a pending read."""


OpenConsole = Callable[[list[str], ProcessSpec, dict[str, str]], Console]


@attrs.define(eq=False)
class _Pywinpty:
    """A `PtyProcess` whose faults are those of `Console`: it has one of its own."""

    pid: int
    _console: Console
    _fault: type[Exception]

    def read(self, size: int = CHUNK_BYTES) -> str:
        with self._told():
            return self._console.read(size)

    def write(self, text: str) -> int:
        with self._told():
            return self._console.write(text)

    def wait(self) -> int:
        with self._told():
            return self._console.wait()

    def close(self, force: bool = False) -> None:
        with self._told():
            self._console.close(force)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._fault as error:
            raise OSError(str(error)) from error


def _open_console(argv: list[str], spec: ProcessSpec, env: dict[str, str]) -> Console:
    import winpty

    try:
        console = winpty.PtyProcess.spawn(
            argv, cwd=spec.cwd, env=env, dimensions=(spec.rows, spec.columns)
        )
    except winpty.WinptyError as error:
        raise OSError(str(error)) from error
    return _Pywinpty(console.pid, console, winpty.WinptyError)


def _open_job(pid: int) -> Job:
    from ._winjob import WindowsJob

    return WindowsJob(pid)


async def run_in_console(
    spec: ProcessSpec,
    on_output: OnOutput,
    *,
    task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
    open_console: OpenConsole = _open_console,
    open_job: Callable[[int], Job] = _open_job,
) -> Exit:
    """Run one child on a console of `rows` x `columns` and tell how it left.

    As `run_in_terminal`: all output comes as stdout, and `stdin` is typed, ended by Enter. The
    polite signal is Ctrl-C. Cancelling stops the child and waits until its job is empty.
    `open_console` and `open_job` are for tests.

    Raises:
        BinaryMissing: it cannot be started, or is a batch file that is no npm shim.
        PeerFault: `cwd` is not a directory.
    """
    argv = await trio.to_thread.run_sync(without_batch, spec)
    env = {**spec.env, MARK: new_mark()}
    try:
        console = await trio.to_thread.run_sync(open_console, argv, spec, env)
    except (OSError, ValueError) as error:
        raise spawn_fault(spec, error) from error

    def ask() -> None:
        with contextlib.suppress(EOFError, OSError):  # it has just left
            console.write(INTERRUPT)

    async def wait() -> int:
        limiter = trio.CapacityLimiter(1)
        return await trio.to_thread.run_sync(console.wait, limiter=limiter, abandon_on_cancel=True)

    try:
        job = open_job(console.pid)
    except OSError as error:
        await _close(console)
        raise spawn_fault(spec, error) from error
    proc = inspect(console.pid)
    leader = Charge(console.pid, proc.started if proc else 0.0, job, ask=ask, wait=wait)
    wires = Wires(
        pumps=[partial(_drain, console)],
        feeder=partial(_type, console, spec.stdin) if spec.stdin else None,
    )
    try:
        return await attend(leader, spec, wires, on_output, task_status)
    finally:
        await _close(console)  # noqa: ASYNC102  # shielded and bounded in there


async def _close(console: Console) -> None:
    """Close it in a thread: it sleeps a tenth of a second, and longer if the child still runs."""
    with trio.move_on_after(GONE_S, shield=True), contextlib.suppress(OSError):
        await trio.to_thread.run_sync(console.close, True, abandon_on_cancel=True)


async def _drain(console: Console, hear: OnOutput) -> None:
    limiter = trio.CapacityLimiter(1)
    while True:
        try:
            text = await trio.to_thread.run_sync(
                console.read, CHUNK_BYTES, limiter=limiter, abandon_on_cancel=True
            )
        except (EOFError, OSError):  # ConPTY reports a closed console as either
            return
        if text:
            hear(Stream.STDOUT, text.encode(errors="replace"))


async def _type(console: Console, data: bytes) -> None:
    text = data.decode(errors="replace").replace("\r\n", "\n").replace("\n", ENTER)
    if not text.endswith(ENTER):
        text += ENTER
    limiter = trio.CapacityLimiter(1)
    for at in range(0, len(text), CHUNK_BYTES):
        piece = text[at : at + CHUNK_BYTES]
        try:
            await trio.to_thread.run_sync(
                console.write, piece, limiter=limiter, abandon_on_cancel=True
            )
        except (EOFError, OSError):  # it reads no more
            return
