"""Files of every older schema are brought up to date, with all that is in them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from aimux.model import (
    Attempt,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobStarted,
    JobStatus,
    Mode,
    Noise,
    Outcome,
    SeatSession,
    SessionId,
    TurnFailed,
    TurnFinished,
    TurnResult,
    TurnStarted,
    Usage,
    Warned,
)
from aimux.store import open_store
from aimux.store._files import connect
from aimux.store._migrations import STEPS, migrate
from aimux.store._times import to_us

from ._values import at, make_job, make_session

Json = Mapping[str, object]

# ------------------------------------------------------------- bodies as the second schema had them

SESSION: Json = {
    "id": "ses_1",
    "cli": "gemini",
    "kind": "exec",
    "native_id": "abc",
    "model": "m",
    "mode": "write",
    "role": "coding",
    "cwd": "/src",
    "client": "c",
    "turns": 2,
    "status": "queued",
    "created_at": "2026-03-01T12:00:01.000000Z",
    "last_active_at": "2026-03-01T12:00:01.000000Z",
    "metadata": {"ä": [1, None, 0.5, True]},
}
JOB: Json = {
    "id": "job_1",
    "session_id": "ses_1",
    "tool": "exec",
    "role": "",
    "cli": "codex",
    "model": "",
    "effort": "",
    "mode": "read",
    "cwd": "",
    "client": "",
    "owner": "one",
    "prompt_preview": "",
    "prompt": 'say "ä"\n',
    "status": "completed",
    "created_at": "2026-03-01T12:00:01.000000Z",
    "started_at": None,
    "finished_at": None,
    "last_seq": 6,
    "outcome": None,
}
USAGE: Json = {
    "input_tokens": 3,
    "output_tokens": None,
    "cached_tokens": None,
    "reasoning_tokens": None,
    "cost_usd": 0.25,
}
OUTCOME: Json = {
    "content": "the änswer\n\u0001",
    "is_cut": True,
    "data": {"ok": [True, None, 1.5]},
    "cli": "gemini",
    "model": "g",
    "effort": "high",
    "mode": "read",
    "usage": USAGE,
    "exit_code": 0,
    "duration_ms": 99,
    "attempts": [
        {
            "cli": "codex",
            "model": "",
            "effort": "",
            "outcome": "quota",
            "code": "",
            "message": "",
            "duration_ms": 1,
        }
    ],
    "warnings": [{"code": "w", "message": "x"}],
    "error": None,
    "stderr_tail": "",
    "native_session": "abc",
    "turns": 2,
}
FAILURE: Json = {
    "failure_class": "quota",
    "code": "quota",
    "message": "none left",
    "retryable": False,
    "excerpt": "",
    "hint": "",
}
STARTED: Json = {
    "kind": "turn_started",
    "turn": 1,
    "cli": "codex",
    "model": "",
    "effort": "",
    "mode": "read",
    "attempt": 1,
    "argv": ["codex", "<prompt>"],
    "cwd": "/src",
    "env_names": ["A"],
}
LOG: Sequence[tuple[int, Json]] = [
    (0, {"kind": "job_started"}),
    (1, STARTED),
    (1, {"kind": "turn_failed", "turn": 1, "failure": FAILURE}),
    (2, {"kind": "turn_finished", "turn": 2, "exit_code": 3, "duration_ms": 5, "verdict": "valid"}),
    (3, {"kind": "turn_finished", "turn": 3, "exit_code": 0, "duration_ms": 7, "verdict": "valid"}),
    (0, {"kind": "job_finished", "status": "completed", "reason": "", "outcome": OUTCOME}),
]


def packed(data: Json | None) -> bytes | None:
    return None if data is None else json.dumps(data, ensure_ascii=False).encode()


def add_session(connection: sqlite3.Connection, body: Json) -> None:
    connection.execute(
        "INSERT INTO sessions (id, kind, cli, status, active_us, body) VALUES (?, ?, ?, ?, ?, ?)",
        (body["id"], "exec", body["cli"], "completed", to_us(at(9)), packed(body)),
    )


def add_job(
    connection: sqlite3.Connection,
    body: Json,
    outcome: Json | None,
    log: Sequence[tuple[int, Json]],
) -> None:
    """A job of the first session with its log, one entry a second."""
    number = connection.execute("SELECT count(*) + 1 FROM jobs").fetchone()[0]
    end = to_us(at(9)) if outcome is not None else None
    born = to_us(at(number))
    row = (number, body["id"], body["status"], born, born, end, len(log), packed(body))
    connection.execute(
        "INSERT INTO jobs (number, id, session, cli, owner, status, created_us, started_us,"
        " finished_us, last_seq, body, outcome)"
        " VALUES (?, ?, 1, 'codex', 'one', ?, ?, ?, ?, ?, ?, ?)",
        (*row, packed(outcome)),
    )
    connection.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (number, seq, turn, to_us(at(seq)), seq / 8, event["kind"], packed(event))
            for seq, (turn, event) in enumerate(log, 1)
        ],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the second schema: a session, a job that ended and one that runs."""
    path = tmp_path / "sessions.db"
    connection = connect(path)
    migrate(connection, path, steps=STEPS[:2])
    add_session(connection, SESSION)
    add_job(connection, JOB, OUTCOME, LOG)
    running = {**JOB, "id": "job_2", "status": "running"}
    text = {"kind": "text", "text": "half of it"}
    native = {"kind": "native_session", "native_id": "new"}
    add_job(connection, running, None, [LOG[0], LOG[1], (1, native), (1, text)])
    connection.commit()
    connection.close()
    return path


