"""What somebody who watches asks the store for: many jobs at a glance, long logs in pieces.

None of it reads an answer, and none of it decodes an entry that is not shown: a listing of a
thousand jobs and the milestones of a log of a hundred thousand entries cost a fraction of a second.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from aimux.errors import NotFound
from aimux.model import (
    Entry,
    Glance,
    GlancePage,
    Job,
    JobId,
    Silence,
    load_event_bytes,
    load_over,
)

from ._pages import Where, page
from ._times import from_us, maybe_at

T = TypeVar("T")
Ask = Callable[[Callable[[sqlite3.Connection], T]], Any]

CHATTER: Final = ("text", "message", "reasoning", "noise", "tool_use", "file_change", "usage")
MILESTONES: Final = 5_000  # of one log: a job of more turns is shown with its first ones
SILENCES: Final = 500
# one call with many paths reads an outcome once
_FACTS: Final = (
    "json_extract(CAST(outcome AS TEXT), '$.error', '$.usage', '$.cli', '$.model',"
    " '$.duration_ms', '$.data.state', '$.data.resumable_from')"
)
_GLANCE: Final = (
    "number, id, status, started_us, finished_us, last_seq,"
    f" CAST(json_remove(CAST(body AS TEXT), '$.prompt') AS BLOB), {_FACTS}"
)


class Overview:
    """The part of a store that answers whoever watches.

    Every method raises StoreUnavailable when the database cannot be read. Cancelled on entry a
    method does nothing; later it finishes first.
    """

    def __init__(self, read: Ask[Any]) -> None:
        self._read = read

    def __repr__(self) -> str:
        return "<Overview>"

    async def glances(self, *, limit: int, cursor: str | None = None) -> GlancePage:
        """A page of jobs, newest first.

        Raises:
            InvalidArguments: `cursor` is not from a listing.
        """
        found: GlancePage = await self._read(lambda each: _glances(each, limit, cursor))
        return found

    async def glance(self, job_id: JobId) -> Glance:
        """One job.

        Raises:
            NotFound: there is none of that id.
        """
        found: Glance = await self._read(lambda each: _one(each, job_id))
        return found

    async def milestones(self, job_id: JobId) -> list[Entry]:
        """The entries of a log that are not what its CLIs said, in order; `MILESTONES` at most.

        Raises:
            NotFound: no such job.
        """
        found: list[Entry] = await self._read(lambda each: _milestones(each, job_id))
        return found

    async def silences(self, job_id: JobId, least_s: float) -> list[Silence]:
        """Where a turn said nothing for at least that long, in order; `SILENCES` at most.

        Raises:
            NotFound: no such job.
        """
        found: list[Silence] = await self._read(lambda each: _silences(each, job_id, least_s))
        return found


def _glances(connection: sqlite3.Connection, limit: int, cursor: str | None) -> GlancePage:
    where = Where(table="jobs", columns=_GLANCE, order="created_us")
    rows, following = page(connection, where, statuses=None, limit=limit, cursor=cursor)
    return GlancePage(glances=[_glance(row) for row in rows], cursor=following)


def _one(connection: sqlite3.Connection, job_id: JobId) -> Glance:
    row = connection.execute(
        f"SELECT {_GLANCE} FROM jobs WHERE number = ?",  # noqa: S608  # a constant
        (_number(connection, job_id),),
    ).fetchone()
    return _glance(row)


def _glance(row: Sequence[Any]) -> Glance:
    _, _id, status, started_us, finished_us, last_seq, body, facts = row
    truth = {
        "status": status,
        "started_at": maybe_at(started_us),
        "finished_at": maybe_at(finished_us),
        "last_seq": last_seq,
        "outcome": None,
    }
    job = load_over(Job, body, truth)
    if facts is None:
        return Glance(job=job, cli=job.cli, model=job.model)
    failure, usage, cli, model, duration_ms, state, resumable_from = orjson.loads(facts)
    return Glance(
        job=job,
        failure=failure,
        usage=usage,
        cli=cli or job.cli,
        model=model or job.model,
        duration_ms=duration_ms or 0,
        state=state if isinstance(state, str) else "",
        resumable_from=resumable_from if isinstance(resumable_from, str) else "",
    )


def _number(connection: sqlite3.Connection, job_id: JobId) -> int:
    row = connection.execute("SELECT number FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"job {job_id} does not exist", code="job_not_found")
    number: int = row[0]
    return number


def _milestones(connection: sqlite3.Connection, job_id: JobId) -> list[Entry]:
    marks = ", ".join("?" * len(CHATTER))
    found = connection.execute(
        "SELECT seq, turn, at_us, offset_s, body FROM entries"  # noqa: S608  # marks only
        f" WHERE job = ? AND kind NOT IN ({marks}) ORDER BY seq LIMIT ?",
        (_number(connection, job_id), *CHATTER, MILESTONES),
    )
    return [
        Entry(
            seq=seq, turn=turn, at=from_us(at_us), offset_s=offset_s, event=load_event_bytes(body)
        )
        for seq, turn, at_us, offset_s, body in found
    ]


def _silences(connection: sqlite3.Connection, job_id: JobId, least_s: float) -> list[Silence]:
    found = connection.execute(
        "SELECT turn, before_s, offset_s FROM (SELECT turn, kind, seq, offset_s, lag(offset_s)"
        " OVER (PARTITION BY turn ORDER BY seq) AS before_s FROM entries"
        " WHERE job = ? AND turn > 0 AND kind <> 'turn_queued')"
        " WHERE kind <> 'turn_started' AND offset_s - before_s >= ? ORDER BY seq LIMIT ?",
        (_number(connection, job_id), least_s, SILENCES),
    )
    return [Silence(turn=turn, begin_s=begin, end_s=end) for turn, begin, end in found]
