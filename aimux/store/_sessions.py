"""Session rows."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import attrs

from aimux.errors import NotFound
from aimux.model import JobStatus, Session, SessionId, dump_bytes, load_over
from aimux.rules import way_to

from ._pages import Where, page
from ._times import from_us, to_us

COLUMNS: Final = "number, status, active_us, body"

_UPSERT: Final = """
INSERT INTO sessions (id, kind, cli, status, active_us, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, cli = excluded.cli,
    status = excluded.status, active_us = excluded.active_us, body = excluded.body
RETURNING number
"""
_ROLL_UP: Final = """
UPDATE sessions SET status = ?, active_us = max(active_us, ?) WHERE number = ?
"""


@attrs.frozen(kw_only=True)
class SessionPage:
    """One page of a listing; `cursor` names the next one, None on the last."""

    sessions: Sequence[Session]
    cursor: str | None = None


def save(connection: sqlite3.Connection, session: Session) -> int:
    """Write the whole row, new or not; returns its number."""
    row = (
        session.id,
        session.kind,
        session.cli,
        session.status.value,
        to_us(session.last_active_at),
        dump_bytes(session),
    )
    (number,) = connection.execute(_UPSERT, row).fetchall()[0]
    return int(number)


def roll_up(connection: sqlite3.Connection, number: int, status: JobStatus, at_us: int) -> None:
    """Show the state of the session's last job, and that it was active at `at_us`."""
    connection.execute(_ROLL_UP, (status.value, at_us, number))


def number_of(connection: sqlite3.Connection, session_id: SessionId) -> int:
    """The row number of a session.

    Raises:
        NotFound: there is none of that id.
    """
    row = connection.execute("SELECT number FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        msg = f"session {session_id} does not exist"
        raise NotFound(msg, code="session_not_found", hint=way_to("ses_", session_id))
    return int(row[0])


def read(connection: sqlite3.Connection, session_id: SessionId) -> Session:
    """One session.

    Raises:
        NotFound: there is none of that id.
    """
    row = connection.execute(
        f"SELECT {COLUMNS} FROM sessions WHERE id = ?",  # noqa: S608  # a constant
        (session_id,),
    ).fetchone()
    if row is None:
        msg = f"session {session_id} does not exist"
        raise NotFound(msg, code="session_not_found", hint=way_to("ses_", session_id))
    return from_row(row)


def from_row(row: tuple[int, str, int, bytes]) -> Session:
    """The value of a row of `COLUMNS`."""
    _, status, active_us, body = row
    return load_over(Session, body, {"status": status, "last_active_at": from_us(active_us)})


def listing(
    connection: sqlite3.Connection,
    *,
    statuses: Sequence[JobStatus] | None,
    cli: str | None,
    kind: str | None,
    limit: int,
    cursor: str | None,
) -> SessionPage:
    """A page of sessions, the most recently active first."""
    where = Where(table="sessions", columns=COLUMNS, order="active_us")
    if cli is not None:
        where = where.equal("cli", cli)
    if kind is not None:
        where = where.equal("kind", kind)
    rows, following = page(connection, where, statuses=statuses, limit=limit, cursor=cursor)
    return SessionPage(sessions=[from_row(row) for row in rows], cursor=following)
