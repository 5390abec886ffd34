"""What every store promises, held by the real one and by the fake alike."""

import attrs
import pytest
import trio
import trio.testing

from aimux.errors import InvalidArguments, NotFound
from aimux.model import (
    TERMINAL,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    Noise,
    Outcome,
    SeatSession,
    SessionId,
    Stream,
    Text,
)
from aimux.store import Store

from ._values import at, finish, log, make_job, make_session, save_session


def finished(status: JobStatus = JobStatus.COMPLETED) -> JobFinished:
    return JobFinished(status=status)


# ------------------------------------------------------------------------------------- one job


async def test_a_created_job_is_read_back_whole(store: Store) -> None:
    job, session, entries = make_job(), make_session(), log(JobQueued(position=1))

    await store.create(job, session, entries)

    assert await store.job(job.id) == attrs.evolve(job, last_seq=1)
    assert await store.session(session.id) == session
    assert await store.entries(job.id) == entries


async def test_a_job_needs_the_session_it_names(store: Store) -> None:
    job = make_job()

    with pytest.raises(NotFound, match="ses_1") as caught:
        await store.create(job, None, [])
    with pytest.raises(NotFound):
        await store.job(job.id)

    assert caught.value.code == "session_not_found"


async def test_a_job_may_have_no_session(store: Store) -> None:
    job = make_job(session_id=SessionId(""))

    await store.create(job)

    assert (await store.job(job.id)).session_id == ""


async def test_a_job_without_a_session_ends_like_others(store: Store) -> None:
    job = make_job(session_id=SessionId(""))
    await store.create(job)

    await store.finish(attrs.evolve(job, status=JobStatus.FAILED))

    assert (await store.job(job.id)).status is JobStatus.FAILED
    assert (await store.tally()).sessions == {}


async def test_a_second_job_of_a_session_shows_in_it(store: Store) -> None:
    await finish(store, 1)

    await store.create(make_job(2_000, session=1))

    session = await store.session(SessionId("ses_1"))
    assert (session.status, session.last_active_at) == (JobStatus.QUEUED, at(2_000))


async def test_an_id_is_given_once(store: Store) -> None:
    seven = {"": SeatSession(cli="codex", turns=7)}
    await store.create(make_job(), make_session())

    with pytest.raises(ValueError, match="job_1 exists already"):
        await store.create(make_job(tool="think"), make_session(seats=seven))

    assert (await store.job(JobId("job_1"))).tool == "exec"
    assert (await store.session(SessionId("ses_1"))).turns == 0


async def test_status_follows_the_log(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(JobQueued(position=1)))

    assert await store.append(job.id, log(JobStarted(), Text(text="a"), first=2))

    kept = await store.job(job.id)
    assert (kept.status, kept.started_at, kept.last_seq) == (JobStatus.RUNNING, at(102), 3)
    assert (await store.session(job.session_id)).status is JobStatus.RUNNING


async def test_a_job_may_be_born_running(store: Store) -> None:
    job = make_job()

    await store.create(job, make_session(), log(JobStarted()))

    kept = await store.job(job.id)
    assert (kept.status, kept.started_at) == (JobStatus.RUNNING, at(101))


async def test_an_append_may_be_repeated(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session())
    await store.append(job.id, log(Text(text="a"), Text(text="b")))

    await store.append(job.id, log(Text(text="other"), Text(text="b"), Text(text="c")))

    texts = [entry.event.text for entry in await store.entries(job.id)]
    assert texts == ["a", "b", "c"]


async def test_entries_come_in_pieces(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(*(Text(text=str(n)) for n in range(10))))

    piece = await store.entries(job.id, after_seq=3, limit=4)
    rest = await store.entries(job.id, after_seq=piece[-1].seq)

    assert [entry.seq for entry in piece] == [4, 5, 6, 7]
    assert [entry.seq for entry in rest] == [8, 9, 10]


async def test_append_does_not_end_a_job(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session())

    with pytest.raises(ValueError, match="finish"):
        await store.append(job.id, log(finished()))

    assert (await store.job(job.id)).status is JobStatus.QUEUED
    assert await store.entries(job.id) == []


