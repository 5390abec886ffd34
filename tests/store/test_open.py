"""Opening a store: who may, what is refused, and what the refusal says."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from aimux.errors import StoreUnavailable
from aimux.model import (
    Job,
    JobId,
    JobStarted,
    JobStatus,
    Outcome,
    Stream,
    Text,
)
from aimux.store import Store, _store, is_foreign, open_store
from aimux.store._files import _set, connect_memory
from aimux.store._migrations import APPLICATION_ID, STEPS
from aimux.testing import FakeStore

from .. import needs
from ._values import at, log, make_job, make_session


async def refusal(path: Path) -> StoreUnavailable:
    with trio.fail_after(20), pytest.raises(StoreUnavailable) as caught:
        async with open_store(path, owner="two"):
            pass
    assert str(path.parent) in str(caught.value) or str(path) in str(caught.value.data)
    return caught.value


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Nothing can be made in `directory`. Root may write anywhere, so be nobody for a while."""
    directory.chmod(0o555)
    if needs.IS_ROOT:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if needs.IS_ROOT:
            os.seteuid(0)
        directory.chmod(0o755)


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    job = make_job()
    async with open_store(path, owner="one") as store:
        await store.create(job, make_session(), log(JobStarted(), Text(text="ä")))

    async with open_store(path, owner="two") as store:
        assert (await store.job(job.id)).status is JobStatus.RUNNING
        assert await store.entries(job.id) == log(JobStarted(), Text(text="ä"))
        assert store.path == path


async def test_the_settings_of_sqlite_are_in_force(tmp_path: Path) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5_000,
        "auto_vacuum": 2,
        "user_version": len(STEPS),
        "application_id": APPLICATION_ID,
    }
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        found = {
            name: await store._write(lambda c, n=name: c.execute(f"PRAGMA {n}").fetchone()[0])
            for name in wanted
        }

    assert found == wanted


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        with pytest.raises(StoreUnavailable, match="readonly"):
            await store._read(lambda c: c.execute("DELETE FROM jobs"))

        assert (await store.jobs()).jobs == []


@needs.posix
async def test_files_are_for_their_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sessions.db"
    before = os.umask(0)
    try:
        async with open_store(path, owner="one") as store:
            await store.create(make_job(), make_session())
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"sessions.db", "sessions.db-wal", "sessions.db.lock"} <= set(modes)


