"""What a turn of a job came to stands at its end in the log."""

import sqlite3

import attrs
import pytest

from aimux.model import (
    Failure,
    FailureClass,
    JobId,
    JobStarted,
    JobStatus,
    Noise,
    Text,
    TurnFailed,
    TurnFinished,
    TurnResult,
    TurnStarted,
    Usage,
)
from aimux.store import Store

from ._values import log, make_job, make_session

ANSWER = TurnResult(
    turn=2,
    seat="B",
    status=JobStatus.COMPLETED,
    content="ä\n\x00" * 100,
    data={"ok": [1, None]},
    cli="codex",
    usage=Usage(input_tokens=3, cost_usd=0.5),
    native_session="abc",
)
MISS = TurnResult(
    turn=1,
    seat="A",
    status=JobStatus.TIMED_OUT,
    content="half",
    failure=Failure(failure_class=FailureClass.TIMEOUT, code="timed_out", message="too late"),
)


async def with_turns(store: Store) -> JobId:
    """A job with a turn that failed, one that finished, and one under way."""
    job = make_job()
    entries = [
        *log(JobStarted()),
        *log(TurnStarted(turn=2, cli="codex"), TurnFinished(result=ANSWER), first=2, turn=2),
        *log(TurnStarted(turn=1, cli="codex"), TurnFailed(result=MISS), first=4, turn=1),
        *log(TurnStarted(turn=3, cli="codex"), Text(text="so far"), first=6, turn=3),
    ]
    await store.create(job, make_session(), entries)
    return job.id


async def test_a_turn_is_read_from_its_end_in_the_log(store: Store) -> None:
    job_id = await with_turns(store)

    assert await store.turn(job_id, 1) == MISS
    assert await store.turn(job_id, 2) == ANSWER


@pytest.mark.parametrize("number", [0, 3, 4, -1])
async def test_a_turn_without_an_end_is_none(store: Store, number: int) -> None:
    job_id = await with_turns(store)

    assert await store.turn(job_id, number) is None


async def test_a_turn_whose_end_another_version_wrote_is_none(store: Store) -> None:
    """Nothing is guessed about it; the log quotes it."""
    job_id = await with_turns(store)

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE entries SET body = CAST(json_set(CAST(body AS TEXT), '$.result.mood', 'gay')"
            " AS BLOB) WHERE kind = 'turn_finished'"
        )

    await store._write(change)

    assert await store.turn(job_id, 2) is None
    assert await store.turn(job_id, 1) == MISS
    (quoted,) = await store.entries(job_id, after_seq=2, limit=1)
    assert isinstance(quoted.event, Noise)
    assert "unknown key mood" in quoted.event.line


async def test_the_first_end_of_a_turn_counts(store: Store) -> None:
    job_id = await with_turns(store)
    again = attrs.evolve(MISS, status=JobStatus.CANCELLED)

    await store.append(job_id, log(TurnFailed(result=again), first=8, turn=1))

    assert await store.turn(job_id, 1) == MISS


async def test_turns_of_jobs_are_told_apart(store: Store) -> None:
    await with_turns(store)
    await store.create(make_job(2), make_session(2))

    assert await store.turn(JobId("job_2"), 1) is None
