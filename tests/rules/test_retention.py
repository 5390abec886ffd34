"""Only what is finished and old enough goes."""

import datetime

import attrs
import pytest

from aimux.model import Job, JobId, JobStatus, Session, SessionId
from aimux.rules import Removal, removable

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(hours=24)


def ago(hours: float) -> datetime.datetime:
    return NOW - datetime.timedelta(hours=hours)


def job(name: str, session: str, hours: float, status: JobStatus = JobStatus.COMPLETED) -> Job:
    is_over = status not in (JobStatus.QUEUED, JobStatus.RUNNING)
    return Job(
        id=JobId(name),
        session_id=SessionId(session),
        tool="exec",
        status=status,
        created_at=ago(hours + 1),
        finished_at=ago(hours) if is_over else None,
    )


def session(name: str, hours: float) -> Session:
    return Session(
        id=SessionId(name), cli="codex", created_at=ago(hours + 9), last_active_at=ago(hours)
    )


def test_old_finished_work_goes_oldest_first() -> None:
    found = removable(
        [job("j1", "s1", 30), job("j2", "s2", 40), job("j3", "s3", 1)],
        [session("s1", 30), session("s2", 40), session("s3", 1)],
        NOW,
        DAY,
    )

    assert found == Removal(jobs=["j2", "j1"], sessions=["s2", "s1"])


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_open_work_stays_with_its_session_however_old(status: JobStatus) -> None:
    found = removable([job("j1", "s1", 99, status)], [session("s1", 99)], NOW, DAY)

    assert found == Removal(jobs=[], sessions=[])


def test_a_session_that_is_still_used_stays_and_its_old_jobs_go() -> None:
    found = removable([job("j1", "s1", 48), job("j2", "s1", 2)], [session("s1", 2)], NOW, DAY)

    assert found == Removal(jobs=["j1"], sessions=[])


def test_a_session_with_a_young_job_stays() -> None:
    found = removable([job("j1", "s1", 2)], [session("s1", 48)], NOW, DAY)

    assert found.sessions == []


def test_the_edge_belongs_to_the_past() -> None:
    assert removable([job("j1", "s1", 24)], [], NOW, DAY).jobs == ["j1"]


def test_a_job_that_never_noted_its_end_counts_from_its_birth() -> None:
    lost = attrs.evolve(job("j1", "s1", 30, JobStatus.ABORTED), finished_at=None)

    assert removable([lost], [], NOW, DAY).jobs == ["j1"]


def test_no_time_means_for_ever() -> None:
    assert removable([job("j1", "s1", 9e4)], [session("s1", 9e4)], NOW, None) == Removal()
