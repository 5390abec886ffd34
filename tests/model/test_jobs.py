"""Which state of a job may follow which, and what a session knows of its seats."""

import datetime

import pytest
from hypothesis import given, strategies as st

from aimux.model import (
    NEXT,
    TERMINAL,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
    SeatSession,
    Session,
    SessionId,
    Text,
    next_status as following,
)

EVENTS = st.one_of(
    st.just(JobQueued(position=1)),
    st.just(JobStarted()),
    st.just(Text(text="x")),
    st.sampled_from(sorted(TERMINAL)).map(lambda status: JobFinished(status=status)),
)


@pytest.mark.parametrize("end", sorted(TERMINAL))
@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_an_open_job_may_end_in_any_way(status: JobStatus, end: JobStatus) -> None:
    assert following(status, JobFinished(status=end)) is end


def test_a_job_starts_once_and_is_not_queued_again() -> None:
    assert following(JobStatus.QUEUED, JobStarted()) is JobStatus.RUNNING
    assert following(JobStatus.RUNNING, JobStarted()) is JobStatus.RUNNING
    assert following(JobStatus.RUNNING, JobQueued(position=1)) is JobStatus.RUNNING


def test_an_end_that_is_none_is_not_taken() -> None:
    assert following(JobStatus.RUNNING, JobFinished(status=JobStatus.QUEUED)) is JobStatus.RUNNING


@pytest.mark.requirement("job:one_end")
@given(st.lists(EVENTS))
def test_the_first_end_stays(events: list[JobQueued | JobStarted | Text | JobFinished]) -> None:
    """Any log folds into a path of the table."""
    status = JobStatus.QUEUED
    for event in events:
        after = following(status, event)
        assert after is status or after in NEXT[status]
        assert status not in TERMINAL or after is status
        status = after
    first = next((each.status for each in events if isinstance(each, JobFinished)), None)

    assert first is None or status is first


# ------------------------------------------------------------------------------------- sessions

AT = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def make_session(**seats: SeatSession) -> Session:
    return Session(
        id=SessionId("ses_1"), cli="codex", seats=seats, created_at=AT, last_active_at=AT
    )


def test_a_session_has_had_the_turns_of_all_its_seats() -> None:
    session = make_session(A=SeatSession(cli="codex", turns=3), B=SeatSession(cli="qwen", turns=2))

    assert session.turns == 5
    assert make_session().turns == 0


def test_a_seat_that_has_not_spoken_is_a_fresh_one_of_the_sessions_cli() -> None:
    spoke = SeatSession(cli="qwen", model="m", native_id="abc", turns=1)
    session = make_session(A=spoke)

    assert session.seat("A") is spoke
    assert session.seat("B") == session.seat() == SeatSession(cli="codex")
