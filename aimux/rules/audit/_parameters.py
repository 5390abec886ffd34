"""What a rule's matcher says, key by key, and the faults of one who wrote it."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.errors import SetupFault

MAX_PATTERN_CHARS: Final = 2_000


class RuleFault(SetupFault):
    """A rule cannot be used as it is written; `key` is the part that is wrong."""

    default_code = "audit_rule"

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.what = message
        self.key = key


@attrs.frozen
class Parameters:
    """The keys of a matcher, read by type. Each raises RuleFault where a value is of another."""

    values: Mapping[str, object]

    def words(self, key: str) -> Sequence[str]:
        """A list of texts, or one text; none where it is not given."""
        value = self.values.get(key, [])
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise RuleFault(f"{key} is not a list of texts", key=key)

    def word(self, key: str) -> str:
        """One text; empty where it is not given."""
        value = self.values.get(key, "")
        if isinstance(value, str):
            return value
        raise RuleFault(f"{key} is not a text", key=key)

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.values.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise RuleFault(f"{key} is not a whole number", key=key)

    def flag(self, key: str) -> bool:
        """True or false; false where it is not given."""
        value = self.values.get(key, False)
        if isinstance(value, bool):
            return value
        raise RuleFault(f"{key} is not true or false", key=key)

    def several(self, key: str) -> Mapping[str, Sequence[str]]:
        """A map of texts to lists of texts."""
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise RuleFault(f"{key} is not a map", key=key)
        return {str(name): Parameters(value).words(name) for name in value}

    def pattern(self, key: str) -> re.Pattern[str] | None:
        """A regular expression, whatever the case of letters; None where it is not given."""
        text = self.word(key)
        return compiled(text, key) if text else None


def compiled(text: str, key: str) -> re.Pattern[str]:
    """A regular expression, whatever the case of letters.

    Raises:
        RuleFault: it is none, or too long.
    """
    if len(text) > MAX_PATTERN_CHARS:
        raise RuleFault(f"a pattern has over {MAX_PATTERN_CHARS} characters", key=key)
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise RuleFault(f"{text!r} is not a regular expression: {error}", key=key) from error
