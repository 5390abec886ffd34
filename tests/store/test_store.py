"""What every store promises, held by the real one and by the fake alike."""

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from aimux.errors import InvalidArguments, NotFound
from aimux.model import (
    TERMINAL,
    ChildExited,
    ChildStarted,
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    Message,
    NativeSession,
    Noise,
    Outcome,
    SessionId,
    Stream,
    Text,
    TurnStarted,
)
from aimux.store import Store, open_store
from aimux.testing import FakeStore

from ._values import at, log, make_job, make_session


@pytest.fixture(params=["file", "memory", "fake"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "fake":
        yield FakeStore()
        return
    path = tmp_path / "state" / "sessions.db" if request.param == "file" else None
    with trio.fail_after(30):
        async with open_store(path, owner="one") as made:
            yield made


def finished(
    job_id: JobId, status: JobStatus = JobStatus.COMPLETED, **other: object
) -> JobFinished:
    return JobFinished(status=status, outcome=Outcome(content=f"end of {job_id}"), **other)


async def finish(store: Store, number: int, status: JobStatus = JobStatus.COMPLETED) -> None:
    """Create job `number` with its session and end it at second 1,000 + `number`."""
    job = make_job(number)
    await store.create(job, make_session(number), log(JobStarted()))
    event = finished(job.id, status)
    end = attrs.evolve(
        job, status=status, finished_at=at(1_000 + number), outcome=event.outcome, last_seq=2
    )
    await store.finish(end, None, log(event, first=2))


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


async def test_a_second_job_of_a_session_shows_in_it(store: Store) -> None:
    await finish(store, 1)

    await store.create(make_job(2_000, session=1))

    session = await store.session(SessionId("ses_1"))
    assert (session.status, session.last_active_at) == (JobStatus.QUEUED, at(2_000))


async def test_an_id_is_given_once(store: Store) -> None:
    await store.create(make_job(), make_session())

    with pytest.raises(ValueError, match="job_1 exists already"):
        await store.create(make_job(tool="think"), make_session(turns=7))

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
        await store.append(job.id, log(finished(job.id)))

    assert (await store.job(job.id)).status is JobStatus.QUEUED
    assert await store.entries(job.id) == []


@pytest.mark.requirement("job:one_end")
async def test_the_first_end_wins(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session(), log(JobStarted()))
    event = finished(job.id)
    end = attrs.evolve(
        job,
        status=event.status,
        started_at=at(101),
        finished_at=at(200),
        last_seq=2,
        outcome=event.outcome,
    )
    late = attrs.evolve(job, status=JobStatus.FAILED, finished_at=at(300), outcome=Outcome())

    first = await store.finish(end, None, log(event, first=2))
    second = await store.finish(
        late, make_session(turns=9), log(finished(job.id, JobStatus.FAILED), first=3)
    )

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
        turns=1, native_id="abc", status=JobStatus.COMPLETED, metadata={"source": ["x", 1, None]}
    )

    await store.finish(attrs.evolve(job, status=JobStatus.COMPLETED), session)

    assert await store.session(session.id) == session


async def test_a_saved_session_replaces_the_one_before(store: Store) -> None:
    await store.create(make_job(), make_session())
    changed = make_session(turns=3, cli="gemini", kind="dialog", status=JobStatus.PARTIAL)

    await store.save_session(changed)

    assert await store.session(changed.id) == changed
    assert (await store.sessions(cli="codex")).sessions == []
    assert (await store.jobs(session_id=changed.id)).jobs == [make_job()]


async def test_unknown_names_are_not_found(store: Store) -> None:
    nobody = JobId("job_no")
    attempts = [
        store.job(nobody),
        store.entries(nobody),
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

    assert codes == ["job_not_found"] * 4
    assert session.value.code == "session_not_found"


async def test_text_that_utf8_cannot_carry_is_kept_readable(store: Store) -> None:
    job = make_job()
    await store.create(job, make_session())

    await store.append(job.id, log(Noise(stream=Stream.STDERR, line="a\ud800b\x00")))

    assert (await store.entries(job.id))[0].event.line == "a\ufffdb\x00"


# ------------------------------------------------------------------------------------ listings


async def test_jobs_are_listed_by_birth(store: Store) -> None:
    for number in (3, 1, 2):
        await store.create(make_job(number), make_session(number))

    newest = await store.jobs()
    oldest = await store.jobs(order="oldest", limit=2)

    assert [job.id for job in newest.jobs] == ["job_3", "job_2", "job_1"]
    assert newest.cursor is None
    assert [job.id for job in oldest.jobs] == ["job_1", "job_2"]
    assert [job.id for job in (await store.jobs(order="oldest", cursor=oldest.cursor)).jobs] == [
        "job_3"
    ]


async def test_jobs_are_filtered(store: Store) -> None:
    await finish(store, 1)
    await finish(store, 2, JobStatus.FAILED)
    await store.create(make_job(3, cli="gemini"), make_session(3))
    await store.create(make_job(4, session=1))

    by_session = await store.jobs(session_id=SessionId("ses_1"))
    by_status = await store.jobs(statuses=[JobStatus.FAILED, JobStatus.COMPLETED])
    by_cli = await store.jobs(cli="gemini", statuses=[JobStatus.QUEUED])

    assert [job.id for job in by_session.jobs] == ["job_4", "job_1"]
    assert [job.id for job in by_status.jobs] == ["job_2", "job_1"]
    assert [job.id for job in by_cli.jobs] == ["job_3"]
    assert (await store.jobs(statuses=[])).jobs == []
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
    await store.save_session(make_session(2, kind="consensus"))
    await store.save_session(make_session(3, cli="gemini"))

    by_status = await store.sessions(statuses=[JobStatus.QUEUED, JobStatus.RUNNING])
    by_kind = await store.sessions(kind="consensus", cli="codex")

    assert [session.id for session in by_status.sessions] == ["ses_3", "ses_2"]
    assert [session.id for session in by_kind.sessions] == ["ses_2"]


@pytest.mark.parametrize("statuses", [None, list(JobStatus)])
async def test_pages_together_are_the_whole(store: Store, statuses: list[JobStatus] | None) -> None:
    for number in range(1, 24):  # births collide: the row number has to tell them apart
        state = list(JobStatus)[number % 8]
        session = make_session(number, status=state, last_active_at=at(number % 3))
        await store.save_session(session)
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


# ------------------------------------------------------------------------------------- orphans


async def test_open_jobs_of_another_owner_are_aborted(store: Store) -> None:
    await finish(store, 1)
    await store.create(make_job(2), make_session(2))
    await store.create(make_job(3, owner="two"), make_session(3))
    before = await store.job(JobId("job_1"))

    orphans = await store.abort_orphans("two", at(500))
    again = await store.abort_orphans("two", at(600))

    assert [orphan.job_id for orphan in orphans] == ["job_2"]
    assert again == []
    ended = await store.job(JobId("job_2"))
    assert (ended.status, ended.finished_at, ended.last_seq) == (JobStatus.ABORTED, at(500), 1)
    assert (await store.session(SessionId("ses_2"))).status is JobStatus.ABORTED
    assert (await store.job(JobId("job_3"))).status is JobStatus.QUEUED
    assert await store.job(JobId("job_1")) == before


async def test_an_orphan_keeps_what_it_said_and_leaves_a_trail(store: Store) -> None:
    await store.create(
        make_job(),
        make_session(),
        [
            *log(JobStarted()),
            *log(
                TurnStarted(turn=1, cli="codex", model="a"),
                ChildStarted(pid=10, started=1.5),
                Text(text="of a turn before"),
                ChildExited(exit_code=1),
                first=2,
                turn=1,
            ),
            *log(
                TurnStarted(turn=2, cli="gemini", model="b", effort="high"),
                ChildStarted(pid=20, started=2.5),
                NativeSession(native_id="native"),
                Text(text="Hel"),
                Message(text="Hello. "),
                Text(text="And"),
                first=6,
                turn=2,
            ),
            *log(ChildStarted(pid=30, started=3), first=12, turn=3),
        ],
    )

    (orphan,) = await store.abort_orphans("two", at(500))

    assert orphan.session_id == "ses_1"
    assert orphan.partial_text == "Hello. And"
    assert orphan.children == [(20, 2.5), (30, 3.0)]
    job = await store.job(orphan.job_id)
    assert job.outcome is not None
    assert job.outcome.error == Failure(
        failure_class=FailureClass.UNKNOWN,
        code="aborted",
        message="the daemon that ran this job died under it",
        retryable=True,
        hint="ask again; with the session id where the CLI can resume",
    )
    assert job.outcome == Outcome(
        content="Hello. And",
        cli="gemini",
        model="b",
        effort="high",
        duration_ms=11_000,  # from its start to the last it was heard of
        native_session="native",
        error=job.outcome.error,
    )
    last = (await store.entries(job.id))[-1]
    assert (last.seq, last.at) == (13, at(500))
    assert last.event == JobFinished(
        status=JobStatus.ABORTED, reason="owner_died", outcome=job.outcome
    )
    assert (await store.session(orphan.session_id)).native_id == "native"


async def test_an_orphan_without_session_or_words_is_ended_too(store: Store) -> None:
    await store.create(make_job(session_id=SessionId("")), None, log(ChildExited(exit_code=1)))

    (orphan,) = await store.abort_orphans("two", at(500))

    assert (orphan.session_id, orphan.partial_text, orphan.children) == ("", "", [])
    assert (await store.job(orphan.job_id)).status is JobStatus.ABORTED


async def test_a_session_shows_its_last_job_whoever_died(store: Store) -> None:
    await store.create(make_job(1), make_session(1, native_id="known"))
    await store.append(JobId("job_1"), log(NativeSession(native_id="other")))
    later = make_job(2, session=1, owner="two")
    await store.create(later)

    await store.abort_orphans("two", at(500))

    session = await store.session(SessionId("ses_1"))
    assert (session.status, session.native_id) == (JobStatus.QUEUED, "known")


async def test_an_endless_orphan_keeps_its_end(store: Store) -> None:
    await store.create(make_job(), make_session())
    chunk = "x" * 10_000
    texts = [Text(text=chunk) for _ in range(30)]
    await store.append(JobId("job_1"), log(*texts, Text(text="the end")))

    (orphan,) = await store.abort_orphans("two", at(500))

    assert len(orphan.partial_text) == 64_000
    assert orphan.partial_text.endswith("xxthe end")
    outcome = (await store.job(JobId("job_1"))).outcome
    assert outcome is not None
    assert outcome.is_cut


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
    assert (told.is_dry_run, done.is_dry_run) == (True, False)
    assert unchanged.jobs == {JobStatus.COMPLETED: 3, JobStatus.QUEUED: 1}
    assert done.session_ids == ["ses_1", "ses_2"]
    assert [job.id for job in (await store.jobs()).jobs] == ["job_4", "job_3"]
    with pytest.raises(NotFound):
        await store.session(SessionId("ses_1"))
    with pytest.raises(NotFound):
        await store.entries(JobId("job_1"))


async def test_collection_goes_by_the_end_not_the_birth(store: Store) -> None:
    await finish(store, 1)  # born at 1, ended at 1,001
    await store.save_session(make_session(2))

    done = await store.collect(at(900))

    assert done.job_ids == []
    assert done.session_ids == ["ses_2"]


async def test_collection_has_a_limit(store: Store) -> None:
    for number in range(1, 6):
        await finish(store, number)
    seen = []

    for _ in range(3):
        done = await store.collect(at(5_000), limit=2)
        seen.append((len(done.job_ids), done.has_more))

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
        lambda: store.save_session(make_session(3)),
        lambda: store.job(job),
        lambda: store.session(SessionId("ses_1")),
        lambda: store.entries(job),
        store.jobs,
        store.sessions,
        store.tally,
        lambda: store.abort_orphans("one", at(0)),
        lambda: store.collect(at(0)),
        lambda: store.raw_output(job, 1, Stream.STDOUT, 0, 10),
        lambda: store.raw_turns(job),
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
