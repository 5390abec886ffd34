"""The one way a child and everything it started is ended.

Many CLIs start their tools in sessions of their own, which no group signal reaches; some leave
politely and forget a stubborn helper; a helper that detaches twice is nobody's child any more. So
four nets, each catching what the one before lets through:

1. the group gets the polite signal, then KILL;
2. descendants recorded before each signal get KILL, told by pid and start time;
3. whoever carries the child's mark in its environment and has lost its parent gets KILL, and so
   does whoever came to us and was started by nobody that still lives (`strays`);
4. again, until nobody is found in the process table.

The leader stays a zombie until its group is empty: as long as its number is taken, the number of
the group cannot become somebody else's.
"""

import contextlib
import ctypes
import functools
import itertools
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence, Set as AbstractSet
from threading import get_native_id  # noqa: TID251  a question, not a thread
from typing import Final

import attrs
import trio

from . import _processes
from ._processes import (
    GONE_S,
    ZOMBIE,
    Proc,
    Table,
    attended,
    descendants,
    scanned,
)

SIGNALS: Final = {"TERM": signal.SIGTERM, "INT": signal.SIGINT}
MAX_ROUNDS: Final = 8  # of looking for survivors; a fork bomb needs more than we can do
ORPHAN_PAUSE_S: Final = 1.0  # between two rounds of reaping adopted orphans
_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
_PR_GET_CHILD_SUBREAPER: Final = 37
_WNOTHREAD: Final = 0x20000000  # linux/wait.h: only children of the calling thread

OWNER: Final = secrets.token_hex(6)  # this process, in the marks of its children
_numbers = itertools.count(1)
_spawning: list[object] = []  # spawns whose pid is not known yet
_living: dict[int, "Leader"] = {}  # whoever may have started somebody


def new_mark() -> str:
    """Return a value for `MARK` that no other child has."""
    return f"{OWNER}.{next(_numbers)}"


def begin_spawn() -> object:
    """Say that a child of ours is about to exist; give what comes back to `end_spawn`."""
    token = object()
    _spawning.append(token)
    return token


def end_spawn(token: object, pid: int | None) -> None:
    """Say that the spawn is over; `pid` is ours until `disown(pid)`."""
    _spawning.remove(token)
    if pid is not None:
        attended.add(pid)


def disown(pid: int) -> None:
    """Say that nobody waits for this exit status any more."""
    attended.discard(pid)


@attrs.define(eq=False)
class Leader:
    """A child of ours, the leader of its own session and group, until it is reaped."""

    pid: int
    started: float
    mark: str
    ticks: int = 0  # its start time since boot, as the kernel counts it (Linux)
    _pidfd: int | None = None
    gone: trio.Event = attrs.field(factory=trio.Event)
    max_rss_bytes: int = 0  # of the child, or of the largest descendant it has waited for
    cpu_s: float = 0.0  # of the child and all descendants it has waited for
    seen: list[Proc] = attrs.field(factory=list)  # descendants, as far as anybody looked
    _status: int | None = None

    @classmethod
    def of(cls, pid: int, mark: str) -> "Leader":
        """Take charge of a child that was just started."""
        proc = _processes.inspect(pid)  # a zombie still has a start time
        started, ticks = (proc.started, proc.ticks) if proc else (0.0, 0)
        leader = cls(pid, started, mark, ticks, _processes.open_pidfd(pid))
        _living[pid] = leader
        return leader

    async def stop(self, *, polite: str, grace_s: float, hurry: trio.Event) -> None:
        """Ask the child's group to leave, then KILL it; as `stop_leader`, cancelled or not."""
        self.seen += await stop_leader(self, polite=SIGNALS[polite], grace_s=grace_s, hurry=hurry)

    async def sweep(self) -> int:
        """End whatever the dead child has left behind; as `sweep`, cancelled or not."""
        return await sweep(self, self.seen)

    async def watch(self) -> None:
        """Wait for its death and set `gone`. Needs one task for as long as the child lives.

        Cancelled, `gone` is not set, and who waits again hears of it.
        """
        if self._pidfd is not None:
            await trio.lowlevel.wait_readable(self._pidfd)
        else:  # no other way than to reap it here and now; abandoned, the thread does just that
            limiter = trio.CapacityLimiter(1)
            await trio.to_thread.run_sync(self._wait4, limiter=limiter, abandon_on_cancel=True)
        self.gone.set()

    def reap(self) -> None:
        """Collect exit status and usage of a child that is `gone`, or give up on it.

        One that is not gone hangs in the kernel: not even KILL ends it.
        """
        if self.gone.is_set() and self._status is None:
            self._wait4()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        _living.pop(self.pid, None)
        disown(self.pid)

    def _wait4(self) -> None:
        _, self._status, usage = os.wait4(self.pid, 0)
        self.max_rss_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self.cpu_s = usage.ru_utime + usage.ru_stime

    @property
    def code(self) -> int | None:
        """The exit code; None after a signal, or if it is not reaped."""
        code = self._code
        return None if code is None or code < 0 else code

    @property
    def signal_name(self) -> str:
        """The signal that ended it, as `SIGKILL`; empty if it left by itself."""
        code = self._code
        if code is None:
            return "SIGKILL"  # given up on
        if code >= 0:
            return ""
        try:
            return signal.Signals(-code).name
        except ValueError:  # a real-time signal has no name here
            return f"SIG{-code}"

    @property
    def _code(self) -> int | None:
        return None if self._status is None else os.waitstatus_to_exitcode(self._status)


