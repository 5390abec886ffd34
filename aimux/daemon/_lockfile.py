"""One daemon per state directory, by a lock that the system drops at any death.

The file says who holds it and where that daemon listens: pid, the path of its socket, and `leaving`
once it takes nobody in any more. While a daemon becomes the next one the file goes on saying so.
"""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.errors import Refusal, SetupFault
from aimux.files.locks import try_lock
from aimux.files.private import make_private
from aimux.shim.address import DaemonAddress

if sys.platform != "win32":
    import fcntl

LEAVE_S: Final = 20.0  # for a predecessor to drain
POLL_S: Final = 0.1  # between tries for a lock that wakes nobody
TELL_S: Final = 2.0  # from taking the lock to saying so, on a machine that is busy
READ_BYTES: Final = 4_096
LEAVING: Final = "leaving"
SERVED: Final = "daemon_running"


@attrs.frozen
class Holder:
    """Who has the lock of a state directory, and what its file says about it."""

    pid: int  # 0 while it has not said so
    socket: str  # where it listens
    is_leaving: bool


@asynccontextmanager
async def open_daemon_lock(
    address: DaemonAddress, *, is_served: Callable[[], bool], kept: int | None = None
) -> AsyncIterator[int]:
    """Be the daemon of a state directory while the body runs; the descriptor that holds the lock.

    What its file says is for the body to write. Waits for a predecessor that is leaving, unless
    `is_served`, which may block, says that clients find a daemon by now. `kept` is the descriptor
    of a process that became this one. Cancelled while it waits, the lock is not taken.

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
            make_private(path.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SetupFault(
                f"{path}: {error.strerror}",
                code="state_dir_unusable",
                hint="name a writable directory in AIMUX_STATE_DIR",
            ) from error
    try:
        await _take(descriptor, address, is_served)
        yield descriptor
    finally:
        os.close(descriptor)


async def _take(descriptor: int, address: DaemonAddress, is_served: Callable[[], bool]) -> None:
    is_ours = try_lock(descriptor)
    await trio.lowlevel.checkpoint()
    with trio.move_on_after(LEAVE_S):
        while not is_ours:
            if await trio.to_thread.run_sync(is_served):
                raise served(address)
            await trio.sleep(POLL_S)
            is_ours = try_lock(descriptor)
    if not is_ours:
        raise Refusal(
            f"another daemon (pid {_read(descriptor).pid}) holds {address.state_dir}, is not "
            "reached and does not leave",
            code="daemon_stays",
            hint="aimux daemon stop --force",
        )


def served(address: DaemonAddress) -> Refusal:
    """There is a daemon already, and clients find it."""
    return Refusal(
        f"a daemon (pid {running(address)}) serves {address.state_dir} already",
        code=SERVED,
        hint="aimux daemon status",
    )


# ------------------------------------------------------------------------------- what the file says


def tell_holder(descriptor: int, address: DaemonAddress, *, is_leaving: bool = False) -> None:
    """Have the lock's file say that we hold it, and where we listen. It never says nobody."""
    text = f"{os.getpid()}\n{address.socket}\n{LEAVING if is_leaving else ''}\n"
    data = os.fsencode(text)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, data)
    os.ftruncate(descriptor, len(data))  # after it: whoever reads in between reads us


def forget_holder(descriptor: int) -> None:
    """Have the file say nothing: nobody need look for us any more."""
    os.ftruncate(descriptor, 0)


def last_holder(descriptor: int) -> int:
    """The pid that the file names, whether it lives or not; 0 if it names none."""
    return _read(descriptor).pid


def forget_last(address: DaemonAddress) -> None:
    """Have the file of a lock that nobody holds say nothing.

    Whoever was to follow the one that it names leaves it at that.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(address.daemon_lock, os.O_RDWR)
        try:
            if try_lock(descriptor):
                forget_holder(descriptor)
        finally:
            os.close(descriptor)


def _read(descriptor: int) -> Holder:
    os.lseek(descriptor, 0, os.SEEK_SET)
    pid, socket, doing, *_ = (*os.fsdecode(os.read(descriptor, READ_BYTES)).split("\n"), "", "", "")
    return Holder(int(pid) if pid.isdigit() else 0, socket, doing == LEAVING)


def find_holder(address: DaemonAddress) -> Holder | None:
    """Who holds the lock of a state directory; None if nobody does.

    Its pid is 0 for the moment between taking the lock and saying so: see `wait_holder`.
    """
    try:
        descriptor = os.open(address.daemon_lock, os.O_RDWR)
    except OSError:
        return None
    try:
        if try_lock(descriptor):
            return None
        found = _read(descriptor)
    finally:
        os.close(descriptor)
    # one that was killed has left its own number
    return found if _is_alive(found.pid) else Holder(0, "", is_leaving=False)


async def wait_holder(address: DaemonAddress) -> Holder | None:
    """Who holds the lock of a state directory, with its pid; None if nobody does.

    It only looks, so cancelling it changes nothing.
    """
    found = find_holder(address)
    await trio.lowlevel.checkpoint()
    with trio.move_on_after(TELL_S):
        while found is not None and not found.pid:
            await trio.sleep(POLL_S)
            found = find_holder(address)
    return found


def running(address: DaemonAddress) -> int:
    """The pid of the daemon that holds the lock of a state directory; 0 if nobody does."""
    found = find_holder(address)
    return 0 if found is None else found.pid


def _is_alive(pid: int) -> bool:
    if not pid or sys.platform == "win32":  # there a signal of 0 would end it
        return bool(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it is there
    return True


# ------------------------------------------------------------------------------------------ waiting


async def wait_lock(descriptor: int) -> None:
    """Have the lock of a file that is open.

    Cancelled, a thread may still get it, for as long as anybody has the file open.
    """
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
