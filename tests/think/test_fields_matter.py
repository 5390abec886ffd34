"""No field is ignored: a change of each changes what is computed, echoes not counted."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from aimux.think import PATTERNS, TECHNIQUES

from .cases import CASES, GONE
from .helpers import Json, fields, steps
from .more_cases import MORE

ALL = {**CASES, **MORE}
PAIRS = [(name, key) for name, case in ALL.items() for key in case["changes"]]


def plain(key: str) -> str:
    """A key without the numbers of items."""
    return re.sub(r"@\d+", "", key)


@pytest.mark.parametrize("name", [*PATTERNS, *TECHNIQUES])
def test_every_declared_field_has_a_case(name: str) -> None:
    """A field that is added must show that it matters."""
    assert {plain(key) for key in ALL[name]["changes"]} == set(fields(name))


@pytest.mark.parametrize(("name", "key"), PAIRS)
def test_a_change_of_a_field_changes_the_result(name: str, key: str) -> None:
    """Data, warnings, gate or refusal differ, also with both values blotted out."""
    case = ALL[name]
    base = case.get("of", {}).get(key, case["base"])
    changed = set_at(base, key, case["changes"][key])
    texts = sorted({*texts_in(value_at(base, key)), *texts_in(case["changes"][key])}, key=len)

    assert seen(name, case, base, texts) != seen(name, case, changed, texts)


# what hands through, or keeps, what was given
ECHOES = frozenset(
    {
        *("thoughtEntry", "entry", "entries", "arguments", "contributions", "experiments"),
        *("findings", "confidence", "currentMetric", "horizon", "scenario"),
    }
)


def without_echoes(value: Any) -> Any:
    """Data less the keys that only hand through."""
    if isinstance(value, dict):
        return {key: without_echoes(each) for key, each in value.items() if key not in ECHOES}
    return [without_echoes(each) for each in value] if isinstance(value, list) else value


def seen(name: str, case: Json, given: Json, texts: list[str]) -> str:
    """What a call computes, without the texts that were only handed through."""
    result = steps(name, *case.get("before", ()), given).result
    shown = json.dumps(
        {
            "data": without_echoes(result.data),
            "warnings": result.warnings,
            "missing": result.missing,
            "gate": result.gate,
            "blocked": result.blocked and result.blocked.code,
        },
        default=str,
        sort_keys=True,
    )
    for text in reversed(texts):
        shown = shown.replace(json.dumps(text)[1:-1], "\u00b7")
    return shown


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a value."""
    if isinstance(value, str) and value:
        yield value
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from texts_in(each)


def way(key: str) -> list[tuple[str, int]]:
    """A key as names with the numbers of items."""
    parts = (part.partition("@") for part in key.split("."))
    return [(name, int(at or 0)) for name, _, at in parts]


def value_at(given: Json, key: str) -> Any:
    """What stands at a key; None for nothing."""
    *above, (last, _) = way(key)
    value: Any = given
    for name, at in above:
        value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, list):
            value = value[at] if at < len(value) else None
    return value.get(last) if isinstance(value, dict) else value


def set_at(given: Json, key: str, new: Any) -> Json:
    """The fields with another value at a key; the number of an item stands with its list."""
    made = copy.deepcopy(given)
    *above, (last, _) = way(key)
    holder: Any = made
    for name, at in above:
        holder = holder[name]
        if isinstance(holder, list):
            if isinstance(holder[at], str):  # the short form
                holder[at] = {last: holder[at]}
            holder = holder[at]
    if new is GONE:
        holder.pop(last)
    else:
        holder[last] = new
    return made
