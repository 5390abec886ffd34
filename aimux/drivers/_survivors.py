"""What a server that was killed has left running, told by recorded pids and by its mark."""

import os
import re
from collections.abc import Collection, Sequence
from typing import Final

import trio

from . import _processes
from ._processes import CLOCK_STEP_S, ZOMBIE, Proc, Table, descendants, scan
from ._stop import MAX_ROUNDS

_OWNER: Final = re.compile(r"[0-9a-f]{12}")


async def end_survivors(records: Sequence[tuple[int, float]], owners: Collection[str] = ()) -> int:
    """End what a crashed predecessor left running; return how many processes were killed.

    `records` are (pid, started) of its children as they were stored. A pid that is taken by a
    later process is left alone. `owners` are what the marks of its children begin with: so those
    are found that were born a moment before the crash. This process and those above it stay.
    Cancelled, some may be left.
    """
    known = {each for each in owners if _OWNER.fullmatch(each)}
    table = await trio.to_thread.run_sync(scan)  # they are older than this process
    roots = {proc.pid: proc for proc in _recorded(table, records)}
    ended = 0
    for _ in range(MAX_ROUNDS):
        if known:
            marked = await trio.to_thread.run_sync(_marked, table, known)
            roots |= {proc.pid: proc for proc in marked}
        roots |= {proc.pid: proc for proc in descendants(table, roots)}
        above = _above(table, os.getpid())
        alive = [
            proc
            for proc in table.values()
            if proc.pid in roots
            and proc.key == roots[proc.pid].key
            and proc.state != ZOMBIE
            and proc.pid not in above
        ]
        if not alive:
            break
        ended += await _processes.end(alive)
        table = await trio.to_thread.run_sync(scan)
    return ended


def _recorded(table: Table, records: Sequence[tuple[int, float]]) -> list[Proc]:
    found: list[Proc] = []
    for pid, started in records:
        leader = table.get(pid)
        if leader is not None and abs(leader.started - started) > CLOCK_STEP_S:
            continue
        # A group keeps its number taken while it has members, so one whose leader is dead is
        # still the recorded one.
        earliest = started - CLOCK_STEP_S
        found += [
            proc
            for proc in table.values()
            if pid in {proc.pid, proc.group} and proc.started >= earliest
        ]
    return found


def _marked(table: Table, owners: Collection[str]) -> list[Proc]:
    above = _above(table, os.getpid())
    return [
        proc
        for proc in table.values()
        if proc.pid not in above and _processes.mark_of(proc.pid).partition(".")[0] in owners
    ]


def _above(table: Table, pid: int) -> set[int]:
    """A process and those it stems from."""
    found: set[int] = set()
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return found
