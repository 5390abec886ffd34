"""What kept jobs have used, and which ended since a time."""

import attrs

from aimux.model import (
    JobStarted,
    JobStatus,
    Outcome,
    TurnSummary,
    Usage,
    UsageRow,
)
from aimux.store import Store

from ._values import BIRTH, at, finish, log, make_job, make_session

DAY_S = 86_400


def turn(
    number: int, cli: str, status: JobStatus, *, tokens: int, cost: float | None
) -> TurnSummary:
    return TurnSummary(
        turn=number,
        status=status,
        cli=cli,
        model="m",
        usage=Usage(input_tokens=tokens, output_tokens=1, cost_usd=cost),
        duration_ms=100,
    )


async def end(store: Store, number: int, *turns: TurnSummary, day: int = 0) -> None:
    """A job that ended with these turns."""
    job = make_job(number, role="review", created_at=at(number + day * DAY_S))
    await store.create(job, make_session(number), log(JobStarted()))
    ended = attrs.evolve(
        job,
        status=JobStatus.COMPLETED,
        finished_at=at(number + day * DAY_S + 10),
        outcome=Outcome(content="an answer", turns=turns),
    )
    await store.finish(ended, None, [])


async def test_usage_is_summed_by_day_cli_model_and_role(store: Store) -> None:
    """Turns of several jobs come together; a day, and what is older than asked, stays apart."""
    done, failed = JobStatus.COMPLETED, JobStatus.FAILED
    await end(store, 1, turn(1, "codex", done, tokens=10, cost=0.5))
    await end(
        store,
        2,
        turn(1, "codex", failed, tokens=5, cost=0.25),
        turn(2, "claude", done, tokens=7, cost=1.0),
    )
    await end(store, 3, turn(1, "codex", done, tokens=1, cost=None), day=1)
    await store.create(make_job(4), make_session(4), log(JobStarted()))
    row = UsageRow(
        begin_at=at(0).replace(hour=0, minute=0, second=0, microsecond=0),
        cli="codex",
        model="m",
        role="review",
        turns=2,
        completed=1,
        input_tokens=15,
        output_tokens=2,
        cached_tokens=0,
        reasoning_tokens=0,
        cost_usd=0.75,
        duration_ms=200,
    )
    found = await store.usage(BIRTH, DAY_S)
    late = await store.usage(at(DAY_S), DAY_S)

    assert found[1] == row
    assert [(f"{each.begin_at:%Y-%m-%d}", each.cli, each.turns) for each in found] == [
        ("2026-03-01", "claude", 1),
        ("2026-03-01", "codex", 2),
        ("2026-03-02", "codex", 1),
    ]
    assert late == found[2:]
    assert late[0].cost_usd is None


async def test_usage_comes_in_stretches_of_the_length_asked_for(store: Store) -> None:
    """A stretch begins where a whole number of them has passed since 1970, UTC."""
    done = JobStatus.COMPLETED
    for number, day in ((1, 0), (2, 0), (3, 1)):
        await end(store, number, turn(1, "codex", done, tokens=1, cost=0.0), day=day)
    hours = await store.usage(BIRTH, 3_600)
    late = await store.usage(at(2), 3_600)

    assert [(each.begin_at, each.turns) for each in hours] == [
        (at(0).replace(minute=0, second=0, microsecond=0), 2),
        (at(DAY_S).replace(minute=0, second=0, microsecond=0), 1),
    ]
    assert [each.turns for each in late] == [1, 1]


async def test_ended_jobs_are_listed_from_a_time_on_in_their_order(store: Store) -> None:
    """Those that ended at that very moment too; what is open is not among them."""
    await finish(store, 1)
    await finish(store, 2)
    await store.create(make_job(3), make_session(3), log(JobStarted()))
    everything = await store.ended_since(BIRTH)
    last = await store.ended_since(at(1_002))

    assert [job.id for job in everything] == ["job_1", "job_2"]
    assert [job.id for job in last] == ["job_2"]
    assert await store.ended_since(at(1_003)) == []
