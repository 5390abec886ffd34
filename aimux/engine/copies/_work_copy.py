"""A copy of a tree in which a change is made, proved, and from which it lands as a whole.

Theory of operation. The copy is a plain one; the repository that tells its changes lies beside it,
out of reach of whoever works in it, and is ours (docs/design/0016). Three trees of git count: the
base, as the copy was made; the ground, which is the base with what was approved since; and the
files as they are. What lands is the difference between base and ground, file by file, and only on
files that are still as they were in the base. A copy has a lock that names process and job; what
a process that died has left is settled and removed by the next one.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.drivers import Driver
from aimux.engine._exhausted import when_exhausted
from aimux.engine._specs import ChooseDriver
from aimux.errors import Refusal
from aimux.files.landing import (
    Change,
    FileState,
    LandingFailed,
    TreeChanged,
    land,
    settle,
)
from aimux.files.reading import read_regular
from aimux.files.temporary import owned_directory
from aimux.model import Warned

from ._base_facts import BaseFacts, base_facts
from ._commands import run_command
from ._git import GitFault, Repository, make_repository
from ._scratch_copy import SKIPPED, Copying, TooLarge, find_repository, list_files

TYPE_CHECKING = False  # what pairs are decided by is read where one works
if TYPE_CHECKING:
    from aimux.rules.pair import Landed, Verified

COPIES: Final = "copies"  # below the state directory
TREE: Final = "tree"
LANDING: Final = "landing"
MAX_IGNORE_BYTES: Final = 1_000_000
# what tests leave behind, and nobody means to hand over
BY_PRODUCTS: Final = ("*.pyc", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".DS_Store")
_DIFF: Final = (
    "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv",
    "--src-prefix=a/", "--dst-prefix=b/", "-M",
)  # fmt: skip


def copies_root(state_dir: Path) -> Path:
    """Where copies are."""
    return state_dir / COPIES


@attrs.define(eq=False, kw_only=True)
class WorkCopy:
    """A copy at `path`, and what became of it. Its methods wait for git, in a thread.

    Cancelled or not, what has begun in a thread is done to its end.
    """

    path: Path
    warnings: Sequence[Warned]
    kept: str = ""  # where what could not be undone lies
    _cwd: Path
    _directory: Path
    _repository: Repository
    _env: Mapping[str, str]
    _drive: Driver
    _base: str
    _ground: str

    @property
    def base(self) -> str:
        """What it was made from, as git names such a tree."""
        return self._base

    async def diff(self) -> str:
        """What the files are other than the ground."""
        return await trio.to_thread.run_sync(self._diff)

    async def whole(self, *, is_open: bool = False) -> str:
        """What the ground, or with `is_open` the files are other than the base."""
        return await trio.to_thread.run_sync(self._whole, is_open)

    async def put(self, patch: str) -> str:
        """Change the files by a diff, wholly or not at all; why not, empty if it was done."""
        return await trio.to_thread.run_sync(self._put, patch)

    async def set_files(self, patch: str) -> None:
        """Make the files the ground with this diff.

        Raises:
            Refusal: it does not fit the ground.
        """
        await trio.to_thread.run_sync(self._set_files, patch)

    async def accept(self, patch: str) -> None:
        """Make the ground what it is with this diff; the files stay as they are.

        Raises:
            Refusal: it does not fit the ground.
        """
        self._ground = await trio.to_thread.run_sync(self._tree_with, patch)

    async def verify(self, command: Sequence[str], limit_s: float) -> "Verified":
        """How a command goes in the copy. Cancelling it ends the command and what it started."""
        return await run_command(self._drive, command, self.path, self._env, limit_s)

    async def land(self) -> "Landed":
        """Take the ground over into the tree that was copied: all of it or nothing."""
        return await trio.to_thread.run_sync(self._land)

    # ------------------------------------------------------------------ in a thread

    def _diff(self) -> str:
        self._repository.run("add", "--all", "--", ".")
        data = self._repository.run("diff", "--cached", *_DIFF, self._ground)
        return data.decode("utf-8", "surrogateescape")

    def _whole(self, is_open: bool) -> str:
        now = self._ground
        if is_open:
            self._repository.run("add", "--all", "--", ".")
            now = self._repository.run("write-tree").decode().strip()
        return self._between(self._base, now)

    def _between(self, old: str, new: str) -> str:
        return self._repository.run("diff", *_DIFF, old, new).decode("utf-8", "surrogateescape")

    def _patch_file(self, patch: str) -> str:
        path = self._directory / "patch.diff"
        path.write_bytes(patch.encode("utf-8", "surrogateescape"))
        return str(path)

    def _put(self, patch: str) -> str:
        try:
            self._repository.run("add", "--all", "--", ".")
            self._repository.run("apply", "--index", "--whitespace=nowarn", self._patch_file(patch))
        except UnicodeEncodeError:
            return "it has characters that no file can hold"
        except GitFault as fault:
            return fault.message
        return ""

    def _tree_with(self, patch: str) -> str:
        index = self._directory / "index"
        index.unlink(missing_ok=True)
        beside = attrs.evolve(self._repository, index=index)
        try:
            beside.run("read-tree", self._ground)
            if patch:
                beside.run("apply", "--cached", "--whitespace=nowarn", self._patch_file(patch))
            return beside.run("write-tree").decode().strip()
        except GitFault as fault:
            raise Refusal(f"a diff of ours does not fit: {fault.message}") from fault

    def _set_files(self, patch: str) -> None:
        wanted = self._tree_with(patch)
        self._repository.run("add", "--all", "--", ".")
        now = self._repository.run("write-tree").decode().strip()
        if now != wanted:
            moved = self._patch_file(self._between(now, wanted))
            self._repository.run("apply", "--index", "--whitespace=nowarn", moved)

    def _land(self) -> "Landed":
        from aimux.rules.pair import Landed

        changes = self._changes()
        directory = self._directory / LANDING
        directory.mkdir(mode=0o700)
        try:
            land(self._cwd, changes, directory)
        except TreeChanged as changed:
            named = ", ".join(ascii(path) for path in changed.paths)
            return Landed(code="tree_changed", why=f"changed in your tree meanwhile: {named}")
        except LandingFailed as failed:
            if not failed.is_whole:
                self.kept = str(self._directory.with_name(f"{self._directory.name}-{LANDING}"))
                directory.rename(self.kept)
                # nobody holds its lock, so whoever tidies up next tries again
                lock = self._directory.with_name(f"{self._directory.name}.lock")
                shutil.copyfile(lock, f"{self.kept}.lock")
            return Landed(code="landing_failed", why=str(failed), kept=self.kept)
        return Landed(files=tuple(change.path for change in changes))

    def _changes(self) -> list[Change]:
        words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index")
        data = self._repository.run(*words, self._base, self._ground)
        fields = data.decode("utf-8", "surrogateescape").split("\0")
        changes = []
        for told, path in zip(fields[0::2], fields[1::2], strict=False):
            old_mode, new_mode, old, new, _ = told.removeprefix(":").split(" ")
            before, after = self._state(old_mode, old), self._state(new_mode, new)
            changes.append(Change(path=path, before=before, after=after))
        return changes

    def _state(self, mode: str, blob: str) -> FileState | None:
        if mode == "000000":
            return None
        return FileState(
            content=self._repository.run("cat-file", "blob", blob),
            is_executable=mode == "100755",
            is_link=mode == "120000",
        )


@attrs.frozen(kw_only=True)
class WorkCopies:
    """Where copies are made, and what runs commands in them."""

    root: Path
    drive: Driver

    def tree_of(self, name: str) -> str:
        """Where the files of a copy of this name are."""
        return str(self.root / name / TREE)

    async def check(
        self,
        cwd: str,
        name: str,
        command: Sequence[str],
        limit_s: float,
        *,
        job_id: str,
        env: Mapping[str, str],
    ) -> "tuple[Verified, Verified]":
        """How a command goes in a copy of `cwd` of this name, and how in an empty directory.

        Cancelling it ends the command and removes the copy.

        Raises:
            Refusal: the tree is too large, or the copy cannot be made.
        """
        async with self.open(cwd, name, job_id=job_id, env=env) as copy:
            real = await copy.verify(command, limit_s)
            with tempfile.TemporaryDirectory(dir=copy.path.parent, prefix="empty") as empty:
                control = await run_command(self.drive, command, Path(empty), env, limit_s)
        return real, control

    async def base_facts(self, cwd: str) -> BaseFacts:
        """What the tree at `cwd` is based on. Cancelled or not, it looks to the end."""
        return await trio.to_thread.run_sync(base_facts, Path(cwd), self.root)

    @asynccontextmanager
    async def open(
        self,
        cwd: str,
        name: str,
        *,
        job_id: str,
        env: Mapping[str, str],
        linked: Sequence[str] = (),
        by_products: Sequence[str] = (),
    ) -> AsyncIterator[WorkCopy]:
        """A copy of `cwd` of this name, removed at the end whatever happened in it.

        `linked` are directories of the tree that it has as links, not as copies; files that the
        patterns of `by_products` fit are never a change, new or not. Cancelling it removes the
        copy.

        Raises:
            Refusal: the tree is too large, or the copy cannot be made.
        """
        owned = owned_directory(self.root, name, f"{os.getpid()} {job_id}")
        try:
            directory = await trio.to_thread.run_sync(owned.__enter__)
        except OSError as error:
            doing = f"no copy can be made in {self.root}"
            told = error.strerror or str(error)
            raise when_exhausted(doing, error) or _refused(cwd, told) from error
        try:
            made = await trio.to_thread.run_sync(_make, Path(cwd), directory, linked, by_products)
            yield WorkCopy(
                path=directory / TREE,
                warnings=made.warnings,
                cwd=made.cwd,
                directory=directory,
                repository=made.repository,
                env=env,
                drive=self.drive,
                base=made.base,
                ground=made.base,
            )
        finally:
            with trio.CancelScope(shield=True):  # bounded by the size limits of a copy
                await trio.to_thread.run_sync(owned.__exit__, None, None, None)


def work_copies(state_dir: Path, choose: ChooseDriver) -> WorkCopies:
    """The copies of a state directory, with a driver for commands on pipes."""
    return WorkCopies(root=copies_root(state_dir), drive=choose(is_terminal=False))


@attrs.frozen(kw_only=True)
class _Made:
    cwd: Path  # links followed
    repository: Repository
    base: str
    warnings: Sequence[Warned]


def _make(cwd: Path, directory: Path, linked: Sequence[str], by_products: Sequence[str]) -> _Made:
    try:
        tree = cwd.resolve()
        copy = directory / TREE
        copy.mkdir()
        repository = make_repository(copy, directory / "git")
        copying = Copying(tree, copy, cwd)
        is_repository = find_repository(tree) is not None
        names = list_files(copying, repository if is_repository else None)
        left = [name for name in names if not _is_below(name, linked)]
        copying.run(left)
        kept_out = [spec for each in by_products for spec in _but(each)]
        repository.run("add", "--all", "--force", "--", ".", *kept_out)
        base = repository.run("write-tree").decode().strip()
        if is_repository:  # some CLIs refuse to work outside one; this one nobody reads again
            shown = make_repository(copy)
            shown.run("add", "--all", "--force", "--", ".")
            shown.run("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "copy")
        told = [copying.told()] if copying.told() else []
        missing, ignored = _link(tree, copy, linked)
        told += missing
        skipped = [f"{name}/" for name in sorted(SKIPPED)]
        repository.exclude(*_ignored_above(tree), *skipped, *BY_PRODUCTS, *by_products, *ignored)
    except TooLarge as large:
        raise _refused(str(cwd), str(large), code="scratch_too_large") from large
    except (GitFault, OSError) as fault:
        doing = f"no copy of {cwd} can be made"
        raise when_exhausted(doing, fault) or _refused(str(cwd), str(fault)) from fault
    warnings = [Warned(code="scratch_incomplete", message=each) for each in told]
    return _Made(cwd=tree, repository=repository, base=base, warnings=warnings)


def _but(pattern: str) -> list[str]:
    """What a line of .gitignore leaves out, as git takes it behind paths."""
    name = pattern.strip("/")
    place = name if "/" in pattern.rstrip("/") else f"**/{name}"
    return [f":(exclude,glob){place}", f":(exclude,glob){place}/**"]


def _is_below(name: str, linked: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}/") for each in linked)


def _link(tree: Path, copy: Path, linked: Sequence[str]) -> tuple[list[str], list[str]]:
    """Link directories in: what is to be told of those that are not there, patterns of the rest."""
    missing = []
    ignored = []
    for name in linked:
        source, target = tree / name, copy / name
        is_inside = source.resolve().is_relative_to(tree) or source.is_symlink()
        if not source.is_dir() or not is_inside or os.path.lexists(target):
            missing.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())
        ignored.append("/" + "".join(f"\\{char}" if char in "\\*?[]!# " else char for char in name))
    named = ", ".join(missing)
    return [f"not linked in, there is no such directory: {named}"] if missing else [], ignored


def _ignored_above(tree: Path) -> list[str]:
    """What ignore files between the top of the repository and the tree say of the tree."""
    from aimux.rules.pair import patterns_below

    found = find_repository(tree)
    lines: list[str] = []
    for directory in reversed(tree.parents) if found is not None else ():
        if found is not None and directory.is_relative_to(found[0]):
            with suppress(OSError, ValueError):
                data = read_regular(directory / ".gitignore", MAX_IGNORE_BYTES)
                text = data.decode("utf-8", "surrogateescape")
                lines += patterns_below(text, tree.relative_to(directory).as_posix())
    return lines


def _refused(cwd: str, why: str, *, code: str = "copy_failed") -> Refusal:
    return Refusal(
        f"no copy of {cwd} can be made to work in: {why}",
        code=code,
        hint="pair=false lets the CLI work in the tree itself",
        retryable=False,
    )


def settle_copy(path: Path) -> bool:
    """Finish or undo a landing that a dead process began; whether its copy may go."""
    for directory in (path / LANDING, path):
        try:
            settle(directory)
        except LandingFailed:
            return False
    with suppress(OSError):
        shutil.rmtree(path / LANDING)
    return True
