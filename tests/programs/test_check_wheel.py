"""The check of a wheel finds what it is for."""

from pathlib import Path

import pytest

from ..packaging.check_wheel import problems

METADATA = "Name: aimux-mcp\nLicense-Expression: MIT\nRequires-Python: >=3.11\n\nWhat it is.\n"
SCRIPTS = "[console_scripts]\naimux = aimux.__main__:main\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of each kind."""
    for name in ("aimux/__init__.py", "profiles/x/profile.yaml", "prompts/r.md", "emulators/e.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return tmp_path


GOOD = (
    "aimux/__init__.py",
    "aimux/py.typed",
    "aimux/_data/profiles/x/profile.yaml",
    "aimux/_data/prompts/r.md",
    "aimux/_data/emulators/e.py",
    "aimux_mcp-1.dist-info/METADATA",
)


def test_a_good_wheel_has_no_problem(checkout: Path) -> None:
    """All data and code are in it."""
    assert problems(GOOD, checkout, METADATA, SCRIPTS) == []


@pytest.mark.parametrize("member", GOOD[:-1])
def test_each_missing_file_is_named(checkout: Path, member: str) -> None:
    """Code, data and the typing mark."""
    found = problems([each for each in GOOD if each != member], checkout, METADATA, SCRIPTS)

    assert found == [f"missing: {member}"]


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ("tests/test_x.py", "outside the package: tests/test_x.py"),
        ("aimux/core.1234", "of an unknown kind: aimux/core.1234"),
        ("aimux/a.py.orig", "odd: aimux/a.py.orig"),
    ],
)
def test_what_does_not_belong_is_named(checkout: Path, member: str, problem: str) -> None:
    """Strays of an editor, of the build, of the checkout."""
    assert problem in problems([*GOOD, member], checkout, METADATA, SCRIPTS)


def test_wrong_metadata_is_named(checkout: Path) -> None:
    """The name on the index and the command are promises."""
    found = problems(GOOD, checkout, METADATA.replace("aimux-mcp", "aimux"), "")

    assert found == ["metadata: Name is 'aimux', not 'aimux-mcp'", "no command aimux: ''"]
