"""Job rows and their logs. Status is a fold over the log, and a terminal row is never rewritten."""

import datetime
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from aimux.errors import NotFound
from aimux.model import (
    TERMINAL,
    Entry,
    Job,
    JobFinished,
    JobId,
    JobStatus,
    Session,
    SessionId,
    TurnFailed,
    TurnFinished,
    TurnResult,
    decode,
    dump_bytes,
    dump_event_bytes,
    load_event_bytes,
    load_over,
    next_status,
)
from aimux.rules import way_to

from . import _sessions
from ._pages import Row, Where, page
from ._times import from_us, maybe_at, maybe_us, to_us

COLUMNS: Final = "number, status, started_us, finished_us, last_seq, body, outcome"
LIGHT: Final = "number, status, started_us, finished_us, last_seq, body, NULL"

_INSERT: Final = """
INSERT INTO jobs (id, session, cli, owner, status, created_us, started_us, finished_us, last_seq,
    body, outcome, parent)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT number FROM jobs WHERE id = ?)) RETURNING number
"""
_FINISH: Final = """
UPDATE jobs SET status = ?, started_us = ?, finished_us = ?, last_seq = ?, body = ?, outcome = ?
WHERE number = ?
"""
_ADVANCE: Final = """
UPDATE jobs SET status = ?, started_us = coalesce(started_us, ?), last_seq = max(last_seq, ?)
WHERE number = ?
"""
ENTRY: Final = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)"


@attrs.frozen(kw_only=True)
class JobPage:
    """One page of a listing; `cursor` names the next one, None on the last."""

    jobs: Sequence[Job]
    cursor: str | None = None


def create(
    connection: sqlite3.Connection, job: Job, session: Session | None, entries: Sequence[Entry]
) -> None:
    """Write a new job, the session it belongs to and the beginning of its log."""
    taken = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone()
    if taken is not None:
        msg = f"job {job.id} exists already"
        raise ValueError(msg)
    status, started_at = _folded(job.status, job.started_at, entries)
    if session is not None:
        belongs: int | None = _sessions.save(connection, session)
    elif job.session_id:
        belongs = _sessions.number_of(connection, job.session_id)
        _sessions.roll_up(connection, belongs, status, to_us(job.created_at))
    else:
        belongs = None
    row = (
        job.id,
        belongs,
        job.cli,
        job.owner,
        status.value,
        to_us(job.created_at),
        maybe_us(started_at),
        maybe_us(job.finished_at),
        _last_seq(job, entries),
        _body(job),
        None if job.outcome is None else dump_bytes(job.outcome),
        job.parent_id or None,
    )
    ((number,),) = connection.execute(_INSERT, row).fetchall()
    add_entries(connection, number, entries)


def append(connection: sqlite3.Connection, job_id: JobId, entries: Sequence[Entry]) -> None:
    """Write more of a job's log and let its state follow."""
    if any(isinstance(entry.event, JobFinished) for entry in entries):
        msg = f"job {job_id}: finish() is what ends a job"
        raise ValueError(msg)
    number, session, status, _ = _find(connection, job_id)
    if not entries:
        return
    add_entries(connection, number, entries)
    following, started_at = _folded(status, None, entries)
    last = max(entry.seq for entry in entries)
    values = (following.value, maybe_us(started_at), last, number)
    connection.execute(_ADVANCE, values)
    if session is not None and following is not status:
        _sessions.roll_up(connection, session, following, to_us(entries[-1].at))


def finish(
    connection: sqlite3.Connection, job: Job, session: Session | None, entries: Sequence[Entry]
) -> Job:
    """Write the end of a job, unless it has one; returns the row as it then is."""
    if job.status not in TERMINAL:
        msg = f"job {job.id} is {job.status.value}: that is not an end"
        raise ValueError(msg)
    number, belongs, status, started_us = _find(connection, job.id)
    if status in TERMINAL:
        return read(connection, job.id)
    finished_at = job.finished_at or (entries[-1].at if entries else None) or job.created_at
    ended = attrs.evolve(
        job,
        started_at=job.started_at or maybe_at(started_us),
        finished_at=finished_at,
        last_seq=_last_seq(job, entries),
    )
    row = (
        ended.status.value,
        maybe_us(ended.started_at),
        to_us(finished_at),
        ended.last_seq,
        _body(ended),
        None if ended.outcome is None else dump_bytes(ended.outcome),
        number,
    )
    connection.execute(_FINISH, row)
    add_entries(connection, number, entries)
    if session is not None:
        _sessions.save(connection, session)
    elif belongs is not None:
        _sessions.roll_up(connection, belongs, ended.status, to_us(finished_at))
    return ended


def read(connection: sqlite3.Connection, job_id: JobId) -> Job:
    """One job with its outcome.

    Raises:
        NotFound: there is none of that id.
    """
    row = connection.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE id = ?",  # noqa: S608  # a constant
        (job_id,),
    ).fetchone()
    if row is None:
        raise _missing(job_id)
    return from_row(row)


