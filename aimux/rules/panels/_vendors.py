"""Who made the model behind a seat: two seats of one vendor err together more often than two."""

import functools
import re
from typing import Final

from aimux.model import Profile

_FAMILIES: Final = (
    ("openai", r"gpt|o\d|codex|chatgpt"),
    ("anthropic", r"claude|sonnet|opus|haiku|fable"),
    ("google", r"gemini|gemma"),
    ("alibaba", r"qwen|qwq|coder-model"),
    ("deepseek", r"deepseek"),
    ("mistral", r"mistral|codestral|devstral|magistral|ministral|mixtral"),
    ("meta", r"llama|muse"),
    ("xai", r"grok"),
    ("moonshot", r"kimi|moonshot"),
    ("zhipu", r"glm"),
    ("minimax", r"minimax"),
)


@functools.cache
def _family() -> re.Pattern[str]:
    parts = "|".join(f"(?P<{name}>{names})" for name, names in _FAMILIES)
    return re.compile(rf"(?:{parts})(?![a-z])", re.IGNORECASE)


def vendor_of(profile: Profile, model: str = "") -> str:
    """The vendor of `model`, else of the profile's default one.

    Where a model's name does not tell, it is the CLI's own vendor, else the CLI's name.
    """
    named = (model or profile.model.default).rpartition("/")[2]
    found = _family().match(named)
    if found is not None and found.lastgroup is not None:
        return found.lastgroup
    return profile.vendor or profile.name
