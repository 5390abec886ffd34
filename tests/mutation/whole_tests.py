"""A pytest plugin of mutation runs: a test with parameters is one test, and none takes the time.

mutmut names tests on the command line. Parameters with brackets, colons or control characters
cannot be named there: pytest runs nothing, and each such mutant would count as noticed.

Every call of a mutated function takes a detour, so a test that measures processor time fails
before a mutant is tried.
"""

import dataclasses

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give all cases of a function the function's own name."""
    item._id = dataclasses.replace(item.id, params=None)  # there is no public way to set it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that measure processor time."""
    items[:] = [each for each in items if not _measures(each)]


def _measures(item: pytest.Item) -> bool:
    code = getattr(getattr(item, "function", None), "__code__", None)
    return code is not None and "process_time" in code.co_names
