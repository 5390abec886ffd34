"""A job's log from its first entry to its last, which a store gives page by page."""

from typing import Final

from aimux.engine import Engine
from aimux.model import Entry, Job

PAGE: Final = 1_000  # entries that a store gives at once


async def whole_log(engine: Engine, job: Job) -> list[Entry]:
    """All entries of a job's log. Cancelling it changes nothing: it only reads."""
    found: list[Entry] = list(await engine.jobs.entries(job.id, 0))
    while found and len(found) % PAGE == 0 and found[-1].seq < job.last_seq:
        more = await engine.jobs.entries(job.id, found[-1].seq)
        if not more:
            break
        found += more
    return found
