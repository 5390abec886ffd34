"""Several files of a tree changed as one: all of them, or none.

Theory of operation. What is to be done is written down first: old and new contents beside a list,
in a directory of ours; nothing of the tree is touched before the list is on the disk. Then each new
content is written beside its file and renamed into place. If one cannot be, those before it are put
back. If the process dies, `settle` finds the list and finishes what was begun, or, if somebody has
changed one of the files since, undoes it. A file that is neither as it was nor as it was to become
is somebody's work: it is never written.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from .private import make_private

LIST: Final = "landing.json"
_NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_CHUNK_BYTES: Final = 1_048_576


class TreeChanged(Exception):
    """Files are not as they were; nothing was written. `paths` names them."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = list(paths)


class LandingFailed(Exception):
    """The tree could not be changed. Not `is_whole`: some of it is changed, and the list stays."""

    def __init__(self, why: str, *, is_whole: bool) -> None:
        super().__init__(why)
        self.is_whole = is_whole


@attrs.frozen(kw_only=True)
class FileState:
    """A file, or a link whose content is where it leads."""

    content: bytes = attrs.field(repr=False)
    is_executable: bool = False
    is_link: bool = False


@attrs.frozen(kw_only=True)
class Change:
    """One file as it was and as it is to be; None is no file. `path` has `/` between."""

    path: str
    before: FileState | None
    after: FileState | None


@attrs.frozen(kw_only=True)
class Settled:
    """What became of a landing that was cut off: `finished` or `undone`.

    `foreign` are files that somebody has changed since: they are left alone.
    """

    tree: str
    outcome: str
    foreign: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class _Facts:
    """What of a state is in the list: enough to know it again."""

    digest: str
    is_executable: bool
    is_link: bool


@attrs.frozen(kw_only=True)
class _Step:
    number: int
    path: str
    before: _Facts | None
    after: _Facts | None


@attrs.frozen(kw_only=True)
class _Plan:
    tree: Path
    directory: Path  # where list and contents are
    token: str
    steps: Sequence[_Step]
    made: Sequence[str]  # directories that are not there yet

    def temporary(self, step: _Step) -> Path:
        path = self.tree / step.path
        return path.parent / f".aimux-{self.token}-{step.number}"

    def content(self, step: _Step, side: str) -> bytes:
        return (self.directory / side / str(step.number)).read_bytes()


Tell = Callable[[str], None]


def land(
    tree: Path,
    changes: Sequence[Change],
    directory: Path,
    tell: Tell = lambda _: None,
) -> None:
    """Make all changes in the tree.

    `directory` is ours, empty, and stays until it is known how it ended. `tell` hears of every step
    before it is taken.

    Raises:
        TreeChanged: a file is not as it was; nothing was written.
        LandingFailed: the tree cannot be written; it is as it was, or says that it is not.
    """
    plan = _planned(tree, changes, directory)
    foreign = [step.path for step in plan.steps if _now(tree, step.path) != step.before]
    if foreign:
        raise TreeChanged(foreign)
    try:
        _write_down(plan, changes, tell)
    except OSError as error:
        raise LandingFailed(f"cannot be prepared: {error.strerror}", is_whole=True) from error
    try:
        for step in plan.steps:
            if _now(tree, step.path) != step.before:
                raise TreeChanged([step.path])
            _take(plan, step, "new", tell)
    except (OSError, TreeChanged) as error:
        kept = _undo(plan, tell)
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else ""
        if kept:
            why = why or f"{error} was changed meanwhile"
            raise LandingFailed(f"{why}; not undone: {', '.join(kept)}", is_whole=False) from error
        _close(plan, tell)
        if isinstance(error, TreeChanged):
            raise
        raise LandingFailed(why, is_whole=True) from error
    tell("prune")
    _prune_all(plan)
    _close(plan, tell)


def settle(directory: Path, tell: Tell = lambda _: None) -> Settled | None:
    """Finish or undo what a process began that died; None if there is nothing to settle.

    Raises:
        LandingFailed: neither can be done now; the list stays.
    """
    try:
        plan = _read(directory)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it never was written down whole, so nothing was touched
    now = {step.path: _now(plan.tree, step.path) for step in plan.steps}
    foreign = [step.path for step in plan.steps if now[step.path] not in (step.before, step.after)]
    try:
        if not foreign:
            for step in plan.steps:
                if now[step.path] != step.after:
                    _take(plan, step, "new", tell)
            _prune_all(plan)
            outcome = "finished"
        else:
            _undo(plan, tell)
            outcome = "undone"
    except OSError as error:
        raise LandingFailed(f"{error.filename}: {error.strerror}", is_whole=False) from error
    for step in plan.steps:
        with contextlib.suppress(OSError):
            plan.temporary(step).unlink(missing_ok=True)
    _close(plan, tell)
    return Settled(tree=str(plan.tree), outcome=outcome, foreign=foreign)


# ------------------------------------------------------------------------------------- the list


def _planned(tree: Path, changes: Sequence[Change], directory: Path) -> _Plan:
    made: list[str] = []
    changes = _in_order(changes)
    gone = {change.path for change in changes if change.after is None}
    for change in changes:
        parts = change.path.split("/")
        for count in range(1, len(parts)):
            parent = "/".join(parts[:count])
            try:
                is_directory = stat.S_ISDIR((tree / parent).lstat().st_mode)
            except FileNotFoundError:
                if change.after is not None and parent not in made:
                    made.append(parent)
                continue
            except OSError:
                is_directory = False
            if not is_directory and parent in gone:  # a file makes room for a directory
                made += [] if parent in made else [parent]
            elif not is_directory:  # a link would lead out of the tree
                raise TreeChanged([parent])
    steps = [
        _Step(
            number=number,
            path=change.path,
            before=_facts(change.before),
            after=_facts(change.after),
        )
        for number, change in enumerate(changes)
    ]
    token = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return _Plan(tree=tree, directory=directory, token=token, steps=steps, made=made)


