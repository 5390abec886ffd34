"""The half of the store that reads: jobs, logs, sessions, and what attempts printed."""

import datetime
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import attrs
import trio

from aimux.model import (
    Entry,
    Job,
    JobId,
    JobStatus,
    Session,
    SessionId,
    ShapeMismatch,
    Stream,
    ThoughtId,
    ThoughtSession,
    TurnResult,
    UsageRow,
)

from . import _jobs, _past, _sessions, _thoughts
from ._faults import translated
from ._jobs import JobPage
from ._overview import Overview
from ._readers import Readers
from ._sessions import SessionPage
from ._spool import Piece, read_file, spool_file
from ._store_file import StoreFile
from ._writer import Runs

T = TypeVar("T")

PAGE: Final = 50
ENTRIES: Final = 1_000


@attrs.frozen(kw_only=True)
class Tally:
    """How many rows there are in each state; a state without rows is absent."""

    jobs: Mapping[JobStatus, int]
    sessions: Mapping[JobStatus, int]


class StoreReader:
    """What a store can be asked.

    Every method raises StoreUnavailable when the database cannot be read. Cancelled on entry a
    method does nothing; later it finishes first.
    """

    def __init__(
        self,
        writer: Runs,
        *,
        path: Path | None,
        readers: Readers | None,
        file: StoreFile | None = None,
    ) -> None:
        self._writer = writer
        self._file = file
        self._path = path
        self._readers = readers
        self.overview = Overview(self._read)  # for whoever watches

    @property
    def path(self) -> Path | None:
        """The database file; None in memory."""
        return self._path

    async def job(self, job_id: JobId) -> Job:
        """One job.

        Raises:
            NotFound: there is none of that id (`job_not_found`).
        """
        return await self._read(lambda connection: _jobs.read(connection, job_id))

    async def session(self, session_id: SessionId) -> Session:
        """One session.

        Raises:
            NotFound: there is none of that id (`session_not_found`).
        """
        return await self._read(lambda connection: _sessions.read(connection, session_id))

    async def thought(self, thought_id: ThoughtId) -> ThoughtSession:
        """One session of thinking.

        Raises:
            NotFound: there is none of that id (`session_not_found`).
        """
        return await self._read(lambda connection: _thoughts.read(connection, thought_id))

    async def thoughts(
        self, *, limit: int = PAGE, cursor: str | None = None
    ) -> _thoughts.ThoughtPage:
        """A page of sessions of thinking, the most recently used first.

        Raises:
            InvalidArguments: `cursor` is not from a listing.
        """
        return await self._read(lambda connection: _thoughts.listing(connection, limit, cursor))

    async def entries(self, job_id: JobId, after_seq: int = 0, limit: int = ENTRIES) -> list[Entry]:
        """At most `limit` entries of a log after `after_seq`, in order.

        Numbers are missing where a full disk lost entries.

        Raises:
            NotFound: no such job.
        """
        return await self._read(
            lambda connection: _jobs.read_entries(connection, job_id, after_seq, max(1, limit))
        )

    async def entries_of_kinds(self, job_id: JobId, kinds: Sequence[str]) -> list[Entry]:
        """All entries of these kinds, in order: few of a log, however long it is.

        Raises:
            NotFound: no such job.
        """
        return await self._read(
            lambda connection: _jobs.read_entries_of_kinds(connection, job_id, kinds)
        )

    async def turn(self, job_id: JobId, turn: int) -> TurnResult | None:
        """What a turn of a job came to; None if the log has no end of it.

        Raises:
            NotFound: no such job.
        """
        return await self._read(lambda connection: _jobs.read_turn(connection, job_id, turn))

    async def jobs(
        self,
        *,
        session_id: SessionId | None = None,
        parent_id: JobId | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
        with_outcomes: bool = True,
    ) -> JobPage:
        """A page of jobs the newest first; an unknown session has none.

        With `with_outcomes=False` answers are not read, and `outcome` is None.

        Raises:
            InvalidArguments: `cursor` is not from a listing.
        """
        return await self._read(
            lambda connection: _jobs.listing(
                connection,
                session_id=session_id,
                parent_id=parent_id,
                limit=limit,
                cursor=cursor,
                with_outcomes=with_outcomes,
            )
        )

    async def sessions(
        self,
        *,
        statuses: Sequence[JobStatus] | None = None,
        cli: str | None = None,
        kind: str | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> SessionPage:
        """A page of sessions, the most recently active first.

        Raises:
            InvalidArguments: `cursor` is not from a listing.
        """
        return await self._read(
            lambda connection: _sessions.listing(
                connection, statuses=statuses, cli=cli, kind=kind, limit=limit, cursor=cursor
            )
        )

    async def usage(self, since: datetime.datetime, stretch_s: int) -> list[UsageRow]:
        """What turns of kept jobs made since then used, by stretch of time, CLI, model and role."""
        return await self._read(lambda connection: _past.usage(connection, since, stretch_s))

    async def ended_since(self, since: datetime.datetime) -> list[Job]:
        """The first thousand jobs that have ended since then, in that order; without answers."""
        return await self._read(lambda connection: _past.ended_since(connection, since))

    async def tally(self) -> Tally:
        """How many jobs and sessions there are in each state, at the same cost for any number."""
        return await self._read(_tally)

    async def raw_attempts(self, job_id: JobId) -> list[tuple[int, int]]:
        """The (turn, attempt) pairs of a job that printed something which is kept, in order."""
        if self._path is None:
            await trio.lowlevel.checkpoint()
            return []
        return await trio.to_thread.run_sync(_attempts_in, spools_of(self._path) / job_id)

    async def raw_output(
        self,
        job_id: JobId,
        turn: int,
        stream: Stream,
        offset: int,
        max_bytes: int,
        *,
        attempt: int = 1,
    ) -> Piece:
        """A part of what an attempt printed, kept by whichever owner; empty if nothing was."""
        base = self._spool_base(job_id, turn, attempt)
        if base is None:
            await trio.lowlevel.checkpoint()
            return Piece(offset=0, data=b"", total=0)
        path = spool_file(base, stream)
        try:
            return await trio.to_thread.run_sync(read_file, path, offset, max_bytes)
        except OSError as fault:
            raise translated(fault, path) from fault

    def _spool_base(self, job_id: str, turn: int, attempt: int) -> Path | None:
        if self._path is None:
            return None
        return spools_of(self._path) / job_id / (f"{turn}-{attempt}" if attempt > 1 else str(turn))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        ask = self._writer.run if self._readers is None else self._readers.run
        if self._file is not None and not self._file.stands():
            await self._writer.run(_nothing)  # it is put back, or said what is wrong
        try:
            return await ask(work)
        except (sqlite3.Error, ShapeMismatch) as fault:
            raise translated(fault, self._path) from fault


def spools_of(path: Path) -> Path:
    """Where the raw output of a database's jobs is kept."""
    return path.with_name("spool")


def _nothing(_: sqlite3.Connection) -> None:
    """A work that leaves the database as it is."""


def _attempts_in(directory: Path) -> list[tuple[int, int]]:
    try:
        found = {each.stem for each in directory.iterdir()}
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise translated(fault, directory) from fault
    pairs = (each.partition("-") for each in found)
    return sorted(
        (int(turn), int(attempt or 1))
        for turn, _, attempt in pairs
        if turn.isdigit() and (not attempt or attempt.isdigit())
    )


def _tally(connection: sqlite3.Connection) -> Tally:
    found: dict[str, dict[JobStatus, int]] = {"jobs": {}, "sessions": {}}
    for what, status, total in connection.execute("SELECT what, status, total FROM tallies"):
        if total:
            found[what][JobStatus(status)] = total
    return Tally(jobs=found["jobs"], sessions=found["sessions"])
