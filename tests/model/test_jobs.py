"""Which state of a job may follow which."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import (
    NEXT,
    TERMINAL,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
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
