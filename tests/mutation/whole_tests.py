"""A pytest plugin of mutation runs: a test with parameters is one test, whatever they are.

mutmut names tests on the command line. Parameters with brackets, colons or control characters
cannot be named there: pytest runs nothing, and each such mutant would count as noticed.
"""

import dataclasses

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give all cases of a function the function's own name."""
    item._id = dataclasses.replace(item.id, params=None)  # there is no public way to set it
