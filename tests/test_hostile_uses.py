"""Each thing that hostile use found leads to the tests that would notice it."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
NUMBERS: Final = range(1, 37)


def found() -> Iterator[tuple[str, list[str]]]:
    """The clauses of `hostile_uses.txt`, each with the tests below it."""
    clause, tests = "", list[str]()
    for line in (ROOT / "tests" / "hostile_uses.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            tests.append(line.strip())
        elif line and not line.startswith("#"):
            if clause:
                yield clause, tests
            clause, tests = line, []
    yield clause, tests


FOUND: Final = dict(found())


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    made = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, made))


def test_each_number_has_its_clauses() -> None:
    """In order, none left out."""
    numbers = [int(clause.split()[0]) for clause in FOUND]

    assert sorted({*numbers}) == list(NUMBERS)
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("clause", FOUND)
def test_each_clause_has_tests_that_exist(clause: str) -> None:
    """Whoever renames one finds this."""
    assert FOUND[clause]
    for node in FOUND[clause]:
        file, _, name = node.partition("::")
        assert name.startswith("test_"), node
        assert name in names_in(file), node
