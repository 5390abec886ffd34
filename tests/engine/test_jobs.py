"""The job room: who gets a place, what ends a job, and that each end is written once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import Child
from aimux.engine import JobHandle, JobSupervisor
from aimux.engine._jobs import (
    BACKSTOP_S,
    KEPT_HANDLE_CHARS,
    KEPT_HANDLES,
    KEPT_HANDLES_CHARS,
    open_supervisor,
)
from aimux.engine._log import COALESCE_S, UNSTORED_ENTRIES
from aimux.errors import AimuxError, Refusal, StoreUnavailable, TooManyJobs
from aimux.model import (
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobStatus,
    Message,
    NativeSession,
    Note,
    Outcome,
    Session,
    Text,
    Usage,
    Warned,
)
from aimux.rules import Admission
from aimux.testing import FakeStore

from .house import SlowStore, finished, make_job, make_session

Work = Callable[[JobHandle], Awaitable[JobFinished]]
Clock = trio.testing.MockClock


async def answer(handle: JobHandle) -> JobFinished:
    """Work that is done at once."""
    await trio.lowlevel.checkpoint()
    return finished()


async def hang(handle: JobHandle) -> JobFinished:
    """Work that never ends by itself."""
    handle.log.add(Message(text="so far"))
    await trio.sleep_forever()
    raise AssertionError


@attrs.define(eq=False)
class ToolRunner:
    """A room, its store, and short ways to put jobs into it."""

    supervisor: JobSupervisor
    store: FakeStore
    born: int = 0

    async def open(
        self,
        work: Work = answer,
        *,
        session: Session | None = None,
        prompt: str = "do it",
        **more: Any,
    ) -> JobHandle:
        self.born += 1
        opened = session or make_session(self.born)
        given: dict[str, Any] = {
            "is_new_session": session is None,
            "client_key": "me",
            "limit_s": 100.0,
        }
        job = make_job(self.born, session_id=opened.id, prompt=prompt)
        return await self.supervisor.open_job(job, opened, work, **(given | more))

    async def end(self, handle: JobHandle) -> Job:
        """The job's row in the store, once it has ended."""
        with trio.fail_after(1_000):
            await handle.done.wait()
        row = await self.store.job(handle.id)
        assert row.status is handle.job.status
        return row

    async def kinds(self, handle: JobHandle) -> list[str]:
        return [entry.event.kind for entry in await self.store.entries(handle.id)]


@asynccontextmanager
async def open_runner(
    store: FakeStore | None = None, *, strict: bool = True, **limits: int
) -> AsyncIterator[ToolRunner]:
    kept = store or FakeStore()
    async with open_supervisor(kept, Admission(**limits), strict=strict) as supervisor:
        yield ToolRunner(supervisor, kept)
    assert supervisor.open_handles() == []


# --------------------------------------------------------------------------------------- beginning


@pytest.mark.requirement("job:row_first")
async def test_a_job_has_a_row_before_anybody_knows_it(autojump_clock: Clock) -> None:
    """What is given out is on disk: job, session and the beginning of the log."""
    async with open_runner() as runner:
        handle = await runner.open(hang)

        row = await runner.store.job(handle.id)
        assert row.status is JobStatus.RUNNING
        assert await runner.kinds(handle) == ["job_started"]
        assert (await runner.store.session(handle.session.id)).cli == "alpha"
        assert runner.supervisor.find(handle.id) is handle
        assert repr(handle) == "<JobHandle: job_1 running>"
        assert repr(runner.supervisor) == "<JobSupervisor: 1 running, 0 queued of 10>"


async def test_the_answer_is_kept(autojump_clock: Clock) -> None:
    """The work's verdict becomes the job's end, with the time it took."""

    async def work(handle: JobHandle) -> JobFinished:
        await trio.sleep(3)
        return finished("forty-two")

    async with open_runner() as runner:
        row = await runner.end(await runner.open(work))

    assert row.status is JobStatus.COMPLETED
    assert row.outcome is not None
    assert (row.outcome.content, row.outcome.duration_ms) == ("forty-two", 3_000)


