"""Facts about the operating system's processes: who runs, who descends from whom, since when.

A process is told from a later one with the same number by its start time. Where there is `/proc`
the table is read from it directly, a tenth of the price of asking psutil; elsewhere (on macOS,
on Windows) psutil is asked.
"""

import functools
import math
import os
import re
import signal
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs
import trio

MARK: Final = "AIMUX_CHILD"  # in the environment of every child, and so of all its descendants
CLOCK_STEP_S: Final = 2.0  # boot time as the kernel tells it may differ by a second between reads
GONE_S: Final = 2.0  # from KILL to death; only a process stuck in the kernel takes longer
BLIND_WAIT_S: Final = 0.2  # the same where there are no process descriptors
ANCIENT_S: Final = 5.0  # no pid comes round again in that time
ZOMBIE: Final = "Z"

attended: Final[set[int]] = set()  # our children whose exit status a driver waits for

HAS_PROC: Final = Path("/proc/self/stat").exists()  # a Linux in a sandbox may have none


@attrs.frozen
class Proc:
    """One process at one moment. `started` is seconds since the epoch, as psutil gives it."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: float
    ticks: int = 0  # the same since boot, as the kernel counts it (Linux)

    @property
    def key(self) -> tuple[int, float]:
        """What tells this process from every other one of this boot."""
        return self.pid, self.started


Table = Mapping[int, Proc]


@functools.cache
def _boot_time_s() -> float:
    found = re.search(r"^btime (\d+)", Path("/proc/stat").read_text(encoding="ascii"), re.MULTILINE)
    return float(found[1]) if found else 0.0


@functools.cache
def _ticks_per_s() -> int:
    return os.sysconf("SC_CLK_TCK")


def inspect(pid: int) -> Proc | None:
    """Return the process with that number, None if there is none."""
    if not HAS_PROC:
        return _ask_psutil(pid)
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        line = os.read(fd, 1024)
    except ProcessLookupError:  # died between open and read
        return None
    finally:
        os.close(fd)
    words = line[line.rindex(b")") + 2 :].split(None, 20)  # the name may hold blanks and brackets
    parent, group, session, ticks = int(words[1]), int(words[2]), int(words[3]), int(words[19])
    started = _boot_time_s() + ticks / _ticks_per_s()
    return Proc(pid, parent, group, session, words[0].decode(), started, ticks)


def _ask_psutil(pid: int) -> Proc | None:
    import psutil  # costs 20 ms and is not needed where there is /proc

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            state = ZOMBIE if process.status() == psutil.STATUS_ZOMBIE else "R"
            parent, started = process.ppid(), process.create_time()
        if sys.platform == "win32":
            return Proc(pid, parent, 0, 0, state, started)
        return Proc(pid, parent, os.getpgid(pid), os.getsid(pid), state, started)
    except (psutil.Error, OSError):
        return None


def scan(skip: Collection[int] = ()) -> dict[int, Proc]:
    """Return every process but those to skip. Takes about 20 us a process; blocks."""
    if HAS_PROC:
        names = os.listdir("/proc")  # noqa: PTH208  half the price of paths
        pids: Iterable[int] = (int(name) for name in names if name.isdigit())
    else:
        import psutil

        pids = psutil.pids()
    return {pid: proc for pid in pids if pid not in skip and (proc := inspect(pid)) is not None}


class _Rounds:
    """One scan serves everybody who asked before it began: sixty stops at once cost two scans.

    Most of a machine's processes are older than this one, so they are not of our making; they are
    read anew only every `ANCIENT_S`. Nor need children be read that a driver attends to.
    """

    def __init__(self) -> None:
        self.limiter = trio.Lock()
        self.asked = 0  # requests so far
        self.served = 0  # requests that the last scan covers
        self.table: dict[int, Proc] = {}
        self.ancient: set[int] = set()
        self.ancient_until = -math.inf
        me = inspect(os.getpid())
        self.born = me.started if me else 0.0

    async def inspect(self) -> Table:
        self.asked += 1
        mine = self.asked
        async with self.limiter:
            if self.served < mine:
                covers, now = self.asked, trio.current_time()
                is_full = now >= self.ancient_until
                skip = attended if is_full else self.ancient | attended
                self.table = await trio.to_thread.run_sync(scan, frozenset(skip))
                if is_full:
                    self.ancient = {p.pid for p in self.table.values() if p.started < self.born}
                    self.ancient_until = now + ANCIENT_S
                self.served = covers
            return self.table


_rounds: trio.lowlevel.RunVar[_Rounds] = trio.lowlevel.RunVar("aimux_process_rounds")


async def scanned() -> Table:
    """Return a table that was read after this call began. The loop goes on meanwhile.

    Cancelled, a reading under way is waited for, and whoever asked too has the next one. It lacks
    `attended` children, and may lack processes older than this one.
    """
    try:
        rounds = _rounds.get()
    except LookupError:
        rounds = _Rounds()
        _rounds.set(rounds)
    return await rounds.inspect()


def descendants(table: Table, roots: Collection[int]) -> list[Proc]:
    """Return all that stem from `roots`, without them, parents first."""
    children: dict[int, list[Proc]] = {}
    for proc in table.values():
        children.setdefault(proc.parent, []).append(proc)
    found: dict[int, Proc] = {}
    todo = list(roots)
    while todo:
        for proc in children.get(todo.pop(), ()):
            if proc.pid not in found and proc.pid not in roots:
                found[proc.pid] = proc
                todo.append(proc.pid)
    return list(found.values())


def is_alive(pid: int, started: float, *, within_s: float = 0.0) -> bool:
    """Return whether that very process still runs; a zombie does not."""
    proc = inspect(pid)
    return proc is not None and proc.state != ZOMBIE and abs(proc.started - started) <= within_s


def mark_of(pid: int) -> str:
    """Return what the process was started with as `MARK` in its environment, or nothing.

    Nothing either where the system keeps it to itself: that of another user's process.
    """
    if not HAS_PROC:
        return _ask_psutil_mark(pid)
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  pathlib doubles the price
            environ = file.read()
    except OSError:
        return ""
    name = f"{MARK}=".encode()
    found = (word for word in environ.split(b"\0") if word.startswith(name))
    return next(found, b"").removeprefix(name).decode(errors="replace")


def _ask_psutil_mark(pid: int) -> str:
    import psutil

    try:
        return psutil.Process(pid).environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""


def cpu_s_of(pid: int) -> float:
    """Return the processor time of one process so far; 0 if there is none."""
    if not HAS_PROC:
        return _ask_psutil_cpu_s(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  pathlib doubles the price
            line = file.read(1024)
    except OSError:
        return 0.0
    words = line[line.rindex(b")") + 2 :].split(None, 14)
    return (int(words[11]) + int(words[12])) / _ticks_per_s()


def _ask_psutil_cpu_s(pid: int) -> float:
    import psutil

    try:
        used = psutil.Process(pid).cpu_times()
    except (psutil.Error, OSError):
        return 0.0
    return used.user + used.system


def carries(pid: int, mark: str) -> bool:
    """Return whether the process was started with `MARK=mark` in its environment."""
    return mark_of(pid) == mark


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process dies; None where unsupported.

    Raises:
        ProcessLookupError: there is no such process.
    """
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:  # an old kernel, or a sandbox that refuses the call
        return None


