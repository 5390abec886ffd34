"""Which files of a tree are copied, the copying, and the way back.

In a git tree these are the files that git tracks and those it does not ignore. Its repository is
only data here: where it is, we find by ourselves, and its index lies beside an empty repository of
ours when git lists the tree (docs/design/0016). A name out of an index is not believed: it may lead
out of the tree. What cannot be copied is left out and told; what cannot be written is a fault.
"""

import contextlib
import errno
import itertools
import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import attrs

from aimux.files.reading import read_regular

from ._git import GitFault, Repository

MAX_FILES: Final = 20_000
MAX_BYTES: Final = 500_000_000
MAX_DEPTH: Final = 200  # directories; listing costs no stack, but paths have an end
MAX_DIRECTORIES: Final = 100_000  # looked into, for files
MAX_INDEX_BYTES: Final = 100_000_000  # of 500,000 files
MAX_LINK_FILE: Final = 4_096  # a `.git` file: one line with a path
LIST_LIMIT_S: Final = 20.0  # a .gitignore may be a pipe that nobody writes to
SHOWN: Final = 10  # of what was left out
CHUNK_BYTES: Final = 1_048_576
SKIPPED: Final = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox"}
)
KINDS: Final = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "another repository"),  # listed as one name
)
FAULTS: Final = {
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",
    errno.EACCES: "unreadable",
    errno.EPERM: "unreadable",
    errno.ENAMETOOLONG: "its path is too long",
    errno.ELOOP: "changed meanwhile",
    errno.ENXIO: "changed meanwhile",
}
NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)  # a pipe that took a file's place
BINARY: Final[int] = getattr(os, "O_BINARY", 0)


class TooLarge(Exception):
    """The tree has more files or bytes than are copied for one turn."""


class _LeftOut(Exception):
    """A file that is not copied, and why."""


@attrs.define(eq=False)
class Copying:
    """One tree on its way into a copy.

    `left_out` says what did not get there, and why; `notes` what else is not as it should be.
    `given` is the tree as it was named, links not followed.
    """

    tree: Path
    copy: Path
    given: Path
    left_out: list[tuple[str, str]] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    _bytes: int = 0
    _safe: set[str] = attrs.field(factory=lambda: {""})  # directories of the tree that are no links

    def run(self, names: list[str]) -> None:
        """Copy these files.

        Raises:
            TooLarge: they are too many, or too much.
            OSError: the copy cannot be written.
        """
        if len(names) > MAX_FILES:
            raise TooLarge(f"more than {MAX_FILES} files")
        for name in names:
            try:
                self._one(name)
            except _LeftOut as why:
                self.left_out.append((name, str(why)))

    def told(self) -> str:
        """What is not as in the tree, for people; empty if all is."""
        return "; ".join([*self.notes, *self._left_out()])

    def _left_out(self) -> Iterator[str]:
        if not self.left_out:
            return
        reasons = Counter(why for _, why in self.left_out)
        shown = ", ".join(f"{name!r} ({why})" for name, why in self.left_out[:SHOWN])
        more = len(self.left_out) - SHOWN
        rest = f" and {more} more" if more > 0 else ""
        counted = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        yield f"left out of the copy: {shown}{rest}" + (f" ({counted})" if more > 0 else "")

    def _one(self, name: str) -> None:
        parts = PurePosixPath(name.rstrip("/")).parts
        self._check(parts)
        source, target = self.tree.joinpath(*parts), self.copy.joinpath(*parts)
        with _read_faults():
            facts = source.lstat()
        kind = next((word for is_kind, word in KINDS if is_kind(facts.st_mode)), None)
        if kind is not None:
            raise _LeftOut(kind)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(facts.st_mode):
                self._link(source, target)
            else:
                self._file(source, target)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # a copy lies deeper than the tree
                raise _LeftOut(FAULTS[errno.ENAMETOOLONG]) from error
            raise

    def _check(self, parts: tuple[str, ...]) -> None:
        """Refuse a name that leads out of the tree, or into a repository."""
        if not parts or parts[0] == "/" or ".." in parts or Path(*parts).is_absolute():
            raise _LeftOut("its name leads out of the tree")
        if any(part.lower() == ".git" for part in parts):
            raise _LeftOut("part of a repository")
        if len(parts) > MAX_DEPTH:
            raise _LeftOut("too deep")
        place = ""
        for part in parts[:-1]:
            place = f"{place}/{part}" if place else part
            if place in self._safe:
                continue
            with _read_faults():
                facts = (self.tree / place).lstat()
            if not stat.S_ISDIR(facts.st_mode):
                raise _LeftOut("a link stands where its directory was")
            self._safe.add(place)

    def _link(self, source: Path, target: Path) -> None:
        with _read_faults():
            leads = source.readlink()
        for root in (self.tree, self.given):
            if leads.is_absolute() and leads.is_relative_to(root):
                # through the copy of it: writing there is not to reach the tree
                below = self.copy / leads.relative_to(root)
                leads = Path(os.path.relpath(below, target.parent))
        target.symlink_to(leads)

    def _file(self, source: Path, target: Path) -> None:
        with _read_faults():
            reading = os.open(source, os.O_RDONLY | NO_FOLLOW | NO_WAIT | BINARY)
        try:
            facts = os.fstat(reading)
            if not stat.S_ISREG(facts.st_mode):
                raise _LeftOut("changed meanwhile")
            writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
            try:
                self._content(reading, writing)
            finally:
                os.close(writing)
            target.chmod((stat.S_IMODE(facts.st_mode) & 0o777) | 0o400)  # the copy is ours
            os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        finally:
            os.close(reading)

    def _content(self, reading: int, writing: int) -> None:
        while True:
            with _read_faults():
                data = os.read(reading, CHUNK_BYTES)
            if not data:
                return
            self._bytes += len(data)
            if self._bytes > MAX_BYTES:  # a file may grow while it is read
                raise TooLarge(f"more than {MAX_BYTES // 1_000_000} MB")
            left = memoryview(data)
            while left:
                left = left[os.write(writing, left) :]


