"""The files of one tree, for who was given a name by somebody else: a model, or what it read.

Nothing outside the tree is opened. Each directory on the way is opened from the one above it, no
link is followed by the system: a link is read, and its target walked the same way, so exchanging a
directory for a link meanwhile leads nowhere. Only regular files are opened, and without waiting.
Where the system cannot open from a directory (Windows), links are resolved before and compared
after opening.

The decisions are in docs/design/0019.
"""

import contextlib
import os
import posixpath
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from .cache import Facts, Lru

MAX_BYTES: Final = 2_000_000  # of a file: sources are smaller, generated ones are not quoted
MAX_FILES: Final = 16  # kept in memory, those read last
MAX_WALKED: Final = 50_000  # entries of the tree that are looked at for a file named in part
MAX_DEPTH: Final = 40  # of directories on that walk
MAX_LINKS: Final = 16  # on the way to one file
MAX_STEPS: Final = 100  # from directory to directory, those of links included
MAX_PATH_CHARS: Final = 1_000
SKIPPED: Final = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".mypy_cache",
})  # fmt: skip  # a name is looked for in what people wrote

HAS_DIR_FD: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_CLOSED: Final[int] = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # for a pipe that took a file's name
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_DIRECTORY: Final[int] = getattr(os, "O_DIRECTORY", 0)
_DRIVE: Final = re.compile(r"[A-Za-z]:/")

OUTSIDE: Final = "leads out of the tree"
MISSING: Final = "no such file"


@attrs.frozen(eq=False)
class FileLines:
    """A text file of the tree: its path from the root with slashes, and its lines without ends."""

    path: str
    lines: tuple[str, ...]
    note: str = ""  # how it was found, if not under the name that was asked for


@attrs.frozen(eq=False)
class FileBytes:
    """A file of the tree: its path from the root with slashes, and its content."""

    path: str
    data: bytes = attrs.field(repr=False)


class _Refused(Exception):
    """There is nothing to read under a name; the text is the reason."""


