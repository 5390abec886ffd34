"""A store that cannot be written: what was acknowledged waits in memory, and everybody is told."""

import logging
import pathlib
import sqlite3
from typing import Any

import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.engine import JobHandle
from aimux.engine.jobs import _job_ends as ends
from aimux.engine.jobs._jobs import open_supervisor
from aimux.engine.jobs._recent import KEPT_HANDLES
from aimux.engine.log._entries import KEPT_ENTRIES
from aimux.errors import Refusal, StoreUnavailable
from aimux.model import Job, JobStatus, Noted, Report, SeatSession, Text, TurnStarted
from aimux.rules import SlotLimits
from aimux.store import open_store
from aimux.testing import Turn

from .house import answers, finished, make_session, open_house, speaking
from .supervised import Stand, open_stand

Clock = trio.testing.MockClock


async def _end_while_full(stand: Stand, **more: object) -> JobHandle:
    """A job that has ended while the disk was full, and everybody was told of it."""

    async def work(handle: JobHandle) -> Report:
        with speaking(handle) as turn:
            turn.add(TurnStarted(turn=1, cli="alpha"))
            turn.add(Text(text="said"))
        stand.store.is_full = True
        return finished("in memory")

    handle = await stand.open(work, **more)
    with trio.fail_after(60):
        await handle.done.wait()
    return handle


async def test_an_end_that_is_not_stored_is_told_and_stored_later(autojump_clock: Clock) -> None:
    """Nobody waits for ever; the end is tried again until it is there, with session and log."""
    async with open_stand() as stand:
        handle = await _end_while_full(stand)

        assert handle.job.status is JobStatus.COMPLETED
        assert (await stand.store.job(handle.id)).status is JobStatus.RUNNING
        assert stand.supervisor.find(handle.id) is handle
        assert handle.log.not_stored is not None
        assert handle.log.not_stored.warning.code == "not_stored"
        assert "tried again" in handle.log.not_stored.warning.message
        assert stand.supervisor.statistics().running == 0

        await trio.sleep(3_600)
        stand.store.is_full = False
        await stand.supervisor.wait_empty()

        row = await stand.store.job(handle.id)
        assert row.outcome is not None
        assert (row.status, row.outcome.content) == (JobStatus.COMPLETED, "in memory")
        assert (await stand.store.session(row.session_id)).seat() == SeatSession(
            cli="alpha", turns=1
        )
        assert (await stand.kinds(handle))[-1] == "job_finished"
        assert handle.log.not_stored is None
        assert stand.store.statistics().lost_entries == 0


async def test_an_end_that_is_not_stored_stays_findable(autojump_clock: Clock) -> None:
    """However many jobs end after it, and its session is not used by another one."""
    async with open_stand() as stand:
        session = make_session(999)
        handle = await _end_while_full(stand, session=session, is_new_session=True)
        real, stand.store.is_full = stand.store.finish, False

        async def finish(job: Job, *rest: Any) -> Job:
            if job.id == handle.id:
                raise StoreUnavailable("no room for this one", retryable=True)
            return await real(job, *rest)

        stand.store.finish = finish  # type: ignore[method-assign]  # a fault for one job
        for _ in range(KEPT_HANDLES + 1):
            await stand.end(await stand.open())
        with pytest.raises(Refusal, match="not stored yet") as caught:
            await stand.open(session=session)
        stand.store.finish = real  # type: ignore[method-assign]  # as it was

        assert caught.value.code == "session_busy"
        assert stand.supervisor.find(handle.id) is handle
        await trio.sleep(ends.RETRY_MAX_S)
        assert (await stand.end(await stand.open(session=session))).status is JobStatus.COMPLETED


async def test_no_job_begins_while_too_many_ends_are_not_stored(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits in memory is bounded."""
    monkeypatch.setattr(ends, "UNSTORED_ENDS", 1)
    async with open_stand() as stand:
        await _end_while_full(stand)
        stand.store.is_full = False
        with pytest.raises(StoreUnavailable, match="the end of 1 job is not stored yet"):
            await stand.open()
        await stand.supervisor.wait_empty()
        await stand.end(await stand.open())


async def test_an_end_is_stored_while_the_supervisor_closes(autojump_clock: Clock) -> None:
    """Shutdown waits a while for the store."""

    async def recover(stand: Stand) -> None:
        await trio.sleep(ends.LAST_TRIES_S / 2)
        stand.store.is_full = False

    async with trio.open_nursery() as beside, open_stand() as stand:
        handle = await _end_while_full(stand)
        beside.start_soon(recover, stand)

    assert (await stand.store.job(handle.id)).status is JobStatus.COMPLETED


async def test_shutdown_does_not_wait_for_ever_for_the_store(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be stored then is lost, and the log says so."""
    async with open_stand() as stand:
        await _end_while_full(stand)
        began = trio.current_time()

    assert trio.current_time() - began <= ends.LAST_TRIES_S
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "end of job lost"
    ]


