"""Investigation rows, and the full-text index over what they say.

A change is a pure step from one value to the next, taken inside the writer's transaction: whoever
changes the same investigation at the same time takes its step after it, and nothing is lost.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import attrs

from aimux.errors import NotFound
from aimux.model import dump, dump_bytes, load_bytes

from ._pages import Where, page
from ._times import to_us

TYPE_CHECKING = False  # what an investigation is, is read with the first one
if TYPE_CHECKING:
    from aimux.investigate import Investigation, Recalled

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

KEPT: Final = 5_000  # investigations; the ones that rested longest make room
MAX_TERMS: Final = 12  # of a search
_TERM: Final = re.compile(r"[^\W_]+")  # as the index cuts them
# a search says nothing with these, and would find everything
_EMPTY: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "did", "do", "does", "for", "from", "has",
    "have", "how", "in", "is", "it", "of", "on", "or", "that", "the", "this", "to", "was", "were",
    "what", "when", "where", "which", "who", "why", "with",
})  # fmt: skip

# a step of `_migrations`: changed only by another step
INVESTIGATIONS: Final = """
CREATE TABLE investigations (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    project   TEXT NOT NULL,
    active_us INTEGER NOT NULL,
    body      BLOB NOT NULL
) STRICT;
CREATE INDEX investigations_active ON investigations (active_us);
CREATE INDEX investigations_project ON investigations (project, active_us);

CREATE VIEW investigation_words (number, question, said) AS
SELECT number,
    json_extract(CAST(body AS TEXT), '$.question'),
    coalesce((SELECT group_concat(json_extract(value, '$.description'), char(10))
        FROM json_each(CAST(body AS TEXT), '$.findings')), '')
FROM investigations;

CREATE VIRTUAL TABLE investigation_index USING fts5 (
    question, said, content = 'investigation_words', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2', detail = 'none'
);
CREATE TRIGGER investigations_born AFTER INSERT ON investigations BEGIN
    INSERT INTO investigation_index (rowid, question, said)
    SELECT number, question, said FROM investigation_words WHERE number = NEW.number;
END;
CREATE TRIGGER investigations_changing BEFORE UPDATE OF body ON investigations BEGIN
    INSERT INTO investigation_index (investigation_index, rowid, question, said)
    SELECT 'delete', number, question, said FROM investigation_words WHERE number = OLD.number;
END;
CREATE TRIGGER investigations_changed AFTER UPDATE OF body ON investigations BEGIN
    INSERT INTO investigation_index (rowid, question, said)
    SELECT number, question, said FROM investigation_words WHERE number = NEW.number;
END;
CREATE TRIGGER investigations_gone BEFORE DELETE ON investigations BEGIN
    INSERT INTO investigation_index (investigation_index, rowid, question, said)
    SELECT 'delete', number, question, said FROM investigation_words WHERE number = OLD.number;
