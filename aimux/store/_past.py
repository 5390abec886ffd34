"""What is asked about jobs that have ended: what they used, and which ended since a time."""

import datetime
import sqlite3
from typing import Final

from aimux.model import Job, UsageRow

from ._jobs import LIGHT, from_row
from ._times import from_us, to_us

ENDED: Final = 1_000  # jobs in one answer
# an outcome is read once for each job and its text never: only the list of its turns is
_USAGE: Final = """
SELECT jobs.created_us / :stretch * :stretch,
    coalesce(json_extract(turn.value, '$.cli'), ''),
    coalesce(json_extract(turn.value, '$.model'), ''),
    coalesce(json_extract(CAST(jobs.body AS TEXT), '$.role'), ''),
    count(*),
    sum(json_extract(turn.value, '$.status') = 'completed'),
    coalesce(sum(json_extract(turn.value, '$.usage.input_tokens')), 0),
    coalesce(sum(json_extract(turn.value, '$.usage.output_tokens')), 0),
    coalesce(sum(json_extract(turn.value, '$.usage.cached_tokens')), 0),
    coalesce(sum(json_extract(turn.value, '$.usage.reasoning_tokens')), 0),
    round(sum(json_extract(turn.value, '$.usage.cost_usd')), 9),
    coalesce(sum(json_extract(turn.value, '$.duration_ms')), 0)
FROM jobs, json_each(CAST(jobs.outcome AS TEXT), '$.turns') AS turn
WHERE jobs.created_us >= :since AND jobs.outcome IS NOT NULL
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_ENDED: Final = (
    f"SELECT {LIGHT} FROM jobs WHERE finished_us >= ?"  # noqa: S608  # a constant
    " ORDER BY finished_us, number LIMIT ?"
)


def usage(
    connection: sqlite3.Connection, since: datetime.datetime, stretch_s: int
) -> list[UsageRow]:
    """What turns of jobs made since then have used, by stretch of time, CLI, model and role."""
    asked = {"since": to_us(since), "stretch": stretch_s * 1_000_000}
    return [
        UsageRow(
            begin_at=from_us(begin_us),
            cli=cli,
            model=model,
            role=role,
            turns=turns,
            completed=completed,
            input_tokens=read,
            output_tokens=written,
            cached_tokens=cached,
            reasoning_tokens=thought,
            cost_usd=cost,
            duration_ms=took,
        )
        for (
            begin_us, cli, model, role, turns, completed, read, written, cached, thought, cost, took
        ) in connection.execute(_USAGE, asked)
    ]  # fmt: skip


def ended_since(connection: sqlite3.Connection, since: datetime.datetime) -> list[Job]:
    """The first `ENDED` jobs that have ended since then, in that order, without their answers."""
    return [from_row(row) for row in connection.execute(_ENDED, (to_us(since), ENDED))]
