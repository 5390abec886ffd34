"""What a driver's answer holds besides prose: a diff, and reasons against a rejection."""

import re
from collections.abc import Mapping
from typing import Final

from aimux.rules import shorten

MAX_REASON: Final = 2_000  # characters of a contest
_FENCE: Final = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[\w-]*)[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_START: Final = re.compile(r"^(?:diff --git \S|--- (?:a/|/dev/null|\S+\n\+\+\+ ))", re.MULTILINE)
_CHANGE: Final = re.compile(r"^(?:@@ |diff --git )", re.MULTILINE)
_CONTEST: Final = re.compile(
    r"^[ \t>*-]*CONTEST[ \t]+(?:hunk[ \t]+)?(\d{1,6})[ \t]*:[ \t]*(\S.*)$", re.MULTILINE
)
_DIFF_INFO: Final = frozenset({"diff", "patch", "udiff"})


def find_diff(answer: str) -> str:
    """The diff that an answer holds, empty without one.

    That is its fenced diffs one after the other, else what looks like one up to the end. One that
    names files and changes nothing in them, as tools show what they have written twice, is none.
    """
    blocks = [
        found["body"]
        for found in _FENCE.finditer(answer)
        if found["info"].lower() in _DIFF_INFO or _START.match(found["body"])
    ]
    start = _START.search(answer)
    found = "".join(blocks) or (answer[start.start() :] if start is not None else "")
    return found if _CHANGE.search(found) else ""


def find_contests(answer: str) -> Mapping[int, str]:
    """Why a driver holds rejected hunks to be right, by number: lines `CONTEST 2: reason`."""
    return {
        int(found[1]): shorten(found[2].strip(), MAX_REASON) for found in _CONTEST.finditer(answer)
    }