async def test_a_refused_job_leaves_nothing(autojump_clock: Clock) -> None:
    """No place and no queue: no row, no session, no handle, and the count of refusals."""
    async with open_runner(capacity=1, queue=0) as runner:
        await runner.open(hang)
        with pytest.raises(TooManyJobs, match="1 jobs are running"):
            await runner.open(hang)

        assert runner.supervisor.statistics().refused == 1
        assert len(runner.supervisor.open_handles()) == 1
        assert (await runner.store.tally()).jobs == {JobStatus.RUNNING: 1}
        assert (await runner.store.tally()).sessions == {JobStatus.RUNNING: 1}


@pytest.mark.parametrize("capacity", [1, 2])
async def test_a_store_that_cannot_commit_refuses_the_job(
    autojump_clock: Clock, capacity: int
) -> None:
    """The place and the session are free again."""
    async with open_runner(capacity=capacity, queue=0) as runner:
        runner.store.is_full = True
        session = make_session(7)
        with pytest.raises(StoreUnavailable):
            await runner.open(session=session, is_new_session=True)
        runner.store.is_full = False

        assert runner.supervisor.of_session(session.id) is None
        row = await runner.end(await runner.open(session=session, is_new_session=True))
        assert row.status is JobStatus.COMPLETED


async def test_cancelled_before_the_row_there_is_no_job(autojump_clock: Clock) -> None:
    """A caller that gives up while the store is busy leaves neither place nor row."""
    store = SlowStore()
    async with open_runner(store, capacity=1, queue=0) as runner:
        store.shut()
        with trio.move_on_after(5) as patience:
            await runner.open()
        assert patience.cancelled_caught
        store.gate.set()

        assert (await store.tally()).jobs == {}
        await runner.end(await runner.open())


async def test_a_session_has_one_job_at_a_time(autojump_clock: Clock) -> None:
    """A second call on a session is refused and told what to wait for; later it may."""
    async with open_runner() as runner:
        first = await runner.open(hang)
        with pytest.raises(Refusal, match="in use by job_1") as refused:
            await runner.open(session=first.session)
        assert (refused.value.code, refused.value.data) == ("session_busy", {"job_id": "job_1"})
        assert refused.value.hint == "wait for it: status(job_id='job_1', wait_seconds=45)"
        assert runner.supervisor.of_session(first.session.id) is first

        first.cancel("enough")
        await first.done.wait()
        second = await runner.open(session=first.session)
        assert (await runner.end(second)).status is JobStatus.COMPLETED


async def test_a_session_is_busy_while_its_first_row_is_committed(autojump_clock: Clock) -> None:
    """Two calls at once on one session: one passes."""
    store = SlowStore()
    session = make_session(9)
    refusals: list[str] = []
    async with open_runner(store) as runner:
        await store.save_session(session)
        store.shut()

        async def call() -> None:
            try:
                await runner.open(hang, session=session)
            except Refusal as refused:
                refusals.append(refused.code)

        async with trio.open_nursery() as callers:
            callers.start_soon(call)
            callers.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            store.gate.set()

        assert refusals == ["session_busy"]
        assert len(runner.supervisor.open_handles()) == 1


async def test_no_more_run_than_there_are_places(autojump_clock: Clock) -> None:
    """A job whose end is only to be stored has left its place to the next, and is not counted."""
    store = SlowStore()
    async with open_runner(store, capacity=1, queue=1) as runner:
        first = await runner.open(hang)
        second = await runner.open(hang)
        store.shut()
        first.cancel("enough")
        await trio.sleep(1)
        during = runner.supervisor.statistics()
        is_stored = first.done.is_set()
        store.gate.set()
        second.cancel("enough")
        await second.done.wait()

    assert not is_stored
    assert (during.running, during.queued) == (1, 0)


# ------------------------------------------------------------------------------------------- queue