async def end(procs: Iterable[Proc]) -> int:
    """KILL each of these very processes, wait for their death, return how many there were.

    Waits at most `GONE_S`. Where the system has process descriptors the signal cannot hit a later
    process with the same number. Ours by adoption are reaped. Cancelled, all have had the signal
    and not everybody was waited for.
    """
    open_fds: dict[int, int] = {}
    ended = 0
    try:
        for proc in procs:
            if _kill(proc, open_fds):
                ended += 1
        if ended > len(open_fds):  # nothing tells of the others' death; whoever asks looks again
            await trio.sleep(BLIND_WAIT_S)
        with trio.move_on_after(GONE_S):
            for fd in open_fds.values():
                await trio.lowlevel.wait_readable(fd)
    finally:
        for pid, fd in open_fds.items():
            os.close(fd)
            reap_adopted(pid)
    return ended


def _kill(proc: Proc, open_fds: dict[int, int]) -> bool:
    try:
        fd = open_pidfd(proc.pid)
        if fd is not None:
            open_fds[proc.pid] = fd
        if not is_alive(proc.pid, proc.started):
            return False
        if fd is not None and sys.platform == "linux":
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        else:
            os.kill(proc.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:  # gone already (Windows has no error of its own for that), or another user's
        return False
    return True


def reap_adopted(pid: int) -> bool:
    """Reap a dead child that the system gave to us; False if it is not ours or still runs."""
    if sys.platform == "win32":
        return False
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
