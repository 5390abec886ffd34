"""The stdio server in this process: one client, the same engine and store.

On the path to the first answer: the engine's modules are imported when the first call needs them.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from aimux.files.shipped import import_part
from aimux.server import serve_session
from aimux.tools import App, Client, open_app
from aimux.transports import open_stdio

from ._signals import serve_signals

if TYPE_CHECKING:  # see the top of the module
    from aimux.engine import Engine

POLITE_S: Final = 0.1  # from the polite signal to KILL: hosts kill half a second after theirs


def own_directory() -> Path:
    """Where this process stands; the root if that was deleted under it."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


async def serve_stdio() -> None:
    """Serve one client on the standard streams in this process, until end of input or a signal.

    End of input, SIGINT and SIGTERM mean the same, and so does cancelling it: flush, stop the
    children, leave.
    """
    client = Client(
        key=f"stdio-{os.getpid()}", cwd=own_directory(), env=dict(os.environ), transport="stdio"
    )

    @asynccontextmanager
    async def make_engine() -> "AsyncIterator[Engine]":
        run = await trio.to_thread.run_sync(import_part, "aimux.daemon._run")
        async with run.open_own_engine(client.cwd, client.env) as engine:
            yield engine

    stop = trio.Event()
    async with (
        open_stdio() as wire,
        open_app(make_engine) as app,
        trio.open_nursery() as serving,
    ):
        serving.start_soon(serve_signals, stop)

        async def serve() -> None:
            await serve_session(wire, app, client)
            stop.set()

        serving.start_soon(serve)
        await stop.wait()
        await _end_jobs(app)
        serving.cancel_scope.cancel(reason="end of input or a signal")


async def _end_jobs(app: App) -> None:
    """End every job sooner than its CLI's own grace would."""
    if app.engine is None:
        return
    supervisor = app.engine.supervisor
    for handle in supervisor.open_handles():
        handle.stop_children(grace_s=POLITE_S)
        handle.cancel("the client is gone")
    with trio.move_on_after(POLITE_S):
        await supervisor.wait_empty()
    for handle in supervisor.open_handles():
        handle.stop_children(grace_s=0)  # one that was stopped before has a grace of its own