async def test_the_queue_is_fair_and_its_positions_are_told(autojump_clock: Clock) -> None:
    """Clients take turns; who waits learns each time that it has moved up."""
    began: list[str] = []

    async def work(handle: JobHandle) -> JobFinished:
        began.append(handle.client_key)
        await trio.sleep(1)
        return finished()

    async with open_runner(capacity=1) as runner:
        handles = [await runner.open(work, client_key=key) for key in ("a", "a", "a", "b")]
        assert [each.log.queue_position for each in handles] == [0, 1, 3, 2]
        assert runner.supervisor.statistics().queued == 3
        assert repr(runner.supervisor) == "<JobSupervisor: 1 running, 3 queued of 1>"
        await runner.supervisor.wait_empty()

        assert began == ["a", "a", "b", "a"]
        assert await runner.kinds(handles[3]) == [
            "job_queued",
            "job_queued",
            "job_started",
            "job_finished",
        ]
        statistics = runner.supervisor.statistics()
        assert (statistics.running, statistics.queued, statistics.finished) == (0, 0, 4)


async def test_a_place_granted_during_the_commit_is_taken(autojump_clock: Clock) -> None:
    """A job whose row is still being committed when its turn comes begins all the same."""
    store = SlowStore()
    async with open_runner(store, capacity=1) as runner:
        first = await runner.open(hang)
        opened: list[JobHandle] = []
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                opened.append(await runner.open())

            store.shut()
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            first.cancel("make room")
            await trio.testing.wait_all_tasks_blocked()
            store.gate.set()

        row = await runner.end(opened[0])
        assert row.status is JobStatus.COMPLETED
        kinds = await runner.kinds(opened[0])
        assert kinds == ["job_queued", "job_started", "job_finished"]


async def test_moving_up_during_the_commit_is_stored(autojump_clock: Clock) -> None:
    """An entry that is made while the row is committed reaches the store too."""
    store = SlowStore()
    async with open_runner(store, capacity=1) as runner:
        await runner.open(hang)
        waiting = await runner.open(hang)
        opened: list[JobHandle] = []
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                opened.append(await runner.open(hang))

            store.shut()
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            waiting.cancel("I do not want it any more")
            await trio.testing.wait_all_tasks_blocked()
            store.gate.set()
        await trio.sleep(COALESCE_S + 0.1)

        told = [each.event for each in await store.entries(opened[0].id)]
        assert [getattr(each, "position", None) for each in told] == [2, 1]


async def test_a_queued_job_is_cancelled_without_having_run(autojump_clock: Clock) -> None:
    """Its work is never called, and those behind it move up."""
    async with open_runner(capacity=1) as runner:
        first = await runner.open(hang)
        second, third = await runner.open(hang), await runner.open()
        assert second.cancel("changed my mind")
        row = await runner.end(second)

        assert row.status is JobStatus.CANCELLED
        assert row.started_at is None
        assert row.outcome is not None
        assert row.outcome.error is not None
        assert row.outcome.error.message == "changed my mind"
        assert third.log.queue_position == 1
        first.cancel("go")
        assert (await runner.end(third)).status is JobStatus.COMPLETED


# ------------------------------------------------------------------------------------------- ends


@pytest.mark.requirement("cancel:keeps_partial")
async def test_cancelled_keeps_what_there_is(autojump_clock: Clock) -> None:
    """Text, usage, session and warnings of a job that was cancelled are in its outcome."""

    async def work(handle: JobHandle) -> JobFinished:
        handle.log.add(Usage(input_tokens=7))
        handle.log.add(NativeSession(native_id="native"))
        handle.log.add(Warned(code="w", message="m"))
        handle.log.add(Text(text="half an answer"))
        handle.draft = Outcome(cli="beta", turns=1)
        await trio.sleep_forever()
        raise AssertionError

    async with open_runner() as runner:
        handle = await runner.open(work)
        await trio.testing.wait_all_tasks_blocked()
        assert handle.cancel("by hand")
        assert handle.cancel("twice is fine")
        row = await runner.end(handle)

        assert row.status is JobStatus.CANCELLED
        outcome = row.outcome
        assert outcome is not None
        assert (outcome.content, outcome.cli) == ("half an answer", "beta")
        assert (outcome.usage, outcome.native_session) == (Usage(input_tokens=7), "native")
        assert [each.code for each in outcome.warnings] == ["w"]
        assert outcome.error is not None
        assert (outcome.error.failure_class, outcome.error.message) == (
            FailureClass.CANCELLED,
            "by hand",
        )
        session = await runner.store.session(row.session_id)
        assert (session.native_id, session.turns, session.cli) == ("native", 1, "beta")
        assert session.status is JobStatus.CANCELLED
        assert not handle.cancel("too late")


