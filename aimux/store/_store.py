"""The store: jobs, their logs and sessions in one SQLite file, raw output in files beside it.

One owner at a time, held by a lock the system drops at any death. One writer, which commits what
waits together (`_writer`); readers have connections of their own and see what is committed.
Whatever a method of this class wrote is committed when it returns, so a killed process loses
nothing that anybody was told of. A power cut may lose the last commits.
"""

import contextlib
import datetime
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import attrs
import trio

from aimux.errors import StoreUnavailable
from aimux.model import (
    Entry,
    Job,
    JobId,
    Session,
    ShapeMismatch,
    ThoughtId,
)

from . import _jobs, _orphans, _sweep, _thoughts
from ._faults import translated
from ._files import connect, connect_memory
from ._investigations import Investigations
from ._migrations import migrate
from ._orphans import Orphan
from ._readers import Readers
from ._reading import StoreReader, spools_of
from ._research import ResearchRows
from ._spool import Spool
from ._store_file import StoreFile
from ._sweep import Collected
from ._writer import InlineWriter, Runs, Writer

T = TypeVar("T")

SWEEP: Final = 1_000  # jobs deleted in one transaction: the writer is not held for long
COUNTED: Final = 10_000_000  # jobs told by a dry run: all of them
_OUTAGES: Final = frozenset({"store_full", "store_unwritable", "store_unavailable"})


@attrs.frozen(kw_only=True)
class StoreStatistics:
    """What the store has done since it was opened. `lost_entries` never reached the disk."""

    path: str
    waiting: int
    works: int
    commits: int
    biggest_batch: int
    errors: int
    lost_entries: int
    is_failing: bool


