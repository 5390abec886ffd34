"""What is open, in order: store, recovery, engine, housekeeping, sessions."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
import trio

from aimux.config import ClientContext, Loader, load, state_dir, state_path
from aimux.engine import Client, Engine, new_id, open_engine, recover, serve_housekeeping
from aimux.server import serve_session
from aimux.store import open_store
from aimux.tools import open_app
from aimux.transports import open_stdio

from ._logging import set_up_logging
from ._signals import serve_signals

log = structlog.get_logger("aimux.daemon")


def own_context() -> ClientContext:
    """This process's own directory and environment."""
    try:
        cwd = Path.cwd()
    except OSError:  # deleted under us
        cwd = Path("/")
    return ClientContext(cwd=cwd, env=dict(os.environ))


@asynccontextmanager
async def open_own_engine(context: ClientContext, *, strict: bool = False) -> AsyncIterator[Engine]:
    """The engine over the store of this environment's state directory, recovered and kept tidy.

    Raises:
        StoreUnavailable: another server owns the store, or it cannot be opened.
    """
    snapshot = await trio.to_thread.run_sync(load, context)
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


async def serve_stdio() -> None:
    """Serve one client on the standard streams in this process, until end of input or a signal.

    End of input and SIGINT or SIGTERM mean the same: flush, stop the children, leave.
    """
    context = own_context()
    set_up_logging(context)
    client = Client(key=f"stdio-{os.getpid()}", context=context, transport="stdio")
    stop = trio.Event()
    async with (
        open_stdio() as wire,
        open_app(partial(open_own_engine, context)) as app,
        trio.open_nursery() as serving,
    ):
        serving.start_soon(serve_signals, stop)

        async def serve() -> None:
            await serve_session(wire, app, client)
            stop.set()

        serving.start_soon(serve)
        await stop.wait()
        serving.cancel_scope.cancel(reason="end of input or a signal")
