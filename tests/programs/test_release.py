"""A release: the tag is the version, the fragments are the changelog."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest
import ruamel.yaml

from ..packaging.make_bundles import GITHUB, repository_of, server_json
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

STAMPED = ("aimux/__init__.py", "pyproject.toml", "README.md", "server.json")


@pytest.mark.parametrize(
    "tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "v1.2.3.dev0", "va.b.c", "v1.2.3\n"]
)
def test_a_tag_that_is_no_version_is_refused(tag: str) -> None:
    """Before anything is built."""
    with pytest.raises(ValueError, match=r"no tag like v1\.2\.3"):
        version_of(tag)


def copied(root: Path) -> Path:
    """The files that a release writes into, as they are here."""
    for name in STAMPED:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
    return root


def whose(root: Path) -> set[str]:
    """Every repository that the files name as the project's own."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    entry = json.loads((root / "server.json").read_text(encoding="utf-8"))
    mark = re.findall(r"mcp-name: io\.github\.(\S+) -->", (root / "README.md").read_text("utf-8"))
    named = [*urls.values(), entry["repository"]["url"], f"{GITHUB}{entry['name'][10:]}"]
    return {each.removeprefix(GITHUB) for each in named} | set(mark)


def test_the_tag_becomes_version_build_and_owner(tmp_path: Path) -> None:
    """In the sources that are built, wherever they say it; twice is as once."""
    root = copied(tmp_path)
    before = whose(root)
    for _ in range(2):
        version = stamp(root, "v1.2.3rc1", "0123456789abcdef", "2026-11-29", "Some-Owner/mine.2")
    entry = json.loads((root / "server.json").read_text(encoding="utf-8"))

    assert len(before) == 1
    assert version == "1.2.3rc1"
    assert '__version__ = "1.2.3rc1"\n' in (root / STAMPED[0]).read_text(encoding="utf-8")
    build = root / "aimux" / "build.txt"
    assert build.read_text(encoding="utf-8") == "0123456789ab 2026-11-29\n"
    assert whose(root) == {"Some-Owner/mine.2"}
    assert repository_of(root) == "Some-Owner/mine.2"
    assert entry == server_json("1.2.3rc1", "Some-Owner/mine.2")


def test_who_releases_from_elsewhere_says_a_repository(tmp_path: Path) -> None:
    """None leaves what is there; what is none, or a file without a place for it, is refused."""
    root = copied(tmp_path)
    before = whose(root)
    stamp(root, "v1.2.3", "", "", "")

    assert whose(root) == before
    with pytest.raises(ValueError, match="no repository like OWNER/NAME"):
        stamp(root, "v1.2.3", "", "", "mine")
    (root / "README.md").write_text("# aimux\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md has 0 places"):
        stamp(root, "v1.2.3", "", "", "me/mine")


def test_the_workflow_releases_as_itself() -> None:
    """It stamps with its own repository before it builds, and takes what was built from there."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs = ruamel.yaml.YAML(typ="safe").load(text)["jobs"]
    steps = [step.get("run", "") for step in jobs["build"]["steps"]]
    stamps = [run for job in jobs.values() for step in job["steps"]
              if "release.py stamp" in (run := step.get("run", ""))]  # fmt: skip
    built = next(at for at, run in enumerate(steps) if run == "nox -s wheel")
    taken = re.findall(r"\.nox/(\w+)/(\S+)", text)

    assert len(stamps) == 2
    assert all('--repository "$GITHUB_REPOSITORY"' in run for run in stamps)
    assert any("release.py stamp" in run for run in steps[:built])
    assert 'nox -s bundles -- dist --repository "$GITHUB_REPOSITORY"' in steps
    assert taken == [("wheel", "own/dist/*")]  # where noxfile.place_of has it
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert 'location).resolve() / "own"' in noxfile
    assert 'dist = place_of(session) / "dist"' in noxfile


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
