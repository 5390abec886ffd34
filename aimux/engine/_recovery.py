"""After a crash: jobs of a dead owner become aborted, children that outlived it are ended."""

import logging

from aimux.drivers import end_survivors
from aimux.store import Store
from aimux.times import utc_now

log = logging.getLogger("aimux.recovery")


async def recover(store: Store, owner: str) -> int:
    """Abort what another owner left running, end its children, and return how many jobs it was.

    Children are found by recorded pid and start time, so a reused pid is left alone. Cancelled
    after the jobs were marked, it may leave such children alive.
    """
    orphans = await store.abort_orphans(owner, utc_now())
    children = [child for orphan in orphans for child in orphan.children]
    if children:
        ended = await end_survivors(children)
        log.warning("ended children of a server that died", extra={"children": ended})
    if orphans:
        log.warning("jobs aborted by the death of their server", extra={"jobs": len(orphans)})
    return len(orphans)
