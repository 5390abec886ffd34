"""What is open, in order: log, store, recovery, engine, housekeeping."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from aimux.config import ClientContext, Loader, load, state_dir, state_path
from aimux.drivers import become_subreaper, serve_orphans
from aimux.engine import Engine, new_id, open_engine, recover, serve_housekeeping
from aimux.store import open_store

from ._logging import set_up_logging


@asynccontextmanager
async def open_own_engine(
    cwd: Path, env: Mapping[str, str], *, strict: bool = False
) -> AsyncIterator[Engine]:
    """The engine over the store of this environment's state directory, recovered and kept tidy.

    Raises:
        StoreUnavailable: another server owns the store, or it cannot be opened.
    """
    context = ClientContext(cwd=cwd, env=env)
    snapshot = await trio.to_thread.run_sync(load, context)
    await trio.to_thread.run_sync(set_up_logging, context, snapshot.settings.server)
    settings = snapshot.settings
    owner = new_id("own")
    place = state_dir(context.env)
    database = state_path(settings.server.db_path, context.env)
    async with open_store(database, owner=owner) as store:
        await recover(store, owner)
        async with (
            open_engine(
                settings=settings,
                store=store,
                state_dir=place,
                loader=Loader(),
                owner=owner,
                strict=strict,
            ) as engine,
            trio.open_nursery() as background,
        ):
            background.start_soon(serve_housekeeping, engine)
            try:
                yield engine
            finally:
                background.cancel_scope.cancel(reason="engine closes")


@asynccontextmanager
async def open_orphanage() -> AsyncIterator[None]:
    """Adopt and reap descendants that lost their parent while the body runs, where that can be."""
    async with trio.open_nursery() as nursery:
        if become_subreaper():
            await nursery.start(serve_orphans)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel(reason="stopped")