def signal_group(pid: int, number: int) -> None:
    """Signal the group that `pid` leads; a group that is gone is fine."""
    if sys.platform != "win32":
        # macOS says EPERM for a group of zombies
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


async def stop_leader(
    leader: Leader, *, polite: int, grace_s: float, hurry: trio.Event
) -> list[Proc]:
    """Ask the leader's group to leave, then KILL it; return the descendants that were seen.

    Returns when the leader is dead, at the latest `GONE_S` after KILL. `hurry` ends the grace. When
    the leader goes, so does the rest of its group: a polite leader may leave stubborn helpers.
    Cancelled during the grace, there is no KILL: whoever calls it has a shield.
    """
    seen = descendants(await scanned(), [leader.pid])
    if grace_s > 0 and not hurry.is_set():
        signal_group(leader.pid, polite)
        with trio.move_on_after(grace_s):
            await first_of(leader.gone.wait, hurry.wait)
        seen += descendants(await scanned(), [leader.pid])
    signal_group(leader.pid, signal.SIGKILL)
    with trio.move_on_after(GONE_S):
        await leader.gone.wait()
    return seen


async def sweep(leader: Leader, seen: Sequence[Proc] = ()) -> int:
    """KILL whatever a dead leader has left behind, wait for it, return how many there were.

    `seen` are descendants known from before; they count only if they still live. Cancelled, some of
    them may be left.
    """
    _living.pop(leader.pid, None)
    if _has_adopted_nobody():
        await trio.lowlevel.checkpoint()
        return 0
    known = {proc.key: proc for proc in seen}
    swept: set[tuple[int, float]] = set()
    for _ in range(MAX_ROUNDS):
        table = await scanned()
        _reap_dead(table, leader)
        left = _left_behind(table, leader, known)
        if not left:
            break
        known |= {proc.key: proc for proc in left}
        swept |= {proc.key for proc in left}
        signal_group(leader.pid, signal.SIGKILL)
        await _processes.end(left)
    return len(swept)


def _has_adopted_nobody() -> bool:
    """Whether it is certain, at the price of two system calls, that there is nobody to look for.

    Orphans come to the main thread of a subreaper. Children that a worker thread started are not
    counted as long as that thread lives; after that they are, and the answer is False.
    """
    if sys.platform != "linux" or get_native_id() != os.getpid() or not _is_adopting():
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WNOTHREAD)
    except ChildProcessError:
        return True
    except OSError:  # an old kernel does not know the flag
        return False
    return False


def _left_behind(table: Table, leader: Leader, known: dict[tuple[int, float], Proc]) -> list[Proc]:
    """Return who of the leader's people is alive: its group, those seen before, marked orphans."""
    found: dict[int, Proc] = {}
    if _is_adopting():
        found |= {
            proc.pid: proc for proc in strays(table, [each.started for each in _living.values()])
        }
    for proc in table.values():
        if proc.pid == leader.pid or proc.started < leader.started:
            continue
        if (
            proc.group == leader.pid
            or proc.key in known
            or (_is_orphan(proc) and _processes.carries(proc.pid, leader.mark))
        ):
            found[proc.pid] = proc
    for proc in descendants(table, found):
        found[proc.pid] = proc
    return [proc for proc in found.values() if proc.state != ZOMBIE]


