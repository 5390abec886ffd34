"""One daemon per state directory, by a lock that the system drops at any death.

The file says who holds it and where that daemon listens: pid, then the path of its socket.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from aimux.errors import Refusal, SetupFault
from aimux.files.locks import try_lock
from aimux.shim.address import DaemonAddress

if sys.platform != "win32":
    import fcntl

LEAVE_S: Final = 20.0  # for a predecessor to drain
POLL_S: Final = 0.1  # between tries for a lock that wakes nobody


@asynccontextmanager
async def open_daemon_lock(
    address: DaemonAddress, *, kept: int | None = None, is_served: Callable[[], bool] | None = None
) -> AsyncIterator[int]:
    """Be the daemon of a state directory while the body runs; the descriptor that holds the lock.

    Waits for a predecessor that is leaving. `kept` is the descriptor of a process that became this
    one. With `is_served`, which may block, one that serves by now is not waited for.

    Raises:
        Refusal: another daemon is there and stays.
        SetupFault: the state directory cannot be written.
    """
    path = Path(address.daemon_lock)
    if kept is not None:
        descriptor = kept
        os.set_inheritable(descriptor, False)
    else:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SetupFault(
                f"{path}: {error.strerror}",
                code="state_dir_unusable",
                hint="name a writable directory in AIMUX_STATE_DIR",
            ) from error
    try:
        await _take(descriptor, is_served)
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n{address.socket}\n".encode())
        yield descriptor
        os.ftruncate(descriptor, 0)  # nobody need look for us any more
    finally:
        os.close(descriptor)


async def _take(descriptor: int, is_served: Callable[[], bool] | None) -> None:
    is_ours = try_lock(descriptor)
    await trio.lowlevel.checkpoint()
    with trio.move_on_after(LEAVE_S):
        if not is_ours and is_served is None:
            await wait_lock(descriptor)
            is_ours = True
        while not is_ours and is_served is not None:
            if await trio.to_thread.run_sync(is_served):
                break
            await trio.sleep(POLL_S)
            is_ours = try_lock(descriptor)
    if not is_ours:
        raise Refusal(
            f"another daemon (pid {holder(descriptor)}) is there and does not leave",
            code="daemon_running",
            hint="aimux daemon stop",
        )


async def wait_lock(descriptor: int) -> None:
    """Have the lock of a file that is open."""
    if sys.platform == "win32":
        while not try_lock(descriptor):  # noqa: ASYNC110  # nothing there wakes who waits for it
            await trio.sleep(POLL_S)
    else:
        # abandoned, the thread keeps a descriptor of its own from closing under it
        own = os.dup(descriptor)
        await trio.to_thread.run_sync(_wait_lock, own, abandon_on_cancel=True)


def _wait_lock(descriptor: int) -> None:
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # of the open file: its duplicates have it too
        finally:
            os.close(descriptor)


def holder(descriptor: int) -> int:
    """The pid in a lock file; 0 if there is none."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 64).partition(b"\n")[0]
    return int(text) if text.isdigit() else 0


def running(address: DaemonAddress) -> int:
    """The pid of the daemon that holds the lock of a state directory; 0 if nobody does."""
    try:
        descriptor = os.open(address.daemon_lock, os.O_RDWR)
    except OSError:
        return 0
    try:
        return 0 if try_lock(descriptor) else holder(descriptor)
    finally:
        os.close(descriptor)
