"""Looking into decoded JSON without trusting it: a wrong type reads as absent."""

from collections.abc import Mapping, Sequence
from typing import Final

Record = Mapping[str, object]

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
    """The number under `key` as a whole one; None where there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value and abs(value) < 2**53 else None


def amount_at(record: Record, key: str) -> float | None:
    """The number under `key`; None where there is none."""
    value = record.get(key)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def plain(value: object) -> str:
    """The text in a string, a text part, or a list of either; empty where there is none.

    Anything else (numbers, tool parts, images) has no text, so no JSON can leak into an answer.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(plain(each) for each in value)
    if isinstance(value, dict):
        return plain(value.get("text")) or plain(value.get("content"))
    return ""


def total(*counts: int | None) -> int | None:
    """The sum of the known counts; None if none is known."""
    known = [each for each in counts if each is not None]
    return sum(known) if known else None
