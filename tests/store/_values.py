"""Small jobs, sessions and logs, told apart by a number."""

import datetime

import attrs

from aimux.model import (
    Entry,
    Event,
    Job,
    JobFinished,
    JobId,
    JobStarted,
    JobStatus,
    Outcome,
    Session,
    SessionId,
)
from aimux.store import Store, _sessions

BIRTH = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return BIRTH + datetime.timedelta(seconds=seconds)


def make_job(number: int = 1, *, session: int | None = None, **other: object) -> Job:
    """Job `number`, born at second `number`, of the session of that number unless told."""
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
    """Session `number`, born and last active at second `number`."""
    made = Session(
        id=SessionId(f"ses_{number}"), cli="codex", created_at=at(number), last_active_at=at(number)
    )
    return attrs.evolve(made, **other)


def log(*events: Event, first: int = 1, turn: int = 0) -> list[Entry]:
    """Entries numbered from `first`, one a second from second 100 + `first` on."""
    return [
        Entry(seq=seq, offset_s=seq / 8, at=at(100 + seq), turn=turn, event=event)
        for seq, event in enumerate(events, first)
    ]


async def finish(store: Store, number: int, status: JobStatus = JobStatus.COMPLETED) -> None:
    """Create job `number` with its session and end it at second 1,000 + `number`."""
    job = make_job(number)
    await store.create(job, make_session(number), log(JobStarted()))
    outcome = Outcome(content=f"end of {job.id}")
    end = attrs.evolve(
        job, status=status, finished_at=at(1_000 + number), outcome=outcome, last_seq=2
    )
    await store.finish(end, None, log(JobFinished(status=status), first=2))


async def save_session(store: Store, session: Session) -> None:
    """Keep a session that no job brings along."""
    await store._write(lambda connection: _sessions.save(connection, session))
