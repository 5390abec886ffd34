"""The file of an open store: whether it is still what its name leads to, and how it comes back.

Whoever removes the file leaves us with one that has no name: what is committed there is gone with
this process. So each batch of works begins with a look at the name (one `stat`). A file that was
removed is written again from ours, which still is whole. One that was replaced is respected:
nothing more is written, and that is said, until the old one is back or the process begins anew.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self

from aimux.errors import StoreUnavailable
from aimux.files.private import make_private

from ._faults import translated
from ._files import hold

log = logging.getLogger("aimux.store")


class StoreFile:
    """A context that owns the file at `path`. `open` and `sound` are for the writer's thread.

    `connect` opens what is there, `changed` is called once another file has that name.
    """

    def __init__(
        self,
        path: Path,
        owner: str,
        connect: Callable[[Path], sqlite3.Connection],
        changed: Callable[[], None],
    ) -> None:
        self.restored = 0  # times
        self._path = path
        self._owner = owner
        self._connect = connect
        self._changed = changed
        self._held = contextlib.ExitStack()
        self._lock = -1
        self._file: os.stat_result | None = None

    def __enter__(self) -> Self:
        """Raises StoreUnavailable as `hold` does."""
        self._lock = self._held.enter_context(hold(self._path, self._owner))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def __repr__(self) -> str:
        return f"<StoreFile {self._path.name}: restored {self.restored} times>"

    def open(self) -> sqlite3.Connection:
        """The connection to what is there, made or brought up to date.

        Raises:
            StoreUnavailable: it cannot be opened.
        """
        connection = self._connect(self._path)
        self._file = _stat(self._path)
        return connection

    def stands(self) -> bool:
        """Whether the name leads to our file."""
        return _is_same(_stat(self._path), self._file)

    def sound(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """The connection to use: this one, or one to the file that was written again.

        Raises:
            StoreUnavailable: another file has the name (`store_replaced`), or ours cannot be
                written again.
        """
        now = _stat(self._path)
        if _is_same(now, self._file):
            return connection
        if now is not None:
            raise StoreUnavailable(
                f"store {self._path}: another file was put in its place while it was in use",
                code="store_replaced",
                hint="put the old one back or move the new one away, and it goes on; or restart"
                " (aimux daemon restart), and what was done since is forgotten",
                retryable=True,
                data={"path": str(self._path)},
            )
        try:
            fresh = self._write_again(connection)
        except (OSError, sqlite3.Error) as fault:
            raise translated(fault, self._path) from fault
        log.warning("store file was gone and was written again", extra={"path": str(self._path)})
        self.restored += 1
        self._changed()
        connection.close()  # SQLite sees that its file has moved, and leaves the new one alone
        return fresh

    def _write_again(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        path = self._path
        make_private(path.parent)
        if not _is_same(_stat(path.with_name(f"{path.name}.lock")), os.fstat(self._lock)):
            self._lock = self._held.enter_context(hold(path, self._owner))
        copy = path.with_name(f"{path.name}.again")
        copy.unlink(missing_ok=True)
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(copy)) as target:
            connection.backup(target)
        for suffix in ("-wal", "-shm"):  # of the old file; a new one must not be read with them
            path.with_name(path.name + suffix).unlink(missing_ok=True)
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        copy.replace(path)
        return self.open()


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise translated(fault, path) from fault


def _is_same(first: os.stat_result | None, second: os.stat_result | None) -> bool:
    return first is not None and second is not None and os.path.samestat(first, second)
