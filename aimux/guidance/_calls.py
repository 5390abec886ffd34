"""What policies are made of: entries of `next`, and the guidance around them."""

from collections.abc import Mapping, Sequence
from typing import Final

Json = Mapping[str, object]
Call = dict[str, object]
Guidance = dict[str, object]

LONG_POLL_S: Final = 45  # below the 60 s at which most clients cut a call
MAX_CHARS: Final = 4_000  # of the caller's own words that are repeated in a call


def call(tool: str, when: str, /, **arguments: object) -> Call:
    """A call that can be sent as it stands; `when` says what speaks for it."""
    return {"tool": tool, "arguments": arguments, "when": when}


def guidance(state: str, following: Sequence[Call], do_not: Sequence[str] = ()) -> Guidance:
    """What an answer says of what is next; a call that stands twice is told once."""
    seen: list[Call] = []
    for each in following:
        if not any(_is_same(each, known) for known in seen):
            seen.append(each)
    return {"state": state, "next": seen, "do_not": list(do_not)}


def _is_same(one: Json, other: Json) -> bool:
    return (one["tool"], one["arguments"]) == (other["tool"], other["arguments"])


def part(data: Json, key: str) -> Json:
    """A mapping of a payload; empty if it is none."""
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def rows(value: object) -> list[Json]:
    """The mappings of a list; none if it is no list."""
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [each for each in found if isinstance(each, Mapping)]


def texts(value: object) -> list[str]:
    """The items of a list as texts; none if it is no list."""
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [str(each) for each in found]


def is_repeatable(words: object) -> bool:
    """Whether the caller's own words may stand in a call again: whole, and not too long."""
    return isinstance(words, str) and bool(words.strip()) and len(words) <= MAX_CHARS
