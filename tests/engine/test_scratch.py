"""Scratch copies of trees that hold more than files: what cannot be copied is left out and told."""

import errno
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import trio

from aimux.engine.copies import _scratch_copy
from aimux.engine.copies._scratch import Scratch, open_scratch
from aimux.engine.copies._scratch_copy import MAX_DEPTH, Copying
from aimux.errors import Refusal

from .. import needs

pytestmark = [
    pytest.mark.slow,
    needs.posix,
]

DEEP: Final = 1_100  # directories: more than Python's stack, and longer than a path may be


@pytest.fixture(params=["plain", "git"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A working tree with one file, outside git and inside."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.txt").write_text("a", encoding="utf-8")
    if request.param == "git":
        subprocess.run(["git", "init", "-q", str(tree)], check=True)
    return tree


def names_in(place: Path) -> list[str]:
    return [each.name for each in place.iterdir()]


def told(scratch: Scratch) -> str:
    """What is said about the copy."""
    assert {each.code for each in scratch.warnings} <= {"scratch_incomplete"}
    return "".join(each.message for each in scratch.warnings)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero: reading never ends
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize(
    ("make", "why"),
    [(make_socket, "a socket"), (os.mkfifo, "a named pipe"), (make_device, "a device")],
)
async def test_what_is_no_file_is_left_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], why: str
) -> None:
    """Git does not list such things by itself, but may know the name as that of a file."""
    monkeypatch.chdir(tree)
    (tree / "odd").write_text("a file", encoding="utf-8")
    if (tree / ".git").exists():
        await trio.run_process(["git", "add", "odd"])
    (tree / "odd").unlink()
    make(tree / "odd")
    with trio.fail_after(30):
        async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
            names = names_in(scratch.path)

            assert "a.txt" in names
            assert "odd" not in names
            assert f"'odd' ({why})" in told(scratch)