@pytest.mark.requirement("job:one_end")
async def test_the_first_end_wins(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(JobStarted()))
    event = finished()
    end = attrs.evolve(
        job,
        status=event.status,
        started_at=at(101),
        finished_at=at(200),
        last_seq=2,
        outcome=Outcome(content="the first"),
    )
    late = attrs.evolve(job, status=JobStatus.FAILED, finished_at=at(300), outcome=Outcome())

    first = await store.finish(end, None, log(event, first=2))
    nine = make_session(seats={"": SeatSession(cli="codex", turns=9)})
    second = await store.finish(late, nine, log(finished(JobStatus.FAILED), first=3))

    assert first == second == end
    assert [entry.seq for entry in await store.entries(job.id)] == [1, 2]
    session = await store.session(job.session_id)
    assert (session.turns, session.status) == (0, JobStatus.COMPLETED)
    assert session.last_active_at == at(200)


@pytest.mark.parametrize("status", sorted(TERMINAL))
async def test_nothing_follows_an_end(store: Store, status: JobStatus) -> None:
    await finish(store, 1, status)

    await store.append(JobId("job_1"), log(JobStarted(), first=3))

    assert (await store.job(JobId("job_1"))).status is status
    assert (await store.session(SessionId("ses_1"))).status is status


async def test_an_open_state_is_no_end(store: Store) -> None:
    await store.create(make_job(), make_session())

    with pytest.raises(ValueError, match="running"):
        await store.finish(make_job(status=JobStatus.RUNNING))


async def test_finish_keeps_the_session_with_it(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session())
    session = make_session(
        seats={"A": SeatSession(cli="codex", model="m", native_id="abc", turns=1)},
        status=JobStatus.COMPLETED,
    )

    await store.finish(attrs.evolve(job, status=JobStatus.COMPLETED), session)

    assert await store.session(session.id) == session


async def test_a_saved_session_replaces_the_one_before(store: Store) -> None:
    await store.create(make_job(), make_session())
    seats = {name: SeatSession(cli=name, turns=3) for name in ("codex", "gemini")}
    changed = make_session(seats=seats, cli="gemini", kind="dialog", status=JobStatus.PARTIAL)

    await save_session(store, changed)

    assert await store.session(changed.id) == changed
    assert (await store.sessions(cli="codex")).sessions == []
    assert (await store.jobs(session_id=changed.id)).jobs == [make_job()]


async def test_unknown_names_are_not_found(store: Store) -> None:
    nobody = JobId("job_no")
    attempts = [
        store.job(nobody),
        store.entries(nobody),
        store.turn(nobody, 1),
        store.append(nobody, log(Text(text="x"))),
        store.finish(attrs.evolve(make_job(), id=nobody, status=JobStatus.FAILED)),
    ]
    codes = []

    for attempt in attempts:
        with pytest.raises(NotFound) as caught:
            await attempt
        codes.append(caught.value.code)
    with pytest.raises(NotFound) as session:
        await store.session(SessionId("ses_no"))

    assert codes == ["job_not_found"] * 5
    assert session.value.code == "session_not_found"


async def test_text_that_utf8_cannot_carry_is_kept_readable(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session())

    await store.append(job.id, log(Noise(stream=Stream.STDERR, line="a\ud800b\x00")))

    assert (await store.entries(job.id))[0].event.line == "a\ufffdb\x00"


# --------------------------------------------------------------------------------------- parents


async def family(store: Store) -> None:
    """Job 1 has the steps 3 and 2, born in that order; job 2 has the step 5; job 4 stands alone."""
    await store.create(make_job(1), make_session(1))
    for number, parent, born in [(3, 1, 10), (2, 1, 20), (5, 2, 30)]:
        job = make_job(number, session=1, created_at=at(born), parent_id=JobId(f"job_{parent}"))
        await store.create(job)
    await store.create(make_job(4), make_session(4))


async def test_a_job_knows_its_parent_and_a_parent_its_steps(store: Store) -> None:
    await family(store)

    steps = (await store.jobs(parent_id=JobId("job_1"))).jobs
    newest = await store.jobs(parent_id=JobId("job_1"), limit=1)
    rest = await store.jobs(parent_id=JobId("job_1"), cursor=newest.cursor)

    assert [job.id for job in steps] == ["job_2", "job_3"]
    assert {job.parent_id for job in steps} == {"job_1"}
    assert [job.id for job in [*newest.jobs, *rest.jobs]] == ["job_2", "job_3"]
    assert [job.id for job in (await store.jobs(parent_id=JobId("job_2"))).jobs] == ["job_5"]
    assert (await store.job(JobId("job_4"))).parent_id == ""


async def test_a_job_without_steps_has_none(store: Store) -> None:
    await family(store)

    assert (await store.jobs(parent_id=JobId("job_4"))).jobs == []
    assert (await store.jobs(parent_id=JobId("job_no"))).jobs == []