def _in_order(changes: Sequence[Change]) -> list[Change]:
    """What goes comes first: a directory may take the name of a file."""
    return sorted(changes, key=lambda change: change.after is not None)


def _facts(state: FileState | None) -> _Facts | None:
    if state is None:
        return None
    return _Facts(
        digest=hashlib.sha256(state.content).hexdigest(),
        is_executable=state.is_executable and not state.is_link,
        is_link=state.is_link,
    )


def _now(tree: Path, name: str) -> _Facts | None:
    """What is there now; what is neither file nor link equals nothing that was written down."""
    path = tree / name
    try:
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            data = os.fsencode(path.readlink())
            digest = hashlib.sha256(data).hexdigest()
            return _Facts(digest=digest, is_executable=False, is_link=True)
        if not stat.S_ISREG(facts.st_mode):
            return _Facts(digest="", is_executable=False, is_link=False)
        return _Facts(
            digest=_digest(path),
            is_executable=bool(facts.st_mode & 0o100),
            is_link=False,
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return _Facts(digest="", is_executable=False, is_link=False)


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _BINARY)
    try:
        while data := os.read(descriptor, _CHUNK_BYTES):
            found.update(data)
    finally:
        os.close(descriptor)
    return found.hexdigest()


def _write_down(plan: _Plan, changes: Sequence[Change], tell: Tell) -> None:
    for side in ("old", "new"):
        make_private(plan.directory / side)
    for step, change in zip(plan.steps, _in_order(changes), strict=True):
        for side, state in (("old", change.before), ("new", change.after)):
            if state is not None:
                tell(f"keep {side} {step.path}")
                _write(plan.directory / side / str(step.number), state.content)
    body = {
        "tree": os.fsencode(plan.tree).hex(),
        "token": plan.token,
        "made": [os.fsencode(name).hex() for name in plan.made],
        "steps": [
            {
                "path": os.fsencode(step.path).hex(),
                "before": None if step.before is None else attrs.asdict(step.before),
                "after": None if step.after is None else attrs.asdict(step.after),
            }
            for step in plan.steps
        ],
    }
    tell("write the list")
    draft = plan.directory / f"{LIST}.new"
    _write(draft, json.dumps(body).encode())
    tell("name the list")
    draft.replace(plan.directory / LIST)
    _sync(plan.directory)


def _read(directory: Path) -> _Plan:
    body = json.loads((directory / LIST).read_bytes())
    steps = [
        _Step(
            number=number,
            path=os.fsdecode(bytes.fromhex(each["path"])),
            before=None if each["before"] is None else _Facts(**each["before"]),
            after=None if each["after"] is None else _Facts(**each["after"]),
        )
        for number, each in enumerate(body["steps"])
    ]
    return _Plan(
        tree=Path(os.fsdecode(bytes.fromhex(body["tree"]))),
        directory=directory,
        token=str(body["token"]),
        steps=steps,
        made=[os.fsdecode(bytes.fromhex(name)) for name in body["made"]],
    )


def _close(plan: _Plan, tell: Tell) -> None:
    tell("forget the list")
    with contextlib.suppress(OSError):
        (plan.directory / LIST).unlink(missing_ok=True)


# ------------------------------------------------------------------------------------- the steps


def _take(plan: _Plan, step: _Step, side: str, tell: Tell) -> None:
    """Bring one file to its new state, or back to its old one."""
    target = plan.tree / step.path
    wanted = step.after if side == "new" else step.before
    if wanted is None:
        tell(f"remove {step.path}")
        target.unlink(missing_ok=True)
        _sync(target.parent)
        return
    tell(f"prepare {step.path}")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = plan.temporary(step)
    temporary.unlink(missing_ok=True)
    content = plan.content(step, side)
    if wanted.is_link:
        temporary.symlink_to(os.fsdecode(content))
    else:
        mode = _mode(target, is_executable=wanted.is_executable)
        _write(temporary, content, 0o777 if wanted.is_executable else 0o666)
        if mode is not None:
            temporary.chmod(mode)
    tell(f"rename {step.path}")
    temporary.replace(target)
    _sync(target.parent)


def _mode(target: Path, *, is_executable: bool) -> int | None:
    """The bits of the file that is replaced, with or without those to execute it."""
    try:
        facts = target.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    mode = stat.S_IMODE(facts.st_mode)
    return mode | (mode & 0o444) >> 2 if is_executable else mode & ~0o111


def _undo(plan: _Plan, tell: Tell) -> list[str]:
    """Put back what was changed, last first; what could not be put back."""
    kept: list[str] = []
    for step in reversed(plan.steps):
        with contextlib.suppress(OSError):
            plan.temporary(step).unlink(missing_ok=True)
        now = _now(plan.tree, step.path)
        if now != step.before and now == step.after:  # else not reached, or somebody's work by now
            try:
                _take(plan, step, "old", tell)
            except OSError:
                kept.append(step.path)
        for parent in _parents(step.path):
            if parent in plan.made and step.after is not None:
                with contextlib.suppress(OSError):
                    (plan.tree / parent).rmdir()  # an empty one only
    return kept


def _prune_all(plan: _Plan) -> None:
    """Remove directories that are empty now: a tree of git has none."""
    for step in plan.steps:
        if step.after is None:
            with contextlib.suppress(OSError):
                for parent in _parents(step.path):
                    (plan.tree / parent).rmdir()


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
    descriptor = os.open(path, flags, mode)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    """Have names on the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
