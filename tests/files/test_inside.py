"""New files below a directory: nothing is replaced, and no link leads out."""

import os
from pathlib import Path

import pytest

from aimux.files import inside
from aimux.files.inside import NotInside, write_new

PARTS = (".agent", "reports")


@pytest.fixture(params=["descriptors", "names"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways hold the same promises."""
    if request.param == "names":
        monkeypatch.setattr(inside, "HAS_DIR_FD", False)


def test_a_file_is_written_and_what_is_missing_is_made(tmp_path: Path) -> None:
    """The path that is returned leads to it."""
    path = write_new(tmp_path, PARTS, "report", ".md", b"text")

    assert path == tmp_path / ".agent" / "reports" / "report.md"
    assert path.read_bytes() == b"text"


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    """What was there stays as it is."""
    first, second, third = (write_new(tmp_path, PARTS, "r", ".md", bytes([n])) for n in range(3))

    assert [each.name for each in (first, second, third)] == ["r.md", "r-2.md", "r-3.md"]
    assert first.read_bytes() == b"\0"


@pytest.mark.parametrize("depth", [0, 1])
def test_a_link_on_the_way_is_refused(tmp_path: Path, depth: int) -> None:
    """Nothing is written where it leads."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    above = root.joinpath(*PARTS[:depth])
    above.mkdir(exist_ok=True)
    (above / PARTS[depth]).symlink_to(elsewhere, target_is_directory=True)

    with pytest.raises(NotInside):
        write_new(root, PARTS, "report", ".md", b"text")

    assert list(elsewhere.rglob("*")) == []


def test_a_link_of_the_file_s_own_name_is_not_followed(tmp_path: Path) -> None:
    """It counts as taken."""
    there = tmp_path / "elsewhere"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "r.md").symlink_to(there)
    path = write_new(tmp_path, ("a",), "r", ".md", b"text")

    assert (path.name, there.exists()) == ("r-2.md", False)


def test_a_file_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    """It is left alone."""
    (tmp_path / ".agent").write_text("mine", encoding="utf-8")

    with pytest.raises(NotInside):
        write_new(tmp_path, PARTS, "report", ".md", b"text")

    assert (tmp_path / ".agent").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b"])
def test_a_name_is_one_name(tmp_path: Path, name: str) -> None:
    """Of the file and of every directory."""
    with pytest.raises(NotInside):
        write_new(tmp_path, (name,), "report", ".md", b"")
    with pytest.raises(NotInside):
        write_new(tmp_path, PARTS, name, ".md", b"")

    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_names_run_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then that is said."""
    monkeypatch.setattr(inside, "MAX_SAME", 3)
    for _ in range(2):
        write_new(tmp_path, (), "r", ".md", b"")

    with pytest.raises(FileExistsError):
        write_new(tmp_path, (), "r", ".md", b"")