@needs.posix
async def test_a_file_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    path.touch(0o644)

    async with open_store(path, owner="one"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


# ------------------------------------------------------------------------------------ one owner


async def test_a_second_owner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one") as store:
        fault = await refusal(path)
        await store.create(make_job(), make_session())

    assert fault.code == "store_locked"
    assert fault.data == {"pid": os.getpid(), "path": str(path), "owner": "one"}
    assert str(os.getpid()) in str(fault)
    assert "AIMUX_STATE_DIR" in str(fault.hint)
    async with open_store(path, owner="two") as store:
        assert (await store.job(JobId("job_1"))).owner == "one"


async def test_a_lock_file_of_junk_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    (tmp_path / "sessions.db.lock").write_bytes(b"\xffjunk" * 100)

    async with open_store(path, owner="one"):
        fault = await refusal(path)

    assert fault.data["owner"] == "one"


WRITER = """
import sys, trio, datetime
from pathlib import Path
from aimux.model import *
from aimux.store import open_store

AT = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)

def entry(seq, event):
    return Entry(seq=seq, offset_s=0, at=AT, turn=1, event=event)

async def write(store, worker):
    name = SessionId(f"ses_{worker}")
    session = Session(id=name, cli="x", created_at=AT, last_active_at=AT)
    for n in range(10**6):
        id = JobId(f"job_{worker}_{n}")
        job = Job(id=id, session_id=name, tool="exec", owner="victim", created_at=AT)
        await store.create(job, session, [entry(1, Text(text=f"text {worker} {n}"))])
        await store.append(id, [entry(2, ChildStarted(pid=n + 1, started=2.5))])
        print(id, flush=True)

async def main():
    async with open_store(Path(sys.argv[1]), owner="victim") as store:
        async with trio.open_nursery() as nursery:
            for worker in range(5):
                nursery.start_soon(write, store, worker)

trio.run(main)
"""


@pytest.mark.slow
async def test_a_killed_owner_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    acknowledged: list[str] = []
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            command = [sys.executable, "-c", WRITER, str(path)]
            run = partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
            process = await nursery.start(run)
            received = b""
            while received.count(b"\n") < 60:
                received += await process.stdout.receive_some(65_536)
            fault = await refusal(path)
            process.kill()
            while more := await process.stdout.receive_some(65_536):
                received += more
    acknowledged = received.decode().rpartition("\n")[0].split("\n")

    async with open_store(path, owner="heir") as store:
        orphans = {orphan.job_id: orphan for orphan in await store.abort_orphans("heir", at(0))}
        again = await store.abort_orphans("heir", at(1))
        kept = [await store.entries(JobId(each)) for each in acknowledged]
        jobs = [await store.job(JobId(each)) for each in acknowledged]

    assert fault.code == "store_locked"
    assert fault.data["pid"] == process.pid
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= set(orphans)
    assert again == []
    assert all([entry.seq for entry in each] == [1, 2, 3, 4] for each in kept)
    for job in jobs:
        _, worker, number = job.id.split("_")
        assert job.outcome is not None
        assert job.outcome.content == f"text {worker} {number}"
        assert orphans[job.id].children == [(int(number) + 1, 2.5)]


# ------------------------------------------------------------------------------------- refusals


@needs.posix
async def test_a_directory_that_is_not_writable_is_named(tmp_path: Path) -> None:
    with read_only(tmp_path):
        fault = await refusal(tmp_path / "sessions.db")

    assert fault.code == "store_unwritable"
    assert "AIMUX_STATE_DIR" in str(fault.hint)


async def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    fault = await refusal(tmp_path / "file" / "sessions.db")

    assert fault.code == "store_unwritable"


async def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sessions.db").mkdir()

    fault = await refusal(tmp_path / "sessions.db")

    assert fault.code == "store_no_file"


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, by any means\n" * 100, b"SQLite format 3\0" + b"\xff" * 4_080],
)
async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sessions.db"
    path.write_bytes(content)

    fault = await refusal(path)

    assert fault.code == "store_corrupt"
    assert "move the file away" in str(fault.hint)
    assert path.read_bytes() == content
    assert not is_foreign(path)


async def test_damage_in_the_middle_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one") as store:
        for number in range(40):
            await store.create(make_job(number), make_session(number), log(Text(text="x" * 3_000)))
    content = bytearray(path.read_bytes())
    content[3 * 4_096 :] = b"\xa5" * (len(content) - 3 * 4_096)
    path.write_bytes(content)

    async def read_all() -> None:
        async with open_store(path, owner="two") as store:
            for number in range(40):
                await store.entries(JobId(f"job_{number}"))

    with pytest.raises(StoreUnavailable) as caught:
        await read_all()

    assert caught.value.code == "store_corrupt"


def test_a_setting_that_does_not_take_is_told(tmp_path: Path) -> None:
    """Some network file systems cannot do write-ahead logging, nor can a database in memory."""
    connection = connect_memory()

    with pytest.raises(StoreUnavailable, match="journal_mode stays memory") as caught:
        _set(connection, tmp_path, "journal_mode", "wal")
    connection.close()

    assert caught.value.code == "store_unsupported"
    assert "local disk" in str(caught.value.hint)


async def test_a_migration_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(tmp_path / "sessions.db", owner="one"):
        pass

    def broken(connection: sqlite3.Connection, _: Path) -> None:
        connection.execute("CREATE TABLE jobs (n)")

    monkeypatch.setattr(_store, "migrate", broken)

    fault = await refusal(tmp_path / "sessions.db")

    assert "jobs already exists" in str(fault)


async def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one"):
        pass
    with contextlib.closing(sqlite3.connect(path)) as later:
        later.execute(f"PRAGMA user_version = {len(STEPS) + 1}")

    fault = await refusal(path)

    assert fault.code == "store_newer"
    assert fault.data == {"schema": len(STEPS) + 1, "known": len(STEPS)}
    assert "update aimux" in str(fault.hint)