async def test_cancel_spares_siblings(autojump_clock: Clock) -> None:
    """Each job has a scope of its own."""
    async with open_runner() as runner:
        one, two = await runner.open(hang), await runner.open(hang)
        assert one.cancel("only this one")
        await one.done.wait()

        assert not two.done.is_set()
        assert two.job.status is JobStatus.RUNNING
        assert not one.cancel("again")


async def test_a_kill_hurries_the_child(autojump_clock: Clock) -> None:
    """A kill asks the running child to go without the polite signal; cancel does not."""

    async def work(handle: JobHandle) -> JobFinished:
        handle.child = Child(pid=1, started=0.0, grace_s=5.0)
        return await hang(handle)

    async with open_runner() as runner:
        polite, rude = await runner.open(work), await runner.open(work)
        await trio.testing.wait_all_tasks_blocked()
        polite.cancel("please")
        rude.cancel("now", is_kill=True)
        assert polite.child is not None
        assert rude.child is not None

        assert not polite.child.killing.is_set()
        assert rude.child.killing.is_set()
        assert (await runner.end(rude)).status is JobStatus.CANCELLED


async def test_work_without_end_is_stopped_after_its_deadline(autojump_clock: Clock) -> None:
    """Work that does not watch its deadline itself is cancelled a little later, with its text."""
    async with open_runner() as runner:
        handle = await runner.open(hang, limit_s=30.0)
        began = trio.current_time()
        row = await runner.end(handle)

        assert trio.current_time() - began == 30.0 + BACKSTOP_S
        assert row.status is JobStatus.TIMED_OUT
        assert row.outcome is not None
        assert row.outcome.content == "so far"
        assert row.outcome.error is not None
        assert (row.outcome.error.code, row.outcome.error.message) == (
            "timed_out",
            "not finished after 30 s",
        )


async def test_the_deadline_runs_from_the_place_not_from_the_queue(autojump_clock: Clock) -> None:
    """Waiting for a place costs nothing."""

    async def work(handle: JobHandle) -> JobFinished:
        await trio.sleep(25)
        return finished()

    async with open_runner(capacity=1) as runner:
        await runner.open(work, limit_s=30.0)
        second = await runner.open(work, limit_s=30.0)

        assert (await runner.end(second)).status is JobStatus.COMPLETED
        assert second.deadline == 25 + 30


async def test_an_error_of_ours_becomes_a_failed_job(autojump_clock: Clock) -> None:
    """Code, message, hint and retryable of the error are in the result."""

    async def work(handle: JobHandle) -> JobFinished:
        raise Refusal("not now", code="odd", hint="later", retryable=True)

    async with open_runner() as runner:
        row = await runner.end(await runner.open(work))

    assert row.status is JobStatus.FAILED
    assert row.outcome is not None
    error = row.outcome.error
    assert error is not None
    assert (error.code, error.message, error.hint, error.retryable) == (
        "odd",
        "not now",
        "later",
        True,
    )


async def test_the_first_of_many_errors_is_told(autojump_clock: Clock) -> None:
    """Work may fail in a nursery of its own: the group is taken apart."""

    async def work(handle: JobHandle) -> JobFinished:
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [AimuxError("deep down")])])

    async with open_runner() as runner:
        row = await runner.end(await runner.open(work))

    assert row.outcome is not None
    assert row.outcome.error is not None
    assert row.outcome.error.message == "deep down"


