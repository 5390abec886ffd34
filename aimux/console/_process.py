"""The daemon's process, as the system sees it: known again by when it was born."""

import contextlib
import os
import signal
import sys
from typing import Final

import psutil
import trio

POLL_S: Final = 0.05  # between checks of what nothing tells of
REAPED_S: Final = 5.0  # for the system's first process to take note of an end


def find_process(pid: int) -> psutil.Process | None:
    """The process of that number now; None if there is none."""
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def holds(process: psutil.Process, path: str) -> bool:
    """Whether a process has a file open: a number in the file alone may be anybody's by now."""
    try:
        mine = os.stat(path)  # noqa: PTH116
        return any(
            os.path.samestat(mine, os.stat(each.path))  # noqa: PTH116
            for each in process.open_files()
        )
    except (psutil.Error, OSError):
        return False


def send_signal(process: psutil.Process, number: signal.Signals) -> None:
    """Have a process get a signal; nothing if it is gone."""
    with contextlib.suppress(psutil.Error, OSError):
        process.send_signal(number)


async def wait_reaped(process: psutil.Process) -> None:
    """Return once a process that is over is gone from the system's list, if that is soon.

    Cancelled, the process goes on.

    What is nobody's child is reaped by the system's first process, which may take its time: a
    script that asks for the number would find it meanwhile.
    """
    with trio.move_on_after(REAPED_S):
        while _waits_for_init(process):  # noqa: ASYNC110  # nothing tells of it
            await trio.sleep(POLL_S)
    await trio.lowlevel.checkpoint()


async def wait_over(process: psutil.Process) -> None:
    """Return once a process has ended. Cancelling it changes nothing."""
    await trio.lowlevel.checkpoint()
    if not process.is_running():
        return
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            await trio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
        return
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:  # it is gone, or an old kernel
        return
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        os.close(descriptor)


def _waits_for_init(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.ppid() == 1
    except psutil.Error:
        return False
