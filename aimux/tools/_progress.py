"""Progress of a job to the caller that waits for it."""

from typing import Final

import trio

from aimux.engine import BEFORE_ENTRIES, JobHandle, heartbeat, line_at

from ._calls import Caller

MIN_GAP_S: Final = 0.2  # at most five lines a second


async def report_progress(handle: JobHandle, caller: Caller, heartbeat_s: float) -> None:
    """Tell what a job does, until cancelled.

    It tells the line of each event, the newest of a burst, and a heartbeat when nothing was said
    for `heartbeat_s`. It says nothing if nobody listens.
    """
    if not caller.wants_progress:
        await trio.sleep_forever()
    seen = 0
    while True:
        line: str | None = None
        entries = handle.log.entries.since(max(0, seen - BEFORE_ENTRIES))
        for at, entry in enumerate(entries):
            if entry.seq > seen:
                seen = entry.seq
                line = line_at(entries, at) or line
        if line is not None:
            caller.progress(line)
            await trio.sleep(MIN_GAP_S)
        with trio.move_on_after(heartbeat_s) as quiet:
            await handle.log.entries.wait_after(seen)
        if quiet.cancelled_caught:
            caller.progress(heartbeat(handle, trio.current_time()))
