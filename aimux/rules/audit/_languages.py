"""The language of a file: by the end of its name, else by its first line."""

import posixpath
import re
from typing import Final

BY_SUFFIX: Final = {
    ".py": "python", ".pyi": "python", ".pyw": "python",
    ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "javascript", ".mts": "javascript", ".cts": "javascript", ".tsx": "javascript",
    ".go": "go",
    ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".ksh": "shell",
}  # fmt: skip
_INTERPRETERS: Final = (
    (re.compile(r"#!.*\bpython[\d.]*\b"), "python"),
    (re.compile(r"#!.*\b(?:node|deno|bun)\b"), "javascript"),
    (re.compile(r"#!.*\b(?:ba|da|z|k)?sh\b"), "shell"),
)


def language_of(path: str, text: str) -> str:
    """`python`, `javascript` (TypeScript too), `go` or `shell`; empty for anything else."""
    suffix = posixpath.splitext(path.replace("\\", "/"))[1].lower()
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if suffix:
        return ""
    first = text[:200].partition("\n")[0]
    return next((name for pattern, name in _INTERPRETERS if pattern.match(first)), "")