async def test_a_step_keeps_its_parent_to_its_end(store: Store) -> None:
    await family(store)
    end = attrs.evolve(await store.job(JobId("job_3")), status=JobStatus.FAILED)

    await store.finish(end, None, log(finished(JobStatus.FAILED)))

    assert (await store.job(JobId("job_3"))).parent_id == "job_1"
    assert len((await store.jobs(parent_id=JobId("job_1"))).jobs) == 2


async def test_a_step_outlives_a_parent_that_is_collected(store: Store) -> None:
    await finish(store, 1)
    await store.create(make_job(2, session=1, parent_id=JobId("job_1")))

    done = await store.collect(at(5_000))

    assert done.job_ids == ["job_1"]
    assert (await store.job(JobId("job_2"))).parent_id == "job_1"  # it tells where it came from
    assert (await store.jobs(parent_id=JobId("job_1"))).jobs == []


async def test_a_parent_that_is_not_kept_is_no_obstacle(store: Store) -> None:
    await store.create(make_job(parent_id=JobId("job_gone")), make_session())

    assert (await store.job(JobId("job_1"))).parent_id == "job_gone"
    assert (await store.jobs(parent_id=JobId("job_gone"))).jobs == []


# ------------------------------------------------------------------------------------ listings


async def test_jobs_are_listed_by_birth(store: Store) -> None:
    for number in (3, 1, 2):
        await store.create(make_job(number), make_session(number))

    whole = await store.jobs()
    newest = await store.jobs(limit=2)

    assert [job.id for job in whole.jobs] == ["job_3", "job_2", "job_1"]
    assert whole.cursor is None
    assert [job.id for job in newest.jobs] == ["job_3", "job_2"]
    assert [job.id for job in (await store.jobs(cursor=newest.cursor)).jobs] == ["job_1"]


async def test_jobs_of_a_session_are_listed(store: Store) -> None:
    await finish(store, 1)
    await finish(store, 2, JobStatus.FAILED)
    await store.create(make_job(4, session=1))

    by_session = await store.jobs(session_id=SessionId("ses_1"))

    assert [job.id for job in by_session.jobs] == ["job_4", "job_1"]
    assert (await store.jobs(session_id=SessionId("ses_no"))).jobs == []


async def test_a_listing_can_do_without_answers(store: Store) -> None:
    await finish(store, 1)

    (light,) = (await store.jobs(with_outcomes=False)).jobs
    (whole,) = (await store.jobs()).jobs

    assert light == attrs.evolve(whole, outcome=None)
    assert whole.outcome == Outcome(content="end of job_1")


async def test_sessions_are_listed_by_last_activity(store: Store) -> None:
    for number in (1, 2, 3):
        await store.create(make_job(number), make_session(number))
    await store.append(JobId("job_1"), log(JobStarted()))

    page = await store.sessions()

    assert [session.id for session in page.sessions] == ["ses_1", "ses_3", "ses_2"]


async def test_sessions_are_filtered(store: Store) -> None:
    await finish(store, 1)
    await save_session(store, make_session(2, kind="consensus"))
    await save_session(store, make_session(3, cli="gemini"))

    by_status = await store.sessions(statuses=[JobStatus.QUEUED, JobStatus.RUNNING])
    by_kind = await store.sessions(kind="consensus", cli="codex")

    assert [session.id for session in by_status.sessions] == ["ses_3", "ses_2"]
    assert [session.id for session in by_kind.sessions] == ["ses_2"]


@pytest.mark.parametrize("statuses", [None, list(JobStatus)])
async def test_pages_together_are_the_whole(store: Store, statuses: list[JobStatus] | None) -> None:
    for number in range(1, 24):  # births collide: the row number has to tell them apart
        state = list(JobStatus)[number % 8]
        session = make_session(number, status=state, last_active_at=at(number % 3))
        await save_session(store, session)
    seen: list[str] = []
    cursor = None

    for _ in range(5):
        page = await store.sessions(statuses=statuses, limit=5, cursor=cursor)
        seen += [session.id for session in page.sessions]
        cursor = page.cursor

    assert cursor is None
    assert len(seen) == len(set(seen)) == 23
    assert seen == [session.id for session in (await store.sessions(statuses=statuses)).sessions]


@pytest.mark.parametrize("cursor", ["", "%%%", "bm90IG91cnM", "1.2", "é"])
async def test_a_cursor_from_elsewhere_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidArguments, match="cursor") as caught:
        await store.jobs(cursor=cursor)

    assert caught.value.problems[0]["path"] == "cursor"