async def test_a_row_of_a_later_version_is_told_not_guessed(tmp_path: Path) -> None:
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        await store.create(make_job(), make_session())
        await store._write(
            lambda c: c.execute(
                "UPDATE jobs SET body = CAST(json_set(CAST(body AS TEXT), '$.new', 1) AS BLOB)"
            )
        )

        with pytest.raises(StoreUnavailable, match="unknown key new"):
            await store.job(JobId("job_1"))


# -------------------------------------------------------------------------------- a full disk


async def set_full(store: Store, is_full: bool) -> None:
    """Let SQLite refuse new pages, as it does when the disk has none."""

    def work(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages if is_full else 10**9}")

    await store._write(work)


@pytest.mark.parametrize("in_memory", [False, True])
async def test_a_full_disk_is_told_once_and_forgotten(tmp_path: Path, in_memory: bool) -> None:
    big = "x" * 1_000_000
    async with open_store(None if in_memory else tmp_path / "s.db", owner="one") as store:
        await store.create(make_job(), make_session())
        job = JobId("job_1")
        await set_full(store, is_full=True)

        with pytest.raises(StoreUnavailable) as caught:
            await store.append(job, log(Text(text=big)))
        told_again = await store.append(job, log(Text(text=big), Text(text=big), first=2))
        during = store.statistics()
        with pytest.raises(StoreUnavailable):
            await store.create(make_job(2, prompt_preview=big), make_session(2))
        await set_full(store, is_full=False)
        recovered = await store.append(job, log(Text(text=big), first=4))
        after = store.statistics()
        kept = await store.entries(job)

    assert (caught.value.code, caught.value.retryable) == ("store_full", True)
    assert "free space" in str(caught.value.hint)
    assert (told_again, recovered) == (False, True)
    assert (during.is_failing, after.is_failing) == (True, False)
    assert during.lost_entries == 0  # they may be appended again
    store.count_lost(3)
    assert "3 entries lost" in repr(store)
    assert [entry.seq for entry in kept] == [4]


async def test_a_full_disk_spares_those_who_need_no_room(tmp_path: Path) -> None:
    async with open_store(tmp_path / "s.db", owner="one") as store:
        await store.create(make_job(), make_session())
        await set_full(store, is_full=True)
        outcomes: list[object] = []

        async def append(size: int, first: int) -> None:
            try:
                outcomes.append(
                    await store.append(JobId("job_1"), log(Text(text="x" * size), first=first))
                )
            except StoreUnavailable as fault:
                outcomes.append(fault.code)

        async with trio.open_nursery() as nursery:
            for first, size in enumerate([1, 1_000_000, 1, 1_000_000, 1], 1):
                nursery.start_soon(append, size, first)
        kept = await store.entries(JobId("job_1"))

    assert [entry.seq for entry in kept] == [1, 3, 5]
    assert outcomes.count(True) == 3


async def test_the_fake_has_a_full_disk_at_will(autojump_clock: trio.testing.MockClock) -> None:
    """No thread is in play, so a test may own the clock."""
    store = FakeStore()
    await store.create(make_job(), make_session())
    began = trio.current_time()
    store.is_full = True

    with pytest.raises(StoreUnavailable) as caught:
        await store.append(JobId("job_1"), log(Text(text="a")))
    told_again = await store.append(JobId("job_1"), log(Text(text="b"), first=2))
    await trio.sleep(3_600)
    store.is_full = False
    recovered = await store.append(JobId("job_1"), log(Text(text="c"), first=3))

    assert caught.value.code == "store_full"
    assert (told_again, recovered) == (False, True)
    assert [entry.seq for entry in await store.entries(JobId("job_1"))] == [3]
    assert trio.current_time() - began >= 3_600


# --------------------------------------------------------------------------------- raw output