async def test_a_bug_ends_its_job_only(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Firewall 1: an internal fault without details; the room lives."""

    async def work(handle: JobHandle) -> JobFinished:
        raise ZeroDivisionError("secret detail")

    async with open_runner(strict=False) as runner:
        row = await runner.end(await runner.open(work))
        assert [record.message for record in caplog.records] == ["job failed"]
        assert caplog.records[0].exc_info is not None
        assert row.status is JobStatus.FAILED
        assert row.outcome is not None
        assert row.outcome.error is not None
        assert row.outcome.error.code == "internal"
        assert "secret" not in row.outcome.error.message

        assert (await runner.end(await runner.open())).status is JobStatus.COMPLETED


async def test_a_bug_gets_through_when_strict(autojump_clock: Clock) -> None:
    """Tests see bugs: strict lets them out, and the job has an end all the same."""
    store = FakeStore()

    async def work(handle: JobHandle) -> JobFinished:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with open_runner(store) as runner:
            await runner.open(work)
            await trio.sleep_forever()

    assert (await store.job(JobId("job_1"))).status is JobStatus.ABORTED


async def test_a_closing_room_aborts_and_keeps(autojump_clock: Clock) -> None:
    """Leaving the room ends every job, running or queued, with what it had said."""
    async with open_runner(capacity=1) as runner:
        running, queued = await runner.open(hang), await runner.open(hang)
        await trio.testing.wait_all_tasks_blocked()

    rows = [await runner.store.job(each.id) for each in (running, queued)]
    assert [row.status for row in rows] == [JobStatus.ABORTED, JobStatus.ABORTED]
    assert [row.outcome.content for row in rows if row.outcome] == ["so far", ""]
    assert running.done.is_set()


async def test_a_verdict_stands_although_the_room_closes(autojump_clock: Clock) -> None:
    """Work that was done before the room closed is not called aborted."""
    store = SlowStore()

    async def work(handle: JobHandle) -> JobFinished:
        handle.log.add(Note(text="something to store"))
        await trio.testing.wait_all_tasks_blocked()  # the store is at it now
        return finished("in time")

    async with open_runner(store) as runner:
        handle = await runner.open(work)
        store.shut()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert not handle.cancel("too late: there is a verdict")
        store.gate.set()

    row = await store.job(handle.id)
    assert row.status is JobStatus.COMPLETED
    assert row.outcome is not None
    assert row.outcome.content == "in time"


async def test_lost_entries_are_not_the_end(autojump_clock: Clock) -> None:
    """A disk that is full for a while costs log entries, not the job."""

    async def work(handle: JobHandle) -> JobFinished:
        runner.store.is_full = True
        handle.log.add(Note(text="lost"))
        await trio.sleep(1)
        handle.log.add(Note(text="lost too"))
        await trio.sleep(1)
        runner.store.is_full = False
        handle.log.add(Note(text="kept"))
        return finished()

    async with open_runner() as runner:
        handle = await runner.open(work)
        assert (await runner.end(handle)).status is JobStatus.COMPLETED
        texts = [getattr(e.event, "text", "") for e in await runner.store.entries(handle.id)]

    assert texts == ["", "kept", ""]
    assert runner.store.statistics().lost_entries == 2


async def test_an_end_that_cannot_be_stored_is_told_from_memory(autojump_clock: Clock) -> None:
    """Nobody waits for ever because the disk is full: the handle has its end."""

    async def work(handle: JobHandle) -> JobFinished:
        runner.store.is_full = True
        return finished("in memory")

    async with open_runner() as runner:
        handle = await runner.open(work)
        with trio.fail_after(60):
            await handle.done.wait()

        assert handle.job.status is JobStatus.COMPLETED
        assert (await runner.store.job(handle.id)).status is JobStatus.RUNNING
        assert runner.supervisor.find(handle.id) is handle


@pytest.mark.parametrize("strict", [True, False])
async def test_a_bug_in_the_end_leaves_nobody_waiting(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture, strict: bool
) -> None:
    """Whatever `finish` raises, the handle is done; strict lets it through."""
    store = SlowStore()

    async def work(handle: JobHandle) -> JobFinished:
        store.fault = ZeroDivisionError()
        return finished()

    handles: list[JobHandle] = []

    async def play() -> None:
        async with open_runner(store, strict=strict) as runner:
            handles.append(await runner.open(work))
            await handles[0].done.wait()
            store.fault = None
            await trio.testing.wait_all_tasks_blocked()

    if strict:
        with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
            await play()
    else:
        await play()
    assert [record.message for record in caplog.records] == ["end of job not stored"]

    assert handles[0].done.is_set()
    assert handles[0].job.status is JobStatus.COMPLETED


async def test_text_reaches_the_store_while_it_flows(autojump_clock: Clock) -> None:
    """What was said is stored within the time a crash may cost, without further events."""

    async def work(handle: JobHandle) -> JobFinished:
        handle.log.add(Text(text="early"))
        await trio.sleep(0.1)
        handle.log.add(Text(text=" bird"))
        await trio.sleep_forever()
        raise AssertionError

    async with open_runner() as runner:
        handle = await runner.open(work)
        await trio.sleep(COALESCE_S + 0.2)

        assert await runner.kinds(handle) == ["job_started", "text"]
        assert handle.log.unstored() == []
        assert handle.log.text_so_far == "early bird"


async def test_a_short_job_is_stored_in_two_commits(autojump_clock: Clock) -> None:
    """Its row before the id is given out, and the rest of its log with its end."""

    async def work(handle: JobHandle) -> JobFinished:
        handle.log.add(Note(text="begun"))
        await trio.sleep(COALESCE_S / 2)
        handle.log.add(Text(text="done"))
        return finished("done")

    async with open_runner() as runner:
        before = runner.store.statistics().commits
        handle = await runner.open(work)
        await handle.done.wait()

        assert runner.store.statistics().commits - before == 2
        kinds = await runner.kinds(handle)
        assert kinds == ["job_started", "note", "text", "job_finished"]


async def test_a_crowd_of_entries_is_stored_at_once(autojump_clock: Clock) -> None:
    """What waits in memory for the store is bounded, however fast a CLI speaks."""

    async def work(handle: JobHandle) -> JobFinished:
        for number in range(UNSTORED_ENTRIES):
            handle.log.add(Note(text=str(number)))
        await trio.sleep_forever()
        raise AssertionError

    async with open_runner() as runner:
        handle = await runner.open(work)
        await trio.sleep(COALESCE_S / 10)

        assert handle.log.unstored() == []
        assert len(await runner.kinds(handle)) == 1 + UNSTORED_ENTRIES


# ------------------------------------------------------------------------------------------ memory


async def test_recent_jobs_are_found_without_the_store(autojump_clock: Clock) -> None:
    """The last ones that ended are in memory, up to a limit; long ones and removed ones are not."""

    async def half(handle: JobHandle) -> JobFinished:
        return finished("x" * (KEPT_HANDLE_CHARS // 2))

    async def long(handle: JobHandle) -> JobFinished:
        return finished("x" * (KEPT_HANDLE_CHARS + 1))

    async with open_runner() as runner:
        first = await runner.open()
        await first.done.wait()
        big = await runner.open(long)
        await big.done.wait()
        asked = await runner.open(prompt="x" * (KEPT_HANDLE_CHARS + 1))
        await asked.done.wait()
        assert runner.supervisor.find(first.id) is first
        assert runner.supervisor.find(asked.id) is None
        assert runner.supervisor.find(big.id) is None

        most = KEPT_HANDLES_CHARS // (KEPT_HANDLE_CHARS // 2)
        halves = [await runner.open(half) for _ in range(most + 2)]
        for each in halves:
            await each.done.wait()
        kept = [runner.supervisor.find(each.id) is not None for each in halves]
        assert runner.supervisor.find(first.id) is None
        assert kept.count(True) == most
        assert kept[-1]

        first = await runner.open()
        await first.done.wait()
        for _ in range(KEPT_HANDLES):
            last = await runner.open()
            await last.done.wait()
        assert runner.supervisor.find(first.id) is None
        assert runner.supervisor.find(last.id) is last
        runner.supervisor.drop_recent([last.id, "job_unknown"])
        assert runner.supervisor.find(last.id) is None


async def test_who_waits_for_a_change_is_woken(autojump_clock: Clock) -> None:
    """A beginning and an end are changes."""
    async with open_runner() as runner:
        await runner.supervisor.wait_empty()
        changes: list[int] = []

        async def watch() -> None:
            while True:
                await runner.supervisor.wait_change()
                changes.append(len(runner.supervisor.open_handles()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            handle = await runner.open(hang)
            await trio.testing.wait_all_tasks_blocked()
            handle.cancel("enough")
            await handle.done.wait()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert changes == [1, 0]