async def test_a_page_is_never_empty_by_its_limit(store: Store) -> None:
    await store.create(make_job(), make_session())

    assert len((await store.jobs(limit=0)).jobs) == 1
    assert len((await store.jobs(limit=10**9)).jobs) == 1


async def test_states_are_tallied(store: Store) -> None:
    await finish(store, 1)
    await finish(store, 2)
    await finish(store, 3, JobStatus.TIMED_OUT)
    await store.create(make_job(4), make_session(4))
    await store.append(JobId("job_4"), log(JobStarted()))

    tally = await store.tally()
    await store.collect(at(10_000))
    after = await store.tally()

    expected = {JobStatus.COMPLETED: 2, JobStatus.TIMED_OUT: 1, JobStatus.RUNNING: 1}
    assert tally.jobs == tally.sessions == expected
    assert after.jobs == after.sessions == {JobStatus.RUNNING: 1}


# ----------------------------------------------------------------------------------- retention


async def test_old_jobs_go_with_log_and_session(store: Store) -> None:
    for number in (1, 2, 3):
        await finish(store, number)
    await store.create(make_job(4), make_session(4))

    told = await store.collect(at(1_003), dry_run=True)
    unchanged = await store.tally()
    done = await store.collect(at(1_003))

    assert told.job_ids == done.job_ids == ["job_1", "job_2"]
    assert told.entries == done.entries == 4
    assert told.session_ids == done.session_ids
    assert unchanged.jobs == {JobStatus.COMPLETED: 3, JobStatus.QUEUED: 1}
    assert done.session_ids == ["ses_1", "ses_2"]
    assert [job.id for job in (await store.jobs()).jobs] == ["job_4", "job_3"]
    with pytest.raises(NotFound):
        await store.session(SessionId("ses_1"))
    with pytest.raises(NotFound):
        await store.entries(JobId("job_1"))


async def test_collection_goes_by_the_end_not_the_birth(store: Store) -> None:
    await finish(store, 1)  # born at 1, ended at 1,001
    await save_session(store, make_session(2))

    done = await store.collect(at(900))

    assert done.job_ids == []
    assert done.session_ids == ["ses_2"]


async def test_collection_has_a_limit(store: Store) -> None:
    for number in range(1, 6):
        await finish(store, number)
    seen = []

    told = await store.collect(at(5_000), limit=2, dry_run=True)  # which counts all of them
    for _ in range(3):
        done = await store.collect(at(5_000), limit=2)
        seen.append((len(done.job_ids), done.has_more))

    assert (len(told.job_ids), len(told.session_ids), told.has_more) == (5, 5, False)
    assert seen == [(2, True), (2, True), (1, True)]
    assert (await store.collect(at(5_000), limit=10)).has_more is False
    assert (await store.tally()).sessions == {}


# ------------------------------------------------------------------------------------ watching


async def test_a_store_counts_what_it_does(store: Store) -> None:
    await store.create(make_job(), make_session())
    with pytest.raises(ValueError, match="exists"):
        await store.create(make_job(), make_session())

    seen = store.statistics()

    assert (seen.works, seen.errors, seen.waiting) == (2, 1, 0)
    assert "0 waiting, 2 works in 2 commits, biggest 1, 1 errors>" in repr(store)


async def test_every_method_is_a_checkpoint(store: Store) -> None:
    await store.create(make_job(), make_session(), log(JobStarted()))
    job = JobId("job_1")
    calls = [
        lambda: store.create(make_job(2), make_session(2)),
        lambda: store.append(job, log(Text(text="x"), first=2)),
        lambda: store.append(job, []),
        lambda: store.finish(make_job(2, status=JobStatus.FAILED)),
        lambda: save_session(store, make_session(3)),
        lambda: store.job(job),
        lambda: store.session(SessionId("ses_1")),
        lambda: store.entries(job),
        lambda: store.turn(job, 1),
        store.jobs,
        store.sessions,
        store.tally,
        lambda: store.abort_orphans("one", at(0)),
        lambda: store.collect(at(0)),
        lambda: store.raw_output(job, 1, Stream.STDOUT, 0, 10),
        lambda: store.raw_attempts(job),
    ]

    for call in calls:
        with trio.testing.assert_checkpoints():
            await call()


async def test_cancelled_on_entry_it_does_nothing(store: Store) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.create(make_job(), make_session())

    assert scope.cancelled_caught
    with pytest.raises(NotFound):
        await store.job(JobId("job_1"))
