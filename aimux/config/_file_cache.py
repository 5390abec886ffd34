"""Values remembered by the state of the files and directories they were made of."""

import collections
import contextlib
import pathlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Final, TypeVar, cast

import attrs

T = TypeVar("T")

MAX_KEPT: Final = 64  # clients with a working directory of their own, at once

State = tuple[int, int, int] | None  # mtime_ns, size, inode; None: not there


def state_of(path: pathlib.Path) -> State:
    """What tells one state of a file or directory from another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Dependencies:
    """The paths a value depends on, with their state from *before* they were read, so that a change
    during the reading is noticed by the next look.
    """

    def __init__(self) -> None:
        self.states: dict[pathlib.Path, State] = {}

    def note(self, path: pathlib.Path) -> bool:
        """Remember the state of `path` (the first one counts); whether it is there."""
        if path not in self.states:
            self.states[path] = state_of(path)
        return self.states[path] is not None

    def note_all(self, other: Mapping[pathlib.Path, State]) -> None:
        """Depend on what another value depends on, in the state it had there."""
        for path, state in other.items():
            self.states.setdefault(path, state)

    def files_in(self, root: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
        """`root/*/name`, sorted; directories without it are noted too, it may come later."""
        for below in self._entries(root):
            if below.is_dir() and self.note(below) and self.note(below / name):
                yield below / name

    def texts_in(self, root: pathlib.Path) -> Iterator[pathlib.Path]:
        """`root/*.md` and `root/*.txt`, sorted."""
        for below in self._entries(root):
            if below.suffix in {".md", ".txt"} and self.note(below):
                yield below

    def _entries(self, root: pathlib.Path) -> list[pathlib.Path]:
        if not self.note(root):
            return []
        try:
            return sorted(root.iterdir())
        except OSError:
            return []


@attrs.frozen(kw_only=True)
class CacheEntry:
    """A value and what it depends on."""

    value: object
    states: Mapping[pathlib.Path, State]

    def is_fresh(self) -> bool:
        """Whether every path is as it was."""
        return all(state_of(path) == state for path, state in self.states.items())


class FileCache:
    """The last values by key. Threads may share one: a race makes a value twice, nothing else."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[Hashable, CacheEntry] = collections.OrderedDict()

    def __repr__(self) -> str:
        return f"<FileCache: {len(self._kept)} of {MAX_KEPT} values kept>"

    def get(
        self,
        key: Hashable,
        make: Callable[[Dependencies], T],
        dependencies: Dependencies | None = None,
        succeed: Callable[[T, T], T] | None = None,
    ) -> T:
        """The value of `key`: the kept one if nothing changed, else a new one.

        `dependencies` of a larger value takes on what this one depends on. `succeed` decides what
        follows a kept value: it is given that one and the new one.
        """
        kept = self._kept.get(key)
        if kept is None or not kept.is_fresh():
            fresh = Dependencies()
            value = make(fresh)
            if kept is not None and succeed is not None:
                value = succeed(cast("T", kept.value), value)
            kept = CacheEntry(value=value, states=fresh.states)
            self._kept[key] = kept
        with contextlib.suppress(KeyError):  # another thread was quicker
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        if dependencies is not None:
            dependencies.note_all(kept.states)
        return cast("T", kept.value)
