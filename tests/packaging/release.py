"""What a release is made of, from a tag: version, changelog, notes and checksums.

    python tests/packaging/release.py stamp v1.2.3 --commit SHA --day 2026-11-29 --repository O/N
    python tests/packaging/release.py changelog 1.2.3 --day 2026-11-29     # before the tag
    python tests/packaging/release.py notes 1.2.3                          # that section
    python tests/packaging/release.py checksums DIST

The tag is the version: `stamp` writes it, with the commit and the repository, into the sources that
are built, so that neither a checkout nor an unpacked source archive needs git. Standard library
only.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# as PEP 440 and semantic versions agree
TAG: Final = re.compile(r"v(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)")
VERSION_LINE: Final = re.compile(r'^__version__ = ".*"$', re.MULTILINE)
URL_LINE: Final = re.compile(r'^Repository = ".*"$', re.MULTILINE)
MARK: Final = re.compile(r"<!-- mcp-name: \S+ -->")  # the MCP registry asks a package whose it is
REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
KINDS: Final = {
    "feature": "New",
    "change": "Changed",
    "removal": "Removed",
    "fix": "Fixed",
    "doc": "Documentation",
}
UNRELEASED: Final = "Nothing is released yet."
SUMS: Final = "SHA256SUMS"


def version_of(tag: str) -> str:
    """The version that a tag names. Raises ValueError: it names none."""
    found = TAG.fullmatch(tag)
    if found is None:
        raise ValueError(f"{tag!r} is no tag like v1.2.3 or v1.2.3rc1")
    return found[1]


def stamp(root: Path, tag: str, commit: str, day: str, repository: str) -> str:
    """Write version, build and whose it is into the sources below `root`; the version.

    Without a repository, OWNER/NAME, the one that is there stays.

    Raises:
        ValueError: the tag or the repository is none, or a file has no place for it.
    """
    version = version_of(tag)
    _write_once(root / "aimux" / "__init__.py", VERSION_LINE, f'__version__ = "{version}"')
    (root / "aimux" / "build.txt").write_text(f"{commit[:12]} {day}\n", encoding="utf-8")
    if repository:
        if not REPOSITORY.fullmatch(repository):
            raise ValueError(f"{repository!r} is no repository like OWNER/NAME")
        url = f"https://github.com/{repository}"
        _write_once(root / "pyproject.toml", URL_LINE, f'Repository = "{url}"')
        _write_once(root / "README.md", MARK, f"<!-- mcp-name: io.github.{repository} -->")
    path = root / "server.json"
    entry = json.loads(path.read_text(encoding="utf-8"))
    entry["version"] = version
    for package in entry["packages"]:
        package["version"] = version
    if repository:
        entry["name"] = f"io.github.{repository}"
        entry["repository"]["url"] = url
    path.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return version


def _write_once(path: Path, pattern: re.Pattern[str], line: str) -> None:
    text, count = pattern.subn(line, path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{path} has {count} places for {line}, not one")
    path.write_text(text, encoding="utf-8")


def fragments(news: Path) -> dict[str, list[tuple[Path, str]]]:
    """The news by kind, numbers first. Raises ValueError: a file is of no known kind, or empty."""
    found: dict[str, list[tuple[Path, str]]] = {}
    for path in sorted(news.glob("*.md"), key=_order):
        kind = path.name.split(".")[-2]
        text = " ".join(path.read_text(encoding="utf-8").split())
        if kind not in KINDS or not text:
            raise ValueError(
                f"{path.name}: NAME.KIND.md with a sentence, kinds: {', '.join(KINDS)}"
            )
        found.setdefault(kind, []).append((path, text))
    return found


def _order(path: Path) -> tuple[bool, int, str]:
    name = path.name.partition(".")[0]
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, path.name


def section(version: str, day: str, news: Path) -> str:
    """The news as a section of the changelog."""
    found = fragments(news)
    parts = [f"## {version} ({day})"]
    for kind, title in KINDS.items():
        if kind in found:
            lines = "\n".join(f"- {text}" for _, text in found[kind])
            parts.append(f"### {title}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def with_section(changelog: str, made: str) -> str:
    """The changelog with a section above the others. Raises ValueError: it has that version."""
    head = made.partition("\n")[0]
    if re.search(rf"^{re.escape(head.partition(' (')[0])} ", changelog, re.MULTILINE):
        raise ValueError(f"the changelog has {head} already")
    before, mark, after = changelog.partition("\n## ")
    before = before.replace(UNRELEASED, "").rstrip()
    return f"{before}\n\n{made}" + (f"\n{mark.lstrip()}{after}" if mark else "")


def notes(changelog: str, version: str) -> str:
    """The section of a version without its heading. Raises ValueError: there is none."""
    found = re.search(
        rf"^## {re.escape(version)} \([^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise ValueError(f"the changelog has no section {version}: release.py changelog {version}")
    return found[1].strip() + "\n"


def checksums(directory: Path) -> str:
    """A line for each file below, as sha256sum writes them."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != SUMS)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(directory)}\n"
        for path in files
    )


def main(argv: Sequence[str]) -> int:
    """One step; 2 if it cannot be done."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("step", choices=("stamp", "changelog", "notes", "checksums"))
    options.add_argument("what", help="a tag, a version or a directory")
    options.add_argument("--commit", default="")
    options.add_argument("--day", default="")
    options.add_argument("--repository", default="")
    chosen = options.parse_args(argv)
    pages = ROOT / "docs" / "changelog.md"
    try:
        match chosen.step:
            case "stamp":
                print(stamp(ROOT, chosen.what, chosen.commit, chosen.day, chosen.repository))
            case "changelog":
                news = ROOT / "docs" / "news"
                made = section(chosen.what, chosen.day, news)
                pages.write_text(
                    with_section(pages.read_text(encoding="utf-8"), made), encoding="utf-8"
                )
                for found in fragments(news).values():
                    for path, _ in found:
                        path.unlink()
            case "notes":
                print(notes(pages.read_text(encoding="utf-8"), chosen.what), end="")
            case _:
                directory = Path(chosen.what)
                (directory / SUMS).write_text(checksums(directory), encoding="utf-8")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
