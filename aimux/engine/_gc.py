"""Housekeeping: what is older than its time is removed, at a steady pace."""

import trio

from aimux._structlog import structlog
from aimux.errors import StoreUnavailable

from ._engine import Engine

log = structlog.get_logger("aimux.gc")


async def serve_housekeeping(engine: Engine) -> None:
    """Remove finished jobs and sessions past `session_ttl_hours`, every `gc_interval_seconds`."""
    server = engine.settings.server
    while True:
        await trio.sleep(server.gc_interval_seconds)
        try:
            found = await engine.collect(server.session_ttl_hours, dry_run=False)
        except StoreUnavailable as error:
            log.warning("housekeeping postponed", error=error.message)
            continue
        if any(found.values()):
            log.info("housekeeping", **found)
