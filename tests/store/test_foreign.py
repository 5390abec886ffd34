"""A database of another program at our store's place: it is looked at, and nothing more."""

import contextlib
import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
import trio

from aimux.errors import StoreUnavailable
from aimux.store import is_foreign, open_store
from aimux.store._files import connect
from aimux.store._migrations import APPLICATION_ID, migrate

from .. import needs
from ._values import make_job, make_session


async def refusal(path: Path) -> StoreUnavailable:
    """What is said when that file is to be our store."""
    with trio.fail_after(20), pytest.raises(StoreUnavailable) as caught:
        async with open_store(path, owner="two"):
            pass
    return caught.value


def make_foreign(path: Path, journal: str = "delete") -> None:
    """The store of another server: its tables, no mark, open to others."""
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA journal_mode = {journal}")
    other.execute("CREATE TABLE sessions (id TEXT PRIMARY KEY, cli TEXT NOT NULL)")
    other.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, session_id TEXT)")
    other.execute("INSERT INTO sessions VALUES ('s1', 'codex')")
    other.commit()
    if journal == "wal":  # left as a killed program leaves it
        for each in (path, path.with_name(f"{path.name}-wal")):
            shutil.copy(each, each.with_name(f"kept-{each.name}"))
    other.close()
    if journal == "wal":
        for each in (path, path.with_name(f"{path.name}-wal")):
            each.with_name(f"kept-{each.name}").replace(each)
    path.chmod(0o644)


def facts_below(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a directory: mode, modification, content."""
    return {
        each.name: (stat.S_IMODE(found.st_mode), found.st_mtime_ns, each.read_bytes())
        for each in sorted(place.iterdir())
        if (found := each.stat())
    }


@pytest.mark.parametrize("version", [0, 1, 99])
async def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path, version: int) -> None:
    """No mode changes, nothing is made beside it, and the hint names the ways out."""
    path = tmp_path / "sessions.db"
    make_foreign(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    before = facts_below(tmp_path)
    fault = await refusal(path)

    assert fault.code == "store_foreign"
    assert "AIMUX_DB_PATH" in str(fault.hint)
    assert is_foreign(path)
    assert facts_below(tmp_path) == before


async def test_a_killed_program_leaves_its_tables_in_the_log(tmp_path: Path) -> None:
    """They are found there; what SQLite makes to look is all that is made."""
    path = tmp_path / "sessions.db"
    make_foreign(path, "wal")
    before = facts_below(tmp_path)

    assert (await refusal(path)).code == "store_foreign"
    assert {name: facts_below(tmp_path)[name] for name in before} == before


async def test_ours_is_known_from_its_birth(tmp_path: Path) -> None:
    """Before its first table, while all is in the log, and after that."""
    path = tmp_path / "sessions.db"
    assert not is_foreign(path)
    path.touch()
    assert not is_foreign(path)
    connect(path).close()
    assert not is_foreign(path)
    async with open_store(path, owner="one") as store:
        await store.create(make_job(1), make_session(1), [])

        assert not is_foreign(path)
        header = path.read_bytes()[:100]
    assert not is_foreign(path)
    assert header[68:72] == APPLICATION_ID.to_bytes(4, "big")


async def test_one_of_ours_without_its_mark_in_the_file_is_known(tmp_path: Path) -> None:
    """As versions before this one left it when they were killed at once."""
    path = tmp_path / "sessions.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    migrate(connection)
    for each in (path, tmp_path / "sessions.db-wal"):
        shutil.copy(each, tmp_path / f"kept-{each.name}")
    connection.close()
    for each in (path, tmp_path / "sessions.db-wal"):
        (tmp_path / f"kept-{each.name}").replace(each)

    assert path.read_bytes()[68:72] == bytes(4)
    assert not is_foreign(path)
    async with open_store(path, owner="two") as store:
        assert (await store.tally()).jobs == {}


@needs.posix
async def test_what_is_no_file_at_all_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe may have that name."""
    os.mkfifo(tmp_path / "sessions.db")

    assert not is_foreign(tmp_path / "sessions.db")


async def test_a_database_with_another_mark_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one"):
        pass
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA application_id = 7")

    assert (await refusal(path)).code == "store_foreign"


async def test_a_mark_of_another_program_is_enough(tmp_path: Path) -> None:
    """Before it has made a table."""
    path = tmp_path / "sessions.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA application_id = 7")
    before = facts_below(tmp_path)

    assert (await refusal(path)).code == "store_foreign"
    assert facts_below(tmp_path) == before


async def test_a_look_makes_no_files(tmp_path: Path) -> None:
    """Beside a database that its program has left in order, and whose log is gone with it."""
    path = tmp_path / "sessions.db"
    make_foreign(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = wal")
    before = facts_below(tmp_path)

    assert list(before) == ["sessions.db"]
    assert is_foreign(path)
    assert facts_below(tmp_path) == before


def test_a_foreign_file_that_came_meanwhile_is_not_written(tmp_path: Path) -> None:
    """The lock was ours by then; whoever opens it looks once more."""
    path = tmp_path / "sessions.db"
    make_foreign(path)
    before = facts_below(tmp_path)
    with pytest.raises(StoreUnavailable) as caught:
        connect(path)

    assert caught.value.code == "store_foreign"
    assert facts_below(tmp_path) == before


@needs.posix
@pytest.mark.parametrize("kind", ["mkdir", "mkfifo"])
def test_what_is_no_file_is_no_store(tmp_path: Path, kind: str) -> None:
    """A device would have its mode changed, for the whole machine: nothing is made or changed."""
    path = tmp_path / "sessions.db"
    getattr(os, kind)(path)
    path.chmod(0o644)
    fault = trio.run(refusal, path)

    assert fault.code == "store_no_file"
    assert "AIMUX_DB_PATH" in str(fault.hint)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


@needs.posix
def test_what_is_no_file_and_came_meanwhile_keeps_its_mode(tmp_path: Path) -> None:
    """Whoever opens it looks once more, as at a foreign file."""
    path = tmp_path / "sessions.db"
    os.mkfifo(path)
    path.chmod(0o644)
    with pytest.raises(StoreUnavailable) as caught:
        connect(path)

    assert caught.value.code == "store_no_file"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
