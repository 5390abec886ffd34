"""The files of a store: who may read them, who owns them now, and the connections to them."""

import contextlib
import os
import sqlite3
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from aimux.errors import StoreUnavailable
from aimux.files.locks import try_lock
from aimux.files.private import make_private
from aimux.model import ShapeMismatch, dump_bytes, load_bytes

from ._faults import translated
from ._migrations import APPLICATION_ID, STEPS

BUSY_MS: Final = 5_000  # somebody looks into the file with a tool of their own
_HOLDER_BYTES: Final = 4_096  # more than a lock file ever holds
_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)  # a pipe may have that name
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


@attrs.frozen(kw_only=True)
class Holder:
    """Who owns a store, as its lock file says."""

    pid: int
    owner: str
    path: str


def is_foreign(path: Path) -> bool:
    """Whether the file at `path` is a database of another program. It is only looked at."""
    header = _header(path)
    (page_size,) = struct.unpack_from(">H", header, 16)
    if not header.startswith(_MAGIC) or page_size & (page_size - 1):
        return False  # nothing, or nothing that is whole
    (mark,) = struct.unpack_from(">I", header, 68)
    return mark != APPLICATION_ID and (mark != 0 or _has_foreign_tables(path))


def _header(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY)
    except OSError:
        return bytes(_HEADER_BYTES)
    try:
        return os.read(descriptor, _HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    except OSError:  # a directory
        return bytes(_HEADER_BYTES)
    finally:
        os.close(descriptor)


def _has_foreign_tables(path: Path) -> bool:
    """Whether there are tables in a file without our mark: in it, or in what was not put into it
    yet. One of ours that was killed at its birth has none, or has the mark there.
    """
    uri = path.absolute().as_uri()
    has_log = path.with_name(f"{path.name}-wal").exists()
    try:  # immutable: without it even a look makes files beside it
        for options in ("mode=ro&immutable=1", *(["mode=ro"] if has_log else [])):
            with contextlib.closing(sqlite3.connect(f"{uri}?{options}", uri=True)) as connection:
                if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
                    (mark,) = connection.execute("PRAGMA application_id").fetchone()
                    return bool(mark != APPLICATION_ID)
    except sqlite3.Error:
        return False  # whoever opens it says what is wrong
    return False


def refusal_of(path: Path) -> StoreUnavailable | None:
    """What opening the store at `path` would be refused for, as far as a look at it tells."""
    if _is_odd(path):
        return StoreUnavailable(
            f"store {path}: a device, a pipe or a directory, not a file",
            code="store_no_file",
            hint="name a file in server.db_path (AIMUX_DB_PATH): jobs are always kept in one",
        )
    if is_foreign(path):
        return StoreUnavailable(
            f"store {path}: a database of another program, which is left as it is",
            code="store_foreign",
            hint="name another file in server.db_path (AIMUX_DB_PATH), or another directory in "
            "AIMUX_STATE_DIR",
        )
    schema = _schema(path)
    if schema > len(STEPS):
        return StoreUnavailable(
            f"store {path}: schema {schema} is newer than this version, which knows {len(STEPS)}",
            code="store_newer",
            hint="update aimux, or name another directory in AIMUX_STATE_DIR",
        )
    return None


def _schema(path: Path) -> int:
    """The number of the schema in a database, also where it stands in its log only."""
    try:
        if not path.is_file():
            return 0
        uri = f"{path.absolute().as_uri()}?mode=ro"
        if not path.with_name(f"{path.name}-wal").exists():
            uri += "&immutable=1"  # a look makes no files
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except (OSError, sqlite3.Error):
        return 0  # whoever opens it says what is wrong


def _is_odd(path: Path) -> bool:
    """Whether something that is no file has the name: its mode would be changed for everybody."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False  # nothing, or whoever opens it says what is wrong


def _refuse_foreign(path: Path) -> None:
    refusal = refusal_of(path) if _is_odd(path) or is_foreign(path) else None
    if refusal is not None:
        raise refusal


@contextlib.contextmanager
def hold(path: Path, owner: str) -> Iterator[int]:
    """Own the store at `path` while the body runs, through a lock the system drops at any death.

    Gives the descriptor of the lock file. The lock file stays: removing it would let two owners
    lock two files of one name.

    Raises:
        StoreUnavailable: somebody else owns it (`store_locked`), it is a file of another program
            (`store_foreign`) or none at all (`store_no_file`), or the directory is not writable.
    """
    _refuse_foreign(path)
    lock = path.with_name(path.name + ".lock")
    try:
        make_private(path.parent)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise translated(fault, lock) from fault
    try:
        try:
            is_ours = try_lock(descriptor)
        except OSError as fault:  # a file system without locks
            raise translated(fault, lock) from fault
        if not is_ours:
            raise _locked(path, descriptor)
        held = dump_bytes(Holder(pid=os.getpid(), owner=owner, path=str(path)))
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, held)
        except OSError:
            pass  # a full disk: the lock is ours, its text is for humans
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(path: Path, descriptor: int) -> StoreUnavailable:
    try:
        holder = load_bytes(Holder, os.read(descriptor, _HOLDER_BYTES))
    except (ShapeMismatch, OSError):
        holder = Holder(pid=0, owner="", path=str(path))
    who = f"process {holder.pid}" if holder.pid else "another process"
    return StoreUnavailable(
        f"store {holder.path}: in use by {who}",
        code="store_locked",
        hint=f"stop {who} (aimux daemon stop), or name another directory in AIMUX_STATE_DIR",
        data={"pid": holder.pid, "path": holder.path, "owner": holder.owner},
    )


def connect(path: Path) -> sqlite3.Connection:
    """The writing connection, its settings read back.

    `synchronous=NORMAL` under WAL: a killed process loses nothing that was committed; a power cut
    may lose the last commits, and never more than those.

    Raises:
        StoreUnavailable: it cannot be opened, written or set up; the message says why.
    """
    _refuse_foreign(path)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        size = path.stat().st_size
        if not size or _header(path).startswith(_MAGIC):
            path.chmod(0o600)  # SQLite gives -wal and -shm the mode of the file
        connection = _prepared(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
    except (OSError, sqlite3.Error) as fault:
        raise translated(fault, path) from fault
    try:
        # before the first table, or it has no effect until a whole VACUUM
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if not size:  # in the file itself, before there is a log that could keep it
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _set(connection, path, "journal_mode", "wal")
        _set(connection, path, "synchronous", 1)
        connection.execute("BEGIN IMMEDIATE")  # says at once if it cannot be written
        connection.execute("ROLLBACK")
    except sqlite3.Error as fault:
        connection.close()
        raise translated(fault, path) from fault
    except StoreUnavailable:
        connection.close()
        raise
    return connection


class _Memory(sqlite3.Connection):
    """Closes itself: nobody else knows when a fake is done, and SQLite warns of open ones."""

    def __del__(self) -> None:
        self.close()


def connect_memory() -> sqlite3.Connection:
    """A database that lives as long as its only connection."""
    return _prepared(
        sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=_Memory)
    )


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; it sees what was committed when its query began."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return _prepared(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    # statement journals and sorts: in files they need room in the system's temporary directory,
    # which may be full while the disk of the state directory is not
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("PRAGMA foreign_keys").fetchone() != (1,):
        msg = f"SQLite {sqlite3.sqlite_version} was built without foreign keys"
        raise StoreUnavailable(msg, code="store_unsupported")
    return connection


def _set(connection: sqlite3.Connection, path: Path, name: str, wanted: str | int) -> None:
    connection.execute(f"PRAGMA {name} = {wanted}")
    (got,) = connection.execute(f"PRAGMA {name}").fetchone()
    if got != wanted:
        msg = f"store {path}: {name} stays {got} instead of {wanted}"
        raise StoreUnavailable(
            msg,
            code="store_unsupported",
            hint="put AIMUX_STATE_DIR on a local disk: write-ahead logging needs shared memory",
        )
