"""Values remembered by their last use, or by the state of the files they were made of."""

import collections
import itertools
import pathlib
import stat
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import Final, Generic, TypeVar, cast

import attrs

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_ENTRIES: Final = 1_000  # of a directory: each costs a look at every call
MAX_LEVELS: Final = 3  # of directories below one that is looked into

Facts = tuple[int, int, int]  # mtime_ns, size, inode


def facts_of(path: pathlib.Path, *, is_regular: bool = False) -> Facts | None:
    """What tells one state of a file or directory from another (of what a link leads to).

    None where there is none, or, with `is_regular`, where it is no regular file.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    if is_regular and not stat.S_ISREG(found.st_mode):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Lru(Generic[K, V]):
    """The values that were used last, by key, at most `limit`.

    Threads may share one: a race makes a value twice, nothing else.
    """

    __slots__ = ("_values", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: collections.OrderedDict[K, V] = collections.OrderedDict()

    def __repr__(self) -> str:
        return f"<Lru: {len(self)} of {self.limit} kept>"

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """The value of a key, or None if it is not kept; asking for it counts as a use."""
        value = self._values.get(key)
        if value is not None:
            try:  # noqa: SIM105  # a quarter of the price, on the path of every call
                self._values.move_to_end(key)
            except KeyError:  # another thread let it go
                pass
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the values that were used longest ago are dropped."""
        values = self._values
        try:
            values[key] = value
            values.move_to_end(key)
            while len(values) > self.limit:
                values.popitem(last=False)
        except KeyError:  # another thread was quicker
            pass


class Dependencies:
    """The paths a value depends on, with their state from *before* they were read.

    So a change during the reading is noticed the next time the states are compared.
    """

    def __init__(self) -> None:
        self.states: dict[pathlib.Path, Facts | None] = {}

    def note(self, path: pathlib.Path) -> bool:
        """Remember the state of `path` (the first one counts), and return whether it is there."""
        if path not in self.states:
            self.states[path] = facts_of(path)
        return self.states[path] is not None

    def note_all(self, other: Mapping[pathlib.Path, Facts | None]) -> None:
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
        return self._suffixed(root, {".md", ".txt"})

    def yaml_in(self, root: pathlib.Path) -> Iterator[pathlib.Path]:
        """`root/*.yaml` and `root/*.yml`, sorted."""
        return self._suffixed(root, {".yaml", ".yml"})

    def _suffixed(self, root: pathlib.Path, suffixes: Collection[str]) -> Iterator[pathlib.Path]:
        for below in self._entries(root):
            if below.suffix in suffixes and self.note(below):
                yield below

    def texts_below(self, root: pathlib.Path) -> Iterator[pathlib.Path]:
        """The `.md` and `.toml` files of `root` and of directories a few levels below.

        Links to directories come as they are: they may lead anywhere, and in circles.
        """
        yield from self._below(root, MAX_LEVELS)

    def _below(self, root: pathlib.Path, levels: int) -> Iterator[pathlib.Path]:
        for below in self._entries(root):
            if (below.suffix in {".md", ".toml"} and self.note(below)) or (
                below.is_dir() and below.is_symlink()
            ):
                yield below
            elif levels and below.is_dir():
                yield from self._below(below, levels - 1)

    def _entries(self, root: pathlib.Path) -> list[pathlib.Path]:
        if not self.note(root):
            return []
        try:
            return sorted(itertools.islice(root.iterdir(), MAX_ENTRIES))
        except OSError:
            return []


@attrs.frozen(kw_only=True)
class CacheEntry:
    """A value and what it depends on."""

    value: object
    states: Mapping[pathlib.Path, Facts | None]

    def is_fresh(self) -> bool:
        """Whether every path is as it was."""
        return all(facts_of(path) == state for path, state in self.states.items())


class FileCache:
    """The values that were used last, by key, each for as long as its files stand.

    Threads may share one: a race makes a value twice, nothing else.
    """

    def __init__(self, limit: int) -> None:
        self._entries: Lru[Hashable, CacheEntry] = Lru(limit)

    def __repr__(self) -> str:
        return f"<FileCache: {len(self._entries)} of {self._entries.limit} values kept>"

    def get(
        self,
        key: Hashable,
        make: Callable[[Dependencies], V],
        dependencies: Dependencies | None = None,
        succeed: Callable[[V, V], V] | None = None,
    ) -> V:
        """The value of `key`: the kept one if nothing changed, else a new one.

        `dependencies` of a larger value takes on what this one depends on. `succeed` decides what
        follows a kept value: it is given that one and the new one.
        """
        entry = self._entries.get(key)
        if entry is None or not entry.is_fresh():
            fresh = Dependencies()
            value = make(fresh)
            if entry is not None and succeed is not None:
                value = succeed(cast("V", entry.value), value)
            entry = CacheEntry(value=value, states=fresh.states)
            self._entries.put(key, entry)
        if dependencies is not None:
            dependencies.note_all(entry.states)
        return cast("V", entry.value)
