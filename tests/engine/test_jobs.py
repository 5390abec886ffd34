"""The supervisor: when a job begins, and who waits for whom."""

import pytest
import trio
import trio.testing

from aimux.engine import JobHandle
from aimux.engine.log._log import COALESCE_S
from aimux.errors import Refusal, StoreUnavailable, TooManyJobs
from aimux.model import (
    JobStatus,
    Report,
)

from ..store._values import save_session
from .house import SlowStore, finished, make_session
from .supervised import hang, open_stand

Clock = trio.testing.MockClock


# --------------------------------------------------------------------------------------- beginning


@pytest.mark.requirement("job:row_first")
async def test_a_job_has_a_row_before_anybody_knows_it(autojump_clock: Clock) -> None:
    """What is given out is on disk: job, session and the beginning of the log."""
    async with open_stand() as stand:
        handle = await stand.open(hang)

        row = await stand.store.job(handle.id)
        assert row.status is JobStatus.RUNNING
        assert await stand.kinds(handle) == ["job_started"]
        assert (await stand.store.session(handle.session.id)).cli == "alpha"
        assert stand.supervisor.find(handle.id) is handle
        assert repr(handle) == "<JobHandle: job_1 running>"
        assert repr(stand.supervisor) == "<JobSupervisor: 1 running, 0 queued of 10>"


async def test_the_answer_is_kept(autojump_clock: Clock) -> None:
    """The work's verdict becomes the job's end, with the time it took."""

    async def work(handle: JobHandle) -> Report:
        await trio.sleep(3)
        return finished("forty-two")

    async with open_stand() as stand:
        row = await stand.end(await stand.open(work))

    assert row.status is JobStatus.COMPLETED
    assert row.outcome is not None
    assert (row.outcome.content, row.outcome.duration_ms) == ("forty-two", 3_000)


async def test_a_refused_job_leaves_nothing(autojump_clock: Clock) -> None:
    """No place and no queue: no row, no session, no handle, and the count of refusals."""
    async with open_stand(root_jobs=1, queued_jobs=0) as stand:
        await stand.open(hang)
        with pytest.raises(TooManyJobs, match="1 job or 10 turns at work"):
            await stand.open(hang)

        assert stand.supervisor.statistics().refused == 1
        assert len(stand.supervisor.open_handles()) == 1
        assert (await stand.store.tally()).jobs == {JobStatus.RUNNING: 1}
        assert (await stand.store.tally()).sessions == {JobStatus.RUNNING: 1}


@pytest.mark.parametrize("capacity", [1, 2])
async def test_a_store_that_cannot_commit_refuses_the_job(
    autojump_clock: Clock, capacity: int
) -> None:
    """The place and the session are free again."""
    async with open_stand(root_jobs=capacity, queued_jobs=0) as stand:
        stand.store.is_full = True
        session = make_session(7)
        with pytest.raises(StoreUnavailable):
            await stand.open(session=session, is_new_session=True)
        stand.store.is_full = False

        assert stand.supervisor.of_session(session.id) is None
        row = await stand.end(await stand.open(session=session, is_new_session=True))
        assert row.status is JobStatus.COMPLETED


async def test_cancelled_before_the_row_there_is_no_job(autojump_clock: Clock) -> None:
    """A caller that gives up while the store is busy leaves neither place nor row."""
    store = SlowStore()
    async with open_stand(store, root_jobs=1, queued_jobs=0) as stand:
        store.shut()
        with trio.move_on_after(5) as patience:
            await stand.open()
        assert patience.cancelled_caught
        store.gate.set()

        assert (await store.tally()).jobs == {}
        await stand.end(await stand.open())


