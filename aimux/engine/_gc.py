"""Housekeeping: what is older than its time is removed, at a steady pace."""

import datetime
import logging
from collections.abc import Mapping

import trio

from aimux.errors import StoreUnavailable
from aimux.times import utc_now

from ._engine import Engine
from ._recovery import clear_leftovers

log = logging.getLogger("aimux.gc")


async def serve_housekeeping(engine: Engine) -> None:
    """Remove finished jobs and sessions past `session_ttl_hours`, every `gc_interval_seconds`.

    What servers that were killed have left goes at once too. It runs until it is cancelled; what
    was removed by then stays removed.
    """
    await clear_leftovers(engine.state_dir)
    while True:
        await trio.sleep(engine.own.settings.server.gc_interval_seconds)
        await engine.own.reload()
        try:
            found = await collect(
                engine, engine.own.settings.server.session_ttl_hours, dry_run=False
            )
        except StoreUnavailable as error:
            log.warning("housekeeping postponed", extra={"error": error.message})
            continue
        if any(found.values()):
            log.info("housekeeping", extra=dict(found))


async def collect(engine: Engine, older_than_h: float, *, dry_run: bool) -> Mapping[str, int]:
    """Remove jobs and sessions that ended longer ago than that, and return how many of each.

    Sessions of thinking that were not used since go too, and temporary files
    of servers that have died.

    Cancelling it leaves what was removed.
    """
    left = 0 if dry_run else await clear_leftovers(engine.state_dir)
    before = utc_now() - datetime.timedelta(hours=older_than_h)
    jobs = sessions = thoughts = 0
    while True:
        found = await engine.store.collect(before, dry_run=dry_run)
        jobs += len(found.job_ids)
        sessions += len(found.session_ids)
        thoughts += found.thoughts
        if not dry_run:
            engine.jobs.drop(found.job_ids)
        if dry_run or not found.has_more:
            return {
                "jobs": jobs,
                "sessions": sessions,
                "thoughts": thoughts,
                "leftovers": left,
            }
