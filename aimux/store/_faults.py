"""What SQLite and the file system say, in words of our own."""

import errno
import sqlite3
from pathlib import Path
from typing import Final

from aimux.errors import StoreUnavailable
from aimux.model import ShapeMismatch

FREE_SPACE: Final = "free space on the disk of the state directory; writing goes on by itself then"
_NO_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_FULL: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
_CORRUPT: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_READ_ONLY: Final = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


def translated(fault: Exception, path: Path | None = None) -> Exception:
    """`fault` as what the caller should see: trouble with the database becomes StoreUnavailable."""
    if isinstance(fault, OSError):
        return _chained(_from_os(fault, path), fault)
    if isinstance(fault, ShapeMismatch):
        return _chained(_from_shape(fault, path), fault)
    if isinstance(fault, sqlite3.Error) and not isinstance(fault, sqlite3.ProgrammingError):
        return _chained(_from_sqlite(fault, path), fault)
    return fault


def _chained(made: StoreUnavailable, fault: Exception) -> StoreUnavailable:
    made.__cause__ = fault
    return made


def _from_os(fault: OSError, path: Path | None) -> StoreUnavailable:
    where = path or fault.filename or "the state directory"
    if fault.errno in _NO_DISK:
        return StoreUnavailable(
            f"store {where}: {fault.strerror or fault}",
            code="store_full",
            hint=FREE_SPACE,
            retryable=True,
            data={"path": str(where)},
        )
    if fault.errno in _NO_ROOM:  # the directory is as it should be
        return StoreUnavailable(
            f"store {where}: this machine has no room now: {fault.strerror or fault}",
            code="machine_exhausted",
            hint="try again; lower server.max_concurrent_turns, or raise the limit (ulimit -a)",
            retryable=True,
            data={"path": str(where)},
        )
    return StoreUnavailable(
        f"store {where}: {fault.strerror or fault}",
        code="store_unwritable",
        hint="make the directory writable, or name another one in AIMUX_STATE_DIR",
        data={"path": str(where)},
    )


def _from_shape(fault: ShapeMismatch, path: Path | None) -> StoreUnavailable:
    return StoreUnavailable(
        f"store {path}: a row cannot be read: {fault}",
        code="store_unreadable",
        hint="it was written by another version of aimux: use that one, or delete the job",
        data={"path": str(path)},
    )


def _from_sqlite(fault: sqlite3.Error, path: Path | None) -> StoreUnavailable:
    where = f"store {path}" if path else "store"
    name = getattr(fault, "sqlite_errorname", "")
    data = {"path": str(path)} if path else {}
    if name in _FULL or "full" in str(fault):
        return StoreUnavailable(
            f"{where}: {fault}",
            code="store_full",
            hint=FREE_SPACE,
            retryable=True,
            data=data,
        )
    if name.startswith(_CORRUPT):
        return StoreUnavailable(
            f"{where}: {fault}",
            code="store_corrupt",
            hint="move the file away (with its -wal and -shm) and start again: a new one is made",
            data=data,
        )
    if name.startswith(_READ_ONLY):
        return StoreUnavailable(
            f"{where}: {fault}",
            code="store_unwritable",
            hint="make the directory writable, or name another one in AIMUX_STATE_DIR",
            data=data,
        )
    return StoreUnavailable(f"{where}: {fault}", data=data)
