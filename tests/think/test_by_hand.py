"""What patterns compute, held against figures that were computed by hand."""

from collections import Counter
from typing import Any

import pytest

from aimux.think import PATTERNS
from aimux.think._fields import dump

from .by_hand import CASES, Case
from .helpers import Json, data

IDS = [f"{name}-{at}" for at, (name, _, _) in enumerate(CASES)]


def test_every_pattern_has_five_cases() -> None:
    """Patterns and techniques stand in one table."""
    count = Counter(name for name, _, _ in CASES)

    assert {name: count[name] for name in PATTERNS if count[name] < 5} == {}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_pattern_computes_what_the_hand_did(case: Case) -> None:
    """Each value that is named."""
    name, (*before, last), expected = case
    found = dump(data(name, *before, **last))
    assert isinstance(found, dict)

    assert {way: inside(found, way) for way in expected} == expected


def inside(found: Json, way: str) -> Any:
    """What stands at `a.0.b`."""
    value: Any = found
    for part in way.split("."):
        value = value[int(part)] if isinstance(value, list) else value.get(part)
    return value
