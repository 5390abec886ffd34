"""Rows of thinking sessions: read and rewritten whole, in one transaction."""

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar

from aimux.errors import NotFound
from aimux.model import ThoughtId, ThoughtSession, dump_bytes, load_bytes

from ._times import to_us

T = TypeVar("T")

MAX_SESSIONS: Final = 10_000  # the oldest goes when there is one more

Step = Callable[[ThoughtSession | None], tuple[ThoughtSession | None, T]]

_READ: Final = "SELECT body FROM thoughts WHERE id = ?"
_UPSERT: Final = """
INSERT INTO thoughts (id, pattern, active_us, body) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET active_us = excluded.active_us, body = excluded.body
"""
_TRIM: Final = """
DELETE FROM thoughts WHERE number <= (SELECT max(number) FROM thoughts) - ?
"""
_OLD: Final = """
DELETE FROM thoughts WHERE number IN (
    SELECT number FROM thoughts WHERE active_us < ? ORDER BY active_us LIMIT ?
)
"""
_COUNT_OLD: Final = "SELECT count(*) FROM thoughts WHERE active_us < ?"


def read(connection: sqlite3.Connection, thought_id: ThoughtId) -> ThoughtSession:
    """One session.

    Raises:
        NotFound: there is none of that id.
    """
    row = connection.execute(_READ, (thought_id,)).fetchone()
    if row is None:
        raise NotFound(
            f"think session {thought_id} does not exist",
            code="session_not_found",
            hint="leave session_id out to begin one",
        )
    return load_bytes(ThoughtSession, row[0])


def change(connection: sqlite3.Connection, thought_id: ThoughtId | None, step: Step[T]) -> T:
    """What `step` makes of the session of that id, or of None; kept, unless it makes none.

    Raises:
        NotFound: there is none of that id.
    """
    kept = None if thought_id is None else read(connection, thought_id)
    changed, made = step(kept)
    if changed is not None:
        row = (changed.id, changed.pattern, to_us(changed.last_active_at), dump_bytes(changed))
        connection.execute(_UPSERT, row)
        if kept is None:
            connection.execute(_TRIM, (MAX_SESSIONS,))
    return made


def collect(connection: sqlite3.Connection, before_us: int, *, is_dry_run: bool, limit: int) -> int:
    """Delete at most `limit` sessions that were not used since; how many."""
    if is_dry_run:
        return int(connection.execute(_COUNT_OLD, (before_us,)).fetchone()[0])
    return connection.execute(_OLD, (before_us, limit)).rowcount
