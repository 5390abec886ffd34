"""Arguments that a client merely wrote otherwise than the schema says, taken for what they mean.

Models and hosts send `"false"`, `"30"`, `"[1, 2]"` and null for what they leave out. Where the
schema leaves only one meaning it is taken and told; anything else is left as it came, for the check
to refuse. A text is never read as something else where the schema takes a text.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")
_WORD: Final = re.compile(r"[\w-]+")  # anything more may be several
_BOOLEANS: Final = {"true": True, "false": False}
_UNREAD: Final = object()  # a text that means none of the wanted types

Schema = Mapping[str, object]


def as_meant(schema: Schema, given: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """The arguments as they are meant, and what was taken for something else, one line each."""
    told: list[str] = []
    return _members(schema, given, "", told), told


def boolean_as_meant(value: object) -> object:
    """True or false for their names as text; anything else as it is."""
    return _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _members(
    schema: Schema, given: Mapping[str, object], path: str, told: list[str]
) -> dict[str, object]:
    properties, required = schema.get("properties"), schema.get("required")
    known = properties if isinstance(properties, Mapping) else {}
    needed = required if isinstance(required, list | tuple) else ()
    meant: dict[str, object] = {}
    for name, value in given.items():
        inner = known.get(name)
        here = f"{path}.{name}" if path else name
        if not isinstance(inner, Mapping):
            meant[name] = value
        elif value is None and name not in needed and "null" not in _types(inner, ["null"]):
            told.append(f"{here}: null was taken as not given")
        else:
            meant[name] = _value(inner, value, here, told)
    return meant


def _value(schema: Schema, value: object, path: str, told: list[str]) -> object:
    if isinstance(value, str):
        names = _types(schema, ["string"])
        read = _UNREAD if "string" in names else _read(value.strip(), names)
        if read is _UNREAD and _is_of_texts(schema) and _WORD.fullmatch(value):
            read = [value]
        if read is _UNREAD:
            return value
        told.append(f"{path}: the text was taken as {_named(read)}")
        value = read
    items = schema.get("items")
    if isinstance(value, dict):
        return _members(schema, value, path, told)
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_value(items, each, f"{path}[{at}]", told) for at, each in enumerate(value)]
    return value


def _is_of_texts(schema: Schema) -> bool:
    """Whether a list of texts is wanted and nothing else: one of them may come alone."""
    items = schema.get("items")
    return (
        schema.get("type") == "array"
        and isinstance(items, Mapping)
        and (items.get("type") == "string")
    )


def _types(schema: Schema, otherwise: Sequence[str]) -> Sequence[str]:
    """The types a schema names; `otherwise`, if it leaves them open."""
    names = schema.get("type")
    if isinstance(names, str):
        return [names]
    return [str(each) for each in names] if isinstance(names, list | tuple) else otherwise


def _read(text: str, names: Sequence[str]) -> object:
    """What a text means where one of these types is wanted."""
    if "boolean" in names and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if _NUMBER.fullmatch(text) and {"integer", "number"} & {*names}:
        figure = float(text)
        if figure.is_integer() and "." not in text and "e" not in text.lower():
            return int(text)
        is_fit = math.isfinite(figure) and ("number" in names or figure.is_integer())
        return figure if is_fit else _UNREAD
    if text[:1] in ("{", "[") and {"object", "array"} & {*names}:
        try:
            found: object = orjson.loads(text)
        except orjson.JSONDecodeError:
            return _UNREAD
        is_fit = ("object" if isinstance(found, dict) else "array") in names
        return found if is_fit else _UNREAD
    return _UNREAD


def _named(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "a JSON object"
        case list():
            return "a JSON array"
        case _:
            return f"the number {value}"
