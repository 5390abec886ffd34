"""Temporary files with an owner on disk: a directory for each process that makes any.

`<root>/<name>` belongs to whoever holds the lock of `<root>/<name>.lock`, which the system drops at
any death. The lock file comes before the directory and goes after it, and holds a word by which its
owner's other remains are known. What nobody holds is left over.
"""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from .locks import try_lock
from .private import make_private

ANCIENT_S: Final = 86_400.0  # what has no lock file is of an earlier version; no turn is that long
_LOCK: Final = ".lock"
_WORD_BYTES: Final = 200


@attrs.frozen(kw_only=True)
class Leftover:
    """What a dead owner has left. `word` is what its lock file holds; empty without one."""

    path: Path
    word: str = ""

    @property
    def size_bytes(self) -> int:
        """What it takes on disk, near enough."""
        return _size_below(self.path)


@contextlib.contextmanager
def owned_directory(root: Path, name: str, word: str) -> Iterator[Path]:
    """A private directory of this process, removed at the end with all that is in it.

    Raises:
        OSError: it cannot be made.
    """
    make_private(root)
    path, lock = root / name, root / (name + _LOCK)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(descriptor) or not _is_there(lock, descriptor):
            raise FileExistsError(f"{lock}: somebody else is at it")
        try:
            os.write(descriptor, word.encode())
            make_private(path)
            yield path
        finally:
            remove_tree(path)
            if os.name == "posix":  # elsewhere nothing is removed that is open
                lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    if os.name != "posix":
        lock.unlink(missing_ok=True)


def leftovers(*roots: Path) -> list[Leftover]:
    """What dead owners have left below these directories. Only looked at."""
    return [found for root in roots for found, _ in _left(root)]


def remove_leftovers(*roots: Path) -> int:
    """Remove what dead owners have left below these directories; how much of it is gone now."""
    return each_leftover(lambda _: True, *roots)


def each_leftover(act: Callable[[Path], bool], *roots: Path) -> int:
    """Have `act` see each thing that dead owners have left below these directories.

    Nobody else removes or takes it meanwhile. Where `act` says so it is removed; how many are gone.
    """
    gone = 0
    for root in roots:
        for found, lock in _left(root):
            if not act(found.path):
                continue
            remove_tree(found.path)
            if not os.path.lexists(found.path):
                gone += 1
                if lock is not None:
                    with contextlib.suppress(OSError):
                        lock.unlink()
    return gone


@attrs.frozen(kw_only=True)
class Owned:
    """A directory with an owner, living or dead; `word` is what its lock file holds."""

    path: Path
    word: str
    is_alive: bool

    @property
    def size_bytes(self) -> int:
        """What it takes on disk, near enough."""
        return _size_below(self.path)


def owned_directories(root: Path) -> list[Owned]:
    """Every directory with a lock file below `root`, by name. Only looked at."""
    found = []
    for lock in sorted(root.glob(f"*{_LOCK}")):
        with _taken(lock) as word:
            is_alive = word is None
            with contextlib.suppress(OSError):
                said = _read_word(lock) if word is None else word
                path = root / lock.name.removesuffix(_LOCK)
                found.append(Owned(path=path, word=said, is_alive=is_alive))
    return found


def _read_word(lock: Path) -> str:
    with lock.open("rb") as file:
        return file.read(_WORD_BYTES).decode(errors="replace")


def _left(root: Path) -> Iterator[tuple[Leftover, Path | None]]:
    """Each is held while the caller looks at it, so nobody else removes or takes it."""
    try:
        names = {each.name for each in root.iterdir()}
    except OSError:
        return
    for name in sorted(names):
        if name.endswith(_LOCK):
            with _taken(root / name) as word:
                if word is not None:
                    yield Leftover(path=root / name.removesuffix(_LOCK), word=word), root / name
        elif name + _LOCK not in names and _is_ancient(root / name):
            yield Leftover(path=root / name), None


@contextlib.contextmanager
def _taken(lock: Path) -> Iterator[str | None]:
    """What a lock file says while it is ours; None if its owner lives."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        yield None
        return
    try:
        is_ours = try_lock(descriptor) and _is_there(lock, descriptor)
        yield os.read(descriptor, _WORD_BYTES).decode(errors="replace") if is_ours else None
    finally:
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one of that name: it may have been removed meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _is_ancient(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > ANCIENT_S
    except OSError:
        return False


def _below(path: Path) -> Iterator[Path]:
    for root, directories, files in os.walk(path):
        for name in (*directories, *files):
            yield Path(root) / name


def _size_below(root: Path) -> int:
    return sum(_size(path) for path in [root, *_below(root)])


def _size(path: Path) -> int:
    try:
        facts = path.lstat()
    except OSError:
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def remove_tree(path: Path) -> None:
    """Remove a file or directory, also where a directory in it may not be written.

    Never raises, follows no link out of it.
    """
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        for each in [path, *_below(path)]:  # from the top: what is opened is walked into
            with contextlib.suppress(OSError):
                if not each.is_symlink():
                    each.chmod(0o700)
        shutil.rmtree(path, ignore_errors=True)
