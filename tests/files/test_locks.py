"""One lock of a file for those who start a daemon, are one, or own a store."""

import errno
import os
import pathlib

import pytest

from aimux.errors import StoreUnavailable
from aimux.files import locks
from aimux.shim.address import DaemonAddress, ShimFault
from aimux.shim.start import start_daemon
from aimux.store import open_store

from .. import needs


def test_one_has_the_lock_until_the_file_is_closed(tmp_path: pathlib.Path) -> None:
    """Opened twice, even by one process, a file has one holder."""
    one, other = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    try:
        assert locks.try_lock(one)
        assert not locks.try_lock(other)
        os.close(one)
        assert locks.try_lock(other)
    finally:
        os.close(other)


@needs.locks
async def test_a_file_system_without_locks_is_told(
    tmp_path: pathlib.Path, short_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for somebody who holds the lock, which would be waited for."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    address = DaemonAddress(*(str(short_path / name) for name in ("s", "c", "r")))

    with pytest.raises(ShimFault, match="No locks available"):
        start_daemon(address, {}, -1)
    with pytest.raises(StoreUnavailable, match="No locks available"):
        async with open_store(tmp_path / "store.db", owner="me"):
            pass
