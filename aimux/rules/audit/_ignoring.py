"""Which files of a tree belong to an audit: what is ignored, what is wanted."""

import fnmatch
from collections.abc import Sequence


def read_ignored(text: str) -> list[str]:
    """The patterns of a .gitignore that can be told without git: no exceptions (`!`)."""
    lines = [line.rstrip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "!"))]


def is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether any pattern names the file or a directory above it, as .gitignore means them."""
    parts = path.split("/")
    for pattern in patterns:
        is_rooted = "/" in pattern.rstrip("/")
        bare = pattern.strip("/")
        if is_rooted:
            above = ["/".join(parts[: at + 1]) for at in range(len(parts))]
            if any(fnmatch.fnmatchcase(each, bare) for each in above):
                return True
        elif any(fnmatch.fnmatchcase(part, bare) for part in parts):
            return True
    return False


def is_wanted(path: str, patterns: Sequence[str]) -> bool:
    """Whether a file is one of those that patterns name; without patterns all are."""
    if not patterns:
        return True
    return any(
        fnmatch.fnmatchcase(path, pattern)
        or path.startswith(pattern.removesuffix("*").rstrip("/") + "/")
        or fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
        for pattern in patterns
    )