END;
"""

_SEARCH: Final = """
SELECT investigations.number, body, bm25(investigation_index, 4.0, 1.0) AS score
FROM investigation_index JOIN investigations ON investigations.number = investigation_index.rowid
WHERE investigation_index MATCH ? AND (? OR project = ?)
ORDER BY score, active_us DESC LIMIT ?
"""


class Runner(Protocol):
    """How a work reaches the database: it raises what the store raises."""

    def __call__(self, work: Work[T], /) -> Awaitable[T]:
        """Run it to its end."""
        ...


@attrs.frozen(kw_only=True)
class InvestigationPage:
    """One page of a listing; `cursor` names the next one, None on the last."""

    investigations: "Sequence[Investigation]"
    cursor: str | None = None


class Investigations:
    """The investigations of one user, in the store.

    Every method raises StoreUnavailable when the database cannot be used. Cancelled on entry a
    method does nothing; later it finishes first.
    """

    def __init__(self, read: Runner, write: Runner) -> None:
        self._read = read
        self._write = write

    async def create(self, investigation: "Investigation") -> None:
        """Keep a new investigation; beyond `KEPT` those that rested longest go."""
        await self._write(lambda connection: _create(connection, investigation))

    async def get(self, investigation_id: str) -> "Investigation":
        """One investigation.

        Raises:
            NotFound: there is none of that id (`investigation_not_found`).
        """
        return await self._read(lambda connection: _get(connection, investigation_id))

    async def change(
        self, investigation_id: str, step: "Callable[[Investigation], tuple[Investigation, T]]"
    ) -> "tuple[Investigation, T]":
        """Take one step, and return the investigation after it and what the step gave beside it.

        What `step` raises leaves everything as it was. It may be taken twice, so it is pure.

        Raises:
            NotFound: there is none of that id.
        """
        return await self._write(lambda connection: _change(connection, investigation_id, step))

    async def listing(
        self, *, project: str | None = None, limit: int = 20, cursor: str | None = None
    ) -> InvestigationPage:
        """A page of investigations, the most recently active first; None is every project.

        Raises:
            InvalidArguments: `cursor` is not from a listing.
        """
        return await self._read(lambda connection: _listing(connection, project, limit, cursor))

    async def recall(
        self, text: str, *, project: str | None = None, limit: int
    ) -> "list[Recalled]":
        """The investigations whose question or findings speak of any of these words, best first.

        None is every project.
        """
        return await self._read(lambda connection: _recall(connection, text, project, limit))


def _lean(value: object) -> object:
    """JSON data without what is empty: that is its default, and a third of a row."""
    match value:
        case dict():
            return {
                key: _lean(each)
                for key, each in value.items()
                if each is not None and each not in ("", [])
            }
        case list():
            return [_lean(each) for each in value]
        case _:
            return value


def _packed(investigation: "Investigation") -> bytes:
    return dump_bytes(_lean(dump(investigation)))


def _unpacked(body: bytes) -> "Investigation":
    from aimux.investigate import Investigation

    return load_bytes(Investigation, body)


def _create(connection: sqlite3.Connection, investigation: "Investigation") -> None:
    row = (
        investigation.id,
        investigation.project,
        to_us(investigation.last_active_at),
        _packed(investigation),
    )
    connection.execute(
        "INSERT INTO investigations (id, project, active_us, body) VALUES (?, ?, ?, ?)", row
    )
    connection.execute(
        "DELETE FROM investigations WHERE number IN (SELECT number FROM investigations"
        " ORDER BY active_us DESC, number DESC LIMIT -1 OFFSET ?)",
        (KEPT,),
    )


def _row(connection: sqlite3.Connection, investigation_id: str) -> "tuple[int, Investigation]":
    row = connection.execute(
        "SELECT number, body FROM investigations WHERE id = ?", (investigation_id,)
    ).fetchone()
    if row is None:
        raise NotFound(
            f"no investigation {investigation_id[:80]}",
            code="investigation_not_found",
            hint="investigate(action=list) shows those of this project",
        )
    return row[0], _unpacked(row[1])


def _get(connection: sqlite3.Connection, investigation_id: str) -> "Investigation":
    return _row(connection, investigation_id)[1]


def _change(
    connection: sqlite3.Connection,
    investigation_id: str,
    step: "Callable[[Investigation], tuple[Investigation, T]]",
) -> "tuple[Investigation, T]":
    number, before = _row(connection, investigation_id)
    after, given = step(before)
    if after is not before:
        connection.execute(
            "UPDATE investigations SET active_us = ?, body = ? WHERE number = ?",
            (to_us(after.last_active_at), _packed(after), number),
        )
    return after, given


def _listing(
    connection: sqlite3.Connection, project: str | None, limit: int, cursor: str | None
) -> InvestigationPage:
    where = Where(table="investigations", columns="number, body", order="active_us")
    if project is not None:
        where = where.equal("project", project)
    rows, following = page(connection, where, statuses=None, limit=limit, cursor=cursor)
    return InvestigationPage(investigations=[_unpacked(body) for _, body in rows], cursor=following)


def _recall(
    connection: sqlite3.Connection, text: str, project: str | None, limit: int
) -> "list[Recalled]":
    words = [word for word in _TERM.findall(text.casefold()) if word not in _EMPTY]
    if not words:
        return []
    wanted = " OR ".join(f'"{word}"' for word in dict.fromkeys(words[:MAX_TERMS]))
    rows: list[tuple[int, bytes, Any]] = connection.execute(
        _SEARCH, (wanted, project is None, project or "", max(1, limit))
    ).fetchall()
    from aimux.investigate import Recalled

    return [
        Recalled(investigation=_unpacked(body), score=round(-float(score), 4))
        for _, body, score in rows
    ]
