"""Listings by key: a page costs the same at the front of ten rows and at the end of a million.

A filter by several states is one query for each, merged: an index ends in the time, so each is read
in order and stops at the limit, where `IN` would make SQLite fetch and sort all that match.
"""

import heapq
import itertools
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import attrs

from aimux.model import JobStatus

from ._times import from_cursor, to_cursor

MAX_LIMIT: Final = 1_000  # rows in one page

Row = tuple[Any, ...]  # what sqlite3 gives


@attrs.frozen(kw_only=True)
class Where:
    """A question to one table. The names come from this package, values are always bound.

    `columns` begin with the row number; `order` is the time column that is also selected, last.
    """

    table: str
    columns: str
    order: str
    tests: Sequence[str] = ()
    values: Sequence[object] = ()

    def equal(self, column: str, value: object) -> "Where":
        """The same question, narrowed to rows whose `column` is `value`."""
        return attrs.evolve(
            self, tests=(*self.tests, f"{column} = ?"), values=(*self.values, value)
        )

    def sql(self, after: tuple[int, int] | None) -> tuple[str, list[object]]:
        """The statement and its values, less the limit; the newest first."""
        tests, values = list(self.tests), list(self.values)
        if after is not None:
            tests.append(f"({self.order}, number) < (?, ?)")
            values += after
        wanted = f" WHERE {' AND '.join(tests)}" if tests else ""
        text = (
            f"SELECT {self.columns}, {self.order} FROM {self.table}{wanted}"  # noqa: S608  # ours
            f" ORDER BY {self.order} DESC, number DESC LIMIT ?"
        )
        return text, values


def page(
    connection: sqlite3.Connection,
    where: Where,
    *,
    statuses: Sequence[JobStatus] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Row], str | None]:
    """The rows of one page without their trailing time, newest first, and the next one's cursor.

    `limit` is held between 1 and `MAX_LIMIT`; no states at all match nothing.

    Raises:
        InvalidArguments: `cursor` is not from a listing.
    """
    wanted = max(1, min(limit, MAX_LIMIT))
    after = None if cursor is None else from_cursor(cursor)
    questions = [where]
    if statuses is not None:
        distinct = dict.fromkeys(JobStatus(each).value for each in statuses)
        questions = [where.equal("status", each) for each in distinct]
    answers: list[list[Row]] = []
    for question in questions:
        text, values = question.sql(after)
        answers.append(connection.execute(text, [*values, wanted + 1]).fetchall())
    merged = heapq.merge(*answers, key=_position, reverse=True)
    rows = list(itertools.islice(merged, wanted + 1))
    following = to_cursor(*_position(rows[wanted - 1])) if len(rows) > wanted else None
    return [row[:-1] for row in rows[:wanted]], following


def _position(row: Row) -> tuple[int, int]:
    return row[-1], row[0]