def from_row(row: Row) -> Job:
    """The value of a row of `COLUMNS`."""
    _, status, started_us, finished_us, last_seq, body, outcome = row
    truth = {
        "status": status,
        "started_at": maybe_at(started_us),
        "finished_at": maybe_at(finished_us),
        "last_seq": last_seq,
        "outcome": None if outcome is None else decode(outcome),
    }
    return load_over(Job, body, truth)


def listing(
    connection: sqlite3.Connection,
    *,
    session_id: SessionId | None,
    parent_id: JobId | None,
    limit: int,
    cursor: str | None,
    with_outcomes: bool,
) -> JobPage:
    """A page of jobs by creation."""
    columns = COLUMNS if with_outcomes else LIGHT
    where = Where(table="jobs", columns=columns, order="created_us")
    if session_id is not None:
        found = connection.execute("SELECT number FROM sessions WHERE id = ?", (session_id,))
        row = found.fetchone()
        if row is None:
            return JobPage(jobs=[])
        where = where.equal("session", row[0])
    if parent_id is not None:
        found = connection.execute("SELECT number FROM jobs WHERE id = ?", (parent_id,))
        row = found.fetchone()
        if row is None:
            return JobPage(jobs=[])
        where = where.equal("parent", row[0])
    rows, following = page(connection, where, statuses=None, limit=limit, cursor=cursor)
    return JobPage(jobs=[from_row(row) for row in rows], cursor=following)


def read_entries(
    connection: sqlite3.Connection, job_id: JobId, after_seq: int, limit: int
) -> list[Entry]:
    """The log after `after_seq`, in order.

    Raises:
        NotFound: there is no such job.
    """
    number = _number(connection, job_id)
    found = connection.execute(
        "SELECT seq, turn, at_us, offset_s, body FROM entries WHERE job = ? AND seq > ?"
        " ORDER BY seq LIMIT ?",
        (number, after_seq, limit),
    )
    return [_entry(row) for row in found]


def read_entries_of_kinds(
    connection: sqlite3.Connection, job_id: JobId, kinds: Sequence[str]
) -> list[Entry]:
    """The entries of these kinds, in order.

    Raises:
        NotFound: there is no such job.
    """
    number = _number(connection, job_id)
    found = connection.execute(
        "SELECT seq, turn, at_us, offset_s, body FROM entries"
        " WHERE job = ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (number, dump_bytes(list(kinds)).decode()),
    )
    return [_entry(row) for row in found]


def _number(connection: sqlite3.Connection, job_id: JobId) -> int:
    """What a job's entries call it.

    Raises:
        NotFound: there is no such job.
    """
    row = connection.execute("SELECT number FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise _missing(job_id)
    return int(row[0])


def _entry(row: Row) -> Entry:
    seq, turn, at_us, offset_s, body = row
    return Entry(
        seq=seq, turn=turn, at=from_us(at_us), offset_s=offset_s, event=load_event_bytes(body)
    )


def read_turn(connection: sqlite3.Connection, job_id: JobId, turn: int) -> TurnResult | None:
    """What a turn came to, as its end in the log tells; None if it has none there.

    Raises:
        NotFound: there is no such job.
    """
    row = connection.execute("SELECT number FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise _missing(job_id)
    found = connection.execute(
        "SELECT body FROM entries WHERE job = ? AND turn = ?"
        " AND kind IN ('turn_finished', 'turn_failed') ORDER BY seq LIMIT 1",
        (row[0], turn),
    ).fetchone()
    if found is None:
        return None
    match load_event_bytes(found[0]):
        case TurnFinished(result=result) | TurnFailed(result=result):
            return result
        case _:
            return None  # of another version


def add_entries(connection: sqlite3.Connection, number: int, entries: Iterable[Entry]) -> None:
    """Write log lines. An append may be repeated: a line that is there already stays as it was."""
    connection.executemany(
        ENTRY,
        (  # one after the other: an encoder reserves eight times the length of a text
            (
                number,
                entry.seq,
                entry.turn,
                to_us(entry.at),
                entry.offset_s,
                entry.event.kind,
                dump_event_bytes(entry.event),
            )
            for entry in entries
        ),
    )


def _find(
    connection: sqlite3.Connection, job_id: JobId
) -> tuple[int, int | None, JobStatus, int | None]:
    row = connection.execute(
        "SELECT number, session, status, started_us FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    if row is None:
        raise _missing(job_id)
    number, session, status, started_us = row
    return number, session, JobStatus(status), started_us


def _missing(job_id: JobId) -> NotFound:
    msg = f"job {job_id} does not exist"
    return NotFound(msg, code="job_not_found", hint=way_to("job_", job_id))


def _folded(
    status: JobStatus, started_at: datetime.datetime | None, entries: Sequence[Entry]
) -> tuple[JobStatus, datetime.datetime | None]:
    """Where the log leads from `status`, and when the job got its place."""
    for entry in entries:
        following = next_status(status, entry.event)
        if following is JobStatus.RUNNING and status is JobStatus.QUEUED:
            started_at = started_at or entry.at
        status = following
    return status, started_at


def _last_seq(job: Job, entries: Sequence[Entry]) -> int:
    return max([job.last_seq, *(entry.seq for entry in entries)])


def _body(job: Job) -> bytes:
    return dump_bytes(attrs.evolve(job, outcome=None))
