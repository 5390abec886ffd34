"""The engine's own settings: what they are now, and when its files are looked at again."""

import logging
from collections.abc import Callable
from typing import Final

import trio

from aimux.config import ClientContext, Loader, Snapshot
from aimux.model import Settings

RELOAD_EVERY_S: Final = 1.0  # a reload is a `stat` per file; later calls see what was saved

log = logging.getLogger("aimux.engine")


class OwnSettings:
    """What `own` has configured; `follow` is told of every change."""

    def __init__(
        self,
        settings: Settings,
        loader: Loader,
        own: ClientContext,
        follow: Callable[[Settings], None],
    ) -> None:
        self.settings = settings
        self._loader = loader
        self._own = own
        self._follow = follow
        self._last_snapshot: Snapshot | None = None
        self._next_reload = trio.current_time() + RELOAD_EVERY_S

    def __repr__(self) -> str:
        return f"<OwnSettings: {self._loader!r}>"

    def apply(self, settings: Settings) -> None:
        """Take other limits from now on; what runs goes on."""
        self.settings = settings
        self._follow(settings)

    def is_reload_due(self) -> bool:
        """Whether our own files may say something else than `settings`: then `reload` first."""
        return trio.current_time() >= self._next_reload

    async def reload(self) -> None:
        """Go by what our own configuration says now, if that was not asked a moment ago.

        A change with errors is logged once and otherwise ignored. Cancelled or not, a reload that
        has begun reads to its end.
        """
        if not self.is_reload_due():
            await trio.lowlevel.checkpoint()
            return
        self._next_reload = trio.current_time() + RELOAD_EVERY_S
        snapshot = await trio.to_thread.run_sync(self._loader.load, self._own)
        if snapshot is self._last_snapshot:
            return
        self._last_snapshot = snapshot
        if snapshot.accepted is not None:
            problems = [str(each) for each in snapshot.errors]
            log.warning("changed configuration refused", extra={"problems": problems})
        if snapshot.settings != self.settings:
            self.apply(snapshot.settings)
            log.info("configuration changed")