async def test_a_session_has_one_job_at_a_time(autojump_clock: Clock) -> None:
    """A second call on a session is refused and told what to wait for; later it may."""
    async with open_stand() as stand:
        first = await stand.open(hang)
        with pytest.raises(Refusal, match="in use by job_1") as refused:
            await stand.open(session=first.session)
        assert (refused.value.code, refused.value.data) == ("session_busy", {"job_id": "job_1"})
        assert refused.value.hint == "wait for it: status(job_id='job_1', wait_seconds=45)"
        assert stand.supervisor.of_session(first.session.id) is first

        first.cancel("enough")
        await first.done.wait()
        second = await stand.open(session=first.session)
        assert (await stand.end(second)).status is JobStatus.COMPLETED


async def test_a_session_is_busy_while_its_first_row_is_committed(autojump_clock: Clock) -> None:
    """Two calls at once on one session: one passes."""
    store = SlowStore()
    session = make_session(9)
    refusals: list[str] = []
    async with open_stand(store) as stand:
        await save_session(store, session)
        store.shut()

        async def call() -> None:
            try:
                await stand.open(hang, session=session)
            except Refusal as refused:
                refusals.append(refused.code)

        async with trio.open_nursery() as callers:
            callers.start_soon(call)
            callers.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            store.gate.set()

        assert refusals == ["session_busy"]
        assert len(stand.supervisor.open_handles()) == 1


async def test_no_more_run_than_there_are_places(autojump_clock: Clock) -> None:
    """A job whose end is only to be stored has left its place to the next, and is not counted."""
    store = SlowStore()
    async with open_stand(store, root_jobs=1, queued_jobs=1) as stand:
        first = await stand.open(hang)
        second = await stand.open(hang)
        store.shut()
        first.cancel("enough")
        await trio.sleep(1)
        during = stand.supervisor.statistics()
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

    async def work(handle: JobHandle) -> Report:
        began.append(handle.client_key)
        await trio.sleep(1)
        return finished()

    async with open_stand(root_jobs=1) as stand:
        handles = [await stand.open(work, client_key=key) for key in ("a", "a", "a", "b")]
        assert [each.log.queue_position for each in handles] == [0, 1, 3, 2]
        assert stand.supervisor.statistics().queued == 3
        assert repr(stand.supervisor) == "<JobSupervisor: 1 running, 3 queued of 1>"
        await stand.supervisor.wait_empty()

        assert began == ["a", "a", "b", "a"]
        assert await stand.kinds(handles[3]) == [
            "job_queued",
            "job_queued",
            "job_started",
            "job_finished",
        ]
        statistics = stand.supervisor.statistics()
        assert (statistics.running, statistics.queued, statistics.finished) == (0, 0, 4)


async def test_a_place_granted_during_the_commit_is_taken(autojump_clock: Clock) -> None:
    """A job whose row is still being committed when its turn comes begins all the same."""
    store = SlowStore()
    async with open_stand(store, root_jobs=1) as stand:
        first = await stand.open(hang)
        opened: list[JobHandle] = []
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                opened.append(await stand.open())

            store.shut()
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            first.cancel("make room")
            await trio.testing.wait_all_tasks_blocked()
            store.gate.set()

        row = await stand.end(opened[0])
        assert row.status is JobStatus.COMPLETED
        kinds = await stand.kinds(opened[0])
        assert kinds == ["job_queued", "job_started", "job_finished"]


async def test_moving_up_during_the_commit_is_stored(autojump_clock: Clock) -> None:
    """An entry that is made while the row is committed reaches the store too."""
    store = SlowStore()
    async with open_stand(store, root_jobs=1) as stand:
        await stand.open(hang)
        waiting = await stand.open(hang)
        opened: list[JobHandle] = []
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                opened.append(await stand.open(hang))

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
    async with open_stand(root_jobs=1) as stand:
        first = await stand.open(hang)
        second, third = await stand.open(hang), await stand.open()
        assert second.cancel("changed my mind")
        row = await stand.end(second)

        assert row.status is JobStatus.CANCELLED
        assert row.started_at is None
        assert row.outcome is not None
        assert row.outcome.error is not None
        assert row.outcome.error.message == "changed my mind"
        assert third.log.queue_position == 1
        first.cancel("go")
        assert (await stand.end(third)).status is JobStatus.COMPLETED
