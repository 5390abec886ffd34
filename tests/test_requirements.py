"""Promises and tests know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

from .requirements import GAPS, REQUIREMENTS

TESTS = Path(__file__).parent


def _marks(path: Path) -> Iterator[str]:
    """The ids that tests of a file carry."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=[ast.Constant(value=name)]):
                yield str(name)


def test_every_promise_is_held_and_every_mark_is_known() -> None:
    """Both directions; a gap is neither promised nor held."""
    carried = {name for path in TESTS.rglob("test_*.py") for name in _marks(path)}

    assert sorted(REQUIREMENTS.keys() - carried) == []
    assert sorted(carried - REQUIREMENTS.keys()) == []
    assert sorted(REQUIREMENTS.keys() & GAPS.keys()) == []


def test_promises_and_gaps_are_told_in_words() -> None:
    """An id alone helps nobody."""
    assert [name for name, said in (REQUIREMENTS | GAPS).items() if len(said.split()) < 4] == []
