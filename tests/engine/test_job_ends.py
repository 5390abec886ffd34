"""The supervisor: what ends a job, that each end is written once, and what is remembered."""

import pytest
import trio
import trio.testing

from aimux.drivers import Child
from aimux.engine import JobHandle
from aimux.engine.jobs._handle import BACKSTOP_S
from aimux.engine.jobs._recent import (
    KEPT_HANDLE_CHARS,
    KEPT_HANDLES,
    KEPT_HANDLES_CHARS,
)
from aimux.engine.log._entries import UNSTORED_ENTRIES
from aimux.engine.log._log import COALESCE_S
from aimux.errors import AimuxError, Refusal
from aimux.model import (
    FailureClass,
    JobId,
    JobStatus,
    NativeSession,
    Noted,
    Report,
    SeatSession,
    Text,
    TurnStarted,
    Usage,
    Warned,
)
from aimux.testing import FakeStore

from .house import SlowStore, finished, speaking
from .supervised import hang, open_stand

Clock = trio.testing.MockClock


# ------------------------------------------------------------------------------------------- ends


@pytest.mark.requirement("cancel:keeps_partial")
async def test_cancelled_keeps_what_there_is(autojump_clock: Clock) -> None:
    """Text, usage, session and warnings of a job that was cancelled are in its outcome."""

    async def work(handle: JobHandle) -> Report:
        with speaking(handle) as turn:
            turn.add(TurnStarted(turn=1, cli="beta"))
            turn.add(Usage(input_tokens=7))
            turn.add(NativeSession(native_id="native"))
            turn.add(Warned(code="w", message="m"))
            turn.add(Text(text="half an answer"))
            await trio.sleep_forever()
        raise AssertionError

    async with open_stand() as stand:
        handle = await stand.open(work)
        await trio.testing.wait_all_tasks_blocked()
        assert handle.cancel("by hand")
        assert handle.cancel("twice is fine")
        row = await stand.end(handle)

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
        session = await stand.store.session(row.session_id)
        assert session.seat() == SeatSession(cli="beta", native_id="native", turns=1)
        assert session.cli == "beta"
        assert session.status is JobStatus.CANCELLED
        assert not handle.cancel("too late")


async def test_cancel_spares_siblings(autojump_clock: Clock) -> None:
    """Each job has a scope of its own."""
    async with open_stand() as stand:
        one, two = await stand.open(hang), await stand.open(hang)
        assert one.cancel("only this one")
        await one.done.wait()

        assert not two.done.is_set()
        assert two.job.status is JobStatus.RUNNING
        assert not one.cancel("again")


async def test_a_kill_hurries_the_child(autojump_clock: Clock) -> None:
    """A kill asks the running child to go without the polite signal; cancel does not."""

    async def work(handle: JobHandle) -> Report:
        with speaking(handle) as turn:
            turn.child = Child(pid=1, started=0.0, grace_s=5.0)
            await trio.sleep_forever()
        raise AssertionError

    async with open_stand() as stand:
        polite, rude = await stand.open(work), await stand.open(work)
        await trio.testing.wait_all_tasks_blocked()
        children = [handle.log.live_turns[0].child for handle in (polite, rude)]
        polite.cancel("please")
        rude.cancel("now", is_kill=True)

        assert [child.killing.is_set() for child in children if child] == [False, True]
        assert (await stand.end(rude)).status is JobStatus.CANCELLED


async def test_work_without_end_is_stopped_after_its_deadline(autojump_clock: Clock) -> None:
    """Work that does not watch its deadline itself is cancelled a little later, with its text."""
    async with open_stand() as stand:
        handle = await stand.open(hang, limit_s=30.0)
        began = trio.current_time()
        row = await stand.end(handle)

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

    async def work(handle: JobHandle) -> Report:
        await trio.sleep(25)
        return finished()

    async with open_stand(root_jobs=1) as stand:
        await stand.open(work, limit_s=30.0)
        second = await stand.open(work, limit_s=30.0)

        assert (await stand.end(second)).status is JobStatus.COMPLETED
        assert second.deadline == 25 + 30


