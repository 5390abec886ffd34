"""A release: the tag is the version, the fragments are the changelog."""

import hashlib
from pathlib import Path

import pytest

from ..packaging.release import (
    ROOT,
    checksums,
    fragments,
    notes,
    section,
    stamp,
    version_of,
    with_section,
)


@pytest.mark.parametrize(
    "tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "v1.2.3.dev0", "va.b.c", "v1.2.3\n"]
)
def test_a_tag_that_is_no_version_is_refused(tag: str) -> None:
    """Before anything is built."""
    with pytest.raises(ValueError, match=r"no tag like v1\.2\.3"):
        version_of(tag)


def test_the_tag_becomes_version_and_build(tmp_path: Path) -> None:
    """In the sources that are built; and the package says whose it is to the MCP registry."""
    (tmp_path / "aimux").mkdir()
    init = tmp_path / "aimux" / "__init__.py"
    init.write_text('"""x"""\n\n__version__ = "0.1.0"\n', encoding="utf-8")
    readme = tmp_path / "README.md"
    readme.write_text("# aimux\n", encoding="utf-8")
    version = stamp(tmp_path, "v1.2.3rc1", "0123456789abcdef", "2026-11-29", "me/mine")
    stamp(tmp_path, "v1.2.3rc1", "0123456789abcdef", "2026-11-29", "me/mine")

    assert version == "1.2.3rc1"
    assert '__version__ = "1.2.3rc1"\n' in init.read_text(encoding="utf-8")
    build = tmp_path / "aimux" / "build.txt"
    assert build.read_text(encoding="utf-8") == "0123456789ab 2026-11-29\n"
    assert readme.read_text(encoding="utf-8").count("mcp-name: io.github.me/mine") == 1


def test_fragments_become_a_section_above_the_older_ones(tmp_path: Path) -> None:
    """Kinds in their order, numbers before names; the notes are that section."""
    for name, text in (
        ("10.feature", "Ten."), ("2.feature", "Two,\nfolded."), ("a.fix", "A."), ("b.change", "B."),
    ):  # fmt: skip
        (tmp_path / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    made = section("1.1.0", "2026-11-29", tmp_path)
    first = with_section(
        "# Changelog\n\nWords.\n\nNothing is released yet.\n", "## 1.0.0 (x)\n\nOld.\n"
    )
    both = with_section(first, made)

    assert first == "# Changelog\n\nWords.\n\n## 1.0.0 (x)\n\nOld.\n"
    assert both.startswith("# Changelog\n\nWords.\n\n## 1.1.0 (2026-11-29)\n")
    assert both.endswith("\n\n## 1.0.0 (x)\n\nOld.\n")
    assert notes(both, "1.1.0") == (
        "### New\n\n- Two, folded.\n- Ten.\n\n### Changed\n\n- B.\n\n### Fixed\n\n- A.\n"
    )
    assert notes(both, "1.0.0") == "Old.\n"
    with pytest.raises(ValueError, match="already"):
        with_section(both, made)
    with pytest.raises(ValueError, match="no section"):
        notes(both, "9.9.9")


def test_the_fragments_here_can_be_released() -> None:
    """Each has a kind and a sentence."""
    assert fragments(ROOT / "docs" / "news")


def test_checksums_are_those_of_the_files(tmp_path: Path) -> None:
    """As sha256sum checks them; the list itself is not in it."""
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "SHA256SUMS").write_text("old", encoding="utf-8")

    assert checksums(tmp_path) == f"{hashlib.sha256(b'a').hexdigest()}  a\n"