class TreeReader:
    """Reads text files below one directory, and nothing else.

    What was read is kept while the file has the same time, size and inode. A name that stands for a
    file only in part is looked for among the names of the first such search. Threads may share one.
    """

    def __init__(self, root: Path | str) -> None:
        self._root = os.path.realpath(root)
        self._given = os.path.abspath(root)  # noqa: PTH100  # links stay: models write it so
        self._kept: Lru[str, tuple[Facts, tuple[str, ...]]] = Lru(MAX_FILES)
        self._names: tuple[str, ...] | None = None
        self._is_whole = True

    def __repr__(self) -> str:
        return f"<TreeReader: {len(self._kept)} files kept>"

    def read_lines(self, path: str) -> FileLines | str:
        """The lines of the file that `path` means, or why there are none to be had.

        `path` is what a model wrote: relative to the root with either kind of slash, absolute
        inside it, with the `a/` or `b/` of a diff or the root's own name before it, or only the end
        of a path that no other file of the tree has.
        """
        try:
            parts = self._parts(path)
        except _Refused as refused:
            return str(refused)
        for names, note in ((parts, ""), *self._others(parts)):
            found = self._attempt(names, note)
            if found != MISSING:
                return found
        return self._look_for(parts)

    def read_bytes(self, path: str, max_bytes: int) -> FileBytes | str:
        """The content of the file at exactly `path`, or why there is none to be had.

        `path` is relative to the root or absolute inside it.
        """
        try:
            parts = self._parts(path)
            with self._opened(parts) as file:
                data = file.read(max_bytes + 1)
        except _Refused as refused:
            return str(refused)
        if len(data) > max_bytes:
            return f"larger than {max_bytes:,} bytes"
        return FileBytes("/".join(parts), data)

    # ------------------------------------------------------------------------------ names

    def list_files(self, max_files: int) -> tuple[list[str], bool]:
        """The paths of the tree's files, sorted, and whether that is all of them.

        What tools make and keep (`SKIPPED`) is left out, links are not followed.
        """
        found: list[str] = []
        for path in self._walk():
            if len(found) == max_files:
                return sorted(found), False
            found.append(path[1:])
        return sorted(found), self._is_whole

    def _parts(self, path: str) -> list[str]:
        """The names on the way from the root, `..` taken out.

        Raises:
            _Refused: it does not stay in the tree, or is no path.
        """
        plain = path.strip().replace("\\", "/")
        if not plain or len(plain) > MAX_PATH_CHARS or not plain.isprintable():
            raise _Refused("not a path")
        if plain.startswith("/") or _DRIVE.match(plain):
            plain = self._below_root(plain)
        plain = posixpath.normpath(plain)
        if plain == ".." or plain.startswith(("../", "~")):
            raise _Refused(OUTSIDE)
        return [] if plain == "." else plain.split("/")

    def _below_root(self, path: str) -> str:
        plain = posixpath.normpath(path)
        for root in (self._root, self._given):
            known = root.replace("\\", "/").rstrip("/") + "/"
            if _folded(plain).startswith(_folded(known)):
                return plain[len(known) :]
        raise _Refused(OUTSIDE)

    def _others(self, parts: list[str]) -> Iterator[tuple[list[str], str]]:
        """What else the names may stand for, and how that is told."""
        if len(parts) > 1 and parts[0] in {"a", "b"}:
            yield parts[1:], f"without the {parts[0]}/ of a diff"
        if len(parts) > 1 and parts[0] == os.path.basename(self._root):  # noqa: PTH119
            yield parts[1:], "without the name of the tree"

    def _look_for(self, parts: list[str]) -> FileLines | str:
        """The only file whose path ends so."""
        if not parts:  # the tree itself
            return MISSING
        if self._names is None:
            self._names = tuple(self._walk())
        end = "/" + "/".join(parts)
        fitting = [name for name in self._names if name.endswith(end)]
        if not fitting:
            return MISSING
        if len(fitting) > 1:
            return f"{len(fitting)} files have that name"
        if not self._is_whole:
            return "the tree is too large to tell which file has that name"
        return self._attempt(fitting[0][1:].split("/"), f"taken for {fitting[0][1:]}")

    def _walk(self) -> Iterator[str]:
        """The regular files of the tree, each path after a slash; links are not followed."""
        left = MAX_WALKED
        above = [("", 0)]
        while above:
            prefix, depth = above.pop()
            try:
                with os.scandir(self._root + prefix) as entries:
                    for entry in entries:
                        left -= 1
                        if left < 0:
                            self._is_whole = False
                            return
                        if entry.is_dir(follow_symlinks=False):
                            if depth < MAX_DEPTH and entry.name not in SKIPPED:
                                above.append((f"{prefix}/{entry.name}", depth + 1))
                        elif entry.is_file(follow_symlinks=False) and entry.name.isprintable():
                            yield f"{prefix}/{entry.name}"
            except OSError:  # not ours to read, or gone meanwhile
                continue

    # ---------------------------------------------------------------------------- reading

    def _attempt(self, parts: list[str], note: str) -> FileLines | str:
        try:
            found = self._read(parts)
        except _Refused as refused:
            return str(refused)
        return attrs.evolve(found, note=note)

    def _read(self, parts: list[str]) -> FileLines:
        """The lines of the file with these names.

        Raises:
            _Refused: there is none, it may not be read, or it is no text.
        """
        path = "/".join(parts)
        with self._opened(parts) as file:
            found = os.fstat(file.fileno())
            facts = found.st_mtime_ns, found.st_size, found.st_ino
            kept = self._kept.get(path)
            if kept is None or kept[0] != facts:
                kept = facts, _lines_of(file.read(MAX_BYTES + 1))
                self._kept.put(path, kept)
        return FileLines(path, kept[1])

    @contextlib.contextmanager
    def _opened(self, parts: list[str]) -> Iterator[BinaryIO]:
        """The regular file with these names, open while the body runs.

        Raises:
            _Refused: there is none, or it may not be read.
        """
        try:
            descriptor = self._open(parts) if HAS_DIR_FD else self._open_by_path(parts)
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):  # it was when it was looked at
                    raise _Refused(_kind(mode))
                yield file
        except (FileNotFoundError, NotADirectoryError):
            raise _Refused(MISSING) from None
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or "not a path"
            raise _Refused(f"cannot be read: {said}") from None

    def _open(self, parts: list[str]) -> int:
        """A descriptor of the file, opened from directory to directory.

        Raises:
            _Refused: a link leads out of the tree or in a circle, or it is no regular file.
            OSError: it cannot be opened.
        """
        rest, links, steps = list(reversed(parts)), 0, 0
        with contextlib.ExitStack() as opened:
            # the way from the root; what is above the last one is kept for the `..` of a link
            way = [self._directory(self._root, None, opened)]
            while rest:
                name, steps = rest.pop(), steps + 1
                if steps > MAX_STEPS:  # each may hold a descriptor
                    raise _Refused("too many directories on the way")
                if name in {"", "."}:
                    continue
                if name == "..":
                    if len(way) == 1:
                        raise _Refused(OUTSIDE)
                    way.pop()
                    continue
                mode = os.stat(name, dir_fd=way[-1], follow_symlinks=False).st_mode
                if stat.S_ISLNK(mode):
                    links += 1
                    if links > MAX_LINKS:
                        raise _Refused("a circle of links")
                    target = os.readlink(name, dir_fd=way[-1])
                    if target.startswith("/"):
                        target, way = self._below_root(target), way[:1]
                    rest.extend(reversed(target.split("/")))
                elif stat.S_ISDIR(mode):
                    way.append(self._directory(name, way[-1], opened))
                elif rest:
                    raise _Refused(MISSING)
                elif not stat.S_ISREG(mode):
                    raise _Refused(_kind(mode))  # opening a device may do something
                else:
                    return os.open(name, _CLOSED, dir_fd=way[-1])
        raise _Refused("a directory, not a file")

    @staticmethod
    def _directory(name: str, above: int | None, opened: contextlib.ExitStack) -> int:
        descriptor = os.open(name, _CLOSED | _DIRECTORY, dir_fd=above)
        opened.callback(os.close, descriptor)
        return descriptor

    def _open_by_path(self, parts: list[str]) -> int:
        """The same where directories cannot be opened: what was opened is what was looked at.

        Raises:
            _Refused: it leads out of the tree, or is no regular file.
            OSError: it cannot be opened.
        """
        path = os.path.realpath(os.path.join(self._root, *parts), strict=True)  # noqa: PTH118
        if not _folded(path + os.sep).startswith(_folded(self._root.rstrip(os.sep) + os.sep)):
            raise _Refused(OUTSIDE)
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode):
            raise _Refused(_kind(found.st_mode))
        descriptor = os.open(path, _CLOSED)
        if not os.path.samestat(found, os.fstat(descriptor)):
            os.close(descriptor)
            raise _Refused("changed while it was opened")
        return descriptor


def _folded(path: str) -> str:
    return path.casefold().replace("\\", "/") if sys.platform == "win32" else path


def _kind(mode: int) -> str:
    return "a directory, not a file" if stat.S_ISDIR(mode) else "a pipe or device, not a file"


def _lines_of(data: bytes) -> tuple[str, ...]:
    """Lines as editors count them: form feeds and their like end none.

    Raises:
        _Refused: it is too large, or no text.
    """
    if len(data) > MAX_BYTES:
        raise _Refused(f"larger than {MAX_BYTES:,} bytes")
    if b"\0" in data:
        raise _Refused("binary, not text")
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    return tuple(lines if lines[-1] else lines[:-1])
