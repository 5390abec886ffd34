"""Where a CLI's binary is: PATH, the usual directories, version managers, the profile's own.

Pure but for `Files`, the four questions asked of a disk. Environment and system are arguments, so
that a client's PATH counts and not the daemon's.
"""

import enum
import fnmatch
import ntpath
import os
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import attrs

EVERYWHERE: Final = ("~/.local/bin", "~/.cargo/bin", "~/go/bin", "~/.deno/bin", "$GOPATH/bin")
USUAL: Final[Mapping[str, Sequence[str]]] = {
    "win32": (
        "%APPDATA%/npm",
        "%APPDATA%/Python/Scripts",
        "%LOCALAPPDATA%/Programs",
    ),
    "darwin": ("/opt/homebrew/bin", "/usr/local/bin"),
    "linux": (
        "/usr/local/bin",
        "/snap/bin",
        "~/.nix-profile/bin",
        "/home/linuxbrew/.linuxbrew/bin",
    ),
}
MANAGED: Final[Mapping[str, Sequence[str]]] = {
    "nvm": ("~/.nvm/versions/node/*/bin",),
    "volta": ("~/.volta/bin",),
    "fnm": ("~/.fnm/node-versions/*/installation/bin",),
    "pyenv": ("~/.pyenv/shims", "~/.pyenv/versions/*/bin"),
    "mise": ("~/.local/share/mise/installs/*/*/bin",),
    "asdf": ("~/.asdf/shims",),
}
SUFFIXES: Final = (".exe", ".cmd", ".bat", ".ps1", "")  # Windows, in this order

_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)\}|%(\w+)%")
_VERSION: Final = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)


class Files(Protocol):
    """What is asked of a disk. Nothing raises: what cannot be seen is not there."""

    def names(self, path: str) -> Sequence[str]:
        """Return what a directory holds."""

    def is_dir(self, path: str) -> bool:
        """Return whether it is a directory."""

    def is_file(self, path: str) -> bool:
        """Return whether it is a file."""

    def is_executable(self, path: str) -> bool:
        """Return whether we may execute it."""


class Disk:
    """The real disk."""

    def names(self, path: str) -> Sequence[str]:
        """Return what a directory holds, nothing if it cannot be read."""
        try:
            return os.listdir(path)  # noqa: PTH208  names are what is wanted
        except OSError:
            return ()

    def is_dir(self, path: str) -> bool:
        """Return whether it is a directory."""
        return os.path.isdir(path)  # noqa: PTH112

    def is_file(self, path: str) -> bool:
        """Return whether it is a file."""
        return os.path.isfile(path)  # noqa: PTH113

    def is_executable(self, path: str) -> bool:
        """Return whether we may execute it."""
        return os.access(path, os.X_OK)


class Lack(enum.StrEnum):
    """Why there is no usable binary."""

    NOT_FOUND = "not_found"
    IS_DIRECTORY = "is_directory"
    NOT_EXECUTABLE = "not_executable"


@attrs.frozen
class Found:
    """A binary that can be started.

    `via` says what led there: `PATH`, `usual`, `nvm`, …
    """

    path: str
    via: str


@attrs.frozen
class Missing:
    """None that can. `path` is the one that comes closest, empty if nothing has that name."""

    reason: Lack
    places: Sequence[str]
    path: str = ""


def find(
    binary: str,
    *,
    env: Mapping[str, str],
    search_paths: Sequence[str] = (),
    files: Files | None = None,
    system: str = sys.platform,
) -> Found | Missing:
    """Return the first binary of that name that can be started.

    A binary given with a path is looked for there only. `~` and variables are those of `env`; a
    path that names an unset one is skipped, as are relative entries of PATH. In globs the newest
    version comes first.
    """
    disk = Disk() if files is None else files
    paths = ntpath if system == "win32" else posixpath
    names = _names(binary, system)
    places: list[str] = []
    nearest: Missing | None = None
    for via, directory in _directories(binary, env, search_paths, system):
        places.append(directory)
        for path in _matches(directory, disk, system):
            # a path may lead to the binary itself: `~/tools/*/codex`
            is_it = paths.basename(path) in names and not disk.is_dir(path)
            for candidate in [path] if is_it else [paths.join(path, name) for name in names]:
                lack = _lack(candidate, disk, system)
                if lack is None:
                    return Found(candidate, via)
                if lack is not Lack.NOT_FOUND and nearest is None:
                    nearest = Missing(lack, (), candidate)
    if nearest is None:
        return Missing(Lack.NOT_FOUND, places)
    return attrs.evolve(nearest, places=places)


