"""How much of long tables and of random input a run goes through.

`make test` goes through a part of the rows that are much alike and start a process each, and
through few random examples. What is cheap and pure is always whole. `nox -s whole` goes through
all of it, every week.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

IS_WHOLE: Final = os.environ.get("TESTS_EXTENT") == "whole"

Row = TypeVar("Row")


def some(rows: Sequence[Row], *, each: int) -> list[Row]:
    """All rows, or in a short run the first and every `each`-th after it."""
    return list(rows if IS_WHOLE else rows[::each])


def examples(short: int, whole: int) -> int:
    """How many random examples find most faults, or in a whole run all that anybody waits for."""
    return whole if IS_WHOLE else short
