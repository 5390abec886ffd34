"""Descendants of CLIs that lost their parent come to us, so that they are reaped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from aimux.drivers import become_subreaper, serve_orphans
from aimux.errors import AimuxError


@asynccontextmanager
async def open_orphanage() -> AsyncIterator[None]:
    """Adopt and reap descendants that lost their parent while the body runs, where that can be.

    When the body ends, cancelled or not, the reaping stops.
    """
    fault: AimuxError | None = None
    async with trio.open_nursery() as nursery:
        if become_subreaper():
            await nursery.start(serve_orphans)
        try:
            yield
        except AimuxError as error:
            fault = error  # raised here it would come as a group, which no caller expects
        finally:
            nursery.cancel_scope.cancel(reason="stopped")
    if fault is not None:
        raise fault
