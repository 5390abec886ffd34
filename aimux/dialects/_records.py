"""Finding JSON in what a CLI prints: one value, values glued into a line, values in noise."""

import json
import math
import re
from typing import Final

from ._shapes import Record

_MAX_GLUED: Final = 64  # tries per line
_MAX_TRIES: Final = 4096  # tries per whole output
_OPENER: Final = re.compile(r"[\[{]")
_LINE_OPENER: Final = re.compile(r"^[ \t]*([\[{])", re.MULTILINE)


_MAX_DIGITS: Final = 20  # of a whole number; longer ones count nothing


def _odd(name: str) -> float:
    """NaN and infinities are no JSON; they read as numbers that count nothing."""
    return float(name)


def _whole(digits: str) -> int | float:
    """A whole number; one of thousands of digits costs seconds, and is refused, as an integer."""
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


_LENIENT: Final = json.JSONDecoder(strict=False, parse_constant=_odd, parse_int=_whole)


def load(text: str) -> object:
    """The value of `text`, with what strict JSON refuses.

    That is raw controls in strings, lone surrogates, NaN, numbers beyond all measure.

    Raises:
        ValueError: it is not JSON, or nested too deep.
    """
    try:
        return repaired(_LENIENT.decode(text.strip()))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def repaired(value: object) -> object:
    """`value` without lone surrogates, which no later encoder would take.

    Raises:
        RecursionError: it is nested too deep.
    """
    dumped = json.dumps(value, ensure_ascii=False)
    try:
        dumped.encode()
    except UnicodeEncodeError:
        loaded: object = _LENIENT.decode(dumped.encode(errors="replace").decode())
        return loaded
    return value


def glued(text: str) -> list[Record]:
    """The objects in one line, from its first brace on, whatever stands before, between or behind.

    After a brace that opens nothing, an object counts only if it reaches the end of the line: so
    the inside of a record that was cut is not taken for a record.
    """
    found: list[Record] = []
    end_of_line = len(text.rstrip())
    at = text.find("{")
    failed = False
    for _ in range(_MAX_GLUED):
        if at < 0:
            break
        try:
            value, end = _LENIENT.raw_decode(text, at)
            value = repaired(value)
        except (ValueError, RecursionError):
            failed = True
            at = text.find("{", at + 1)
            continue
        if value and (not failed or end == end_of_line):
            found.append(value)  # type: ignore[arg-type]  # it began with a brace
        at = text.find("{", end)
    return found


def values(text: str) -> list[object]:
    """The complete objects and arrays in `text`, in order.

    The whole text if it is one value, else those that begin a line, else any.
    """
    try:
        return [load(text)]
    except ValueError:
        pass
    for opener in (_LINE_OPENER, _OPENER):
        found = _scan(text, opener)
        if found:
            return found
    return []


def _scan(text: str, opener: re.Pattern[str]) -> list[object]:
    found: list[object] = []
    at = 0
    for _ in range(_MAX_TRIES):
        begin = opener.search(text, at)
        if begin is None:
            break
        start = begin.end() - 1
        try:
            value, after = _LENIENT.raw_decode(text, start)
            value = repaired(value)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        at = after
        if value:
            found.append(value)
    return found