@contextlib.contextmanager
def _read_faults() -> Iterator[None]:
    """A file that cannot be read is left out."""
    try:
        yield
    except OSError as error:
        why = FAULTS.get(error.errno or 0, error.strerror or "unreadable")
        raise _LeftOut(why) from error


# ---------------------------------------------------------------------------------- listing


def list_files(copying: Copying, ours: Repository | None) -> list[str]:
    """The files to copy, relative to the tree, with `/` between.

    `ours` is an empty repository, None where the tree is in none. What is in the way is noted.
    """
    found = _git_files(copying, ours) if ours is not None else []
    # what a repository ignores as a whole is worked on all the same
    return found or _plain_files(copying)


def _git_files(copying: Copying, ours: Repository) -> list[str]:
    where = find_repository(copying.tree)
    assert where is not None
    top, git_dir = where
    index = ours.git_dir / "index"
    has_index = _copy_index(git_dir / "index", index)

    def listed() -> list[str]:
        words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        about = attrs.evolve(ours, tree=top)
        data = about.run(*words, cwd=copying.tree, limit_s=LIST_LIMIT_S)
        names = [os.fsdecode(name) for name in data.split(b"\0") if name]
        return list(dict.fromkeys(names))  # a conflict is listed thrice

    try:
        return listed()
    except GitFault as fault:
        index.unlink(missing_ok=True)
        if not has_index:
            copying.notes.append(f"what is ignored is copied too: {fault.message}")
            return []
        copying.notes.append(f"tracked files that are ignored are missing: {fault.message}")
    finally:
        index.unlink(missing_ok=True)
    try:
        return listed()
    except GitFault as fault:
        copying.notes.append(f"what is ignored is copied too: {fault.message}")
        return []


def find_repository(tree: Path) -> tuple[Path, Path] | None:
    """The top of the work tree that `tree` is in, and its git directory; None if it is in none.

    By names alone: nothing in them is read but the one line of a `.git` file.
    """
    for top in (tree, *tree.parents):
        named = top / ".git"
        with contextlib.suppress(OSError, ValueError):
            if named.is_dir() and (named / "HEAD").exists():
                return top, named
            if named.is_file():
                line = read_regular(named, MAX_LINK_FILE).decode(errors="surrogateescape")
                if line.startswith("gitdir:"):
                    return top, top / line.removeprefix("gitdir:").strip()
    return None


def _copy_index(source: Path, target: Path) -> bool:
    try:
        target.write_bytes(read_regular(source, MAX_INDEX_BYTES))
    except (OSError, ValueError):
        return False  # nothing is tracked yet
    return True


def _plain_files(copying: Copying) -> list[str]:
    def told(name: str, why: str) -> None:
        copying.left_out.append((name, why))

    return [name for name, _ in itertools.islice(walk(copying.tree, told), MAX_FILES + 1)]


def walk(
    tree: Path, told: Callable[[str, str], None] = lambda _name, _why: None
) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below `tree` that is no directory, links not followed; caches are left out."""
    pending = [""]
    looked_into = 0
    while pending:
        place = pending.pop()
        looked_into += 1
        if looked_into > MAX_DIRECTORIES:
            told(place, f"more than {MAX_DIRECTORIES} directories")
            return
        try:
            with os.scandir(tree / place) as listing:
                entries = sorted(listing, key=lambda each: each.name)
        except OSError as error:
            told(place or ".", FAULTS.get(error.errno or 0, error.strerror or "unreadable"))
            continue
        for entry in entries:
            name = f"{place}/{entry.name}" if place else entry.name
            try:
                if not entry.is_dir(follow_symlinks=False):
                    yield name, entry.stat(follow_symlinks=False)
                elif entry.name in SKIPPED:
                    continue
                elif name.count("/") >= MAX_DEPTH:
                    told(name, "too deep")
                else:
                    pending.append(name)
            except OSError:  # gone meanwhile
                continue


# ---------------------------------------------------------------------------------- removing


def remove(base: Path) -> None:
    """Remove a directory of ours with all that is in it, however deep and whatever the modes."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(base, ignore_errors=True)
    if base.exists():
        _remove_stubborn(base)


def _remove_stubborn(base: Path) -> None:
    """Each directory is moved up before it is emptied, so no path grows and no stack either."""
    numbers = itertools.count()
    pending = [base]
    while pending:
        directory = pending.pop()
        with contextlib.suppress(OSError):
            directory.chmod(0o700)
            with os.scandir(directory) as listing:
                entries = list(listing)
            for entry in entries:
                with contextlib.suppress(OSError):
                    path = Path(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        path.chmod(0o700)  # it is written in when it gets another parent
                        pending.append(path.rename(base / f"removed-{next(numbers)}"))
                        continue
                    if not entry.is_symlink():
                        path.chmod(0o700)  # Windows keeps what is read-only: git's objects
                    path.unlink()
        if directory != base:
            with contextlib.suppress(OSError):
                directory.rmdir()
    with contextlib.suppress(OSError):
        base.rmdir()