async def test_an_error_of_ours_becomes_a_failed_job(autojump_clock: Clock) -> None:
    """Code, message, hint and retryable of the error are in the result."""

    async def work(handle: JobHandle) -> Report:
        raise Refusal("not now", code="odd", hint="later", retryable=True)

    async with open_stand() as stand:
        row = await stand.end(await stand.open(work))

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

    async def work(handle: JobHandle) -> Report:
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [AimuxError("deep down")])])

    async with open_stand() as stand:
        row = await stand.end(await stand.open(work))

    assert row.outcome is not None
    assert row.outcome.error is not None
    assert row.outcome.error.message == "deep down"


async def test_a_bug_ends_its_job_only(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Firewall 1: an internal fault without details; the room lives."""

    async def work(handle: JobHandle) -> Report:
        raise ZeroDivisionError("secret detail")

    async with open_stand(strict=False) as stand:
        row = await stand.end(await stand.open(work))
        assert [record.message for record in caplog.records] == ["job failed"]
        assert caplog.records[0].exc_info is not None
        assert row.status is JobStatus.FAILED
        assert row.outcome is not None
        assert row.outcome.error is not None
        assert row.outcome.error.code == "internal"
        assert "secret" not in row.outcome.error.message

        assert (await stand.end(await stand.open())).status is JobStatus.COMPLETED


async def test_a_bug_gets_through_when_strict(autojump_clock: Clock) -> None:
    """Tests see bugs: strict lets them out, and the job has an end all the same."""
    store = FakeStore()

    async def work(handle: JobHandle) -> Report:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with open_stand(store) as stand:
            await stand.open(work)
            await trio.sleep_forever()

    assert (await store.job(JobId("job_1"))).status is JobStatus.ABORTED


async def test_a_closing_room_aborts_and_keeps(autojump_clock: Clock) -> None:
    """Leaving the room ends every job, running or queued, with what it had said."""
    async with open_stand(root_jobs=1) as stand:
        running, queued = await stand.open(hang), await stand.open(hang)
        await trio.testing.wait_all_tasks_blocked()

    rows = [await stand.store.job(each.id) for each in (running, queued)]
    assert [row.status for row in rows] == [JobStatus.ABORTED, JobStatus.ABORTED]
    assert [row.outcome.content for row in rows if row.outcome] == ["so far", ""]
    assert running.done.is_set()


async def test_a_verdict_stands_although_the_room_closes(autojump_clock: Clock) -> None:
    """Work that was done before the room closed is not called aborted."""
    store = SlowStore()

    async def work(handle: JobHandle) -> Report:
        handle.log.add(Noted(text="something to store"))
        await trio.testing.wait_all_tasks_blocked()  # the store is at it now
        return finished("in time")

    async with open_stand(store) as stand:
        handle = await stand.open(work)
        store.shut()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert not handle.cancel("too late: there is a verdict")
        store.gate.set()

    row = await store.job(handle.id)
    assert row.status is JobStatus.COMPLETED
    assert row.outcome is not None
    assert row.outcome.content == "in time"


@pytest.mark.parametrize("strict", [True, False])
async def test_a_bug_in_the_end_leaves_nobody_waiting(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture, strict: bool
) -> None:
    """Whatever `finish` raises, the handle is done; strict lets it through."""
    store = SlowStore()

    async def work(handle: JobHandle) -> Report:
        store.fault = ZeroDivisionError()
        return finished()

    handles: list[JobHandle] = []

    async def play() -> None:
        async with open_stand(store, strict=strict) as stand:
            handles.append(await stand.open(work))
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

    async def work(handle: JobHandle) -> Report:
        with speaking(handle) as turn:
            turn.add(Text(text="early"))
            await trio.sleep(0.1)
            turn.add(Text(text=" bird"))
            await trio.sleep_forever()
        raise AssertionError

    async with open_stand() as stand:
        handle = await stand.open(work)
        await trio.sleep(COALESCE_S + 0.2)

        assert await stand.kinds(handle) == ["job_started", "text"]
        assert handle.log.entries.unstored() == []
        assert handle.log.text_so_far == "early bird"


async def test_a_short_job_is_stored_in_two_commits(autojump_clock: Clock) -> None:
    """Its row before the id is given out, and the rest of its log with its end."""

    async def work(handle: JobHandle) -> Report:
        handle.log.add(Noted(text="begun"))
        await trio.sleep(COALESCE_S / 2)
        with speaking(handle) as turn:
            turn.add(Text(text="done"))
        return finished("done")

    async with open_stand() as stand:
        before = stand.store.statistics().commits
        handle = await stand.open(work)
        await handle.done.wait()

        assert stand.store.statistics().commits - before == 2
        kinds = await stand.kinds(handle)
        assert kinds == ["job_started", "note", "text", "turn_failed", "job_finished"]


async def test_a_crowd_of_entries_is_stored_at_once(autojump_clock: Clock) -> None:
    """What waits in memory for the store is bounded, however fast a CLI speaks."""

    async def work(handle: JobHandle) -> Report:
        for number in range(UNSTORED_ENTRIES):
            handle.log.add(Noted(text=str(number)))
        await trio.sleep_forever()
        raise AssertionError

    async with open_stand() as stand:
        handle = await stand.open(work)
        await trio.sleep(COALESCE_S / 10)

        assert handle.log.entries.unstored() == []
        assert len(await stand.kinds(handle)) == 1 + UNSTORED_ENTRIES


# ------------------------------------------------------------------------------------------ memory


async def test_recent_jobs_are_found_without_the_store(autojump_clock: Clock) -> None:
    """The last ones that ended are in memory, up to a limit; long ones and removed ones are not."""

    async def half(handle: JobHandle) -> Report:
        return finished("x" * (KEPT_HANDLE_CHARS // 2))

    async def long(handle: JobHandle) -> Report:
        return finished("x" * (KEPT_HANDLE_CHARS + 1))

    async with open_stand() as stand:
        first = await stand.open()
        await first.done.wait()
        big = await stand.open(long)
        await big.done.wait()
        asked = await stand.open(prompt="x" * (KEPT_HANDLE_CHARS + 1))
        await asked.done.wait()
        assert stand.supervisor.find(first.id) is first
        assert stand.supervisor.find(asked.id) is None
        assert stand.supervisor.find(big.id) is None

        most = KEPT_HANDLES_CHARS // (KEPT_HANDLE_CHARS // 2)
        halves = [await stand.open(half) for _ in range(most + 2)]
        for each in halves:
            await each.done.wait()
        kept = [stand.supervisor.find(each.id) is not None for each in halves]
        assert stand.supervisor.find(first.id) is None
        assert kept.count(True) == most
        assert kept[-1]

        first = await stand.open()
        await first.done.wait()
        for _ in range(KEPT_HANDLES):
            last = await stand.open()
            await last.done.wait()
        assert stand.supervisor.find(first.id) is None
        assert stand.supervisor.find(last.id) is last
        stand.supervisor.drop_recent([last.id, "job_unknown"])
        assert stand.supervisor.find(last.id) is None


async def test_who_waits_for_a_change_is_woken(autojump_clock: Clock) -> None:
    """A beginning and an end are changes."""
    async with open_stand() as stand:
        await stand.supervisor.wait_empty()
        changes: list[int] = []

        async def watch() -> None:
            while True:
                await stand.supervisor.wait_change()
                changes.append(len(stand.supervisor.open_handles()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            handle = await stand.open(hang)
            await trio.testing.wait_all_tasks_blocked()
            handle.cancel("enough")
            await handle.done.wait()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert changes == [1, 0]
