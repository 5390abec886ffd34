"""After its end-of-turn record a child goes by itself; one that still works is left to it.

Some CLIs say that a turn is over while sub-agents of theirs go on, and then say it again. So the
record does not stop the child. It is stopped once it has shown no sign of work for `leave_s`:
nothing printed, no processor time used, no live helper; and `WORK_MAX_S` after the record at the
latest. Nothing tells of a process's work but its figures, so they are read once a second.
"""

from collections.abc import Callable
from typing import Final

import trio

from aimux.drivers import Child, activity

WORK_MAX_S: Final = 60.0  # of work after the first record
READ_EVERY_S: Final = 1.0
FIRST_READ_S: Final = 0.25  # most have left by then, and cost nothing
BUSY: Final = 0.05  # of a processor: an event loop that idles uses less


async def see_out(
    child: Child, leave_s: float, last_byte: Callable[[], float], deadline: float
) -> None:
    """Have a child stopped that has said its last record, once it no longer works.

    `last_byte` tells when it printed last and `deadline` is the attempt's, both on the loop's
    clock. Cancelling it leaves the child as it is: it is gone, or somebody else stops it.
    """
    worked_at = over_at = trio.current_time()
    limit = min(over_at + max(WORK_MAX_S, leave_s), deadline)
    await trio.sleep_until(min(over_at + min(FIRST_READ_S, leave_s), limit))
    before, read_at = await activity(child.pid), trio.current_time()
    while True:
        now = trio.current_time()
        if now >= limit or now - worked_at >= leave_s:
            break
        await trio.sleep_until(min(worked_at + leave_s, now + READ_EVERY_S, limit))
        seen, now = await activity(child.pid), trio.current_time()
        is_busy = seen.cpu_s - before.cpu_s > BUSY * (now - read_at)
        worked_at = now if is_busy or seen.helpers else max(worked_at, last_byte())
        before, read_at = seen, now
    child.finish(0)
