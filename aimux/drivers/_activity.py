"""Whether a child is at work: processor time of it and its descendants, and who lives."""

import attrs

from ._processes import ZOMBIE, cpu_s_of, descendants, inspect, scanned


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
    return Activity(cpu_s=sum(map(cpu_s_of, pids)), helpers=len(living))
