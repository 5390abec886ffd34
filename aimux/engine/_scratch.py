"""A throw-away copy of a working tree, for read work on CLIs whose read mode is soft.

Such a CLI may write although it was told not to (its shell tool is not fenced). It therefore works
on a
copy: what it changes there is reported as `mode_violated` and thrown away; the user's own tree is
never
touched, restored or cleaned. In a git tree the copy holds what git tracks plus untracked files that
are not ignored, with the changes as they are on disk; elsewhere everything but a few caches.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.errors import Refusal

MAX_FILES: Final = 20_000
MAX_BYTES: Final = 500_000_000
GIT_LIMIT_S: Final = 30
SKIPPED: Final = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox"}
)

Facts = dict[str, tuple[int, int]]  # relative path -> (mtime_ns, size)


@attrs.define(eq=False)
class Scratch:
    """A copy of a tree at `path`. `changes` says what differs from the moment it was made."""

    path: Path
    _before: Facts

    async def changes(self) -> list[str]:
        """Relative paths that were added, changed or removed in the copy, sorted."""
        after = await trio.to_thread.run_sync(_facts, self.path)
        paths = self._before.keys() | after.keys()
        return sorted(path for path in paths if self._before.get(path) != after.get(path))


@asynccontextmanager
async def open_scratch(cwd: str, parent: Path) -> AsyncIterator[Scratch]:
    """A copy of `cwd` below `parent`, removed at the end whatever happened in it.

    Raises:
        Refusal: the tree is too large to be copied for one turn.
    """
    base = await trio.to_thread.run_sync(_make_base, parent)
    try:
        copy = base / "tree"
        await trio.to_thread.run_sync(_copy_tree, Path(cwd), copy)
        before = await trio.to_thread.run_sync(_facts, copy)
        yield Scratch(copy, before)
    finally:
        with trio.CancelScope(shield=True):  # bounded by the size limits above
            await trio.to_thread.run_sync(_remove, base)


def _make_base(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix="read-", dir=parent))


def _remove(base: Path) -> None:
    shutil.rmtree(base, ignore_errors=True)
    if base.exists():  # what is read-only stays: on Windows git's objects, elsewhere directories
        for root, directories, files in os.walk(base):
            for name in (*directories, *files):
                path = Path(root) / name
                with contextlib.suppress(OSError):
                    if not path.is_symlink():
                        path.chmod(0o700)
        shutil.rmtree(base, ignore_errors=True)


def _git_files(cwd: Path) -> Sequence[str] | None:
    """What git would show of `cwd`, relative to it; None outside a git tree."""
    command = ["git", "-C", str(cwd), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=GIT_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if ran.returncode != 0:
        return None
    return [os.fsdecode(name) for name in ran.stdout.split(b"\0") if name]


def _plain_files(cwd: Path) -> list[str]:
    found: list[str] = []
    for root, directories, files in os.walk(cwd):
        directories[:] = [name for name in directories if name not in SKIPPED]
        found += [str((Path(root) / name).relative_to(cwd)) for name in files]
        if len(found) > MAX_FILES:
            break
    return found


def _copy_tree(cwd: Path, copy: Path) -> None:
    git_files = _git_files(cwd)
    names = _plain_files(cwd) if git_files is None else git_files
    if len(names) > MAX_FILES:
        raise _too_large(cwd, f"more than {MAX_FILES} files")
    copy.mkdir(parents=True)
    total = 0
    for name in names:
        source, target = cwd / name, copy / name
        try:
            facts = source.lstat()
        except OSError:  # deleted but still tracked
            continue
        total += facts.st_size
        if total > MAX_BYTES:
            raise _too_large(cwd, f"more than {MAX_BYTES // 1_000_000} MB")
        if source.is_dir() and not source.is_symlink():  # a submodule
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    if git_files is not None:  # some CLIs refuse to work outside a repository
        _commit(copy)


def _commit(copy: Path) -> None:
    base = ["git", "-C", str(copy), "-c", "user.name=aimux", "-c", "user.email=aimux@localhost"]
    steps = (["init", "-q"], ["add", "-A"], ["commit", "-q", "--no-verify", "-m", "scratch copy"])
    for step in steps:
        subprocess.run([*base, *step], capture_output=True, timeout=GIT_LIMIT_S, check=False)


def _facts(tree: Path) -> Facts:
    facts: Facts = {}
    for root, directories, files in os.walk(tree):
        directories[:] = [name for name in directories if name not in SKIPPED]
        for name in files:
            path = Path(root) / name
            try:
                seen = path.lstat()
            except OSError:
                continue
            facts[path.relative_to(tree).as_posix()] = (seen.st_mtime_ns, seen.st_size)
    return facts


def _too_large(cwd: Path, why: str) -> Refusal:
    return Refusal(
        f"cannot read {cwd} safely with this CLI: {why}",
        code="scratch_too_large",
        hint="name a CLI with a hard read mode (see sessions action=health), or mode=write",
        retryable=False,
    )
