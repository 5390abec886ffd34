"""What is open, in order: log, store, recovery, engine, housekeeping."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from aimux._structlog import structlog
from aimux.config import (
    Change,
    ClientContext,
    serve_changes,
    shared_loader,
    state_dir,
    state_path,
)
from aimux.drivers import become_subreaper, serve_orphans
from aimux.engine import Engine, new_id, open_engine, recover, serve_housekeeping
from aimux.errors import AimuxError
from aimux.store import open_store

from ._logging import set_up_logging

log = structlog.get_logger("aimux.daemon")


@asynccontextmanager
async def open_own_engine(
    cwd: Path, env: Mapping[str, str], *, strict: bool = False, is_lasting: bool = False
) -> AsyncIterator[Engine]:
    """The engine over the store of this environment's state directory, recovered and kept tidy.

    A lasting one follows its configuration files: changed limits hold from then on.

    Raises:
        StoreUnavailable: another server owns the store, or it cannot be opened.
    """
    context = ClientContext(cwd=cwd, env=env)
    loader = shared_loader()
    snapshot = await trio.to_thread.run_sync(loader.load, context)
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
                loader=loader,
                owner=owner,
                strict=strict,
            ) as engine,
            trio.open_nursery() as background,
        ):
            background.start_soon(serve_housekeeping, engine)
            if is_lasting:
                background.start_soon(serve_changes, context, loader, partial(_apply, engine))
            try:
                yield engine
            finally:
                background.cancel_scope.cancel(reason="engine closes")


def _apply(engine: Engine, change: Change) -> None:
    if change.is_accepted:
        engine.apply(change.snapshot.settings)
        log.info("configuration changed")
    else:
        problems = [str(problem) for problem in change.snapshot.errors]
        log.warning("changed configuration refused", problems=problems)


@asynccontextmanager
async def open_orphanage() -> AsyncIterator[None]:
    """Adopt and reap descendants that lost their parent while the body runs, where that can be."""
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
