"""A child on pipes: what every headless CLI is run with.

Not `trio.run_process`, which reaps as soon as the leader dies. Its number would be free before its
group is swept, its usage lost, and its pipes closed to readers when it is cancelled. The
spawn is trio's; waiting, stopping and reaping are in `_life` and `_stop`.
"""

import contextlib
import os
import subprocess
import sys
from functools import partial

import trio

from aimux.model import Stream

from ._base import CHUNK_BYTES, Child, Exit, OnOutput, ProcessSpec
from ._life import ProcessLeader, Wires, attend
from ._processes import MARK
from ._spawn import spawn_fault
from ._stop import Leader, begin_spawn, end_spawn, new_mark
from ._watchdog import expect_child


async def run_piped(
    spec: ProcessSpec,
    on_output: OnOutput,
    *,
    task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
) -> Exit:
    """Run one child with its output on two pipes and tell how it left.

    Awaited directly it is a function call; through `nursery.start()` it hands the live `Child`
    back first. The child leads its own session and has `AIMUX_CHILD` in its environment, by which
    its descendants are known. A child that does not read its stdin is fine. What `on_output`
    raises comes out bare, after the child was killed. Cancelling stops the child (polite signal,
    `grace_s`, KILL), delivers its output until then, and waits until no descendant is left.

    Raises:
        BinaryMissing: there is no such binary, or it cannot be executed.
        PeerFault: `cwd` is not a directory, or an argument cannot be passed on.
    """
    mark = new_mark()
    process, leader = await _spawn(spec, mark)
    stdout, stderr, stdin = process.stdout, process.stderr, process.stdin
    assert stdout is not None
    assert stderr is not None
    rest = spec.stdin or b""
    if stdin is not None and sys.platform != "win32":
        rest, stdin = _feed_now(stdin, rest)
    wires = Wires(
        pumps=[
            partial(_drain, stdout, Stream.STDOUT),
            partial(_drain, stderr, Stream.STDERR),
        ],
        feeder=None if stdin is None else partial(_feed, stdin, rest),
    )
    try:
        return await attend(leader, spec, wires, on_output, task_status)
    finally:
        process.poll()  # the status is ours already; this only lets Popen know that it is over


async def _spawn(spec: ProcessSpec, mark: str) -> tuple[trio.Process, ProcessLeader]:
    try:
        if sys.platform == "win32":
            from ._winpipe import spawn_in_job

            return await spawn_in_job(spec, mark)
        process = await _spawn_group(spec, mark)
    except (OSError, ValueError) as error:
        raise spawn_fault(spec, error) from error
    return process, Leader.of(process.pid, mark)


async def _spawn_group(spec: ProcessSpec, mark: str) -> trio.Process:
    pipe = subprocess.PIPE
    await expect_child()
    token, pid = begin_spawn(), None
    try:
        process = await trio.lowlevel.open_process(
            list(spec.argv),
            stdin=subprocess.DEVNULL if spec.stdin is None else pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=spec.cwd,
            env={**spec.env, MARK: mark},
            start_new_session=True,
        )
        pid = process.pid
    finally:
        end_spawn(token, pid)
    return process


async def _drain(pipe: trio.abc.ReceiveStream, stream: Stream, hear: OnOutput) -> None:
    if sys.platform != "win32" and isinstance(pipe, trio.lowlevel.FdStream):
        try:
            while data := await _read(pipe.fileno()):
                hear(stream, data)
        finally:
            pipe.close()
        return
    async with pipe:
        while piece := await pipe.receive_some(CHUNK_BYTES):
            hear(stream, bytes(piece))  # bytes already; the type allows more


async def _read(fd: int) -> bytes:
    """What comes next; half the loop turns of a stream's own way, which tries before it waits."""
    while True:
        await trio.lowlevel.wait_readable(fd)
        with contextlib.suppress(BlockingIOError):
            return os.read(fd, CHUNK_BYTES)


def _feed_now(stream: trio.abc.SendStream, data: bytes) -> tuple[bytes, trio.abc.SendStream | None]:
    """Write what the pipe takes at once, which is nearly always all; the rest is for a task."""
    assert isinstance(stream, trio.lowlevel.FdStream)
    try:
        rest = data[os.write(stream.fileno(), data) :] if data else b""
    except BrokenPipeError:  # it is gone
        rest = b""
    if rest:
        return rest, stream
    stream.close()
    return b"", None


async def _feed(stream: trio.abc.SendStream, data: bytes) -> None:
    try:
        await stream.send_all(data)
    except trio.BrokenResourceError:  # it has read enough, or it is gone
        pass
    finally:
        await stream.aclose()