# -------------------------------------------------------------------------------- the third schema


async def test_a_session_of_one_cli_becomes_one_of_one_seat(path: Path) -> None:
    async with open_store(path, owner="one") as store:
        found = await store.session(SessionId("ses_1"))
        (listed,) = (await store.sessions(cli="gemini")).sessions

    assert found == listed
    assert found == make_session(
        cli="gemini",
        seats={"": SeatSession(cli="gemini", model="m", native_id="abc", turns=2)},
        mode=Mode.WRITE,
        role="coding",
        cwd="/src",
        client="c",
        status=JobStatus.COMPLETED,
        last_active_at=at(9),
    )
    assert found.turns == 2


async def test_a_session_that_never_spoke_has_a_seat_without_turns(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    connection = connect(path)
    migrate(connection, path, steps=STEPS[:2])
    add_session(connection, {**SESSION, "native_id": "", "model": "", "turns": 0})
    connection.commit()
    connection.close()
    async with open_store(path, owner="one") as store:
        found = await store.session(SessionId("ses_1"))

    assert found.seat() == SeatSession(cli="gemini")
    assert found.turns == 0


async def test_a_job_keeps_its_outcome_and_lists_no_turns(path: Path) -> None:
    """How many they were is no list of them; their ends stand in the log."""
    async with open_store(path, owner="one") as store:
        found = await store.job(JobId("job_1"))
        alone = (await store.jobs(parent_id=JobId("job_1"))).jobs

    assert found.outcome == Outcome(
        content="the änswer\n\u0001",
        is_cut=True,
        data={"ok": [True, None, 1.5]},
        cli="gemini",
        model="g",
        effort="high",
        usage=Usage(input_tokens=3, cost_usd=0.25),
        exit_code=0,
        duration_ms=99,
        attempts=(Attempt(cli="codex", outcome="quota", duration_ms=1),),
        warnings=(Warned(code="w", message="x"),),
        native_session="abc",
        turns=(),
    )
    assert (found.parent_id, found.prompt, alone) == ("", 'say "ä"\n', [])
    assert (found.status, found.finished_at) == (JobStatus.COMPLETED, at(9))


async def test_every_line_of_an_older_log_is_read(path: Path) -> None:
    async with open_store(path, owner="one") as store:
        events = [entry.event for entry in await store.entries(JobId("job_1"))]
        turns = [await store.turn(JobId("job_1"), number) for number in (1, 2, 3, 4)]
    failed = TurnResult(
        turn=1,
        status=JobStatus.FAILED,
        failure=Failure(failure_class=FailureClass.QUOTA, code="quota", message="none left"),
    )
    rejected = TurnResult(turn=2, status=JobStatus.COMPLETED, exit_code=3, duration_ms=5)
    answered = TurnResult(
        turn=3,
        status=JobStatus.COMPLETED,
        content="the änswer\n\u0001",
        is_cut=True,
        cli="gemini",
        model="g",
        exit_code=0,
        duration_ms=7,
    )

    assert events == [
        JobStarted(),
        TurnStarted(turn=1, cli="codex", argv=("codex", "<prompt>"), cwd="/src", env_names=("A",)),
        TurnFailed(result=failed),
        TurnFinished(result=rejected),
        TurnFinished(result=answered),
        JobFinished(status=JobStatus.COMPLETED),
    ]
    assert turns == [failed, rejected, answered, None]


async def test_what_ran_under_an_older_version_is_an_orphan_like_any_other(path: Path) -> None:
    async with open_store(path, owner="two") as store:
        (orphan,) = await store.abort_orphans("two", at(50))
        job = await store.job(orphan.job_id)
        session = await store.session(SessionId("ses_1"))
        events = [entry.event for entry in await store.entries(orphan.job_id)]

    assert job.outcome is not None
    assert (job.status, job.outcome.content) == (JobStatus.ABORTED, "half of it")
    assert not any(isinstance(event, Noise) for event in events)
    assert [event.kind for event in events[4:]] == ["turn_failed", "job_finished"]
    assert (session.status, session.turns) == (JobStatus.ABORTED, 3)


async def test_a_cut_answer_and_a_whole_one_stay_what_they_were(tmp_path: Path) -> None:
    """SQLite has no booleans of its own: they must not come back as numbers."""
    path = tmp_path / "sessions.db"
    connection = connect(path)
    migrate(connection, path, steps=STEPS[:2])
    add_session(connection, SESSION)
    for name, is_cut in [("job_1", True), ("job_2", False)]:
        add_job(connection, {**JOB, "id": name}, {**OUTCOME, "is_cut": is_cut}, LOG)
    bare = {key: value for key, value in OUTCOME.items() if key != "is_cut"}  # of the first schema
    add_job(connection, {**JOB, "id": "job_3"}, bare, LOG)
    connection.commit()
    connection.close()
    async with open_store(path, owner="one") as store:
        turns = [await store.turn(JobId(f"job_{number}"), 3) for number in (1, 2, 3)]

    assert [turn is not None and turn.is_cut for turn in turns] == [True, False, False]


# --------------------------------------------------------------------------------- the first schema


async def test_sessions_of_the_first_schema_are_read(tmp_path: Path) -> None:
    """Their bodies had two fields that nothing ever set."""
    path = tmp_path / "sessions.db"
    connection = connect(path)
    migrate(connection, path, steps=STEPS[:1])
    add_session(connection, {**SESSION, "native_chosen": False, "cli_version": ""})
    connection.commit()
    connection.close()
    async with open_store(path, owner="one") as store:
        found = await store.session(SessionId("ses_1"))

    assert found.seats == {"": SeatSession(cli="gemini", model="m", native_id="abc", turns=2)}


# --------------------------------------------------------------------------------------- any schema


async def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    connection = connect(path)
    assert migrate(connection, path, steps=STEPS[:1]) == 1
    connection.close()
    async with open_store(path, owner="one") as store:
        await store.create(make_job(), make_session())
    extra = [*STEPS, "ALTER TABLE jobs ADD COLUMN extra TEXT NOT NULL DEFAULT 'new'"]
    connection = connect(path)

    taken = migrate(connection, path, steps=extra)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    rows = connection.execute("SELECT id, extra FROM jobs").fetchall()
    again = migrate(connection, path, steps=extra)
    connection.close()

    assert (taken, again, version) == (1, 0, len(extra))
    assert rows == [("job_1", "new")]


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    connection = connect(path)
    broken = [*STEPS, "CREATE TABLE half (n); CREATE TABLE jobs (n)"]

    with pytest.raises(sqlite3.OperationalError, match="jobs already exists"):
        migrate(connection, path, steps=broken)
    connection.close()

    async with open_store(path, owner="one") as store:
        await store.create(make_job(), make_session())
        found = await store._read(
            lambda c: c.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchone()
        )
        assert isinstance(await store.job(JobId("job_1")), Job)
    assert found is None