async def test_a_pipe_in_the_place_of_an_ignore_file_holds_nothing_up(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git waits for somebody to write there; the copy is made without what it would say."""
    monkeypatch.setattr(_scratch_copy, "LIST_LIMIT_S", 0.3)
    os.mkfifo(tree / ".gitignore")
    with trio.fail_after(30):
        async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
            assert (scratch.path / "a.txt").exists()
            assert "'.gitignore' (a named pipe)" in told(scratch)


async def test_a_file_that_vanishes_or_changes_is_left_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list and the copying, or between the look and the reading."""
    for name in ("gone", "piped"):
        (tree / name).write_text(name, encoding="utf-8")
    listed = _scratch_copy.list_files
    opened = os.open

    def list_files(*args: object) -> list[str]:
        found = listed(*args)  # type: ignore[arg-type]  # as it was called
        (tree / "gone").unlink()
        return found

    def open_(path: Path, *args: object) -> int:
        if path == tree / "piped" and not stat.S_ISFIFO(path.stat().st_mode):
            path.unlink()
            os.mkfifo(path)
        return opened(path, *args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr("aimux.engine.copies._scratch.list_files", list_files)
    monkeypatch.setattr(os, "open", open_)
    with trio.fail_after(30):
        async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
            assert "'gone' (vanished)" in told(scratch)
            assert "'piped' (changed meanwhile)" in told(scratch)


async def test_a_link_that_takes_a_files_place_is_not_followed(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the reading: what it leads to is not the tree's."""
    (tmp_path / "elsewhere").write_text("secret", encoding="utf-8")
    (tree / "linked").write_text("own", encoding="utf-8")
    opened = os.open

    def open_(path: Path, *args: object) -> int:
        if path == tree / "linked" and not path.is_symlink():
            path.unlink()
            path.symlink_to(tmp_path / "elsewhere")
        return opened(path, *args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(os, "open", open_)
    with trio.fail_after(30):
        async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
            assert not (scratch.path / "linked").exists()
            assert "'linked' (changed meanwhile)" in told(scratch)


@needs.not_root
async def test_an_unreadable_file_or_directory_is_left_out(tree: Path) -> None:
    """It is of no use to the CLI either."""
    (tree / "closed").write_text("secret", encoding="utf-8")
    (tree / "closed").chmod(0)
    (tree / "shut").mkdir(mode=0)
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        assert "'closed' (unreadable)" in told(scratch)


async def test_an_unreadable_file_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for root, who is only told so by some file systems."""
    (tree / "closed").write_text("secret", encoding="utf-8")
    opened = os.open

    def open_(path: Path, *args: object) -> int:
        if path == tree / "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(os, "open", open_)
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        assert told(scratch) == "left out of the copy: 'closed' (unreadable)"


async def test_strange_names_are_copied_and_told_in_one_line(tree: Path) -> None:
    """Line breaks, bytes that are not UTF-8, what looks like an option."""
    names = ["two\nlines", os.fsdecode(b"not\xffutf8"), "-rf", "a b", "git~1", "ünï", ":(top)x"]
    for name in names:
        (tree / name).write_text("x", encoding="utf-8")
    os.mkfifo(tree / "odd\npipe")
    if (tree / ".git").exists():
        (tree / ".gitattributes").write_text(
            "* working-tree-encoding=UTF-32 eol=crlf\n", encoding="utf-8"
        )
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        assert set(names) <= set(names_in(scratch.path))
        assert "\n" not in told(scratch)
        (scratch.path / "new\nline").touch()
        (scratch.path / os.fsdecode(b"new\xff")).touch()
        changes = await scratch.changes()

    assert changes == [ascii("new\nline"), ascii(os.fsdecode(b"new\xff"))]
    assert all(each.isprintable() for each in changes)


def make_deep(place: Path, count: int, name: str = "d") -> None:
    """Directories in each other, made from within: no path is that long. A file in the first."""
    here = os.open(place, os.O_RDONLY)
    try:
        for number in range(count):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            if number in {0, count - 1}:
                os.close(os.open("f", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=here))
    finally:
        os.close(here)


async def test_a_deep_tree_is_copied_as_far_as_that_goes(tree: Path) -> None:
    """The rest is told."""
    make_deep(tree, MAX_DEPTH + 2)
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        assert (scratch.path / "d" / "f").exists()
        assert "too deep" in told(scratch)


async def test_a_copy_that_became_very_deep_is_looked_at_and_removed(tmp_path: Path) -> None:
    """Deeper than a stack and a path allow."""
    (tmp_path / "tree").mkdir()
    with trio.fail_after(60):
        async with open_scratch(str(tmp_path / "tree"), tmp_path / "scratch") as scratch:
            make_deep(scratch.path, DEEP, "deep")  # what a CLI may do
            changes = await scratch.changes()

    assert changes == ["deep/f"]
    assert names_in(tmp_path / "scratch") == []


async def test_what_a_cli_makes_unwritable_is_removed_all_the_same(tree: Path) -> None:
    """Modes of its own, links, special files."""
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        below = scratch.path / "x" / "y"
        below.mkdir(parents=True)
        (below / "f").touch(mode=0)
        (below / "to").symlink_to(tree)
        os.mkfifo(below / "pipe")
        below.chmod(0)
        below.parent.chmod(0)

    assert list((tree.parent / "scratch").iterdir()) == []
    assert (tree / "a.txt").exists()


async def test_a_link_into_the_tree_leads_into_the_copy(tree: Path) -> None:
    """Or a write through it would reach the tree; one that leads elsewhere is left as it is."""
    (tree / "sub").mkdir()
    for name, leads in {
        "sub/whole": tree / "a.txt",
        "near": Path("a.txt"),
        "away": Path("/nowhere/else"),
        "dir": Path("sub"),
    }.items():
        (tree / name).symlink_to(leads)
    async with open_scratch(str(tree), tree.parent / "scratch") as scratch:
        (scratch.path / "sub" / "whole").write_text("changed", encoding="utf-8")
        leads = {name: str((scratch.path / name).readlink()) for name in ("near", "away", "dir")}

    assert (tree / "a.txt").read_text(encoding="utf-8") == "a"
    assert leads == {"near": "a.txt", "away": "/nowhere/else", "dir": "sub"}


async def test_too_many_bytes_or_files_are_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read counts, not what a file said of its size before; nothing is left of the copy."""
    scratch = tree.parent / "scratch"
    for name, limit in (("MAX_BYTES", 0), ("MAX_FILES", 0)):
        with monkeypatch.context() as patch:
            patch.setattr(_scratch_copy, name, limit)
            with pytest.raises(Refusal) as caught:
                async with open_scratch(str(tree), scratch):
                    pytest.fail("it was copied")

        assert caught.value.code == "scratch_too_large"
        assert list(scratch.iterdir()) == []


async def test_a_full_disk_is_refused_with_its_words(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is no reason to leave a file out."""

    def write(_descriptor: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(Refusal, match="No space left on device") as caught:
        async with open_scratch(str(tree), tree.parent / "scratch"):
            pytest.fail("it was copied")

    assert caught.value.code == "machine_exhausted"
    assert "free space" in str(caught.value.hint)


def test_much_that_is_left_out_is_counted(tmp_path: Path) -> None:
    """A few by name, the rest by reason."""
    copying = Copying(tmp_path, tmp_path / "copy", tmp_path)
    copying.left_out += [(f"f{number}", "a socket") for number in range(30)]
    copying.left_out += [("g", "unreadable")]
    copying.notes.append("first")

    assert copying.told().startswith("first; left out of the copy: 'f0' (a socket), ")
    assert copying.told().endswith("'f9' (a socket) and 21 more (30 a socket, 1 unreadable)")


def test_names_of_repositories_and_of_outside_are_refused(tmp_path: Path) -> None:
    """Whoever wrote the list."""
    copying = Copying(tmp_path, tmp_path / "copy", tmp_path)
    names = [".git/config", "a/.GIT/config", "../x", "/etc/passwd", "a/../../x", ""]
    copying.run(names)

    assert [name for name, _ in copying.left_out] == names
    assert not (tmp_path / "copy").exists()


async def test_a_copy_shows_what_was_added_changed_and_removed(tmp_path: Path) -> None:
    """Links are copied as links, caches are not copied, the original stays as it was."""
    tree = tmp_path / "tree"
    (tree / "node_modules").mkdir(parents=True)
    (tree / "node_modules" / "big.js").write_text("x", encoding="utf-8")
    (tree / "sub").mkdir()
    for name in ("keep", "change", "remove"):
        (tree / "sub" / name).write_text(name, encoding="utf-8")
    (tree / "link").symlink_to("/etc/hostname")
    async with open_scratch(str(tree), tmp_path / "scratch") as scratch:
        assert await scratch.changes() == []
        assert (scratch.path / "link").is_symlink()
        assert not (scratch.path / "node_modules").exists()
        (scratch.path / "sub" / "change").write_text("changed!", encoding="utf-8")
        (scratch.path / "sub" / "remove").unlink()
        (scratch.path / "new").write_text("n", encoding="utf-8")

        assert await scratch.changes() == ["new", "sub/change", "sub/remove"]

    assert (tree / "sub" / "change").read_text(encoding="utf-8") == "change"
    assert not scratch.path.exists()


async def test_what_is_read_only_in_a_copy_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's objects are, and Windows removes no such file; what minds is played here."""

    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "object").write_text("x", encoding="utf-8")
    (tree / "sub" / "object").chmod(0o444)
    (tree / "sub" / "link").symlink_to("/etc/hostname")
    unlink = Path.unlink

    def unlink_as_there(path: Path) -> None:
        if not path.is_symlink() and not path.stat().st_mode & 0o200:
            raise PermissionError(path)
        unlink(path)

    monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_how: None)
    monkeypatch.setattr(Path, "unlink", unlink_as_there)
    async with open_scratch(str(tree), tmp_path / "scratch"):
        pass

    assert list((tmp_path / "scratch").iterdir()) == []
