"""The one writer of a database: group commit without a task of its own.

Whoever finds the writer idle leads: it carries everything that is waiting into a thread, where it
becomes one transaction, each work in a savepoint of its own. What arrives while that transaction
commits waits for the next one, led by the first in line. So a lone caller pays one commit, sixty
callers at once pay two, and there is nothing to start, supervise or stop.

A work is a plain function of the connection. It may be run twice (a transaction that SQLite rolled
back as a whole is repeated work by work), so it changes nothing but the database.
"""

import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import attrs
import trio

from aimux.errors import StoreUnavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Sound = Callable[[sqlite3.Connection], sqlite3.Connection]

MAX_BATCH: Final = 512  # works in one transaction: bounds how long the first of them waits


@attrs.frozen(kw_only=True)
class WriterStatistics:
    """What the writer has done so far; `biggest_batch` is the most works in one commit."""

    waiting: int
    works: int
    commits: int
    biggest_batch: int
    errors: int


@attrs.define(eq=False)
class _Request(Generic[T]):
    work: Work[T]
    woken: trio.Event = attrs.field(factory=trio.Event)
    is_done: bool = False
    value: T | None = None
    fault: Exception | None = None

    def give(self) -> T:
        if self.fault is not None:
            raise self.fault
        return self.value  # type: ignore[return-value]  # set with is_done, and may well be None


class Runs(Protocol):
    """What the store needs of a writer. What a work raises, `run` raises."""

    async def run(self, work: Work[T]) -> T:
        """Commit `work` and return what it returned.

        Cancelled on entry it does nothing; later it finishes first.
        """

    async def aclose(self) -> None:
        """Close the connection.

        Cancelling it leaves nothing half written.
        """

    def statistics(self) -> WriterStatistics:
        """What was done so far."""


def as_it_is(connection: sqlite3.Connection) -> sqlite3.Connection:
    """For a database that nobody can take away."""
    return connection


class Batches:
    """Carries batches of works into one connection and counts them. Not for two threads at once.

    `sound` gives the connection to be used now, or raises what every work of the batch gets.
    """

    def __init__(self, connection: sqlite3.Connection, sound: Sound = as_it_is) -> None:
        self.connection = connection
        self._sound = sound
        self.works = self.commits = self.biggest = self.errors = 0

    def carry(self, batch: Sequence[_Request[object]]) -> None:
        """Commit all of `batch` that can be; each request then holds its value or its fault."""
        self.biggest = max(self.biggest, len(batch))
        try:
            self.connection = self._sound(self.connection)
        except StoreUnavailable as fault:
            for request in batch:
                request.fault = fault
        else:
            if not self._commit(batch) and len(batch) > 1:
                for request in batch:  # one by one, so that each fails for its own reason only
                    self._commit([request])
        for request in batch:
            request.is_done = True
            self.works += 1
            self.errors += request.fault is not None

    def _commit(self, batch: Sequence[_Request[object]]) -> bool:
        """One transaction; False if SQLite took all of it back."""
        connection = self.connection
        has_begun = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            has_begun = True
            for request in batch:
                self._attempt(request)
            connection.execute("COMMIT")
        except sqlite3.Error as fault:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for request in batch:
                request.fault = request.fault or fault
            return not has_begun  # where nothing can begin, one by one it would only take longer
        self.commits += 1
        return True

    def _attempt(self, request: _Request[object]) -> None:
        connection = self.connection
        request.fault = None
        connection.execute("SAVEPOINT work")
        try:
            request.value = request.work(connection)
        except Exception as fault:  # the caller's own: it is raised where it waits
            request.fault = fault
            if not connection.in_transaction:  # a full disk takes back the whole transaction
                msg = "transaction taken back"
                raise sqlite3.OperationalError(msg) from fault
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")

    def statistics(self, waiting: int) -> WriterStatistics:
        """What was done so far, while `waiting` works stand in line."""
        return WriterStatistics(
            waiting=waiting,
            works=self.works,
            commits=self.commits,
            biggest_batch=self.biggest,
            errors=self.errors,
        )


class Writer:
    """One connection, one thread at a time, one transaction for all who wait."""

    def __init__(self, connection: sqlite3.Connection, sound: Sound = as_it_is) -> None:
        self._batches = Batches(connection, sound)
        self._limiter = trio.CapacityLimiter(1)
        self._queue: deque[_Request[object]] = deque()  # one per waiting task, so bounded by them
        self._is_led = False
        self._is_closed = False

    async def run(self, work: Work[T]) -> T:
        """Commit `work` and return what it returned.

        Cancelled on entry it does nothing; later the wait outlasts the cancellation, so the answer
        always tells what is on disk.

        Raises:
            sqlite3.Error: the database could not be written; nothing of `work` is in it.
            StoreUnavailable: the writer is closed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # standing in line always lets others run
        if self._is_closed:
            msg = "the store is closed"
            raise StoreUnavailable(msg, code="store_closed")
        return await self._stand_in_line(_Request(work))

    async def _stand_in_line(self, own: _Request[T]) -> T:
        self._queue.append(own)  # type: ignore[arg-type]  # only the caller reads the value
        with trio.CancelScope(shield=True):  # as any thread is waited for; busy_timeout bounds it
            if self._is_led:
                await own.woken.wait()
            if not own.is_done:
                await self._lead(own)
        return own.give()

    async def _lead(self, own: _Request[T]) -> None:
        """Carry what waits into a thread, our own request first in line; then pass the lead on."""
        self._is_led = True
        try:
            for request in await trio.to_thread.run_sync(self._carry, limiter=self._limiter):
                request.woken.set()
        finally:
            if not own.is_done:  # no thread could be had
                self._queue.remove(own)  # type: ignore[arg-type]  # as in line
            self._is_led = bool(self._queue)
            if self._queue:
                self._queue[0].woken.set()

    def _carry(self) -> list[_Request[object]]:
        batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
        self._batches.carry(batch)
        return batch

    async def aclose(self) -> None:
        """Let what waits be committed, then close the connection. Bounded by `busy_timeout`.

        It closes whether it is cancelled or not.
        """
        self._is_closed = True
        with trio.CancelScope(shield=True):  # as in line
            # the last: nobody comes after. Who could not write has been told so
            with contextlib.suppress(sqlite3.Error, StoreUnavailable):
                await self._stand_in_line(_Request(lambda _: None))
            await trio.to_thread.run_sync(self._batches.connection.close, limiter=self._limiter)

    def statistics(self) -> WriterStatistics:
        """What was done so far."""
        return self._batches.statistics(len(self._queue))


class InlineWriter:
    """The same promises on the loop itself: for a database in memory and a test's own clock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._batches = Batches(connection)

    async def run(self, work: Work[T]) -> T:
        """Commit `work` and return what it returned. Always one checkpoint.

        Cancelled, it has done nothing.
        """
        await trio.lowlevel.checkpoint()
        request: _Request[T] = _Request(work)
        self._batches.carry([request])  # type: ignore[list-item]  # only the caller reads the value
        return request.give()

    async def aclose(self) -> None:
        """Close the connection.

        Cancelled, it has not closed.
        """
        await trio.lowlevel.checkpoint()
        self._batches.connection.close()

    def statistics(self) -> WriterStatistics:
        """What was done so far."""
        return self._batches.statistics(0)
