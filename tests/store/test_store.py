"""What every store promises, held by the real one and by the fake alike."""

import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from aimux.errors import NotFound
from aimux.model import (
    Entry,
    Event,
    Job,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    Outcome,
    Session,
    SessionId,
    Text,
)
from aimux.store import Store, open_store

BIRTH = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return BIRTH + datetime.timedelta(seconds=seconds)


def make_job(number: int = 1, *, session: int | None = None, **other: object) -> Job:
    made = Job(
        id=JobId(f"job_{number}"),
        session_id=SessionId(f"ses_{number if session is None else session}"),
        tool="exec",
        cli="codex",
        owner="one",
        created_at=at(number),
    )
    return attrs.evolve(made, **other)


def make_session(number: int = 1, **other: object) -> Session:
    made = Session(
        id=SessionId(f"ses_{number}"), cli="codex", created_at=at(number), last_active_at=at(number)
    )
    return attrs.evolve(made, **other)


def log(*events: Event, first: int = 1, turn: int = 0) -> list[Entry]:
    return [
        Entry(seq=seq, offset_s=seq / 8, at=at(100 + seq), turn=turn, event=event)
        for seq, event in enumerate(events, first)
    ]


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "state" / "sessions.db" if request.param == "file" else None
    async with open_store(path, owner="one") as made:
        yield made


async def test_a_created_job_is_read_back_whole(store: Store) -> None:
    job, session, entries = make_job(), make_session(), log(JobQueued(position=1))

    await store.create(job, session, entries)

    assert await store.job(job.id) == attrs.evolve(job, last_seq=1)
    assert await store.session(session.id) == session
    assert await store.entries(job.id) == entries


async def test_status_follows_the_log(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(JobQueued(position=1)))

    assert await store.append(job.id, log(JobStarted(), Text(text="a"), first=2))

    kept = await store.job(job.id)
    assert (kept.status, kept.started_at, kept.last_seq) == (JobStatus.RUNNING, at(102), 3)
    assert (await store.session(job.session_id)).status is JobStatus.RUNNING


async def test_the_first_end_wins(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(JobStarted()))
    outcome = Outcome(content="done")
    end = attrs.evolve(
        job, status=JobStatus.COMPLETED, finished_at=at(200), started_at=at(101), outcome=outcome
    )
    late = attrs.evolve(job, status=JobStatus.FAILED, finished_at=at(300), outcome=Outcome())

    first = await store.finish(
        end, None, log(JobFinished(status=JobStatus.COMPLETED, outcome=outcome), first=2)
    )
    second = await store.finish(
        late,
        make_session(turns=9),
        log(JobFinished(status=JobStatus.FAILED, outcome=Outcome()), first=3),
    )

    assert first == second == attrs.evolve(end, last_seq=2)
    assert len(await store.entries(job.id)) == 2
    assert (await store.session(job.session_id)).turns == 0
    assert (await store.session(job.session_id)).status is JobStatus.COMPLETED


async def test_unknown_names_are_not_found(store: Store) -> None:
    with pytest.raises(NotFound) as job:
        await store.job(JobId("job_no"))
    with pytest.raises(NotFound) as session:
        await store.session(SessionId("ses_no"))

    assert (job.value.code, session.value.code) == ("job_not_found", "session_not_found")