class Store(StoreReader):
    """Jobs, logs and sessions: what `StoreReader` reads, and everything that writes.

    `open_store` makes it. Every method raises StoreUnavailable when the database cannot be used;
    then nothing of what it was to write is there. Cancelled on entry a method does nothing; later
    it finishes first.
    """

    def __init__(
        self,
        writer: Runs,
        *,
        path: Path | None,
        readers: Readers | None,
        file: StoreFile | None = None,
    ) -> None:
        super().__init__(writer, path=path, readers=readers, file=file)
        self.investigations = Investigations(self._read, self._write)
        self.research = ResearchRows(self._write)
        self._lost_entries = 0
        self._is_failing = False

    # ---------------------------------------------------------------------------------- writing

    async def create(
        self, job: Job, session: Session | None = None, entries: Sequence[Entry] = ()
    ) -> None:
        """Keep a new job, its session and the beginning of its log, all or nothing.

        Without `session` the one that the job names must be there (none if it names none).

        Raises:
            NotFound: no session of that id.
            ValueError: the job exists already.
        """
        await self._write(lambda connection: _jobs.create(connection, job, session, entries))

    async def append(self, job_id: JobId, entries: Sequence[Entry]) -> bool:
        """Keep more of a job's log; its state follows `job_started`. True if it is on disk.

        While the disk is full or away, only the first append raises; the others return False, so
        that a long outage is reported once. Nothing is lost by it: it may be repeated.

        Raises:
            NotFound: no such job.
            ValueError: `entries` hold a `job_finished`, which is for `finish`.
        """
        try:
            await self._write(lambda connection: _jobs.append(connection, job_id, entries))
        except StoreUnavailable as fault:
            if fault.code not in _OUTAGES:
                raise
            was_failing, self._is_failing = self._is_failing, True
            if not was_failing:
                raise
            return False
        return True

    def count_lost(self, entries: int) -> None:
        """Say that so many entries of logs will never be stored."""
        self._lost_entries += entries

    async def finish(
        self, job: Job, session: Session | None = None, entries: Sequence[Entry] = ()
    ) -> Job:
        """Keep the end of a job and return its row as it is now.

        The first end wins: a later one changes nothing, neither session nor log.

        Raises:
            NotFound: no such job.
            ValueError: the job's state is not terminal.
        """
        return await self._write(lambda connection: _jobs.finish(connection, job, session, entries))

    async def change_thought(self, thought_id: ThoughtId | None, step: _thoughts.Step[T]) -> T:
        """Take a session of thinking one step on, in one transaction; what the step came to.

        `step` is given the session, None for a new one, and returns it as it is to be kept (None:
        as it was) beside its own value. It may be run twice, so it only computes.

        Raises:
            NotFound: there is none of that id (`session_not_found`).
        """
        return await self._write(lambda connection: _thoughts.change(connection, thought_id, step))

    async def forget_thought(self, thought_id: ThoughtId) -> None:
        """Delete a session of thinking.

        Raises:
            NotFound: there is none of that id (`session_not_found`).
        """
        await self._write(lambda connection: _thoughts.forget(connection, thought_id))

    async def abort_orphans(self, owner: str, at: datetime.datetime) -> list[Orphan]:
        """End every queued or running job of another owner than `owner` as aborted, once.

        Each of its turns without an end gets one with what it had said so far, and the job its
        `job_finished`; its session follows if it was the last one there. Those that a vendor works
        for are left to `research.take_over`. The caller ends the
        `children` that are still alive.
        """
        return await self._write(lambda connection: _orphans.abort(connection, owner, at))

    async def collect(
        self, older_than: datetime.datetime, *, dry_run: bool = False, limit: int = SWEEP
    ) -> Collected:
        """Delete jobs that ended before `older_than`, with their logs and their raw output.

        Sessions without jobs that were not active since go too. With `dry_run` nothing is deleted;
        the result says what would be, past the limit too.
        """
        wanted = COUNTED if dry_run else max(1, limit)
        found = await self._write(
            lambda connection: _sweep.collect(
                connection, older_than, is_dry_run=dry_run, limit=wanted
            )
        )
        spools = await trio.to_thread.run_sync(self._drop_spools, found.job_ids, dry_run)
        return attrs.evolve(found, spools=spools)

    # ------------------------------------------------------------------------------- raw output

    def spool(self, job_id: str, turn: int, attempt: int = 1) -> Spool:
        """The file that takes one attempt's raw output; the caller closes it.

        A store in memory keeps only the tail of it.
        """
        return Spool(self._spool_base(job_id, turn, attempt))

    def _drop_spools(self, job_ids: Sequence[JobId], is_dry_run: bool) -> list[str]:
        if self._path is None:
            return []
        found = [spools_of(self._path) / job_id for job_id in job_ids]
        there = [each for each in found if each.is_dir()]
        if not is_dry_run:
            for each in there:
                shutil.rmtree(each, ignore_errors=True)
        return [str(each) for each in there]

    # ---------------------------------------------------------------------------------- watching

    def statistics(self) -> StoreStatistics:
        """Counters since the store was opened."""
        writer = self._writer.statistics()
        return StoreStatistics(
            path=":memory:" if self._path is None else str(self._path),
            waiting=writer.waiting,
            works=writer.works,
            commits=writer.commits,
            biggest_batch=writer.biggest_batch,
            errors=writer.errors,
            lost_entries=self._lost_entries,
            is_failing=self._is_failing,
        )

    @property
    def restored(self) -> int:
        """How many times the file was gone and was written again."""
        return 0 if self._file is None else self._file.restored

    def __repr__(self) -> str:
        seen = self.statistics()
        name = ":memory:" if self._path is None else self._path.name
        lost = f", {seen.lost_entries} entries lost" if seen.lost_entries else ""
        return (
            f"<Store {name}: {seen.waiting} waiting, {seen.works} works in {seen.commits} commits,"
            f" biggest {seen.biggest_batch}, {seen.errors} errors{lost}>"
        )

    # ---------------------------------------------------------------------------------- the ways

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            made = await self._writer.run(work)
        except (sqlite3.Error, ShapeMismatch) as fault:
            raise translated(fault, self._path) from fault
        self._is_failing = False
        return made


@contextlib.asynccontextmanager
async def open_store(path: Path | None, *, owner: str) -> AsyncIterator[Store]:
    """The store in the file `path`, made or brought up to date; None keeps everything in memory.

    While it is open nobody else can open it. `owner` names this process in rows and to whoever is
    refused. Closing waits for what was begun, cancelled or not.

    Raises:
        StoreUnavailable: owned by another process (`store_locked`, with its pid), not writable, not
            a database, from a later version; the hint says what to do.
    """
    if path is None:
        writer = Writer(await trio.to_thread.run_sync(_opened, None))
        try:
            yield Store(writer, path=None, readers=None)
        finally:
            await writer.aclose()
        return
    readers = Readers(path)
    with StoreFile(path, owner, _opened, readers.renew) as file:
        writer = Writer(await trio.to_thread.run_sync(file.open), file.sound)
        try:
            yield Store(writer, path=path, readers=readers, file=file)
        finally:
            await readers.aclose()
            await writer.aclose()


def inline_writer() -> InlineWriter:
    """A writer of a fresh database in memory that works on the loop itself, without a thread.

    It is for tests that run on a clock of their own.
    """
    return InlineWriter(_opened(None))


def _opened(path: Path | None) -> sqlite3.Connection:
    connection = connect_memory() if path is None else connect(path)
    try:
        migrate(connection, path)
    except sqlite3.Error as fault:
        connection.close()
        raise translated(fault, path) from fault
    except StoreUnavailable:
        connection.close()
        raise
    return connection
