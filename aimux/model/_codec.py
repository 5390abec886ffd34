"""Shapes: how values look as JSON, decided here and nowhere else.

Two converters. The strict one is for wire and disk: unknown keys and wrong types are refused, a
union of events carries its `kind`, datetimes are aware and end in `Z`, enums stand for their value.
The lenient one, `TEXT`, is for YAML and environment text: it turns `"7"` into 7 and `"no"` into
False, and reports every fault at once.

Importing this module costs next to nothing: cattrs and orjson are loaded by the first conversion.
"""

import base64
import binascii
import datetime
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import attrs

from aimux.times import utc_stamp

from ._events import Event
from ._said import Noise, Stream

if TYPE_CHECKING:  # never needed at run time, and 40 ms on the way to the first answer
    from cattrs import Converter

T = TypeVar("T")

Json = dict[str, object]

MAX_DEPTH: Final = 200  # orjson writes 254 levels and reads 1024: what came in must go out
MAX_NOISE_CHARS: Final = 2_000
_INT64: Final = range(-(2**63), 2**64)  # what orjson can write
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0", ""})
_EVENTS: Final[Mapping[str, type]] = {each.kind: each for each in typing.get_args(Event)}


class ShapeMismatch(ValueError):
    """A value does not have the shape that was asked for; `problems` lists every fault found."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"{name}: {'; '.join(problems)}")
        self.problems = list(problems)


# ------------------------------------------------------------------------------------- strict


def dump(value: object) -> Json:
    """The JSON object of a value from this package, as `load(type(value), …)` takes it."""
    made: Json = _strict().unstructure(value)
    return made


def load(shape: type[T], data: object) -> T:
    """The value of class `shape` that `dump` made `data` from.

    Raises:
        ShapeMismatch: a key is missing or unknown, or a value has the wrong type.
    """
    return _structure(_strict(), shape, data)


def dump_event(event: Event) -> Json:
    """The JSON object of an event, with its `kind`."""
    return {"kind": event.kind, **dump(event)}


def load_event(data: object) -> Event:
    """The event that `dump_event` made `data` from.

    An event of a later version (unknown kind, unknown field) comes back as `Noise` that quotes it:
    a log stays readable whoever wrote it.
    """
    try:
        event: Event = _structure(_strict(), Event, data)  # type: ignore[arg-type]  # a union
    except ShapeMismatch as mismatch:
        return _quoted(data, str(mismatch))
    return event


def dump_bytes(value: object) -> bytes:
    """Compact UTF-8 JSON of a value from this package or of plain JSON data.

    What JSON cannot carry is replaced rather than refused: lone surrogates by U+FFFD, whole numbers
    beyond 64 bits by floats, what is nested deeper than `MAX_DEPTH` by an ellipsis.
    """
    return _encode(dump(value) if attrs.has(type(value)) else value)


def load_bytes(shape: type[T], data: bytes | str) -> T:
    """The value that `dump_bytes` wrote.

    Raises:
        ShapeMismatch: not JSON, or not of that shape.
    """
    return load(shape, _decode(shape.__name__, data))


def load_over(shape: type[T], data: bytes | str, truth: Mapping[str, object]) -> T:
    """`load_bytes` with some keys replaced by what is known better (JSON data, or aware times).

    Raises:
        ShapeMismatch: not JSON, or not of that shape.
    """
    decoded = _decode(shape.__name__, data)
    return load(shape, {**decoded, **truth} if isinstance(decoded, dict) else decoded)


def decode(data: bytes | str) -> object:
    """Plain JSON data, for who needs a key or two of it and no value.

    Raises:
        ShapeMismatch: not JSON.
    """
    return _decode("data", data)


def dump_event_bytes(event: Event) -> bytes:
    """`dump_event` as compact UTF-8 JSON."""
    return _encode(dump_event(event))


def load_event_bytes(data: bytes | str) -> Event:
    """The event that `dump_event_bytes` wrote; what cannot be read comes back as `Noise`."""
    try:
        decoded = _decode("event", data)
    except ShapeMismatch as mismatch:
        return _quoted(data, str(mismatch))
    return load_event(decoded)


# ------------------------------------------------------------------------------------ lenient


class TextShapes:
    """The lenient converter, for what people write: YAML documents and environment text."""

    def structure(self, data: object, shape: type[T]) -> T:
        """A value of class `shape` from YAML or environment text.

        Raises:
            ShapeMismatch: `problems` holds every fault as `what @ key.path`.
        """
        return _structure(_lenient(), shape, data)


TEXT: Final = TextShapes()

# ----------------------------------------------------------------------------------- JSON text


def _encode(value: object) -> bytes:
    import orjson

    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # lone surrogates, huge numbers, deep nesting, keys that are no text
        return orjson.dumps(_scrubbed(value, 0), default=str)


def _decode(name: str, data: bytes | str) -> object:
    import orjson

    try:
        decoded: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ShapeMismatch(name, [f"not JSON: {error}"]) from error
    return decoded


def _scrubbed(value: object, depth: int) -> object:
    if depth > MAX_DEPTH:
        return "…"
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case bool() | None | float():
            return value
        case int():
            return (
                value if value in _INT64 else float(value) if abs(value) < 10**300 else str(value)
            )
        case Mapping():
            return {
                str(_scrubbed(str(key), depth)): _scrubbed(each, depth + 1)
                for key, each in value.items()
            }
        case list() | tuple() | AbstractSet():
            return [_scrubbed(each, depth + 1) for each in value]
        case _:
            return _scrubbed(str(value), depth)


def _quoted(data: object, why: str) -> Noise:
    """An event nobody here understands, as something that every reader does."""
    text = data if isinstance(data, str) else _encode(data).decode("utf-8", "replace")
    return Noise(stream=Stream.STDOUT, line=f"[{why[:200]}] {text}"[:MAX_NOISE_CHARS])


# ------------------------------------------------------------------------------------ converters


def _structure(converter: "Converter", shape: type[T], data: object) -> T:
    try:
        return converter.structure(data, shape)
    except Exception as fault:  # cattrs lets through whatever wrong data made a hook raise
        raise ShapeMismatch(getattr(shape, "__name__", "event"), _problems(fault)) from fault


def _problems(fault: Exception) -> list[str]:
    from cattrs import transform_error
    from cattrs.errors import BaseValidationError

    if not isinstance(fault, BaseValidationError):
        return [_plain(fault)]
    found = transform_error(fault, format_exception=_placed)
    return [each.replace(" @ $.", " @ ").replace(" @ $", "") for each in found]


def _placed(fault: BaseException, _: type | None) -> str:
    """One fault in words, before ` @ ` and its place, which names a missing key already."""
    return "missing key" if isinstance(fault, KeyError) else _plain(fault)


def _plain(fault: BaseException) -> str:
    """One fault in words."""
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(fault, ForbiddenExtraKeysError):
        return f"unknown key {', '.join(sorted(fault.extra_fields))}"
    if isinstance(fault, KeyError):
        return f"missing key {fault.args[0]}"
    return str(fault)


@functools.cache
def _strict() -> "Converter":
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True, detailed_validation=False)
    _common(made)
    for shape in (str, int, bool):
        made.register_structure_hook(shape, _exactly(shape))
    made.register_structure_hook(float, _strict_float)
    return made


@functools.cache
def _lenient() -> "Converter":
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    _common(made)
    made.register_structure_hook(str, _text_str)
    made.register_structure_hook(int, _text_int)
    made.register_structure_hook(float, _text_float)
    made.register_structure_hook(bool, _text_bool)
    return made


def _common(made: "Converter") -> None:
    """What both agree on: times, bytes, enums, sequences as tuples, free JSON, tagged events."""
    made.register_structure_hook_func(lambda shape: shape is object, lambda data, _: data)
    for shape in (enum.Enum, enum.StrEnum, enum.IntEnum):  # nearer than the str and int they are
        made.register_structure_hook(shape, _load_enum)
        made.register_unstructure_hook(shape, lambda member: member.value)
    made.register_structure_hook(datetime.datetime, _load_time)
    made.register_unstructure_hook(datetime.datetime, _dump_time)
    made.register_structure_hook(bytes, _load_blob)
    made.register_unstructure_hook(bytes, lambda blob: base64.b64encode(blob).decode())
    made.register_structure_hook_factory(attrs.has, _value_hook)
    made.register_structure_hook_factory(_is_sequence, _sequence_hook)
    made.register_structure_hook_factory(_is_events, _event_hook)
    made.register_unstructure_hook_func(
        _is_events, lambda event: {"kind": event.kind, **made.unstructure(event)}
    )


def _load_enum(data: object, shape: type[enum.Enum]) -> enum.Enum:
    try:
        return shape(data)
    except ValueError:
        known = ", ".join(str(each.value) for each in shape)
        msg = f"{data!r} is none of {known}"
        raise ValueError(msg) from None


def _dump_time(at: datetime.datetime) -> str:
    if at.tzinfo is None:
        msg = f"{at} has no time zone"
        raise ValueError(msg)
    return utc_stamp(at, "microseconds")


def _load_time(data: object, _: type) -> datetime.datetime:
    if isinstance(data, datetime.datetime):  # YAML has times of its own
        at = data
    elif isinstance(data, str):
        at = datetime.datetime.fromisoformat(data)
    else:
        _refuse(data, "an ISO 8601 time")
    if at.tzinfo is None:
        msg = f"{data} has no time zone: write it with Z"
        raise ValueError(msg)
    return at.astimezone(datetime.UTC)


def _load_blob(data: object, _: type) -> bytes:
    if not isinstance(data, str):
        _refuse(data, "base64 text")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        msg = f"not base64: {error}"
        raise ValueError(msg) from error


def _value_hook(shape: type, made: "Converter") -> Callable[[object, object], object]:
    """cattrs' own, which takes anything that has keys, after a look at what it gets."""
    from cattrs.gen import make_dict_structure_fn

    from_keys: Callable[[Mapping[str, object], type], object] = make_dict_structure_fn(
        shape,
        made,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=made.detailed_validation,
    )

    def structure(data: object, _: object) -> object:
        if not isinstance(data, Mapping):
            _refuse(data, "an object")
        return from_keys(data, shape)

    return structure


