"""A throw-away copy of a working tree, for read work on CLIs whose read mode is soft.

Such a CLI may write although it was told not to (its shell tool is not fenced). It therefore works
on a copy: what it changes there is reported as `mode_violated` and thrown away; the user's own tree
is never touched, restored or cleaned. In a git tree the copy holds what git tracks plus untracked
files that are not ignored, with the changes as they are on disk; elsewhere everything but a few
caches. No repository is obeyed on the way (docs/design/0016).
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.engine._exhausted import when_exhausted
from aimux.errors import Refusal
from aimux.files.private import make_private
from aimux.model import Warned

from ._git import GIT_MISSING, GitFault, Repository, make_repository
from ._scratch_copy import Copying, TooLarge, find_repository, list_files, remove, walk

HINT: Final = "name a CLI with a hard read mode (see sessions action=health), or mode=write"

Facts = dict[str, tuple[int, int]]  # relative path -> (mtime_ns, size)


@attrs.define(eq=False)
class Scratch:
    """A copy of a tree at `path`.

    `changes` says what differs from the moment it was made, `warnings` what of the tree is not in
    it.
    """

    path: Path
    warnings: Sequence[Warned]
    _before: Facts

    async def changes(self) -> list[str]:
        """Relative paths that were added, changed or removed in the copy, sorted.

        Cancelled or not, it reads to its end.
        """
        after = await trio.to_thread.run_sync(_facts, self.path)
        paths = self._before.keys() | after.keys()
        changed = sorted(path for path in paths if self._before.get(path) != after.get(path))
        return [path if path.isprintable() else ascii(path) for path in changed]


@asynccontextmanager
async def open_scratch(cwd: str, parent: Path) -> AsyncIterator[Scratch]:
    """A copy of `cwd` below `parent`, removed at the end whatever happened in it.

    Cancelled while it is made, it is made to its end first, then removed.

    Raises:
        Refusal: the tree is too large to be copied for one turn, or the copy cannot be made.
    """
    base = await trio.to_thread.run_sync(_make_base, parent)
    try:
        copy = base / "tree"
        told = await trio.to_thread.run_sync(_copy_tree, Path(cwd), copy)
        before = await trio.to_thread.run_sync(_facts, copy)
        warnings = [Warned(code="scratch_incomplete", message=told)] if told else []
        yield Scratch(copy, warnings, before)
    finally:
        with trio.CancelScope(shield=True):  # bounded by the size limits above
            await trio.to_thread.run_sync(remove, base)


def _make_base(parent: Path) -> Path:
    try:
        make_private(parent)
        return Path(tempfile.mkdtemp(prefix="read-", dir=parent))
    except OSError as error:
        raise when_exhausted(f"no copy can be made in {parent}", error) or Refusal(
            f"no copy can be made in {parent}: {error.strerror}",
            code="scratch_failed",
            hint="see that the state directory has room and is yours",
        ) from error


def _copy_tree(cwd: Path, copy: Path) -> str:
    """Make the copy; what was left out of it, for people."""
    try:
        tree = cwd.resolve()
        copy.mkdir(parents=True)
        copying = Copying(tree, copy, cwd)
        repository = _repository(copying) if find_repository(tree) is not None else None
        copying.run(list_files(copying, repository))
        if repository is not None:  # some CLIs refuse to work outside a repository
            repository.run("add", "--all", "--force", "--", ".")
            repository.run("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "copy")
    except TooLarge as large:
        raise Refusal(
            f"cannot read {cwd} safely with this CLI: {large}",
            code="scratch_too_large",
            hint=HINT,
            retryable=False,
        ) from large
    except (GitFault, OSError) as fault:
        doing = f"no copy of {cwd} can be made for this CLI"
        raise when_exhausted(doing, fault) or Refusal(
            f"{doing}: {fault}",
            code="scratch_failed",
            hint=HINT,
            retryable=False,
        ) from fault
    return copying.told()


def _repository(copying: Copying) -> Repository | None:
    """An empty one in the copy; None where there is no git."""
    try:
        return make_repository(copying.copy)
    except GitFault as fault:
        if fault.code != GIT_MISSING:
            raise
        copying.notes.append(f"what is ignored is copied too: {fault.message}")
        return None


def _facts(tree: Path) -> Facts:
    return {name: (facts.st_mtime_ns, facts.st_size) for name, facts in walk(tree)}
