"""Retention: old finished jobs go with their logs, and sessions that have none left go too."""

import datetime
import sqlite3
from collections.abc import Sequence
from typing import Final

import attrs

from aimux.model import JobId, SessionId

from . import _thoughts
from ._times import to_us

FREED_PAGES: Final = 2_000  # given back to the disk in one go: 8 MB

_OLD_JOBS: Final = """
SELECT number, id FROM jobs WHERE finished_us IS NOT NULL AND finished_us < ?
ORDER BY finished_us LIMIT ?
"""
_EMPTY_SESSIONS: Final = """
SELECT number, id FROM sessions WHERE active_us < :before
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.session = sessions.number)
ORDER BY active_us LIMIT :limit
"""

# those that the deletion of old jobs would leave without any
_EMPTIED_SESSIONS: Final = """
SELECT number, id FROM sessions WHERE active_us < :before
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.session = sessions.number
        AND (jobs.finished_us IS NULL OR jobs.finished_us >= :before))
ORDER BY active_us LIMIT :limit
"""


@attrs.frozen(kw_only=True)
class Collected:
    """What was deleted, or would be in a dry run. `spools` are directories of raw child output.

    `has_more` says that the limit was reached: collect again.
    """

    job_ids: Sequence[JobId] = ()
    session_ids: Sequence[SessionId] = ()
    entries: int = 0
    thoughts: int = 0
    spools: Sequence[str] = ()
    has_more: bool = False


def collect(
    connection: sqlite3.Connection, older_than: datetime.datetime, *, is_dry_run: bool, limit: int
) -> Collected:
    """Delete at most `limit` jobs that ended before `older_than`, and then as many empty sessions.

    A dry run tells the sessions that the deletion would empty.
    """
    before_us = to_us(older_than)
    jobs = connection.execute(_OLD_JOBS, (before_us, limit + 1)).fetchall()
    has_more = len(jobs) > limit
    jobs = jobs[:limit]
    entries = sum(
        connection.execute("SELECT count(*) FROM entries WHERE job = ?", (number,)).fetchone()[0]
        for number, _ in jobs
    )
    if not is_dry_run:
        connection.executemany("DELETE FROM jobs WHERE number = ?", [row[:1] for row in jobs])
    sessions = []
    if not has_more:  # only now are the old sessions that still have jobs few
        found = _EMPTIED_SESSIONS if is_dry_run else _EMPTY_SESSIONS
        asked = {"before": before_us, "limit": limit + 1}
        sessions = connection.execute(found, asked).fetchall()
        has_more = len(sessions) > limit
        sessions = sessions[:limit]
    thoughts = _thoughts.collect(connection, before_us, is_dry_run=is_dry_run, limit=limit)
    has_more = has_more or thoughts == limit
    if not is_dry_run:
        connection.executemany(
            "DELETE FROM sessions WHERE number = ?", [row[:1] for row in sessions]
        )
        connection.execute(f"PRAGMA incremental_vacuum({FREED_PAGES})").fetchall()
    return Collected(
        job_ids=[JobId(name) for _, name in jobs],
        session_ids=[SessionId(name) for _, name in sessions],
        entries=entries,
        thoughts=thoughts,
        has_more=has_more,
    )
