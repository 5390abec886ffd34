"""What every converter of shapes agrees on: times, bytes, enums, sequences, tagged events, faults.

cattrs and orjson are imported where they are first needed, never with this module.
"""

import base64
import binascii
import datetime
import enum
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from aimux.times import utc_stamp

from ._events import Event
from ._said import Noise, Stream

if TYPE_CHECKING:  # never needed at run time, and 40 ms on the way to the first answer
    from cattrs import Converter

T = TypeVar("T")

MAX_DEPTH: Final = 200  # orjson writes 254 levels and reads 1024: what came in must go out
MAX_NOISE_CHARS: Final = 2_000
_INT64: Final = range(-(2**63), 2**64)  # what orjson can write
_EVENTS: Final[Mapping[str, type]] = {each.kind: each for each in typing.get_args(Event)}


class ShapeMismatch(ValueError):
    """A value does not have the shape that was asked for; `problems` lists every fault found."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"{name}: {'; '.join(problems)}")
        self.problems = list(problems)


def encode(value: object) -> bytes:
    """Compact UTF-8 JSON of JSON data; what JSON cannot carry is replaced."""
    import orjson

    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # lone surrogates, huge numbers, deep nesting, keys that are no text
        return orjson.dumps(_scrubbed(value, 0), default=str)


def decode_named(name: str, data: bytes | str) -> object:
    """Plain JSON data of a text; `name` is what a fault calls it.

    Raises:
        ShapeMismatch: not JSON.
    """
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


def quoted(data: object, why: str) -> Noise:
    """An event of an unknown kind, as the `Noise` that quotes it."""
    text = data if isinstance(data, str) else encode(data).decode("utf-8", "replace")
    return Noise(stream=Stream.STDOUT, line=f"[{why[:200]}] {text}"[:MAX_NOISE_CHARS])


def structure(converter: "Converter", shape: type[T], data: object) -> T:
    """The value of class `shape` that a converter makes of `data`.

    Raises:
        ShapeMismatch: it makes none; `problems` lists every fault that was found.
    """
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


def common(made: "Converter") -> None:
    """Teach a converter what all agree on.

    Times, bytes, enums, sequences as tuples, free JSON, tagged events.
    """
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
        raise refusal(data, "an ISO 8601 time")
    if at.tzinfo is None:
        msg = f"{data} has no time zone: write it with Z"
        raise ValueError(msg)
    return at.astimezone(datetime.UTC)


def _load_blob(data: object, _: type) -> bytes:
    if not isinstance(data, str):
        raise refusal(data, "base64 text")
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

    def hook(data: object, _: object) -> object:
        if not isinstance(data, Mapping):
            raise refusal(data, "an object")
        return from_keys(data, shape)

    return hook


def _is_sequence(shape: object) -> bool:
    return typing.get_origin(shape) is Sequence


def _sequence_hook(shape: object, made: "Converter") -> Callable[[object, object], object]:
    """Sequences become tuples (values are frozen); a lone text in YAML is a sequence of one."""
    (item,) = typing.get_args(shape)
    is_lenient = made.detailed_validation
    into_tuple = made.get_structure_hook(tuple[item, ...])  # type: ignore[valid-type]  # made here

    def hook(data: object, _: object) -> object:
        if isinstance(data, str) and is_lenient:
            data = [data]
        if not isinstance(data, list | tuple):
            raise refusal(data, "a list")
        return into_tuple(data, tuple[item, ...])  # type: ignore[valid-type]  # as above

    return hook


def _is_events(shape: object) -> bool:
    """A union of event classes, and nothing else (`Usage | None` is not tagged)."""
    if typing.get_origin(shape) not in (types.UnionType, typing.Union):
        return False
    return all(each in _EVENTS.values() for each in typing.get_args(shape))


def _event_hook(shape: object, made: "Converter") -> Callable[[object, object], object]:
    allowed = typing.get_args(shape)

    def hook(data: object, _: object) -> object:
        if not isinstance(data, Mapping):
            raise refusal(data, "an event object")
        kind = data.get("kind")
        found = _EVENTS.get(kind) if isinstance(kind, str) else None
        if found is None or found not in allowed:
            return quoted(dict(data), f"unknown event {kind}")
        return made.structure({key: each for key, each in data.items() if key != "kind"}, found)

    return hook


def refusal(data: object, wanted: str) -> TypeError:
    """The error that says what was wanted instead of `data`."""
    shown = repr(data)
    return TypeError(f"{shown[:80]} is not {wanted}")
