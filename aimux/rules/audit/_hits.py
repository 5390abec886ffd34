"""Where a rule hits a text."""

from typing import NamedTuple


class Hit(NamedTuple):
    """Lines from 1, the last one included."""

    line: int
    end_line: int
