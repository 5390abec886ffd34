"""Shapes: how values look as JSON, decided here and nowhere else.

Two converters. The strict one is for wire and disk: unknown keys and wrong types are refused, a
union of events carries its `kind`, datetimes are aware and end in `Z`, enums stand for their value.
The lenient one (`TEXT`, in `_text_shapes`) is for YAML and environment text: it turns `"7"` into 7
and `"no"` into False, and reports every fault at once. What both share is in `_converters`.

Importing this module costs next to nothing: cattrs and orjson are loaded by the first conversion.
"""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from ._converters import ShapeMismatch, common, decode_named, encode, quoted, refusal, structure
from ._events import Event

if TYPE_CHECKING:  # never needed at run time, and 40 ms on the way to the first answer
    from cattrs import Converter

T = TypeVar("T")

Json = dict[str, object]


def dump(value: object) -> Json:
    """The JSON object of a value from this package, as `load(type(value), …)` takes it."""
    made: Json = _strict().unstructure(value)
    return made


def load(shape: type[T], data: object) -> T:
    """The value of class `shape` that `dump` made `data` from.

    Raises:
        ShapeMismatch: a key is missing or unknown, or a value has the wrong type.
    """
    return structure(_strict(), shape, data)


def dump_event(event: Event) -> Json:
    """The JSON object of an event, with its `kind`."""
    return {"kind": event.kind, **dump(event)}


def load_event(data: object) -> Event:
    """The event that `dump_event` made `data` from.

    An event of a later version (unknown kind, unknown field) comes back as `Noise` that quotes it:
    a log stays readable whoever wrote it.
    """
    try:
        event: Event = structure(_strict(), Event, data)  # type: ignore[arg-type]  # a union
    except ShapeMismatch as mismatch:
        return quoted(data, str(mismatch))
    return event


def dump_bytes(value: object) -> bytes:
    """Compact UTF-8 JSON of a value from this package or of plain JSON data.

    What JSON cannot carry is replaced rather than refused: lone surrogates by U+FFFD, whole numbers
    beyond 64 bits by floats, what is nested deeper than `MAX_DEPTH` by an ellipsis.
    """
    return encode(dump(value) if attrs.has(type(value)) else value)


def load_bytes(shape: type[T], data: bytes | str) -> T:
    """The value that `dump_bytes` wrote.

    Raises:
        ShapeMismatch: not JSON, or not of that shape.
    """
    return load(shape, decode_named(shape.__name__, data))


def load_over(shape: type[T], data: bytes | str, truth: Mapping[str, object]) -> T:
    """`load_bytes` with some keys replaced by what is known better (JSON data, or aware times).

    Raises:
        ShapeMismatch: not JSON, or not of that shape.
    """
    decoded = decode_named(shape.__name__, data)
    return load(shape, {**decoded, **truth} if isinstance(decoded, dict) else decoded)


def decode(data: bytes | str) -> object:
    """Plain JSON data, for who needs a key or two of it and no value.

    Raises:
        ShapeMismatch: not JSON.
    """
    return decode_named("data", data)


def dump_event_bytes(event: Event) -> bytes:
    """`dump_event` as compact UTF-8 JSON."""
    return encode(dump_event(event))


def load_event_bytes(data: bytes | str) -> Event:
    """The event that `dump_event_bytes` wrote; what cannot be read comes back as `Noise`."""
    try:
        decoded = decode_named("event", data)
    except ShapeMismatch as mismatch:
        return quoted(data, str(mismatch))
    return load_event(decoded)


@functools.cache
def _strict() -> "Converter":
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True, detailed_validation=False)
    common(made)
    for shape in (str, int, bool):
        made.register_structure_hook(shape, _exactly(shape))
    made.register_structure_hook(float, _strict_float)
    return made


def _exactly(shape: type) -> Callable[[object, object], object]:
    def hook(data: object, _: object) -> object:
        if type(data) is not shape:
            raise refusal(data, _SPOKEN[shape])
        return data

    return hook


_SPOKEN: Final[Mapping[type, str]] = {str: "text", int: "a whole number", bool: "true or false"}


def _strict_float(data: object, _: object) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        return float(data)
    raise refusal(data, "a number")
