"""Raw values checked against attrs classes: every fault at once, each with its key.

Two steps, so that layers can be merged between them: `check` gives back the part of a raw tree that
fits a class, and `build` makes the instance of a tree that was checked.
"""

import collections.abc
import enum
import functools
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar, cast

import attrs
import orjson

from aimux import rules

from ._merge import CHANGE_KEYS, ListChange

T = TypeVar("T")
Tree = dict[str, object]
Kind = object  # an annotation: a class, or something like Sequence[str]

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_WORDS: Final = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


class FaultKind(enum.StrEnum):
    """What is wrong with a key."""

    UNKNOWN = "unknown"
    WRONG = "wrong"
    MISSING = "missing"


@attrs.frozen(kw_only=True)
class Fault:
    """One wrong key. `path` is dotted, `message` a fragment that names the value."""

    kind: FaultKind
    path: str
    message: str
    suggestion: str = ""


Report = Callable[[Fault], None]


class _WrongError(Exception):
    """A value does not fit; carries the fragment and a suggestion."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that `name` was probably meant to be; empty where none is close."""
    close = rules.nearest(name, known)
    if close or len(name) < 4:
        return close
    # effort for reasoning_effort
    return next((each for each in sorted(known) if name.lower() in each.lower().split("_")), "")


@functools.cache
def _types_of(cls: type) -> dict[str, Kind]:
    hints = typing.get_type_hints(cls)
    return {each.name: hints[each.name] for each in attrs.fields(cls)}


@functools.cache
def _section(kind: Kind) -> type | None:
    """The class, if a value of this kind is a section with keys of its own."""
    return kind if isinstance(kind, type) and attrs.has(kind) else None


