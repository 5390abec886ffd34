"""Text of others inside a prompt: data between fences that it cannot close, within a budget.

Whoever puts such text into a prompt says before it that it is quoted and no instruction.
"""

import re
from collections.abc import Sequence
from typing import Final

from ._redact import harmless

CUT_MARK: Final = "[… {chars} characters cut …]"
_LEAST_SHARE: Final = 200  # characters that every text keeps, whatever the budget


def fence_for(*texts: str) -> str:
    """A fence that none of these texts closes."""
    longest = max((len(run) for text in texts for run in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)


def fenced(text: str) -> str:
    """The text between fences, without what a terminal or a reader would act on."""
    text = harmless(text).strip("\n")
    fence = fence_for(text)
    return f"{fence}\n{text}\n{fence}"


def on_one_line(text: str) -> str:
    """A text without line breaks, with one space where there was white space."""
    return " ".join(text.split())


def shorten(text: str, max_chars: int) -> str:
    """At most about `max_chars` of a text: beginning and end, and how much is cut between."""
    if len(text) <= max_chars:
        return text
    head = max_chars * 2 // 3
    tail = max_chars - head
    mark = CUT_MARK.format(chars=len(text) - head - tail)
    return f"{text[:head]}\n{mark}\n{text[len(text) - tail :]}"


def share_out(texts: Sequence[str], max_chars: int) -> list[str]:
    """The texts within a common budget: short ones whole, long ones cut to equal shares."""
    room, left = max_chars, len(texts)
    share: dict[int, int] = {}
    for index in sorted(range(len(texts)), key=lambda each: len(texts[each])):
        share[index] = max(_LEAST_SHARE, room // left)
        room -= min(len(texts[index]), share[index])
        left -= 1
    return [shorten(text, share[index]) for index, text in enumerate(texts)]