async def test_raw_output_outlives_its_owner_and_goes_with_its_job(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    directory = tmp_path / "spool" / "job_1"
    job = make_job()
    async with open_store(path, owner="one") as store:
        await store.create(job, make_session())
        with store.spool(job.id, 1) as spool:
            spool.write(Stream.STDOUT, b"hello\n")
        for turn in (10, 2):
            with store.spool(job.id, turn) as spool:
                spool.write(Stream.STDERR, b"more\n")
    async with open_store(path, owner="two") as store:
        attempts = await store.raw_attempts(job.id)
        none = await store.raw_attempts(JobId("job_2"))
        piece = await store.raw_output(job.id, 1, Stream.STDOUT, 2, 100)
        silence = await store.raw_output(job.id, 1, Stream.STDERR, 0, 100)
        await store.abort_orphans("two", at(10))
        told = await store.collect(at(100), dry_run=True)
        was_there = directory.exists()
        done = await store.collect(at(100))

    assert was_there
    assert (piece.offset, piece.data, piece.total) == (2, b"llo\n", 6)
    assert silence.data == b""
    assert (attempts, none) == ([(1, 1), (2, 1), (10, 1)], [])
    assert told.spools == done.spools == [str(directory)]
    assert not directory.exists()


async def test_raw_output_of_each_attempt_is_kept_apart(tmp_path: Path) -> None:
    """Turn 1 with its eleven attempts is not turn 11, nor are files of others attempts."""
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        for turn, attempt in [(11, 1), (1, 11), (1, 1), (1, 2)]:
            with store.spool("job_1", turn, attempt) as spool:
                spool.write(Stream.STDOUT, f"turn {turn}, attempt {attempt}".encode())
        for name in ("notes.txt", "x-1.out", "1-x.out", "1-2-3.out"):
            (tmp_path / "spool" / "job_1" / name).touch()
        attempts = await store.raw_attempts(JobId("job_1"))
        said = {
            (turn, attempt): await store.raw_output(
                JobId("job_1"), turn, Stream.STDOUT, 0, 100, attempt=attempt
            )
            for turn, attempt in attempts
        }
        first = await store.raw_output(JobId("job_1"), 1, Stream.STDOUT, 0, 100)
        never = await store.raw_output(JobId("job_1"), 1, Stream.STDOUT, 0, 100, attempt=3)

    assert attempts == [(1, 1), (1, 2), (1, 11), (11, 1)]
    assert {place: piece.data.decode() for place, piece in said.items()} == {
        place: f"turn {place[0]}, attempt {place[1]}" for place in attempts
    }
    assert first.data == b"turn 1, attempt 1"
    assert never.data == b""


async def test_raw_output_of_a_store_in_memory_is_a_tail() -> None:
    async with open_store(None, owner="one") as store:
        with store.spool(JobId("job_1"), 1) as spool:
            spool.write(Stream.STDOUT, b"hello\n")
            assert spool.tail(Stream.STDOUT, 100) == b"hello\n"

        assert store.path is None
        assert (await store.raw_output(JobId("job_1"), 1, Stream.STDOUT, 0, 10)).data == b""
        assert await store.raw_attempts(JobId("job_1")) == []


async def test_raw_output_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool" / "job_1" / "1.out").mkdir(parents=True)
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.raw_output(JobId("job_1"), 1, Stream.STDOUT, 0, 10)

    assert "1.out" in str(caught.value)


async def test_raw_output_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "job_1").touch()
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.raw_attempts(JobId("job_1"))

    assert "job_1" in str(caught.value)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async with open_store(tmp_path / "sessions.db", owner="one") as store:
        pass

    for attempt in (store.job(JobId("job_1")), store.append(JobId("job_1"), [])):
        with pytest.raises(StoreUnavailable) as caught:
            await attempt
        assert caught.value.code == "store_closed"


async def test_leaving_by_an_error_closes_the_store(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"

    async def fail_inside() -> None:
        async with open_store(path, owner="one") as store:
            await store.create(make_job(), make_session())
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fail_inside()

    async with open_store(path, owner="two") as store:
        assert isinstance(await store.job(JobId("job_1")), Job)


async def test_leaving_by_cancellation_closes_the_store(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with trio.CancelScope() as scope:
        async with open_store(path, owner="one") as store:
            await store.create(make_job(), make_session())
            await store.jobs()
            scope.cancel()
            await trio.sleep_forever()

    async with open_store(path, owner="two") as store:
        end = attrs.evolve(make_job(), status=JobStatus.FAILED, outcome=Outcome())
        assert (await store.finish(end)).status is JobStatus.FAILED
    assert not path.with_name("sessions.db-wal").exists()
