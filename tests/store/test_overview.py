"""What a watcher asks for: jobs at a glance, milestones, silences, usage over time."""

import attrs
import pytest

from aimux.errors import NotFound
from aimux.model import (
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobStarted,
    JobStatus,
    Outcome,
    Text,
    TurnStarted,
    Usage,
)
from aimux.store import Store

from ._values import at, finish, log, make_job, make_session

BAD = Failure(failure_class=FailureClass.QUOTA, code="quota", message="spent")


async def test_a_glance_has_the_end_in_short_and_neither_prompt_nor_answer(store: Store) -> None:
    """Newest first, in pages."""
    job = make_job(2, prompt="a secret prompt", prompt_preview="a prompt")
    await finish(store, 1)
    await store.create(job, make_session(2), log(JobStarted()))
    usage = Usage(input_tokens=3, output_tokens=4)
    outcome = Outcome(
        content="long", cli="claude", model="opus", error=BAD, usage=usage, duration_ms=9,
        data={"state": "needs_human", "resumable_from": "two"},
    )  # fmt: skip
    ended = attrs.evolve(job, status=JobStatus.FAILED, finished_at=at(9), outcome=outcome)
    await store.finish(ended, None, log(JobFinished(status=JobStatus.FAILED), first=2))

    page = await store.overview.glances(limit=1)
    rest = await store.overview.glances(limit=1, cursor=page.cursor)
    (found,) = page.glances

    assert (found.job.id, found.job.status, found.job.prompt) == (job.id, JobStatus.FAILED, "")
    assert (found.cli, found.model, found.duration_ms) == ("claude", "opus", 9)
    assert found.failure is not None
    assert found.failure["code"] == "quota"
    assert found.usage is not None
    assert found.usage["input_tokens"] == 3
    assert (found.state, found.resumable_from) == ("needs_human", "two")
    assert [each.job.id for each in rest.glances] == ["job_1"]
    assert rest.cursor is None
    assert (await store.overview.glance(job.id)) == found


async def test_a_job_that_runs_has_a_glance_too(store: Store) -> None:
    """What it came to is not known."""
    await store.create(make_job(1), make_session(1), log(JobStarted()))
    (found,) = (await store.overview.glances(limit=5)).glances

    assert (found.job.status, found.cli, found.failure) == (JobStatus.RUNNING, "codex", None)


async def test_milestones_leave_out_what_was_said(store: Store) -> None:
    """A log of a hundred thousand pieces of text has few."""
    await store.create(make_job(1), make_session(1), log(JobStarted()))
    said = [Text(text=f"{n}") for n in range(50)]
    await store.append(
        JobId("job_1"), log(TurnStarted(turn=1, cli="codex"), *said, first=2, turn=1)
    )

    found = await store.overview.milestones(JobId("job_1"))

    assert [(each.seq, each.event.kind) for each in found] == [
        (1, "job_started"),
        (2, "turn_started"),
    ]
    with pytest.raises(NotFound):
        await store.overview.milestones(JobId("job_9"))


async def test_silences_are_gaps_of_one_turn(store: Store) -> None:
    """What other turns say meanwhile does not count."""
    await store.create(make_job(1), make_session(1), log(JobStarted()))
    entries = [
        *log(TurnStarted(turn=1, cli="codex"), first=8, turn=1),
        *log(Text(text="other"), first=80, turn=2),
        *log(Text(text="at last"), first=88, turn=1),
    ]
    await store.append(JobId("job_1"), entries)

    (found,) = await store.overview.silences(JobId("job_1"), 10.0)

    assert (found.turn, found.begin_s, found.end_s) == (1, 1.0, 11.0)
    assert await store.overview.silences(JobId("job_1"), 10.1) == []
