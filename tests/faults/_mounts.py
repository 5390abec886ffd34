"""Small file systems of this process and its children alone, where the system lets us have them."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
MS_RDONLY: Final = 1
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2


_refusal = [
    "this process has not asked for mounts of its own"
]  # why there are none; empty: there are


class MountFault(Exception):
    """The system does not let us; the text says what it said."""


def enter_own_mounts() -> None:
    """See to it that this process has mounts of its own, or can say why not.

    It must have no threads yet. Who is not root becomes nobody else by it.
    """
    _refusal[:] = _enter()


def _enter() -> list[str]:
    if sys.platform != "linux":
        return ["mounts of one's own are Linux's"]
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if uid == 0 and libc.unshare(CLONE_NEWNS) == 0:
        pass
    elif libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    else:
        return [f"no mounts of one's own: {os.strerror(ctypes.get_errno())}"]
    try:
        _mount("none", Path("/"), None, MS_REC | MS_PRIVATE, "")
    except MountFault as fault:
        return [str(fault)]
    return []


@contextmanager
def mounted(place: Path, size_bytes: int, *, is_read_only: bool = False) -> Iterator[None]:
    """A file system in memory at a directory, for as long as the body runs.

    Raises:
        MountFault: the system does not let us.
    """
    if _refusal:
        raise MountFault(_refusal[0])
    flags = MS_RDONLY if is_read_only else 0
    _mount("tmpfs", place, "tmpfs", flags, f"size={size_bytes},mode=700")
    try:
        yield
    finally:
        ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(place), MNT_DETACH)


def _mount(source: str, place: Path, kind: str | None, flags: int, data: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    kind_bytes = None if kind is None else kind.encode()
    if libc.mount(source.encode(), os.fsencode(place), kind_bytes, flags, data.encode()) != 0:
        raise MountFault(f"no mount: {os.strerror(ctypes.get_errno())}")
