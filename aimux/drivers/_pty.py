"""A child on a pseudo-terminal of its own, for CLIs that refuse to work without one.

pexpect spawns; everything else it offers blocks, so reading, writing, waiting and stopping are
ours, on the loop. The terminal is raw and silent: no echo that could be taken for the answer, no
line of input cut at 4,096 bytes, no carriage returns added. Raw also means that nothing ends the
input: a program that reads to the end of stdin belongs on pipes.

pexpect forks, and a Python exception in a forked copy of this process would run on in there. So
whatever could raise between fork and exec is checked before, and what still does ends the copy.
"""

import errno
import os
import re
import shutil
import signal
import termios
import tty
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pexpect
import trio

from aimux.model import Stream

from ._base import CHUNK_BYTES, Child, Exit, OnOutput, ProcessSpec
from ._life import Wires, attend
from ._processes import MARK
from ._spawn import spawn_fault
from ._stop import Leader, begin_spawn, end_spawn, new_mark
from ._watchdog import expect_child

_ENDS: Final = {errno.EIO, errno.EBADF}  # Linux says EIO when the last holder of the terminal left


async def run_in_terminal(
    spec: ProcessSpec,
    on_output: OnOutput,
    *,
    task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
) -> Exit:
    """Run one child on a terminal of `rows` x `columns` and tell how it left.

    As `run_piped`, but all output comes as stdout and `stdin` has no end: the child sees what is
    in it as typed, then what comes through `keyboard`. `TERM` is the spec's business. Cancelling
    stops the child and waits until no descendant is left.

    Raises:
        BinaryMissing: there is no such binary, or it cannot be executed.
        PeerFault: `cwd` is not a directory, or an argument cannot be passed on.
    """
    mark = new_mark()
    terminal = await _spawn(spec, mark)
    fd, pid = terminal.child_fd, terminal.pid
    assert pid is not None
    os.set_blocking(fd, False)
    wires = Wires(
        pumps=[partial(_drain, fd)],
        feeder=partial(_type, fd, spec),
    )
    try:
        return await attend(Leader.of(pid, mark), spec, wires, on_output, task_status)
    finally:
        trio.lowlevel.notify_closing(fd)
        _close(terminal)


async def _spawn(spec: ProcessSpec, mark: str) -> "pexpect.spawn[bytes]":
    await expect_child()
    token, pid = begin_spawn(), None
    try:
        argv = _checked(spec)
        env = {**spec.env, MARK: mark}
        # one at a time: silencing a warning is not safe with two threads at it
        spawned = await trio.to_thread.run_sync(_fork, argv, spec, env, limiter=_forks())
        if isinstance(spawned, OSError):
            raise spawned
        pid = spawned.pid
    except (OSError, ValueError) as error:
        raise spawn_fault(spec, error) from error
    finally:
        end_spawn(token, pid)
    return spawned


_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("aimux_forks")


def _forks() -> trio.CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(1)
        _limiter.set(limiter)
        return limiter


def _checked(spec: ProcessSpec) -> list[str]:
    """Return argv with a path in front. Raises what would otherwise be raised in the copy."""
    for word in [*spec.argv, *spec.env.keys(), *spec.env.values()]:
        if b"\0" in os.fsencode(word):
            raise ValueError("embedded null byte")
    if bad := [name for name in spec.env if not name or "=" in name]:
        raise ValueError(f"illegal environment variable name {bad[0]!r}")
    # not Path's: they raise where a name is too long, or lies where we may not look
    if not os.access(spec.cwd, os.X_OK) or not os.path.isdir(spec.cwd):  # noqa: PTH112
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), spec.cwd)
    binary = spec.argv[0]
    if "/" in binary:
        path = str(Path(spec.cwd, binary))
        if not os.path.exists(path):  # noqa: PTH110
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if not os.path.isfile(path) or not os.access(path, os.X_OK):  # noqa: PTH113
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    else:
        path = shutil.which(binary, path=spec.env.get("PATH", os.defpath)) or ""
        if not path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), binary)
    return [path, *spec.argv[1:]]


def _fork(
    argv: list[str], spec: ProcessSpec, env: Mapping[str, str]
) -> "pexpect.spawn[bytes] | OSError":
    """Fork and exec in this thread. An OSError is returned: raised, it would keep its frames alive,
    and with them an object that kills and waits when it is collected, perhaps on the loop.
    """
    parent = os.getpid()
    command = argv[0] if argv[1:] else re.sub(r"""([\s'"\\])""", r"\\\1", argv[0])
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of any fork beside threads; ours runs nothing but _prepare and exec
            warnings.simplefilter("ignore", DeprecationWarning)
            terminal: pexpect.spawn[bytes] = pexpect.spawn(
                command,
                argv[1:],
                env=dict(env),
                echo=False,
                dimensions=(spec.rows, spec.columns),
                preexec_fn=partial(_prepare, spec.cwd),
            )
    except OSError as error:
        return error.with_traceback(None)
    finally:
        if os.getpid() != parent:
            os._exit(127)
    terminal.delaybeforesend = None
    terminal.delayafterread = None
    os.set_inheritable(terminal.child_fd, False)
    return terminal


def _prepare(cwd: str) -> None:
    """Make the child's world before exec: directory, raw terminal, default signals."""
    os.chdir(cwd)
    tty.setraw(0, termios.TCSANOW)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec keeps that
        signal.signal(number, signal.SIG_DFL)


def _close(terminal: "pexpect.spawn[bytes]") -> None:
    """Close the terminal without pexpect's own way, which sleeps, signals and waits."""
    process = terminal.ptyproc  # type: ignore[attr-defined]  # the stub forgot it
    process.fileobj.close()
    process.fd = terminal.child_fd = -1
    process.closed = process.terminated = terminal.closed = terminal.terminated = True


async def _drain(fd: int, hear: OnOutput) -> None:
    is_open = True
    while is_open:
        await trio.lowlevel.wait_readable(fd)
        data, is_open = _read(fd)
        if data:
            hear(Stream.STDOUT, data)


def _read(fd: int) -> tuple[bytes, bool]:
    """What there is now, and whether more may come. A terminal gives 4 KiB at a time."""
    parts: list[bytes] = []
    size = 0
    try:
        while size < CHUNK_BYTES:
            data = os.read(fd, CHUNK_BYTES)
            if not data:
                return b"".join(parts), False
            parts.append(data)
            size += len(data)
    except BlockingIOError:
        pass
    except OSError as error:
        if error.errno not in _ENDS:
            raise
        return b"".join(parts), False
    return b"".join(parts), True


async def _type(fd: int, spec: ProcessSpec) -> None:
    if spec.stdin:
        await _feed(fd, spec.stdin)
    if spec.keyboard is not None:
        async for typed in spec.keyboard:
            await _feed(fd, typed)


async def _feed(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        await trio.lowlevel.wait_writable(fd)
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            continue
        except OSError as error:  # nobody is left to read it
            if error.errno not in _ENDS:
                raise
            return
