"""What waits together is committed together, and each fails alone."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from aimux.errors import StoreUnavailable
from aimux.store._files import connect, connect_memory
from aimux.store._writer import MAX_BATCH, Batches, InlineWriter, Writer, _Request


class Gate:
    """A work that holds the writer until it is opened, and says when it is there."""

    def __init__(self) -> None:
        self.entered = trio.Event()
        self._open = trio.Event()

    def work(self, _: sqlite3.Connection) -> str:
        trio.from_thread.run_sync(self.entered.set)
        trio.from_thread.run(self._open.wait)
        return "through"

    def open(self) -> None:
        self._open.set()


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    connection = connect_memory()
    connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")
    made = Writer(connection)
    yield made
    with trio.fail_after(5):
        await made.aclose()


def add(number: int):  # noqa: ANN201  # a work
    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return work


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT number FROM numbers ORDER BY rowid")]


async def test_what_arrives_during_a_commit_is_one_batch(writer: Writer) -> None:
    gate = Gate()
    answers: list[int] = []

    async def ask(number: int) -> None:
        answers.append(await writer.run(add(number)))

    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            for number in range(20):
                callers.start_soon(ask, number)
            await trio.testing.wait_all_tasks_blocked(0.01)
            waiting = writer.statistics().waiting
            gate.open()

    seen = writer.statistics()
    assert waiting == 20
    assert sorted(answers) == list(range(20))
    assert (seen.works, seen.commits, seen.biggest_batch, seen.waiting) == (21, 2, 20, 0)


async def test_a_work_that_fails_fails_alone(writer: Writer) -> None:
    gate = Gate()
    faults: list[Exception] = []

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (99)")
        msg = "a bug"
        raise LookupError(msg)

    async def expect_fault(work) -> None:  # noqa: ANN001  # a work
        with pytest.raises((LookupError, sqlite3.IntegrityError)) as caught:
            await writer.run(work)
        faults.append(caught.value)

    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            callers.start_soon(writer.run, add(1))
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(expect_fault, broken)
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(expect_fault, add(1))
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(writer.run, add(2))
            await trio.testing.wait_all_tasks_blocked(0.01)
            gate.open()

    assert {type(fault) for fault in faults} == {LookupError, sqlite3.IntegrityError}
    assert await writer.run(numbers) == [1, 2]
    assert writer.statistics().biggest_batch == 4
    assert writer.statistics().errors == 2


async def test_a_transaction_taken_back_is_done_again_one_by_one(writer: Writer) -> None:
    """SQLite undoes a whole transaction when the disk is full; the others must not suffer."""
    gate = Gate()

    def full(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        msg = "database or disk is full"
        raise sqlite3.OperationalError(msg)

    async def expect_full() -> None:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await writer.run(full)

    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            callers.start_soon(writer.run, add(1))
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(expect_full)
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(writer.run, add(2))
            await trio.testing.wait_all_tasks_blocked(0.01)
            gate.open()

    assert await writer.run(numbers) == [1, 2]


async def test_a_caller_cancelled_in_line_learns_what_is_on_disk(writer: Writer) -> None:
    gate = Gate()
    answers: list[int] = []

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            answers.append(await writer.run(add(7)))

    scope = trio.CancelScope()
    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            callers.start_soon(ask, scope)
            await trio.testing.wait_all_tasks_blocked(0.01)
            scope.cancel()
            gate.open()

    assert answers == await writer.run(numbers) == [7]
    assert not scope.cancelled_caught


async def test_the_lead_is_passed_on_when_its_task_is_cancelled(writer: Writer) -> None:
    gate = Gate()
    scope = trio.CancelScope()

    async def lead() -> None:
        with scope:
            await writer.run(gate.work)

    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(lead)
            await gate.entered.wait()
            callers.start_soon(writer.run, add(1))
            await trio.testing.wait_all_tasks_blocked(0.01)
            scope.cancel()
            gate.open()

    assert await writer.run(numbers) == [1]


async def test_a_batch_is_bounded(writer: Writer) -> None:
    gate = Gate()

    with trio.fail_after(20):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            for number in range(MAX_BATCH + 10):
                callers.start_soon(writer.run, add(number))
            await trio.testing.wait_all_tasks_blocked(0.05)
            gate.open()

    seen = writer.statistics()
    assert (seen.biggest_batch, seen.commits) == (MAX_BATCH, 3)
    assert len(await writer.run(numbers)) == MAX_BATCH + 10


async def test_a_thread_that_cannot_start_does_not_stop_the_writer(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_thread(*_: object, **__: object) -> None:
        await trio.lowlevel.checkpoint()
        msg = "can't start new thread"
        raise RuntimeError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(trio.to_thread, "run_sync", no_thread)
        with pytest.raises(RuntimeError, match="thread"):
            await writer.run(add(1))

    with trio.fail_after(5):
        await writer.run(add(2))

    assert await writer.run(numbers) == [2]


async def test_a_closed_writer_says_so() -> None:
    writer = Writer(connect_memory())
    await writer.aclose()

    with pytest.raises(StoreUnavailable) as caught:
        await writer.run(numbers)

    assert caught.value.code == "store_closed"


async def test_closing_waits_for_what_was_begun() -> None:
    connection = connect_memory()
    connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")
    writer, gate, answers = Writer(connection), Gate(), []

    async def ask(number: int) -> None:
        answers.append(await writer.run(add(number)))

    with trio.fail_after(5):
        async with trio.open_nursery() as callers:
            callers.start_soon(writer.run, gate.work)
            await gate.entered.wait()
            callers.start_soon(ask, 1)
            await trio.testing.wait_all_tasks_blocked(0.01)
            callers.start_soon(writer.aclose)
            await trio.testing.wait_all_tasks_blocked(0.01)
            gate.open()

    assert answers == [1]


def test_a_batch_that_cannot_begin_tries_once_for_all(tmp_path: Path) -> None:
    """Each try may wait for the whole busy timeout."""
    mine, other = connect(tmp_path / "x.db"), connect(tmp_path / "x.db")
    mine.execute("PRAGMA busy_timeout = 0")
    other.execute("BEGIN IMMEDIATE")
    begun: list[str] = []
    mine.set_trace_callback(lambda text: begun.append(text) if "BEGIN" in text else None)
    batch = [_Request(add(number)) for number in range(3)]

    Batches(mine).carry(batch)
    other.close()
    mine.close()

    assert [str(request.fault) for request in batch] == ["database is locked"] * 3
    assert all(request.is_done for request in batch)
    assert len(begun) == 1


async def test_an_inline_writer_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect_memory()
    connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")
    writer = InlineWriter(connection)
    monkeypatch.delattr(trio.to_thread, "run_sync")

    assert await writer.run(add(1)) == 1
    with pytest.raises(sqlite3.IntegrityError):
        await writer.run(add(1))
    assert await writer.run(numbers) == [1]
    assert writer.statistics().errors == 1