@functools.cache
def _parts(kind: Kind) -> tuple[Kind, Sequence[Kind]]:
    """Origin and arguments of an annotation; `X | None` counts as `X`."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        kind = next(each for each in args if each is not types.NoneType)
        return typing.get_origin(kind) or kind, typing.get_args(kind)
    return origin or kind, args


def field_names(cls: type) -> Collection[str]:
    """The keys of a section."""
    return _types_of(cls).keys()


def leaves(cls: type, prefix: str = "") -> dict[str, Kind]:
    """Dotted path and type of every key below `cls` that holds a value, not a section."""
    found: dict[str, Kind] = {}
    for name, kind in _types_of(cls).items():
        section = _section(kind)
        if section is not None:
            found |= leaves(section, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = kind
    return found


def check(cls: type, raw: object, report: Report, at: str = "") -> Tree:
    """The part of `raw` that fits `cls`; everything else goes to `report`.

    Keys may be missing. `None` is kept: it resets a key.
    """
    if not isinstance(raw, Mapping):
        message = f"{_shown(raw)} is not a map of keys"
        report(Fault(kind=FaultKind.WRONG, path=at, message=message))
        return {}
    tree: Tree = {}
    for key, value in raw.items():
        path = f"{at}.{key}" if at else str(key)
        kind = _types_of(cls).get(key)
        section = _section(kind)
        if kind is None:
            near = nearest(str(key), _types_of(cls))
            message = f"unknown key {key}"
            report(Fault(kind=FaultKind.UNKNOWN, path=path, message=message, suggestion=near))
        elif value is None:
            tree[key] = None
        elif section is not None:
            tree[key] = check(section, value, report, path)
        else:
            _put(tree, attrs.fields_dict(cls)[key], kind, value, report, path)
    return tree


def missing(cls: type, tree: Mapping[str, object]) -> list[str]:
    """The keys that `cls` cannot do without and `tree` does not have."""
    return [
        field.name
        for field in attrs.fields(cls)
        if field.default is attrs.NOTHING and tree.get(field.name) is None
    ]


def _put(
    tree: Tree,
    field: "attrs.Attribute[object]",
    kind: Kind,
    value: object,
    report: Report,
    path: str,
) -> None:
    try:
        fitted = _fit(kind, value, report, path)
        if field.validator is not None and not isinstance(fitted, ListChange):
            field.validator(None, field, fitted)
    except _WrongError as wrong:
        near = wrong.suggestion
        report(Fault(kind=FaultKind.WRONG, path=path, message=wrong.message, suggestion=near))
    except ValueError as error:  # the validator's own words
        message = str(error.args[0]).removeprefix(f"'{field.name}' ")
        report(Fault(kind=FaultKind.WRONG, path=path, message=message))
    else:
        tree[field.name] = fitted


def _fit(kind: Kind, value: object, report: Report, path: str) -> object:
    origin, args = _parts(kind)
    if origin is collections.abc.Sequence:
        if isinstance(value, Mapping):
            return _change(kind, value, report, path)
        if not isinstance(value, Sequence) or isinstance(value, str):
            near = f"[{value}]" if isinstance(value, str) else ""
            raise _WrongError(f"{_shown(value)} is not a list", near)
        return [_item(args[0], each, report, f"{path}.{at}") for at, each in enumerate(value)]
    if origin is collections.abc.Mapping:
        if not isinstance(value, Mapping):
            raise _WrongError(f"{_shown(value)} is not a map of keys")
        return {
            _item(args[0], key, report, f"{path}.{key}"): _item(
                args[1], each, report, f"{path}.{key}"
            )
            for key, each in value.items()
        }
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        known = [str(each.value) for each in origin]
        if str(value) not in known:
            text = f"{_shown(value)} is not one of {', '.join(known)}"
            raise _WrongError(text, nearest(str(value), known))
        return origin(str(value))
    assert isinstance(origin, type)
    return _scalar(origin, value)


def _change(kind: Kind, value: Mapping[object, object], report: Report, path: str) -> ListChange:
    """A map in the place of a list says what changes about it."""
    for key in value:
        if key not in CHANGE_KEYS:
            near = nearest(str(key), CHANGE_KEYS)
            raise _WrongError(f"{key} is not add or remove, which change a list", near)
    parts = {
        str(key): fitted
        for key, each in value.items()
        if isinstance(fitted := _fit(kind, each, report, f"{path}.{key}"), list)
    }
    return ListChange(**parts)


def _item(kind: Kind, value: object, report: Report, path: str) -> object:
    """A value inside a list or map; sections there may be partial or reset like any other."""
    if value is None:
        return None
    section = _section(kind)
    if section is not None:
        return check(section, value, report, path)
    return _fit(kind, value, report, path)


def _scalar(kind: type, value: object) -> object:
    match value:
        case bool():
            if kind is bool:
                return value
        case int() if kind in {int, str, float}:
            return kind(value)
        case float() if kind is float:
            return value
        case float() if kind is int and value.is_integer():
            return int(value)
        case float() if kind is str:  # 3.10 would arrive as 3.1
            raise _WrongError(f"{value} is read as a number", f'"{value}"')
        case str() if kind is str:
            return value
    raise _WrongError(f"{_shown(value)} is not {_WORDS[kind]}")


def from_text(kind: Kind, text: str) -> object:
    """What a text of the environment or a flag means for a key of this type.

    The value may still be wrong: `check` says so in its own words.
    """
    origin, _ = _parts(kind)
    stripped = text.strip()
    if origin is collections.abc.Sequence and not stripped.startswith(("[", "{")):
        return [each.strip() for each in stripped.split(",") if each.strip()]
    if origin in {collections.abc.Sequence, collections.abc.Mapping}:
        try:
            return orjson.loads(stripped)
        except orjson.JSONDecodeError:
            return text
    if origin is bool:
        low = stripped.lower()
        return True if low in _TRUE else False if low in _FALSE else text
    if origin is int or origin is float:
        try:
            return int(stripped) if origin is int else float(stripped)
        except ValueError:
            return text
    return stripped


def build(cls: type[T], tree: Mapping[str, object]) -> T:
    """The instance of a checked tree; reset keys take their default, a change is one of it."""
    kinds = _types_of(cast("type", cls))  # the cache wants a plain class
    values = {}
    for key, value in tree.items():
        if isinstance(value, ListChange):
            value = value.applied(_default(attrs.fields_dict(cast("type", cls))[key]))
        if value is not None:
            values[key] = _built(kinds[key], value)
    return cls(**values)


def _default(field: "attrs.Attribute[object]") -> Sequence[object]:
    default = field.default
    return tuple(default) if isinstance(default, tuple) else ()


def _built(kind: Kind, value: object) -> object:
    _, args = _parts(kind)
    section = _section(kind)
    match value:
        case Mapping() if section is not None:
            return build(section, value)
        case Mapping():
            return {key: _built(args[1], each) for key, each in value.items() if each is not None}
        case ListChange():  # inside a map, where nothing stood below it
            return _built(kind, value.applied(()))
        case list():
            return tuple(_built(args[0], each) for each in value)
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
