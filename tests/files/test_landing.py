"""Several files change as one: all or none, whatever ends the process in between."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import pytest

from aimux.files.landing import (
    LIST,
    Change,
    FileState,
    LandingFailed,
    TreeChanged,
    land,
    settle,
)

from .. import needs

pytestmark = needs.posix

CHANGES: Final = (
    Change(path="a.py", before=FileState(content=b"a\n"), after=FileState(content=b"A\r\n")),
    Change(path="gone/b.py", before=FileState(content=b"b\n"), after=None),
    Change(path="new/deep/c.bin", before=None, after=FileState(content=b"\0\xff")),
    Change(
        path="run.sh",
        before=FileState(content=b"#!\n"),
        after=FileState(content=b"#!\n", is_executable=True),
    ),
    Change(
        path="link",
        before=FileState(content=b"a.py", is_link=True),
        after=FileState(content=b"run.sh", is_link=True),
    ),
    Change(
        path="kind", before=FileState(content=b"x"), after=FileState(content=b"a.py", is_link=True)
    ),
)
Tree = dict[str, tuple[str, bytes]]


class Killed(BaseException):
    """Nothing below catches it, as nothing catches a kill."""


@attrs.frozen
class Field:
    """A tree as it is before, and a directory for the list."""

    root: Path

    @property
    def tree(self) -> Path:
        return self.root / "tree"

    @property
    def directory(self) -> Path:
        return self.root / "ours"

    def make(self) -> "Field":
        shutil.rmtree(self.root, ignore_errors=True)
        (self.tree / "gone").mkdir(parents=True)
        self.directory.mkdir()
        for name, data in (
            ("a.py", "a\n"),
            ("gone/b.py", "b\n"),
            ("run.sh", "#!\n"),
            ("kind", "x"),
        ):
            (self.tree / name).write_text(data, encoding="utf-8")
        (self.tree / "link").symlink_to("a.py")
        (self.tree / "other.py").write_text("mine\n", encoding="utf-8")
        return self

    def seen(self) -> Tree:
        """Every file and directory: what it is, and what is in it."""
        found: Tree = {}
        for path in self.tree.rglob("*"):
            name = path.relative_to(self.tree).as_posix()
            if path.is_symlink():
                found[name] = ("link", os.fsencode(path.readlink()))
            elif path.is_dir():
                found[name] = ("directory", b"")
            else:
                is_program = path.stat().st_mode & 0o100
                found[name] = ("program" if is_program else "file", path.read_bytes())
        return found

    def land(self, tell: Callable[[str], None] = lambda _: None) -> None:
        land(self.tree, CHANGES, self.directory, tell)


@pytest.fixture
def field(tmp_path: Path) -> Field:
    return Field(tmp_path / "field").make()


AFTER: Final[Tree] = {
    "a.py": ("file", b"A\r\n"),
    "new": ("directory", b""),
    "new/deep": ("directory", b""),
    "new/deep/c.bin": ("file", b"\0\xff"),
    "run.sh": ("program", b"#!\n"),
    "link": ("link", b"run.sh"),
    "kind": ("link", b"a.py"),
    "other.py": ("file", b"mine\n"),
}


def steps(field: Field) -> list[str]:
    told: list[str] = []
    field.land(told.append)
    field.make()
    return told


def test_new_deleted_mode_link_and_binary_land_together(field: Field) -> None:
    """A directory that is empty then goes, too; the list is gone at the end."""
    field.land()

    assert field.seen() == AFTER
    assert not (field.directory / LIST).exists()


def test_a_mode_is_kept_but_for_what_changes(field: Field) -> None:
    """The bits of the user's file, with those to run it."""
    (field.tree / "a.py").chmod(0o640)
    (field.tree / "run.sh").chmod(0o640)
    field.land()

    assert stat.S_IMODE((field.tree / "a.py").stat().st_mode) == 0o640
    assert stat.S_IMODE((field.tree / "run.sh").stat().st_mode) == 0o750


@pytest.mark.requirement("pair:changed")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.py", lambda path: path.write_text("mine\n", encoding="utf-8")),
        ("a.py", lambda path: path.chmod(0o755)),
        ("gone/b.py", lambda path: path.unlink()),
        ("new/deep/c.bin", lambda path: (path.parent.mkdir(parents=True), path.write_bytes(b"m"))),
        ("link", lambda path: (path.unlink(), path.symlink_to("other.py"))),
        ("kind", lambda path: (path.unlink(), path.mkdir())),
    ],
    ids=["content", "mode", "gone", "there", "link", "kind"],
)
def test_a_file_that_was_changed_meanwhile_is_named_and_nothing_written(
    field: Field, name: str, how: Callable[[Path], object]
) -> None:
    """Content, mode, kind, or being there at all."""
    how(field.tree / name)
    before = field.seen()
    with pytest.raises(TreeChanged) as changed:
        field.land()

    assert changed.value.paths == [name]
    assert field.seen() == before