async def test_an_end_that_never_can_be_stored_is_told_as_that(autojump_clock: Clock) -> None:
    """A store that is broken is not tried again, and the client hears that."""
    async with open_stand() as stand:

        async def finish(*_: object) -> None:
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable("not a database", code="store_corrupt", hint="move it away")

        stand.store.finish = finish  # type: ignore[assignment]  # a broken file
        handle = await stand.open()
        await handle.done.wait()
        await stand.supervisor.wait_empty()

        assert handle.log.not_stored is not None
        assert "gone once aimux has stopped" in handle.log.not_stored.warning.message
        assert stand.supervisor.find(handle.id) is handle


async def test_entries_that_are_not_stored_are_tried_again(autojump_clock: Clock) -> None:
    """A disk that is full for a while costs neither the job nor its log."""

    async def work(handle: JobHandle) -> Report:
        stand.store.is_full = True
        handle.log.add(Noted(text="one"))
        await trio.sleep(1)
        handle.log.add(Noted(text="two"))
        await trio.sleep(1)
        stand.store.is_full = False
        await trio.sleep(ends.RETRY_S + 1)
        stored.extend(await stand.store.entries(handle.id))
        return finished()

    stored: list[object] = []
    async with open_stand() as stand:
        handle = await stand.open(work)
        assert (await stand.end(handle)).status is JobStatus.COMPLETED
        texts = [getattr(e.event, "text", "") for e in await stand.store.entries(handle.id)]

    assert len(stored) == 3
    assert texts == ["", "one", "two", ""]
    assert stand.store.statistics().lost_entries == 0


async def test_what_is_too_much_for_memory_is_counted_as_lost(autojump_clock: Clock) -> None:
    """Beyond the bound the oldest entries go; the end does not."""

    async def work(handle: JobHandle) -> Report:
        stand.store.is_full = True
        for number in range(KEPT_ENTRIES + 10):
            handle.log.add(Noted(text=str(number)))
        await trio.sleep(2 * ends.RETRY_S)
        stand.store.is_full = False
        return finished()

    async with open_stand() as stand:
        handle = await stand.open(work)
        assert (await stand.end(handle)).status is JobStatus.COMPLETED
        first = (await stand.store.entries(handle.id, after_seq=1))[0]

    assert stand.store.statistics().lost_entries == 10
    assert getattr(first.event, "text", "") == "10"


async def test_answer_status_and_health_say_what_is_not_stored(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Until it is stored; then nobody is bothered any more."""

    def turns(spec: ProcessSpec) -> Turn:
        return answers("1.2.3" if spec.argv[-1] == "--version" else "a fine answer")

    async with open_house(tmp_path, turns) as house:
        real = house.store.finish

        async def finish(*_: object) -> None:
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable("disk full", code="store_full", hint="free space")

        house.store.finish = finish  # type: ignore[assignment]  # a full disk
        body = await house.ask("exec", prompt="do it")
        job_id = body["job_id"]
        status = await house.ask("status", job_id=job_id)
        info = await house.ask("sessions", action="info", session_id=body["session_id"])
        health = await house.ask("sessions", action="health")
        house.store.finish = real  # type: ignore[method-assign]  # there is room
        await house.engine.supervisor.wait_empty()
        later = await house.ask("status", job_id=job_id)
        healthy = await house.ask("sessions", action="health")

    assert (body["status"], body["content"]) == ("completed", "a fine answer")
    assert [each["code"] for each in body["warnings"]] == ["not_stored"]
    assert [each["code"] for each in status["warnings"]] == ["not_stored"]
    assert (info["session"]["status"], info["jobs"][0]["status"]) == ("completed", "completed")
    assert [(each["where"], each["suggestion"]) for each in health["problems"]] == [
        ("store", "free space")
    ]
    assert (later["warnings"], healthy["problems"]) == ([], [])


@pytest.mark.slow
async def test_an_end_survives_a_lock_that_another_process_holds(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than SQLite waits: the job is told as not stored, and is stored afterwards."""
    monkeypatch.setattr("aimux.store._files.BUSY_MS", 50)
    monkeypatch.setattr(ends, "RETRY_S", 0.05)
    path = tmp_path / "sessions.db"
    async with (
        open_store(path, owner="one") as store,
        open_supervisor(store, SlotLimits(), strict=True) as supervisor,
    ):
        other = sqlite3.connect(path, isolation_level=None)

        async def work(handle: JobHandle) -> Report:
            await trio.lowlevel.checkpoint()
            other.execute("BEGIN IMMEDIATE")
            return finished()

        stand = Stand(supervisor, store)  # type: ignore[arg-type]  # the real one
        with trio.fail_after(10):
            handle = await stand.open(work)
            await handle.done.wait()
            told = handle.log.not_stored
            other.execute("ROLLBACK")
            other.close()
            await supervisor.wait_empty()
            row = await store.job(handle.id)

    assert told is not None
    assert "locked" in told.why
    assert row.status is JobStatus.COMPLETED
