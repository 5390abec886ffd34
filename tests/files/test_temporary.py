"""Temporary files have an owner on disk: what a dead one left is found and removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimux.files.temporary import (
    ANCIENT_S,
    leftovers,
    owned_directory,
    remove_leftovers,
    remove_tree,
)

from .. import needs

KILLED = """
import os, signal, sys
from pathlib import Path
from aimux.files.temporary import owned_directory
with owned_directory(Path(sys.argv[1]), "dead", "word") as path:
    (path / "prompt-1.md").write_text("a secret plan", encoding="utf-8")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_directory_goes_with_its_owner(tmp_path: Path) -> None:
    """Whatever is in it; while it is there nobody takes it for left over."""
    root = tmp_path / "tmp"
    with owned_directory(root, "mine", "word") as path:
        (path / "file").write_bytes(b"x")
        mode = path.stat().st_mode & 0o777
        seen, gone = leftovers(root), remove_leftovers(root)

        assert (seen, gone) == ([], 0)
        assert (path / "file").exists()

    assert mode == 0o700 or os.name == "nt"
    assert list(root.iterdir()) == []


@pytest.mark.slow
@needs.posix
def test_what_a_killed_owner_left_is_found_and_removed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    (left,) = leftovers(tmp_path)

    assert (left.path, left.word, left.size_bytes) == (tmp_path / "dead", "word", 13)
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_owner_goes_when_it_is_old(tmp_path: Path) -> None:
    """Earlier versions wrote no lock files; a turn of one may still run."""
    for name, age_s in (("prompt-new.md", 0), ("prompt-old.md", ANCIENT_S + 60)):
        path = tmp_path / name
        path.write_bytes(b"x")
        then = path.stat().st_mtime - age_s
        os.utime(path, (then, then))

    assert [each.path.name for each in leftovers(tmp_path, tmp_path / "none")] == ["prompt-old.md"]
    assert remove_leftovers(tmp_path) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["prompt-new.md"]


@needs.modes
@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_directories_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with owned_directory(tmp_path / "state" / "tmp", "mine", "word") as path:
            modes = {each.stat().st_mode & 0o777 for each in (path, *path.parents[:2])}
    finally:
        os.umask(before)

    assert modes == {0o700}


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with (
        owned_directory(tmp_path, "mine", "one"),
        pytest.raises(FileExistsError),
        owned_directory(tmp_path, "mine", "two"),
    ):
        pass


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(kept)

    remove_tree(link)
    remove_tree(tmp_path / "nothing")

    assert not os.path.lexists(link)
    assert (kept / "file").exists()