def _names(binary: str, system: str) -> list[str]:
    name = ntpath.basename(binary) if system == "win32" else posixpath.basename(binary)
    if system == "win32" and "." not in name:
        return [name + suffix for suffix in SUFFIXES]
    return [name]


def _directories(
    binary: str, env: Mapping[str, str], search_paths: Sequence[str], system: str
) -> Iterator[tuple[str, str]]:
    """Yield (what it is called, directory or glob) in order, each directory once."""
    is_windows = system == "win32"
    paths = ntpath if is_windows else posixpath
    if "/" in binary or (is_windows and "\\" in binary):
        wanted = [("profile", paths.dirname(binary))]
    else:
        entries = env.get("PATH", "").split(";" if is_windows else ":")
        wanted = [("PATH", entry.strip('"')) for entry in entries if paths.isabs(entry.strip('"'))]
        family = system if system in USUAL else "linux"
        wanted += [("usual", directory) for directory in (*EVERYWHERE, *USUAL[family])]
        wanted += [(name, directory) for name, group in MANAGED.items() for directory in group]
        wanted += [("profile", directory) for directory in search_paths]
    seen: set[str] = set()
    for name, raw in wanted:
        directory = raw if name == "PATH" else expand(raw, env)
        if directory is None:
            continue
        if is_windows:
            directory = directory.replace("/", "\\")
        if directory not in seen:
            seen.add(directory)
            yield name, directory


def expand(directory: str, env: Mapping[str, str]) -> str | None:
    """Return `directory` with `~`, `$NAME` and `%NAME%` filled in; None if one is unset."""
    if directory == "~" or directory.startswith(("~/", "~\\")):
        home = env.get("HOME") or env.get("USERPROFILE")
        if not home:
            return None
        directory = home + directory[1:]
    names = [next(filter(None, found)) for found in _VARIABLE.findall(directory)]
    if not all(env.get(name) for name in names):
        return None
    return _VARIABLE.sub(lambda found: env[next(filter(None, found.groups()))], directory)


def _matches(pattern: str, disk: Files, system: str) -> Iterator[str]:
    """Yield what a glob matches, newest version first at each level; a plain path as it is."""
    if not re.search(r"[*?\[]", pattern):
        yield pattern
        return
    paths = ntpath if system == "win32" else posixpath
    separator = "\\" if system == "win32" else "/"
    drive, rest = paths.splitdrive(pattern)
    found = [drive + separator]
    for part in filter(None, rest.split(separator)):
        if re.search(r"[*?\[]", part):
            found = [
                paths.join(base, name)
                for base in found
                for name in newest_first(disk.names(base))
                if fnmatch.fnmatchcase(name, part) and name.startswith(".") == part.startswith(".")
            ]
        else:
            found = [paths.join(base, part) for base in found]
    yield from found


def newest_first(names: Sequence[str]) -> list[str]:
    """Return versions in falling order, then the names that are none in alphabetical order.

    10 is above 9, a release above its candidates.
    """
    versions = [name for name in names if _VERSION.fullmatch(name)]
    others = [name for name in names if not _VERSION.fullmatch(name)]
    return sorted(versions, key=_rank, reverse=True) + sorted(others)


def _rank(name: str) -> tuple[tuple[int, ...], bool, list[tuple[bool, int, str]]]:
    found = _VERSION.fullmatch(name)
    assert found is not None
    numbers = tuple(map(int, found[1].split(".")))
    words = re.findall(r"\d+|[a-z]+", found[2])
    tail = [(word.isdigit(), int(word) if word.isdigit() else 0, word) for word in words]
    return numbers, not tail, tail


def _lack(path: str, disk: Files, system: str) -> Lack | None:
    if disk.is_dir(path):
        return Lack.IS_DIRECTORY
    if not disk.is_file(path):
        return Lack.NOT_FOUND
    if system != "win32" and not disk.is_executable(path):
        return Lack.NOT_EXECUTABLE
    return None
