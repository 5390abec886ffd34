"""What a pattern gives, whole: figures, words, what is missing, what follows. Read by a person."""

import json
from typing import Any

import attrs
import pytest

from aimux.think import PATTERNS
from aimux.think._fields import dump

from ..golden import pinned
from .by_hand import CASES as BY_HAND
from .cases import CASES
from .helpers import Json, fields, steps
from .more_cases import MORE

NO_TEXT = {"stochastic_algorithm"}  # whose first field is one of some words
WORDS = (
    "Choose a database for Billing: Postgres or MySQL? It must not lose data. Who pays?",
    "Tea",
)


def given_to(name: str) -> list[list[Json]]:
    """The steps of all cases of a pattern, and two texts alone, which are only begun with."""
    case: Json = {**CASES, **MORE}[name]
    texts = [each for each in fields(name) if "." not in each][:1]
    begun = [[{texts[0]: words}] for words in WORDS] if takes_text(name, texts[0]) else []
    whole = [[*case.get("before", []), case["base"]]]
    return [*(given for each, given, _ in BY_HAND if each == name), *whole, *begun]


def takes_text(name: str, field: str) -> bool:
    """Whether the first field of a pattern is a text."""
    case: Json = {**CASES, **MORE}[name]
    first: Json = next(
        (each for each in (*case.get("before", []), case["base"]) if field in each), {}
    )
    return name not in NO_TEXT and isinstance(first.get(field), str)


@pytest.mark.parametrize("name", PATTERNS)
def test_what_a_pattern_gives_is_as_reviewed(name: str, update_golden: bool) -> None:
    """Each case: what goes in, then every part of what comes out, a line each."""
    lines: list[str] = []
    for given in given_to(name):
        lines += ["", *(f"> {line(each)}" for each in given)]
        result = steps(name, *given).result
        shown: Any = dump(result.data)
        lines += [f"{key}: {line(value)}" for key, value in shown.items()]
        for part in ("summary", "warnings", "missing", "gate", "blocked", "following"):
            value = getattr(result, part)
            if value:
                lines.append(f"= {part}: {line(value)}")
    text = "\n".join(lines).lstrip() + "\n"

    assert text == pinned(f"think/{name}.txt", text, update=update_golden)


def line(value: Any) -> str:
    """A value as JSON on one line."""
    plain = attrs.asdict(value) if attrs.has(type(value)) else value
    return json.dumps(plain, ensure_ascii=False, default=str)
