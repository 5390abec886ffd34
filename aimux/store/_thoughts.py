"""Rows of thinking sessions: read and rewritten whole, in one transaction."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs

from aimux.errors import NotFound
from aimux.model import ThoughtId, ThoughtSession, dump_bytes, load_bytes

from ._pages import Where, page
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


@attrs.frozen(kw_only=True)
class ThoughtPage:
    """One page of a listing; `cursor` names the next one, None on the last. `total` is all."""

    thoughts: Sequence[ThoughtSession]
    total: int
    cursor: str | None = None


def read(connection: sqlite3.Connection, thought_id: ThoughtId) -> ThoughtSession:
    """One session.

    Raises:
        NotFound: there is none of that id.
    """
    row = connection.execute(_READ, (thought_id,)).fetchone()
    if row is None:
        raise _missing(thought_id)
    return load_bytes(ThoughtSession, row[0])


def _missing(thought_id: ThoughtId) -> NotFound:
    return NotFound(
        f"think session {thought_id[:80]} does not exist",
        code="session_not_found",
        hint="leave session_id out to begin one; think(action=list) shows those that there are",
    )


def listing(connection: sqlite3.Connection, limit: int, cursor: str | None) -> ThoughtPage:
    """A page of sessions, the most recently used first.

    Raises:
        InvalidArguments: `cursor` is not from a listing.
    """
    rows, following = page(
        connection,
        Where(table="thoughts", columns="number, body", order="active_us"),
        statuses=None,
        limit=limit,
        cursor=cursor,
    )
    total = int(connection.execute("SELECT count(*) FROM thoughts").fetchone()[0])
    found = [load_bytes(ThoughtSession, body) for _, body in rows]
    return ThoughtPage(thoughts=found, total=total, cursor=following)


def forget(connection: sqlite3.Connection, thought_id: ThoughtId) -> None:
    """Delete one session.

    Raises:
        NotFound: there is none of that id.
    """
    if not connection.execute("DELETE FROM thoughts WHERE id = ?", (thought_id,)).rowcount:
        raise _missing(thought_id)


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
