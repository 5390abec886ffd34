"""Whether a child is at work: processor time of it and its descendants, and who lives."""

import os

import attrs

from ._processes import ZOMBIE, descendants, inspect, scanned


@attrs.frozen(kw_only=True)
class Activity:
    """What a child and its descendants were about at one moment."""

    cpu_s: float = 0.0  # of all of them together, so far
    helpers: int = 0  # descendants that live


async def activity(pid: int) -> Activity:
    """What the child of that number is about; nothing of one that is not there.

    Reads the process table in a thread. Cancelling it only ends the waiting.
    """
    if inspect(pid) is None:
        return Activity()
    living = [proc for proc in descendants(await scanned(), [pid]) if proc.state != ZOMBIE]
    pids = [pid, *(proc.pid for proc in living)]
    return Activity(cpu_s=sum(map(_cpu_s, pids)), helpers=len(living))


def _cpu_s(pid: int) -> float:
    """Processor time of one process, 0 where the system does not tell without a library."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  pathlib doubles the price
            line = file.read(1024)
    except OSError:
        return 0.0
    words = line[line.rindex(b")") + 2 :].split(None, 14)
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
