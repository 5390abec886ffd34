"""The watchdog's own program: wait until the server is gone, then kill what it left behind.

Run as a file by a bare interpreter (`-I -S`), so the standard library is all there is. stdin is
where a server that leaves in good order says so; its end without a word means that it was killed.
Descriptor 1 is the server's ledger: a `RECORD` for each of its children that live, zeros where
there is none. The arguments are what marks in the environment of its children begin with, and where
the library is that tells of processes where there is no `/proc` (macOS).
"""

import contextlib
import importlib
import os
import select
import signal
import struct
import sys
from collections.abc import Callable
from types import ModuleType

RECORD = struct.Struct("=qq")  # pid, start time in clock ticks
ROUNDS = 20  # of searching and killing
PAUSE_S = 0.1  # before the last look: a child that is just being born has no environment yet
HAS_PROC = os.path.exists("/proc/self/stat")  # noqa: PTH110
Stat = tuple[int, int]  # parent, start time in clock ticks; 0 is unknown
psutil: ModuleType | None = None


def main() -> None:
    """Serve one server until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever stops the server's group must not stop us
    if os.read(0, 1):
        return
    if not HAS_PROC:
        find_psutil(*sys.argv[2:])
    ledger = os.pread(1, os.fstat(1).st_size, 0)
    children = {pid: started for pid, started in RECORD.iter_unpack(ledger) if pid}
    bury(children, sys.argv[1].encode())


def bury(children: dict[int, int], mark: bytes) -> None:
    """Kill the groups of `children`, whoever carries the mark, and all who stem from them."""
    for pid, started in children.items():
        seen = inspect(pid)
        if seen is None or seen[1] == started or not started:
            signal_quietly(os.killpg, pid)
    is_sure = False
    for _ in range(ROUNDS):
        table = {int(name): stat for name in names() if (stat := inspect(int(name)))}
        doomed = {pid for pid in table if carries(pid, mark)}
        doomed |= {
            pid for pid, started in children.items() if pid in table and table[pid][1] == started
        }
        size = -1
        while size != len(doomed):
            size = len(doomed)
            doomed |= {pid for pid, stat in table.items() if stat[0] in doomed}
        doomed.discard(os.getpid())
        if not doomed and is_sure:
            return
        if not doomed:
            select.select([], [], [], PAUSE_S)
        is_sure = not doomed
        for pid in doomed:
            signal_quietly(os.kill, pid)


def names() -> list[str]:
    """Return the numbers of all processes."""
    try:
        found = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        found = []
    return found or ask_names()


def inspect(pid: int) -> Stat | None:
    """Return parent and start of a process that lives, else None."""
    if not HAS_PROC:
        return ask_stat(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if words[0] in {b"Z", b"X"} else (int(words[1]), int(words[19]))


def carries(pid: int, mark: bytes) -> bool:
    """Return whether the process was started with the mark in its environment."""
    if not HAS_PROC:
        return ask_mark(pid, mark)
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return any(word.startswith(mark) for word in file.read().split(b"\0"))
    except OSError:
        return False


# ------------------------------------------------- without /proc: psutil, if it can be had


def find_psutil(place: str = "") -> None:
    """Have psutil from where the server found it."""
    global psutil
    sys.path.append(place)
    with contextlib.suppress(ImportError):
        psutil = importlib.import_module("psutil")


def ask_names() -> list[str]:
    """Return the numbers of all processes, none if psutil cannot be had."""
    return [] if psutil is None else [str(pid) for pid in psutil.pids()]


def ask_stat(pid: int) -> Stat | None:
    """Return the parent of a process that lives, and no start: the ledger has none either."""
    if psutil is None:
        return None
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else (process.ppid(), 0)
    except (psutil.Error, OSError):
        return None


def ask_mark(pid: int, mark: bytes) -> bool:
    """Return whether the process was started with the mark, as far as the system tells."""
    if psutil is None:
        return False
    try:
        environ = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return False
    words = (f"{name}={value}".encode(errors="replace") for name, value in environ.items())
    return any(word.startswith(mark) for word in words)


def signal_quietly(send: Callable[[int, int], None], pid: int) -> None:
    """KILL a process or group that may be gone."""
    with contextlib.suppress(OSError):
        send(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
