"""A way in which an error reads, and whether a text has it."""

import functools
import re
from collections.abc import Iterable
from typing import Final

import attrs

from aimux.model import FailureClass

ORDER: Final = (  # in which classes are tried
    FailureClass.QUOTA,
    FailureClass.MODEL_UNAVAILABLE,
    FailureClass.AUTH,
    FailureClass.TRANSIENT,
    FailureClass.USAGE,
    FailureClass.FATAL,
)
_STATUS: Final = (
    r"\b(?:https?(?:/[\d.]+)?|status(?:[ _]?code)?|error(?: code)?|code|rejected)"
    r"[\"']?[ :=(\[]{1,4}[\"']?"
)


@attrs.frozen
class Sign:
    """A general pattern, in lower case."""

    failure_class: FailureClass
    code: str
    # words apart by |, one of which must be there for the pattern to be worth trying; none for a
    # pattern that is worth it in every text that is not English
    clues: str
    pattern: str


def status(*numbers: str) -> str:
    """A pattern of HTTP statuses, where they are said to be statuses."""
    return rf"{_STATUS}(?:{'|'.join(numbers)})\b(?![.,]?\d)"


def any_clue(signs: Iterable[Sign]) -> re.Pattern[str]:
    """What an English text holds if any of the signs is worth looking for: most hold nothing."""
    clues = {clue for sign in signs for clue in sign.clues.split("|") if clue}
    return re.compile("|".join(map(re.escape, sorted(clues))))


def is_there(sign: Sign, lowered: str) -> bool:
    """Whether the folded lower-case text shows the sign."""
    if sign.clues:
        is_worth_it = any(clue in lowered for clue in sign.clues.split("|"))
    else:
        is_worth_it = not lowered.isascii()
    return is_worth_it and _compiled(sign).search(lowered) is not None


@functools.cache
def _compiled(sign: Sign) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile(sign.pattern)
