"""What must be the same before and after: open descriptors and children."""

import os
from pathlib import Path

import psutil


def open_fds() -> dict[int, str]:
    """Return this process's open descriptors and what they lead to.

    Trio's own (epoll, wake-up pairs of runs that are over) come and go with a run, so compare
    outside of one, or twice inside the same one. Idle worker threads hold none.
    """
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:  # the directory's own descriptor
            continue
    return found


def children_of(pid: int | None = None) -> set[int]:
    """Return all descendants of a process (of this one by default), zombies included."""
    root = psutil.Process(os.getpid() if pid is None else pid)
    return {process.pid for process in root.children(recursive=True)}