def test_a_file_that_changes_while_others_land_is_left_and_they_are_put_back(
    field: Field,
) -> None:
    """It is looked at again right before its turn."""
    before = field.seen()

    def tell(step: str) -> None:
        if step == "rename a.py":
            (field.tree / "run.sh").write_text("mine\n", encoding="utf-8")

    with pytest.raises(TreeChanged) as changed:
        field.land(tell)

    assert changed.value.paths == ["run.sh"]
    assert field.seen() == before | {"run.sh": ("file", b"mine\n")}


def test_a_link_in_the_place_of_a_directory_is_not_followed(field: Field) -> None:
    """What is behind it is not part of the tree."""
    (field.root / "outside").mkdir()
    (field.tree / "new").symlink_to(field.root / "outside")
    with pytest.raises(TreeChanged):
        field.land()

    assert list((field.root / "outside").iterdir()) == []


@pytest.mark.requirement("pair:landing")
def test_killed_before_any_step_the_tree_is_finished_or_as_it_was(field: Field) -> None:
    """The next process settles it; no file of ours stays, and nobody's work is touched."""
    before, told = field.seen(), steps(field)
    outcomes = []
    for number in range(len(told)):
        left = [number]

        def tell(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        field.make()
        with pytest.raises(Killed):
            field.land(tell)
        settled = settle(field.directory)
        outcomes.append(settled.outcome if settled is not None else "")

        assert field.seen() == (before if settled is None else AFTER), told[number]
        assert settle(field.directory) is None, told[number]

    assert set(outcomes) == {"", "finished"}
    assert len(told) > 2 * len(CHANGES)


def test_killed_while_it_is_settled_it_is_settled_again(field: Field) -> None:
    """Finishing is no more at risk than landing was."""
    told = steps(field)
    half = told.index("rename run.sh")

    def stop_at(number: int) -> Callable[[str], None]:
        left = [number]

        def tell(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        return tell

    for number in range(4):
        field.make()
        with pytest.raises(Killed):
            field.land(stop_at(half))
        with pytest.raises(Killed):
            settle(field.directory, stop_at(number))
        settle(field.directory)

        assert field.seen() == AFTER


def test_half_landed_and_changed_since_it_is_undone_around_the_change(field: Field) -> None:
    """What the user wrote stays; all else is as it was."""
    before = field.seen()

    def tell(step: str) -> None:
        if step == "rename link":
            raise Killed

    with pytest.raises(Killed):
        field.land(tell)
    (field.tree / "a.py").write_text("mine now\n", encoding="utf-8")
    settled = settle(field.directory)

    assert settled is not None
    assert (settled.outcome, settled.foreign) == ("undone", ["a.py"])
    assert field.seen() == before | {"a.py": ("file", b"mine now\n")}


def test_what_cannot_be_written_is_put_back(field: Field) -> None:
    """The reason is told, and the tree is whole."""
    before = field.seen()

    def tell(step: str) -> None:
        if step == "rename kind":
            raise OSError(28, "No space left on device", "kind")

    with pytest.raises(LandingFailed, match="No space left") as failed:
        field.land(tell)

    assert failed.value.is_whole
    assert field.seen() == before
    assert not (field.directory / LIST).exists()


def test_a_file_may_become_a_directory(tmp_path: Path) -> None:
    """And is a file again if it cannot."""
    changes = [
        Change(path="x/y", before=None, after=FileState(content=b"y")),
        Change(path="x", before=FileState(content=b"x"), after=None),
    ]
    for fails in (True, False):
        tree, ours = tmp_path / f"tree{fails}", tmp_path / f"ours{fails}"
        tree.mkdir()
        ours.mkdir()
        (tree / "x").write_bytes(b"x")

        def tell(step: str, fails: bool = fails) -> None:
            if fails and step == "rename x/y":
                raise OSError(28, "full", "x/y")

        if fails:
            with pytest.raises(LandingFailed):
                land(tree, changes, ours, tell)
            assert (tree / "x").read_bytes() == b"x"
        else:
            land(tree, changes, ours, tell)
            assert (tree / "x" / "y").read_bytes() == b"y"


@pytest.mark.slow
@pytest.mark.requirement("pair:landing")
def test_a_real_kill_leaves_what_can_be_settled(field: Field) -> None:
    """SIGKILL in the middle, as the system does it."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from aimux.files.landing import *\n"
        "def tell(step):\n"
        "    if step == 'rename c': os.kill(os.getpid(), signal.SIGKILL)\n"
        "changes = [Change(path=n, before=None, after=FileState(content=n.encode()))\n"
        "           for n in ('b', 'c', 'd')]\n"
        "land(Path(sys.argv[1]), changes, Path(sys.argv[2]), tell)\n"
    )
    before = field.seen()
    words = [sys.executable, "-c", program, str(field.tree), str(field.directory)]
    ran = subprocess.run(words, check=False)

    assert ran.returncode == -9
    assert "b" in field.seen()
    settled = settle(field.directory)
    assert settled is not None
    assert settled.outcome == "finished"
    new: Tree = {name: ("file", name.encode()) for name in "bcd"}
    assert field.seen() == before | new
