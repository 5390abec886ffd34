"""How much there is to think about: the score of the reference, and a policy of our own.

The score is kept as it was, so that figures compare. It can hardly ever ask for several models: a
text alone reaches 36 of 60. `recommended` therefore also goes by the text's own complexity and by
words that say much is at stake, and never names what a pattern cannot do.
"""

import re
from collections.abc import Mapping
from typing import Final

from ._analysis import complexity_of
from ._fields import Json
from ._words import listed

THRESHOLD: Final = 60
SOLO_BIAS: Final = -50  # of a pattern without a dialog profile
FULL_TEXT: Final = 500  # characters
MAX_DEPTH: Final = 5
SCANNED: Final = 10  # members of a level

TEXTS: Final = listed(
    "problem issue decision topic task thought problemDefinition observation question modelName"
    " approachName domainName timeFrame"
)
LISTS: Final = listed(
    "options criteria subProblems dependencies risks assumptions alternatives premises"
    " counterarguments claims biases entities relationships states events transitions personas"
    " contributions evidence stakeholders fallacies uncertainties elements rules constraints"
)
_STAKES: Final = re.compile(
    r"\b(?:irreversible|irrevocable|migrat\w+|rewrite|security|production|legal|complian\w+"
    r"|customer data|outage|safety|data loss|privacy)\b",
    re.IGNORECASE,
)


def score(fields: Mapping[str, object], bias: int | None, threshold: int = THRESHOLD) -> Json:
    """Total and components of the input; `bias` is the pattern's, None for a solo one."""
    longest = items = deepest = 0
    for name, value in fields.items():
        if isinstance(value, str):
            if name in TEXTS and len(value) > longest:
                longest = len(value)
        else:
            if name in LISTS and isinstance(value, list):
                items += len(value)
            deepest = max(deepest, _depth(value))
    text_length = min(100, _round(longest / FULL_TEXT * 100))
    sub_items = min(100, 10 * items)
    depth = min(100, 25 * deepest)
    pull = SOLO_BIAS if bias is None else bias
    total = _round(0.3 * text_length + 0.3 * sub_items + 0.2 * depth + 0.2 * pull)
    return {
        "total": max(0, min(100, total)),
        "threshold": threshold,
        "components": {
            "textLength": text_length,
            "subItemCount": sub_items,
            "structuralDepth": depth,
            "patternBias": pull,
        },
    }


def recommended(
    fields: Mapping[str, object], bias: int | None, total: int, threshold: int = THRESHOLD
) -> tuple[str, str]:
    """`solo` or `consensus`, and why."""
    if bias is None:
        return "solo", "the pattern has no profile for several models"
    if total >= threshold:
        return "consensus", f"complexity {total} of {threshold}"
    text = " ".join(each for each in fields.values() if isinstance(each, str))
    stakes = _STAKES.search(text)
    if stakes:
        return "consensus", f"much is at stake: {stakes.group().lower()}"
    level = complexity_of(text)
    if level in ("high", "epic"):
        return "consensus", f"the text is of {level} complexity"
    return "solo", f"complexity {total} of {threshold}"


def _depth(value: object, level: int = 0) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if level >= MAX_DEPTH or not isinstance(value, list):
        return 0
    return 1 + max([_depth(each, level + 1) for each in value[:SCANNED]], default=0)


def _round(value: float) -> int:
    """Half away from zero, as the reference does."""
    return int(value + 0.5) if value >= 0 else -int(-value + 0.5)
