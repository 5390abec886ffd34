"""Directories that are no project."""

from pathlib import Path

import pytest

from aimux.rules import is_too_wide


@pytest.mark.parametrize(
    ("directory", "is_wide"),
    [(Path.home().anchor, True), ("home", True), ("home/project", False), ("", False)],
)
def test_root_and_home_are_too_wide(tmp_path: Path, directory: str, is_wide: bool) -> None:
    """What is in a home directory is not, nor is what the home directory is in."""
    assert is_too_wide(str(tmp_path / directory), str(tmp_path / "home")) is is_wide
    assert is_too_wide(Path.home().anchor, "")
