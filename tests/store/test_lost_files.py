"""What happens around the store's file: other disks, and the file itself taken away."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from aimux.errors import StoreUnavailable
from aimux.store import open_store

from .. import needs
from ._values import make_job, make_session

BIG = "x" * 300_000


@needs.proc
async def test_nothing_is_written_to_the_system_s_temporary_directory(tmp_path: Path) -> None:
    """A full /tmp is not a full store: statement journals and sorts stay in memory."""

    def work(connection: sqlite3.Connection) -> list[str]:
        connection.execute("CREATE TABLE t (a UNIQUE, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, BIG) for n in range(20)])
        connection.execute("UPDATE t SET b = b || 'y', a = a + 1000")  # needs a statement journal
        connection.execute("SELECT count(*) FROM (SELECT DISTINCT b FROM t ORDER BY b)").fetchall()
        found = list(Path("/proc/self/fd").iterdir())
        return [str(each.readlink()) for each in found if each.is_symlink()]

    async with open_store(tmp_path / "s.db", owner="one") as store:
        await store.create(make_job(), make_session())
        opened = await store._write(work)
        for ask in (store._write, store._read):
            assert await ask(lambda c: c.execute("PRAGMA temp_store").fetchone()) == (2,)

    assert [name for name in opened if "etilqs" in name] == []


@needs.posix
@pytest.mark.parametrize("what", ["file", "all", "directory"])
async def test_a_removed_file_is_noticed_and_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """What was committed before and after it is there for the next owner."""
    path = tmp_path / "state" / "s.db"
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1))
        await store.jobs()
        if what == "directory":
            shutil.rmtree(path.parent)
        for name in ["s.db"] if what == "file" else ["s.db", "s.db-wal", "s.db-shm", "s.db.lock"]:
            path.with_name(name).unlink(missing_ok=True)
        await store.create(make_job(2), make_session(2))
        seen = await store.jobs()
        await store.create(make_job(3), make_session(3))
        with pytest.raises(StoreUnavailable, match="in use"):
            async with open_store(path, owner="two"):
                pass
        restored = store.restored
    async with open_store(path, owner="two") as store:
        kept = await store.jobs()

    assert [job.id for job in seen.jobs] == ["job_2", "job_1"]
    assert [job.id for job in kept.jobs] == ["job_3", "job_2", "job_1"]
    assert restored == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [record.message for record in caplog.records] == [
        "store file was gone and was written again"
    ]


@needs.posix
async def test_a_file_that_is_only_read_comes_back_too(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1))
        path.unlink()
        job = await store.job(make_job(1).id)

        assert path.exists()
    assert job.id == "job_1"


@needs.posix
async def test_a_file_that_is_gone_at_the_end_is_there_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1))
        path.unlink()
    async with open_store(path, owner="two") as store:
        assert (await store.job(make_job(1).id)).id == "job_1"


@needs.posix
async def test_a_replaced_file_is_not_written(tmp_path: Path) -> None:
    """Nothing is acknowledged that the next owner would not know; that can be undone."""
    path = tmp_path / "s.db"
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1))
        path.unlink()
        path.write_bytes(b"of somebody else")
        with pytest.raises(StoreUnavailable) as caught:
            await store.create(make_job(2), make_session(2))
        with pytest.raises(StoreUnavailable):
            await store.job(make_job(1).id)
        untouched = path.read_bytes()
        path.unlink()
        await store.create(make_job(3), make_session(3))
        kept = await store.jobs()

    assert (caught.value.code, caught.value.retryable) == ("store_replaced", True)
    assert untouched == b"of somebody else"
    assert [job.id for job in kept.jobs] == ["job_3", "job_1"]


@needs.posix
@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["replaced", "locked"])
async def test_a_store_that_cannot_be_written_is_closed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Whoever could not write was told; the end of the process is not the place to fail."""
    monkeypatch.setattr("aimux.store._files.BUSY_MS", 20)
    path = tmp_path / "s.db"
    other = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1))
        if trouble == "locked":
            other.close()
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
        else:
            (tmp_path / "other.db").replace(path)
    other.close()

    assert path.exists()
