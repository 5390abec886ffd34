"""What a text is about, by the words of a skill's table. Whole words: `latest` is no `test`."""

import re
from typing import Final

from ._files import Skill

MAX_CHARS: Final = 4_000  # what a text is about stands at its beginning
_WORD: Final = re.compile(r"[^\W_]+")


def kind_of(skill: Skill, text: str) -> str:
    """The first kind of the skill's table with a word that is in `text`; empty if none is."""
    words = {_singular(word) for word in _WORD.findall(text[:MAX_CHARS].casefold())}
    for kind, known in skill.kinds.items():
        if any(_singular(word) in words for word in known):
            return kind
    return ""


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word