def _is_sequence(shape: object) -> bool:
    return typing.get_origin(shape) is Sequence


def _sequence_hook(shape: object, made: "Converter") -> Callable[[object, object], object]:
    """Sequences become tuples (values are frozen); a lone text in YAML is a sequence of one."""
    (item,) = typing.get_args(shape)
    is_lenient = made.detailed_validation
    into_tuple = made.get_structure_hook(tuple[item, ...])  # type: ignore[valid-type]  # made here

    def structure(data: object, _: object) -> object:
        if isinstance(data, str) and is_lenient:
            data = [data]
        if not isinstance(data, list | tuple):
            _refuse(data, "a list")
        return into_tuple(data, tuple[item, ...])  # type: ignore[valid-type]  # as above

    return structure


def _is_events(shape: object) -> bool:
    """A union of event classes, and nothing else (`Usage | None` is not tagged)."""
    if typing.get_origin(shape) not in (types.UnionType, typing.Union):
        return False
    return all(each in _EVENTS.values() for each in typing.get_args(shape))


def _event_hook(shape: object, made: "Converter") -> Callable[[object, object], object]:
    allowed = typing.get_args(shape)

    def structure(data: object, _: object) -> object:
        if not isinstance(data, Mapping):
            _refuse(data, "an event object")
        kind = data.get("kind")
        found = _EVENTS.get(kind) if isinstance(kind, str) else None
        if found is None or found not in allowed:
            return _quoted(dict(data), f"unknown event {kind}")
        return made.structure({key: each for key, each in data.items() if key != "kind"}, found)

    return structure


