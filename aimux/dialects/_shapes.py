"""Looking into decoded JSON without trusting it: a wrong type reads as absent."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import orjson

from aimux.model import Usage

Record = Mapping[str, object]

NO_FIGURE: Final = -1  # a number that can be no count: infinite, negative, beyond all measure
MAX_TOKENS: Final = 10**12  # of a turn; a thousand times the largest ever billed
MAX_COST_USD: Final = 10.0**6
_MAX_COUNT: Final = 2**53  # beyond it JSON of other languages is no longer exact
_MAX_DEPTH: Final = 32  # of parts within parts
_NOTHING: Final[Record] = {}


def map_at(record: Record, *path: str) -> Record:
    """The object under `path`, else an empty one."""
    for key in path:
        value = record.get(key)
        if not isinstance(value, dict):
            return _NOTHING
        record = value
    return record


def list_at(record: Record, key: str) -> Sequence[object]:
    """The list under `key`, else an empty one."""
    value = record.get(key)
    return value if isinstance(value, list) else ()


def maps_at(record: Record, key: str) -> list[Record]:
    """The objects in the list under `key`."""
    return [each for each in list_at(record, key) if isinstance(each, dict)]


def text_at(record: Record, *keys: str) -> str:
    """The first non-empty string under one of `keys`, else an empty one."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def count_at(record: Record, key: str) -> int | None:
    """The number under `key` as a whole one; None where there is none, or none that counts."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < _MAX_COUNT else None


def figure_at(record: Record, key: str) -> int | None:
    """A figure of the usage: like `count_at`, but an impossible one is told.

    That is `NO_FIGURE`, in place of the number.
    """
    return figure(record.get(key))


def figure(value: object) -> int | None:
    """`value` as a figure of the usage; None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_TOKENS else NO_FIGURE


def amount_at(record: Record, key: str) -> float | None:
    """The number under `key`; None where there is none."""
    return amount(record.get(key))


def amount(value: object) -> float | None:
    """`value` as an amount of money, None where it is no number.

    An impossible amount is NaN, so that no sum can hide it.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MAX_COST_USD else math.nan


def plausible(usage: Usage) -> tuple[Usage, list[str]]:
    """`usage` without figures that can be none, and their names."""
    dropped = [
        name
        for name, value in attrs.asdict(usage).items()
        if value is not None
        and not 0 <= value <= (MAX_COST_USD if name == "cost_usd" else MAX_TOKENS)
    ]
    return attrs.evolve(usage, **dict.fromkeys(dropped)) if dropped else usage, dropped


def plain(value: object) -> str:
    """The text in a string, a text part, or a list of either; empty where there is none.

    Anything else (numbers, tool parts, images) has no text, so no JSON can leak into an answer.
    """
    return _plain(value, _MAX_DEPTH)


def _plain(value: object, depth: int) -> str:
    if isinstance(value, str):
        return value
    if depth == 0:  # somebody plays with us
        return ""
    if isinstance(value, list):
        return "".join(_plain(each, depth - 1) for each in value)
    if isinstance(value, dict):
        return _plain(value.get("text"), depth - 1) or _plain(value.get("content"), depth - 1)
    return ""


def shown(value: object) -> str:
    """`value` as JSON, whatever is in it."""
    try:
        return orjson.dumps(value, default=str).decode(errors="replace")
    except TypeError:  # deep, or a number beyond 64 bits
        try:
            return json.dumps(value, default=str)
        except (RecursionError, ValueError):
            return ""


def total(*counts: int | None) -> int | None:
    """The sum of the known counts; None if none is known, `NO_FIGURE` if one can be none."""
    known = [each for each in counts if each is not None]
    if min(known, default=0) < 0:
        return NO_FIGURE
    return sum(known) if known else None
