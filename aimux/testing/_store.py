"""A store for tests that own the clock."""

import sqlite3
from collections.abc import Callable
from typing import NoReturn, TypeVar

from aimux.store import Store, inline_writer

T = TypeVar("T")


class FakeStore(Store):
    """The real store over a database in memory, without a thread, a file or anything to close.

    Every method is one checkpoint and then done, so it goes with `autojump_clock`. While `is_full`
    is set every write fails as it does on a full disk.
    """

    def __init__(self) -> None:
        super().__init__(inline_writer(), path=None, readers=None)
        self.is_full = False

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.is_full:
            return await super()._write(_refuse)
        return await super()._write(work)


def _refuse(_: sqlite3.Connection) -> NoReturn:
    msg = "database or disk is full"
    raise sqlite3.OperationalError(msg)