def _reap_dead(table: Table, leader: Leader) -> None:
    for proc in table.values():
        if proc.session == leader.pid != proc.pid and proc.state == ZOMBIE:
            _processes.reap_adopted(proc.pid)  # not ours unless we are a subreaper: then it is kept


def _is_orphan(proc: Proc) -> bool:
    """Whether its parent is dead: it was given to init, or to us as a subreaper."""
    return proc.parent == 1 or (proc.parent == os.getpid() and proc.pid not in attended)


def strays(table: Table, living: Sequence[float]) -> list[Proc]:
    """Return those we have adopted and whom nobody that lives can have started.

    Whoever detached twice and emptied its environment bears no sign of where it came from. It is
    ended with the last of the children, started at the times in `living`, that were there before
    it. A child of ours has our session, or leads its own and is attended to, or is being spawned.
    """
    me, my_session = os.getpid(), os.getsid(0)
    return [
        proc
        for proc in table.values()
        if proc.parent == me
        and proc.pid not in attended
        and proc.session != my_session
        and not (proc.session == proc.pid and _spawning)
        and not any(started <= proc.started for started in living)
    ]


async def first_of(*waits: Callable[[], Awaitable[None]]) -> None:
    """Return when the first of these returns; the others are cancelled, at a cancellation all."""
    async with trio.open_nursery() as nursery:

        async def run(wait: Callable[[], Awaitable[None]]) -> None:
            await wait()
            nursery.cancel_scope.cancel(reason="one is enough")

        for wait in waits:
            nursery.start_soon(run, wait)


# ------------------------------------------------------------------------------------- orphans


def become_subreaper() -> bool:
    """Make orphaned descendants children of this process; True if the system can (Linux).

    Then nobody escapes by detaching twice. Whoever calls this runs `serve_orphans` too, or the
    dead among them stay zombies.
    """
    if sys.platform != "linux":
        return False
    return bool(_libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _is_adopting() -> bool:
    answer = ctypes.c_int(0)
    _libc().prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return answer.value == 1


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def adopted() -> list[Proc]:
    """Those who live and were given to us as a subreaper: children that we have not started."""
    me, my_session = os.getpid(), os.getsid(0)
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:  # noqa: PTH123
            pids = [int(word) for word in file.read().split()]
    except OSError:  # another system, or a kernel without the list
        return []
    found = [_processes.inspect(pid) for pid in pids if pid not in attended]
    return [
        proc
        for proc in found
        if proc is not None
        and proc.state != ZOMBIE
        and proc.session != my_session
        and not (proc.session == proc.pid and _spawning)
    ]


async def serve_orphans(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Reap orphans that this process was given, until cancelled. Needs the main thread.

    Never takes an exit status that a driver, trio or `subprocess` waits for.
    """
    suspects: set[tuple[int, float]] = set()
    with trio.open_signal_receiver(signal.SIGCHLD) as deaths:
        task_status.started()
        async for _ in deaths:
            # A second round is needed for those who might be a child of ours that somebody is
            # about to collect; it comes by itself, not with the next signal.
            while True:
                await trio.sleep(ORPHAN_PAUSE_S)  # one round serves a burst of deaths
                suspects = reap_orphans(await scanned(), suspects)
                if not suspects:
                    break


def reap_orphans(table: Table, suspects: AbstractSet[tuple[int, float]]) -> set[tuple[int, float]]:
    """Reap dead orphans in `table`; return those to be reaped if they are still there next time.

    A child of ours has our session, or leads its own: a dead one in any third session came to us
    from elsewhere. One that leads its own session may be a child that was just spawned, so it must
    be seen dead twice, with no spawn under way. One in our session is left to whoever started it.
    """
    me, my_session = os.getpid(), os.getsid(0)
    again: set[tuple[int, float]] = set()
    for proc in table.values():
        if proc.parent != me or proc.state != ZOMBIE or proc.pid in attended:
            continue
        if proc.session not in {my_session, proc.pid} or proc.key in suspects:
            _processes.reap_adopted(proc.pid)
        elif proc.session == proc.pid and not _spawning:
            again.add(proc.key)
    return again
