"""What is open, in order: log, store, recovery, engine, housekeeping."""

import linecache
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from aimux.config import ClientContext, shared_loader, state_dir
from aimux.engine import (
    Engine,
    new_id,
    open_engine,
    open_orphanage as open_orphanage,
    recover,
    serve_housekeeping,
)
from aimux.store import open_store

from ._logging import set_up_logging
from ._state_files import find_state_files

RELOAD_WITH_JOBS_S: Final = 5.0

log = logging.getLogger("aimux.daemon")


@asynccontextmanager
async def open_own_engine(
    cwd: Path, env: Mapping[str, str], *, strict: bool = False
) -> AsyncIterator[Engine]:
    """The engine over the store of this environment's state directory, recovered and kept tidy.

    It follows its configuration files: changed limits hold from then on. Cancelled at any moment,
    jobs are ended and stored first, then the store is closed.

    Raises:
        StoreUnavailable: another server owns the store, or it cannot be opened.
    """
    linecache.clearcache()  # attrs leaves the source of every method it makes there: 0.9 MB
    context = ClientContext(cwd=cwd, env=env)
    loader = shared_loader()
    snapshot = await trio.to_thread.run_sync(loader.load, context)
    files = await trio.to_thread.run_sync(find_state_files, snapshot.settings.server, context.env)
    await trio.to_thread.run_sync(set_up_logging, files.log, snapshot.settings.server)
    if files.foreign:
        left = [str(each) for each in files.foreign]
        log.warning("files of another program left alone", extra={"left_alone": left})
    settings = snapshot.settings
    owner = new_id("own")
    address = state_dir(context.env)
    async with open_store(files.store, owner=owner) as store:
        aborted = await recover(store, owner, address)
        async with (
            open_engine(
                settings=settings,
                store=store,
                state_dir=address,
                loader=loader,
                own=context,
                owner=owner,
                strict=strict,
            ) as engine,
            trio.open_nursery() as background,
        ):
            await engine.go_on()
            background.start_soon(engine.tracer.jobs_aborted, aborted)
            background.start_soon(serve_housekeeping, engine)
            background.start_soon(_serve_reloads, engine)
            try:
                yield engine
            finally:
                background.cancel_scope.cancel(reason="engine closes")


async def _serve_reloads(engine: Engine) -> None:
    """Reload changed files while jobs are open, until cancelled.

    Calls do so by themselves. But who waits for a slot may not call, and a higher limit is to help
    them too; a file that is saved tells nobody, so there is nothing to wait for but time.
    """
    while True:
        if not engine.supervisor.open_handles():
            await engine.supervisor.wait_change()
            continue
        await trio.sleep(RELOAD_WITH_JOBS_S)
        await engine.own.reload()
