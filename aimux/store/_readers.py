"""Connections that only read, a few at a time, in threads."""

import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import trio

from aimux.errors import StoreUnavailable

from ._files import connect_reader

T = TypeVar("T")

READERS: Final = 4  # connections, and threads that read at once


class Readers:
    """A handful of reading connections, opened when they are first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = trio.CapacityLimiter(READERS)
        self._idle: deque[sqlite3.Connection] = deque()
        self._files = 0  # the file of that name was another one so many times
        self._is_closed = False

    async def run(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """What `ask` returns, from one consistent state of the database.

        Cancelled on entry it does nothing; later the wait outlasts the cancellation.

        Raises:
            sqlite3.Error: the database could not be read.
            StoreUnavailable: the store is closed.
        """
        if self._is_closed:
            msg = "the store is closed"
            raise StoreUnavailable(msg, code="store_closed")
        return await trio.to_thread.run_sync(self._ask, ask, limiter=self._limiter)

    def renew(self) -> None:
        """The file of this name is another one now: read that. From any thread."""
        self._files += 1
        self._close()

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        files = self._files
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect_reader(self._path)
        is_sound = False
        try:
            connection.execute("BEGIN")
            try:
                answer = ask(connection)
            finally:
                connection.execute("COMMIT")
            is_sound = True
        finally:
            if is_sound and files == self._files:
                self._idle.append(connection)
            else:  # whatever it was: a new one is cheap, and a broken one would be met again
                connection.close()
        return answer

    async def aclose(self) -> None:
        """Wait for the reads under way, then close.

        It closes whether it is cancelled or not.
        """
        self._is_closed = True
        with trio.CancelScope(shield=True):  # reads are short: pages, one row, one log
            for _ in range(READERS):
                await self._limiter.acquire_on_behalf_of(object())
            await trio.to_thread.run_sync(self._close)

    def _close(self) -> None:
        with contextlib.suppress(IndexError):  # a reader may take the last one
            while True:
                self._idle.pop().close()
