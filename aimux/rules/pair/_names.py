"""Names of files in a diff: as git quotes them, and none that leads out of the tree."""

import re
from typing import Final

_ESCAPE: Final = re.compile(r'\\([abfnrtv"\\]|[0-7]{3})')
_LETTERS: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, '"': 34, "\\": 92}
_DRIVE: Final = re.compile(r"[A-Za-z]:")
MAX_NAME: Final = 4_096


class DiffFault(Exception):
    """A text is not a diff that can be used; `excerpt` quotes where."""

    def __init__(self, why: str, *, excerpt: str = "") -> None:
        super().__init__(why)
        self.excerpt = excerpt


def unquoted(name: str) -> str:
    """A name as it is: git quotes those with strange characters."""
    if len(name) < 2 or not name.startswith('"') or not name.endswith('"'):
        return name
    parts: list[bytes] = []
    at = 0
    inner = name[1:-1]
    for found in _ESCAPE.finditer(inner):
        parts.append(inner[at : found.start()].encode("utf-8", "surrogateescape"))
        code = found[1]
        parts.append(bytes([_LETTERS[code] if code in _LETTERS else int(code, 8) & 255]))
        at = found.end()
    parts.append(inner[at:].encode("utf-8", "surrogateescape"))
    return b"".join(parts).decode("utf-8", "surrogateescape")


def quoted(name: str) -> str:
    """A name as git reads it back."""
    if all(" " <= char <= "~" and char not in '"\\' for char in name):
        return name
    data = name.encode("utf-8", "surrogateescape")
    shown = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\{byte:03o}" for byte in data
    )
    return f'"{shown}"'


def header_names(text: str) -> tuple[str, str]:
    """Both names behind `diff --git`, without `a/` and `b/`.

    Where they differ and nothing is quoted, the line alone cannot tell where one ends: then it is
    cut at the first ` b/`, and lines that follow have the last word.

    Raises:
        DiffFault: they are not there.
    """
    text = text.removesuffix("\r")
    if text.startswith('"'):
        end = re.match(r'"(?:[^"\\]|\\.)*"', text)
        if end is None:
            raise DiffFault("a quoted name without an end", excerpt=text)
        first, second = end[0], text[end.end() + 1 :]
    elif text.endswith('"'):
        at = text.find(' "')
        first, second = text[:at], text[at + 1 :]
    else:
        half = len(text) // 2
        first, second = text[:half], text[half + 1 :]
        if first.removeprefix("a/") != second.removeprefix("b/"):
            first, mark, rest = text.partition(" b/")
            second = mark[1:] + rest
    old, new = unquoted(first), unquoted(second)
    if not old.startswith("a/") or not new.startswith("b/"):
        raise DiffFault("names behind `diff --git` begin with a/ and b/", excerpt=text)
    return old[2:], new[2:]


def checked_name(name: str) -> str:
    """The name, if a file of the tree may be called so.

    Raises:
        DiffFault: it leads out of the tree, or into a repository.
    """
    parts = name.split("/")
    if not name or name.startswith("/") or _DRIVE.match(name) or len(name) > MAX_NAME:
        raise DiffFault(f"{name!r} is no name inside the tree")
    if any(part in ("", ".", "..") for part in parts) or "\0" in name:
        raise DiffFault(f"{name!r} leads out of the tree")
    if any(part.rstrip(". ").lower() in (".git", "git~1") for part in parts):
        raise DiffFault(f"{name!r} is part of a repository")
    return name
