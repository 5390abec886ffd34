"""Research: which vendor works for which job, and answers that are given again.

A `research_runs` row is what makes a job one that another server can go on with.
"""

import datetime
import sqlite3
from typing import Final

import attrs

from aimux.model import Job, JobId, Research, ResearchTask, ShapeMismatch, dump_bytes, load_bytes

from . import _jobs
from ._investigations import Runner
from ._times import to_us

KEPT: Final = 500  # answers; the ones that were used longest ago make room
MAX_ANSWER_BYTES: Final = 4 * 2**20  # a larger one is not kept

# a step of `_migrations`: changed only by another step
RESEARCH: Final = """
CREATE TABLE research_runs (
    job  INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE research_answers (
    key     TEXT PRIMARY KEY,
    made_us INTEGER NOT NULL,
    used_us INTEGER NOT NULL,
    body    BLOB NOT NULL
) STRICT;
CREATE INDEX research_answers_used ON research_answers (used_us);
"""

# a step of a workflow too: its answer is kept, so who resumes the workflow does not pay twice
TO_GO_ON: Final = """
EXISTS (SELECT 1 FROM research_runs WHERE research_runs.job = jobs.number)
"""
_BEGIN: Final = """
INSERT OR REPLACE INTO research_runs (job, body) SELECT number, ? FROM jobs WHERE id = ?
"""
_LEFT: Final = f"""
SELECT jobs.id, research_runs.body FROM jobs JOIN research_runs ON research_runs.job = jobs.number
WHERE jobs.status IN ('queued', 'running') AND jobs.owner <> ? AND {TO_GO_ON}
ORDER BY jobs.number
"""  # noqa: S608  # a constant
_DROP: Final = "DELETE FROM research_runs WHERE job = (SELECT number FROM jobs WHERE id = ?)"
_TAKE: Final = "UPDATE jobs SET owner = ?, body = ? WHERE id = ?"
_KEEP: Final = (
    "INSERT OR REPLACE INTO research_answers (key, made_us, used_us, body) VALUES (?, ?, ?, ?)"
)
_TRIM: Final = """
DELETE FROM research_answers WHERE key IN (
    SELECT key FROM research_answers ORDER BY used_us DESC, key LIMIT -1 OFFSET ?)
"""


class ResearchRows:
    """Runs and answers of research, in the store.

    Every method raises StoreUnavailable when the database cannot be used. Cancelled on entry a
    method does nothing; later it finishes first.
    """

    def __init__(self, write: Runner) -> None:
        self._write = write

    async def begin(self, task: ResearchTask) -> None:
        """Keep what a vendor does for a job: from now on another server can go on with it."""
        row = (dump_bytes(task), task.job_id)
        await self._write(lambda connection: connection.execute(_BEGIN, row).rowcount)

    async def take_over(self, owner: str) -> list[tuple[Job, ResearchTask]]:
        """The jobs that died servers left to vendors; they are `owner`'s from now on.

        One that cannot be read is no such job any more: `abort_orphans` ends it.
        """
        return await self._write(lambda connection: _take_over(connection, owner))

    async def find(
        self, key: str, *, since: datetime.datetime, now: datetime.datetime
    ) -> Research | None:
        """An answer that was made since then; it is used now."""
        return await self._write(
            lambda connection: _find(connection, key, to_us(since), to_us(now))
        )

    async def keep(self, key: str, research: Research) -> None:
        """Keep an answer, in the place of an earlier one."""
        body, at = dump_bytes(research), to_us(research.made_at)
        if len(body) <= MAX_ANSWER_BYTES:
            await self._write(lambda connection: _keep(connection, (key, at, at, body)))


def _take_over(connection: sqlite3.Connection, owner: str) -> list[tuple[Job, ResearchTask]]:
    found: list[tuple[Job, ResearchTask]] = []
    for job_id, body in connection.execute(_LEFT, (owner,)).fetchall():
        try:
            job = attrs.evolve(_jobs.read(connection, JobId(job_id)), owner=owner)
            task = load_bytes(ResearchTask, body)
        except ShapeMismatch:  # of another version: it is one to be aborted
            connection.execute(_DROP, (job_id,))
            continue
        connection.execute(_TAKE, (owner, dump_bytes(attrs.evolve(job, outcome=None)), job_id))
        found.append((job, task))
    return found


def _find(connection: sqlite3.Connection, key: str, since_us: int, now_us: int) -> Research | None:
    row = connection.execute(
        "UPDATE research_answers SET used_us = ? WHERE key = ? AND made_us >= ? RETURNING body",
        (now_us, key, since_us),
    ).fetchone()
    return None if row is None else load_bytes(Research, row[0])


def _keep(connection: sqlite3.Connection, row: tuple[str, int, int, bytes]) -> None:
    connection.execute(_KEEP, row)
    connection.execute(_TRIM, (KEPT,))
