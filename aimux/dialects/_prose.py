"""Plain text from a CLI that was asked for JSON: an older version, a flag it does not know.

Its text is the answer then, unless it is the beginning of a record or what a shell says of a
program that died.
"""

import re
from typing import Final

from ._answer import MAX_ANSWER_CHARS
from ._turn_state import TurnState

_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)")
_VALUE: Final = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"|\Z)|\s*\[\s*\Z')
_RECORD: Final = re.compile(
    r'^\s*(?:\[\s*)?\{.{0,200}?"(?:type|event|kind|subtype|msg|jsonrpc|role|session_?id|thread_id)"\s*:',
    re.IGNORECASE,
)
_DIED: Final = re.compile(
    r"(?:\S+: )?(?:line \d+: +)?(?:\d+ )?(?:segmentation fault|killed|aborted|terminated|bus error"
    r"|illegal instruction|trace/breakpoint trap|floating point exception)\b[^\n]{0,80}\s*",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"\w")


class Prose:
    """Lines of stdout, kept as long as none of them was a record."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._chars = 0

    def add(self, line: str) -> None:
        """Keep a line; the one that crosses the limit is kept too, so that the cut is seen."""
        if self._chars <= MAX_ANSWER_CHARS:
            self._lines.append(line)
            self._chars += len(line) + 1

    def take_back(self, line: str) -> None:
        """The line has a meaning of its own."""
        if self._lines and self._lines[-1] == line:
            self._chars -= len(self._lines.pop()) + 1

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines)


def take_prose(turn: TurnState, text: str) -> bool:
    """Make an answer of what should have been JSON; False where it is none.

    A text that holds a record, whole or torn, is no answer as it stands.
    """
    if not says_something(text) or _has_record(text):
        return False
    told = "JSON was asked for and plain text came: it is taken as the answer"
    answer_with(turn, text, told)
    return True


def says_something(text: str) -> bool:
    """Whether a text may be an answer: it has words, and is not what a shell says of a death."""
    return bool(_WORD.search(text)) and not _DIED.fullmatch(text.strip())


def answer_with(turn: TurnState, text: str, told: str) -> None:
    """Make an answer of a text that came otherwise than it should, and warn of it."""
    turn.forget_noise()
    turn.message(text.strip("\n"))
    turn.warn("plain_text", told)


def _has_record(text: str) -> bool:
    lines = text.strip().split("\n")
    if _VALUE.match(lines[0]):
        return True
    is_code = False
    for line in lines:
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and _RECORD.match(line):
            return True
    return False
