"""Look into a source archive: `python tests/packaging/check_sdist.py DIST/aimux_mcp-….tar.gz`.

Whoever unpacks it has a README that names commands and pages: they must be there. Prints what is
wrong and exits 1, or prints one line. Uses the standard library only.
"""

import posixpath
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# what `make demo` and `make test`, the README's first words, begin with
NEEDED = ("LICENSE", "Makefile", "README.md", "noxfile.py", "pyproject.toml", "requirements.lock")
ODD = ("__pycache__", ".pyc", ".DS_Store", ".orig", ".rej", ".swp")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PREREQUISITES = re.compile(r"^\$\(STAMP\): (.+)$", re.MULTILINE)


def problems(texts: Mapping[str, str]) -> list[str]:
    """What is wrong with an archive of these members; the text of those that are read."""
    found = [f"missing: {name}" for name in NEEDED if name not in texts]
    found += [f"odd: {name}" for name in texts if any(mark in name for mark in ODD)]
    for name in PREREQUISITES.findall(texts.get("Makefile", "")):
        found += [f"missing: {each}, of the Makefile" for each in name.split() if each not in texts]
    for page in sorted(texts):
        if page.endswith(".md"):
            found += [f"missing: {each}, that {page} leads to" for each in _dead(page, texts)]
    return found


def _dead(page: str, texts: Mapping[str, str]) -> Iterator[str]:
    for link in LINK.findall(_without_code(texts[page])):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
        is_there = target in texts or any(name.startswith(f"{target}/") for name in texts)
        if ":" not in link and not is_there:
            yield target


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def read(path: Path) -> dict[str, str]:
    """The members of an archive without its top directory, and the text of those that are read."""
    texts = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            name = member.name.partition("/")[2]
            file = archive.extractfile(member) if member.isfile() else None
            is_read = name in NEEDED or name.startswith("docs/")
            if file is not None:
                texts[name] = file.read().decode() if is_read else ""
    return texts


def main(argv: list[str]) -> int:
    """Check the archive named first."""
    if len(argv) != 1:
        print("usage: check_sdist.py ARCHIVE", file=sys.stderr)
        return 2
    texts = read(Path(argv[0]))
    found = problems(texts)
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{Path(argv[0]).name}: {len(texts)} members, nothing is missing")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
