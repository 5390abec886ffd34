"""What must be the same before and after: open descriptors and children."""

import os
from pathlib import Path
from typing import Final

import psutil

MAX_FDS: Final = 4_096  # that are looked at where the system has no list of them


def open_fds() -> dict[int, str]:
    """Return this process's open descriptors and what they lead to.

    Trio's own (epoll, wake-up pairs of runs that are over) come and go with a run, so compare
    outside of one, or twice inside the same one. Idle worker threads hold none.
    """
    listed = Path("/proc/self/fd")
    if not listed.is_dir():
        return _asked_fds()
    found = {}
    for entry in listed.iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:  # the directory's own descriptor
            continue
    return found


def _asked_fds() -> dict[int, str]:
    """The same without a list: each number is tried, and what it leads to has no name."""
    found = {}
    for number in range(MAX_FDS):
        try:
            facts = os.fstat(number)
        except OSError:
            continue
        found[number] = f"{facts.st_mode:o} {facts.st_dev}:{facts.st_ino}"
    return found


def children_of(pid: int | None = None) -> set[int]:
    """Return all descendants of a process (of this one by default), zombies included."""
    root = psutil.Process(os.getpid() if pid is None else pid)
    return {process.pid for process in root.children(recursive=True)}