def _refuse(data: object, wanted: str) -> NoReturn:
    shown = repr(data)
    msg = f"{shown[:80]} is not {wanted}"
    raise TypeError(msg)


def _exactly(shape: type) -> Callable[[object, object], object]:
    def structure(data: object, _: object) -> object:
        if type(data) is not shape:
            _refuse(data, _SPOKEN[shape])
        return data

    return structure


_SPOKEN: Final[Mapping[type, str]] = {str: "text", int: "a whole number", bool: "true or false"}


def _strict_float(data: object, _: object) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        return float(data)
    _refuse(data, "a number")


def _text_str(data: object, _: object) -> str:
    match data:
        case str():
            return str(data)  # a YAML scalar may be a subclass that remembers its quotes
        case bool():
            return "true" if data else "false"
        case int() | float():
            return str(data)
        case _:
            _refuse(data, "text")


def _text_int(data: object, _: object) -> int:
    match data:
        case bool():
            _refuse(data, "a whole number")
        case int():
            return int(data)
        case float() if data.is_integer():
            return int(data)
        case str():
            try:
                return int(data.strip())
            except ValueError:
                _refuse(data, "a whole number")
        case _:
            _refuse(data, "a whole number")


def _text_float(data: object, _: object) -> float:
    match data:
        case bool():
            _refuse(data, "a number")
        case int() | float():
            return float(data)
        case str():
            try:
                return float(data.strip())
            except ValueError:
                _refuse(data, "a number")
        case _:
            _refuse(data, "a number")


def _text_bool(data: object, _: object) -> bool:
    if isinstance(data, bool):
        return data
    word = str(data).strip().lower() if isinstance(data, str | int) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    _refuse(data, "true or false")
