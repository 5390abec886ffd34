"""Research in the store: runs that another server takes over, answers that are given again."""

import attrs
import pytest

from aimux.model import (
    JobId,
    JobStarted,
    JobStatus,
    Research,
    ResearchProvider,
    ResearchSource,
    ResearchTask,
    SessionId,
)
from aimux.store import Store, _research

from ._values import at, finish, log, make_job


def task(number: int) -> ResearchTask:
    return ResearchTask(
        job_id=JobId(f"job_{number}"),
        base_url="https://vendor.example",
        model="m",
        output_format="report",
        cache_key="k",
        limit_s=60,
        poll_s=1,
        request_limit_s=5,
        interaction_id=f"v1_{number}",
    )


def answer(report: str = "so", second: float = 0) -> Research:
    source = ResearchSource(title="t", url="https://example.com", cited_at=((0, 2),))
    return Research(
        provider=ResearchProvider.GEMINI,
        model="m",
        report=report,
        made_at=at(second),
        sources=(source,),
    )


async def test_what_a_vendor_does_is_taken_over_and_nothing_else(store: Store) -> None:
    """Open jobs of another owner that have an id, steps included; others are aborted."""
    for number in (1, 2, 3, 4):
        parent = JobId("job_2") if number == 4 else JobId("")
        job = make_job(number, cli="", session_id=SessionId(""), parent_id=parent)
        await store.create(job, None, log(JobStarted()))
    for number in (1, 4):
        await store.research.begin(task(number))
    await finish(store, 5)
    await store.research.begin(task(5))

    orphans = await store.abort_orphans("two", at(900))
    taken = await store.research.take_over("two")
    again = await store.research.take_over("two")

    assert [each.job_id for each in orphans] == ["job_2", "job_3"]
    assert [(job.id, job.owner, each) for job, each in taken] == [
        ("job_1", "two", task(1)),
        ("job_4", "two", task(4)),
    ]
    assert taken[1][0].parent_id == "job_2"
    assert taken[0][0].status is JobStatus.RUNNING
    assert again == []
    assert (await store.job(JobId("job_1"))).owner == "two"
    assert await store.research.take_over("three") != []


async def test_an_answer_is_given_again_while_it_is_young(store: Store) -> None:
    """The last one under its key; another key has none."""
    await store.research.keep("k", answer("old", 0))
    await store.research.keep("k", answer("new", 10))

    assert await store.research.find("k", since=at(10), now=at(20)) == answer("new", 10)
    assert await store.research.find("k", since=at(11), now=at(20)) is None
    assert await store.research.find("other", since=at(0), now=at(20)) is None


async def test_answers_that_were_used_longest_ago_make_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is too large is not kept at all."""
    monkeypatch.setattr(_research, "KEPT", 2)
    monkeypatch.setattr(_research, "MAX_ANSWER_BYTES", 10_000)
    for number, key in enumerate("abc", start=1):
        await store.research.keep(key, answer(key, number))
        await store.research.find("a", since=at(0), now=at(50 + number))
    await store.research.keep("large", answer("x" * 10_000, 99))

    found = [await store.research.find(key, since=at(0), now=at(99)) for key in "abc"]
    assert [each is not None for each in found] == [True, False, True]
    assert await store.research.find("large", since=at(0), now=at(99)) is None


async def test_a_run_goes_with_its_job(store: Store) -> None:
    """Nothing is kept of it longer."""
    await finish(store, 1)
    await store.research.begin(task(1))
    await store.collect(at(10_000))
    await store.create(attrs.evolve(make_job(1), session_id=SessionId(""), cli=""), None)

    assert await store.research.take_over("two") == []


async def test_a_run_of_another_version_is_aborted_and_keeps_nobody_from_starting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out, and is an orphan like any other then."""
    await store.create(make_job(1, cli="", session_id=SessionId("")), None, log(JobStarted()))
    with monkeypatch.context() as patched:
        patched.setattr(_research, "dump_bytes", lambda _: b'{"later": 1}')
        await store.research.begin(task(1))

    before = await store.abort_orphans("two", at(900))
    taken = await store.research.take_over("two")
    after = await store.abort_orphans("two", at(900))

    assert before == taken == []
    assert [each.job_id for each in after] == ["job_1"]
