"""What an answer asks for: a CLI that may only read, and would rather write."""

import re
from typing import Final

TAIL_CHARS: Final = 800  # of an answer: an offer stands at its end
_DO: Final = (
    r"(?:apply|make|implement|write|create|edit|fix|proceed|update|go\ ahead|save|add|change|"
    r"patch|do\ (?:that|this|it|so))\b"
)
_CANNOT: Final = (
    r"(?:can(?:not|'t|\u2019t)|could\ ?n[o'\u2019]t|unable\ to|not\ (?:able|allowed|permitted)\ to)"
)
_WRITING: Final = r"(?:write|edit|modify|create|change|save|apply|patch)"
_OFFER: Final = re.compile(
    rf"""
    \b(?:would|do)\ you\ (?:like|want)\ me\ to\ (?:\w+\ ){{0,3}}{_DO}
    | \b(?:shall|should|may|can)\ I\ (?:\w+\ )?{_DO}
    | \b(?:let\ me\ know|tell\ me|say\ (?:so|the\ word))\b.{{0,60}}\b{_DO}
    | \b(?:read-only|plan)\ (?:mode|sandbox|access).{{0,120}}?\b{_CANNOT}
    | \b{_CANNOT}\ (?:\w+\ ){{0,3}}{_WRITING}\b.{{0,120}}?\b(?:read-only|plan\ mode|permission)
    | \b(?:exit|leave|switch\ out\ of)\ (?:the\ )?(?:plan|read-only)\ mode
    | \b(?:grant|give|need|without)\b.{{0,30}}\bwrite\ (?:access|permission)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def wants_to_write(answer: str) -> bool:
    """Whether the end of an answer offers to change files, or regrets that it could not."""
    return _OFFER.search(" ".join(answer[-TAIL_CHARS:].split())) is not None
