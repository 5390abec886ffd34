"""One daemon per state directory, by a lock that the system drops at any death.

The file says who holds it and where that daemon listens: pid, then the path of its socket.
"""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from aimux._shim import Place
from aimux.errors import Refusal, SetupFault

if sys.platform != "win32":
    import fcntl

LEAVE_S: Final = 20.0  # for a predecessor to drain


@asynccontextmanager
async def open_daemon_lock(place: Place, *, kept: int | None = None) -> AsyncIterator[int]:
    """Be the daemon of a state directory while the body runs; the descriptor that holds the lock.

    Waits for a predecessor that is leaving. `kept` is the descriptor of a process that became this
    one.

    Raises:
        Refusal: another daemon is there and stays.
        SetupFault: the state directory cannot be written.
    """
    path = Path(place.daemon_lock)
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
        await _take(descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n{place.socket}\n".encode(), 0)
        yield descriptor
        os.ftruncate(descriptor, 0)  # nobody need look for us any more
    finally:
        os.close(descriptor)


async def _take(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        await trio.lowlevel.checkpoint()
        return
    with trio.move_on_after(LEAVE_S) as patience:
        # the thread is abandoned only by a process that gives up and ends
        await trio.to_thread.run_sync(
            fcntl.flock, descriptor, fcntl.LOCK_EX, abandon_on_cancel=True
        )
    if patience.cancelled_caught:
        raise Refusal(
            f"another daemon (pid {holder(descriptor)}) is there and does not leave",
            code="daemon_running",
            hint="aimux daemon stop",
        )


def holder(descriptor: int) -> int:
    """The pid in a lock file; 0 if there is none."""
    text = os.pread(descriptor, 64, 0).partition(b"\n")[0]
    return int(text) if text.isdigit() else 0


def running(place: Place) -> int:
    """The pid of the daemon that holds the lock of a state directory; 0 if nobody does."""
    try:
        descriptor = os.open(place.daemon_lock, os.O_RDWR)
    except OSError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder(descriptor)
    finally:
        os.close(descriptor)
    return 0
