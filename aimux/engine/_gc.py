"""Housekeeping: what is older than its time is removed, at a steady pace."""

import logging

import trio

from aimux.errors import StoreUnavailable

from ._engine import Engine

log = logging.getLogger("aimux.gc")


async def serve_housekeeping(engine: Engine) -> None:
    """Remove finished jobs and sessions past `session_ttl_hours`, every `gc_interval_seconds`.

    What servers that were killed have left goes at once too. It runs until it is cancelled; what
    was removed by then stays removed.
    """
    await engine.clear_leftovers()
    while True:
        await trio.sleep(engine.settings.server.gc_interval_seconds)
        await engine.reload()
        try:
            found = await engine.collect(engine.settings.server.session_ttl_hours, dry_run=False)
        except StoreUnavailable as error:
            log.warning("housekeeping postponed", extra={"error": error.message})
            continue
        if any(found.values()):
            log.info("housekeeping", extra=dict(found))
