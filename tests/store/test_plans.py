"""Every question is answered by an index, so its cost does not grow with the file."""

import datetime
import itertools
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from aimux.model import (
    JobId,
    JobStarted,
    JobStatus,
    SessionId,
    Text,
    ThoughtId,
    ThoughtSession,
)
from aimux.store import _jobs, _orphans, _sessions, _sweep, _thoughts
from aimux.store._files import connect_memory
from aimux.store._migrations import migrate
from aimux.store._times import to_cursor, to_us

from ._values import at, log, make_job, make_session

Query = Callable[[sqlite3.Connection], object]
SOME = [JobStatus.COMPLETED, JobStatus.FAILED]

THOUGHT = ThoughtSession(
    id=ThoughtId("thk_1"), pattern="think", created_at=at(1), last_active_at=at(1)
)


def jobs(**wanted: object) -> Query:
    settings = {
        "session_id": None,
        "parent_id": None,
        "limit": 10,
        "cursor": None,
        "with_outcomes": True,
    }
    return lambda c: _jobs.listing(c, **(settings | wanted))


def sessions(**wanted: object) -> Query:
    settings = {"statuses": None, "cli": None, "kind": None, "limit": 10, "cursor": None}
    return lambda c: _sessions.listing(c, **(settings | wanted))


CURSOR = to_cursor(to_us(at(20)), 20)


def questions() -> Iterator[tuple[str, Query]]:
    one, owner = SessionId("ses_1"), "two"
    for cursor in (None, CURSOR):
        name = f"{cursor and 'cursor'}"
        yield f"jobs-{name}", jobs(cursor=cursor)
        yield f"jobs-of-session-{name}", jobs(session_id=one, cursor=cursor)
        yield f"steps-of-job-{name}", jobs(parent_id=JobId("job_1"), cursor=cursor)
    for statuses, cli, cursor in itertools.product([None, SOME], [None, "codex"], [None, CURSOR]):
        name = f"{statuses and 'states'}-{cli}-{cursor and 'cursor'}"
        for kind in (None, "exec"):
            asked = {"statuses": statuses, "cli": cli, "cursor": cursor, "kind": kind}
            yield f"sessions-{name}-{kind}", sessions(**asked)
    yield "job", lambda c: _jobs.read(c, JobId("job_1"))
    yield "session", lambda c: _sessions.read(c, one)
    yield "thought", lambda c: _thoughts.change(c, THOUGHT.id, lambda _: (THOUGHT, None))
    yield "new-thought", lambda c: _thoughts.change(c, None, lambda _: (THOUGHT, None))
    yield "entries", lambda c: _jobs.read_entries(c, JobId("job_1"), 1, 10)
    yield "turn", lambda c: _jobs.read_turn(c, JobId("job_1"), 1)
    yield "create", lambda c: _jobs.create(c, make_job(5_000), make_session(5_000), log())
    yield "create-in-session", lambda c: _jobs.create(c, make_job(5_001, session=1), None, log())
    step = make_job(5_002, session=1, parent_id=JobId("job_1"))
    yield "create-step", lambda c: _jobs.create(c, step, None, log())
    yield "append", lambda c: _jobs.append(c, JobId("job_3"), log(JobStarted(), first=2))
    end = make_job(2, status=JobStatus.COMPLETED, finished_at=at(9))
    yield "finish", lambda c: _jobs.finish(c, end, None, log(first=3))
    yield "abort", lambda c: _orphans.abort(c, owner, at(1))
    yield "collect", lambda c: _sweep.collect(c, at(9_000), is_dry_run=False, limit=3)
    yield "collect-dry", lambda c: _sweep.collect(c, at(9_000), is_dry_run=True, limit=3)


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    made = connect_memory()
    migrate(made)
    for number in range(1, 40):
        _jobs.create(made, make_job(number), make_session(number), log(Text(text="x")))
    _thoughts.change(made, None, lambda _: (THOUGHT, None))
    yield made
    made.close()


@pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in questions()])
def test_no_question_scans_or_sorts_a_table(connection: sqlite3.Connection, ask: Query) -> None:
    asked: list[str] = []
    connection.execute("BEGIN")
    connection.set_trace_callback(asked.append)
    ask(connection)
    connection.set_trace_callback(None)
    plans = {
        text: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
        for text in asked
        if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))
    }
    connection.execute("ROLLBACK")

    assert plans
    for text, steps in plans.items():
        for step in steps:
            assert "TEMP B-TREE" not in step, (text, steps)
            if step.startswith("SCAN"):  # in the order of an index, and stopped by the limit
                assert " USING " in step, (text, steps)
                assert "LIMIT" in text, (text, steps)


def test_times_are_exact_to_the_microsecond(connection: sqlite3.Connection) -> None:
    late = datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.UTC)
    connection.execute("BEGIN")
    _jobs.create(
        connection, make_job(7_000, session=1, finished_at=late, started_at=late), None, []
    )
    kept = _jobs.read(connection, JobId("job_7000"))
    connection.execute("ROLLBACK")

    assert kept.finished_at == kept.started_at == late
