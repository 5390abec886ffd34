"""Typed inputs as JSON: one attrs class is the schema, the binding and the documentation of fields.

A field's annotation says everything: its type, limits and description (`Annotated`). `schema_of`
makes the JSON Schema of a class within the portable subset, `bind` the value of a class from JSON
that fits it, `dump` the JSON of a value. An item that has a `SHORT` field may be given as a text.
"""

import functools
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import attrs

Schema = dict[str, object]
Json = dict[str, object]
T = TypeVar("T")
Reader = Callable[[object], object]

MAX_TEXT: Final = 65_536
_PLAIN: Final = frozenset({str, int, float, bool, types.NoneType})  # JSON as it stands
MAX_FIGURE: Final = 1e9  # beyond it sums of products are no figures any more


@attrs.frozen
class Range:
    """The least and the greatest value that makes sense."""

    low: float = -MAX_FIGURE
    high: float = MAX_FIGURE


Rating = Annotated[int, Range(1, 5)]
Share = Annotated[float, Range(0, 1)]
Figure = Annotated[float, Range()]
Count = Annotated[int, Range(0, 10_000)]

# names the reference writes in camel case; both spellings are taken
CAMEL: Final = frozenset({
    "sub_problems", "model_name", "approach_name", "domain_name", "time_frame", "algorithm_type",
    "problem_definition", "base_case", "recursive_case", "convergence_check", "diagram_type",
    "knowledge_assessment", "branch_id", "cognitive_processes", "hypothesis_update",
    "thought_number", "total_thoughts", "next_thought_needed", "current_depth", "max_depth",
    "revises_thought", "branch_from_thought", "is_revision", "original_method",
    "linked_to",
})  # fmt: skip


@attrs.frozen
class Field:
    """One field: what it is called here and on the wire, and what it takes."""

    name: str
    wire: str
    kind: Any
    description: str
    is_required: bool


def wire_name(name: str) -> str:
    """The name of an attribute in JSON."""
    name = name.removesuffix("_")  # from_: a word of the language
    if name not in CAMEL:
        return name
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


def plain(name: str) -> str:
    """A name without its spelling: `subProblems`, `sub_problems` and `sub-problems` are one."""
    return re.sub(r"[\s_-]", "", name).lower()


@functools.cache
def fields_of(shape: type) -> Mapping[str, Field]:
    """The fields of an input class by their names in JSON, in order."""
    hints = typing.get_type_hints(shape, include_extras=True)
    found: dict[str, Field] = {}
    for each in attrs.fields(shape):
        kind = hints[each.name]
        said = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, str)]
        wire = wire_name(each.name)
        found[wire] = Field(
            name=each.name,
            wire=wire,
            kind=kind,
            description=said[-1] if said else "",
            is_required=each.default is attrs.NOTHING,
        )
    return found


@functools.cache
def schema_of(shape: type) -> Schema:
    """The JSON Schema of an input class."""
    short = getattr(shape, "SHORT", "")
    properties = {wire: _schema(field.kind) for wire, field in fields_of(shape).items()}
    return {
        "type": ["string", "object"] if short else "object",
        "properties": properties,
        "required": [wire for wire, field in fields_of(shape).items() if field.is_required],
        "additionalProperties": False,
    }


def _schema(kind: Any) -> Schema:  # noqa: ANN401  # an annotation
    limits: Range | None = None
    description = ""
    while get_origin(kind) is Annotated:
        for note in kind.__metadata__:
            limits = note if isinstance(note, Range) else limits
            description = note if isinstance(note, str) else description
        kind = kind.__origin__
    schema = _bare(kind, limits)
    return schema | ({"description": description} if description else {})


def _bare(kind: Any, limits: Range | None) -> Schema:  # noqa: ANN401  # an annotation
    origin, inner = get_origin(kind), get_args(kind)
    bounds: Schema = {"minimum": limits.low, "maximum": limits.high} if limits else {}
    if origin in (Union, types.UnionType):
        kinds = [each for each in inner if each is not types.NoneType]
        if len(kinds) == 1:
            return _schema(kinds[0]) | bounds
        made = [_schema(each) for each in kinds]
        merged = {key: value for schema in made for key, value in schema.items()}
        return merged | {"type": [schema["type"] for schema in made]} | bounds
    if origin is Literal:
        return {"type": "string", "enum": list(inner)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inner[1])}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": _schema(inner[0])}
    if attrs.has(kind):
        return dict(schema_of(kind))
    if kind is object:
        return {}
    if kind is str:
        return {"type": "string", "maxLength": MAX_TEXT}
    if kind is bool:
        return {"type": "boolean"}
    whole = {"type": "integer" if kind is int else "number"}
    return whole | (bounds or {"minimum": -MAX_FIGURE, "maximum": MAX_FIGURE})


def bind(shape: type[T], given: Mapping[str, object]) -> T:
    """The value of an input class from JSON that fits its schema; texts are trimmed."""
    kind: Any = shape
    made = _reader(kind)(given)
    assert isinstance(made, shape)
    return made


@functools.cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401  # an annotation
    while get_origin(kind) is Annotated:
        kind = kind.__origin__
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        kinds = [each for each in inner if each is not types.NoneType]
        only = _reader(kinds[0]) if len(kinds) == 1 else _as_it_is
        return lambda value: None if value is None else only(value)
    if origin is not None and origin is not Literal:
        if issubclass(origin, Mapping):
            each = _reader(inner[1])
            return lambda value: {key: each(one) for key, one in _members(value)}
        each = _reader(inner[0])
        return lambda value: [each(one) for one in value] if isinstance(value, list) else []
    if attrs.has(kind):
        return _object_reader(kind)
    return _SCALARS.get(kind, _as_it_is)


def _members(value: object) -> Iterable[tuple[str, object]]:
    # dict first: to ask for a Mapping takes longer than the rest
    return value.items() if isinstance(value, dict) or isinstance(value, Mapping) else ()  # noqa: SIM101  # as above


def _object_reader(shape: type) -> Reader:
    short = getattr(shape, "SHORT", "")
    known: dict[str, tuple[str, Reader]] = {}

    def read(value: object) -> object:
        if not known:  # not before: a shape may hold itself
            fields = fields_of(shape).items()
            known.update({wire: (field.name, _reader(field.kind)) for wire, field in fields})
        if isinstance(value, str):  # the schema took a text
            value = {short: value}
        made = {}
        for wire, each in _members(value):
            name, one = known[wire]
            made[name] = one(each)
        return shape(**made)

    return read


def _as_it_is(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


_LISTS: Final = (list, tuple)
_HOLDERS: Final = (list, dict)
_SCALARS: Final[Mapping[object, Reader]] = {
    str: lambda value: value.strip() if isinstance(value, str) else value,
    int: lambda value: int(value) if isinstance(value, int | float) else value,
    float: lambda value: float(value) if isinstance(value, int | float) else value,
}


def dump(value: object) -> object:
    """The JSON of an input, a state or plain data; what is unset stays away from items."""
    shape: Any = type(value)
    if shape in _PLAIN:
        return value
    if isinstance(value, dict):
        return {
            str(key): each if type(each) in _PLAIN else dump(each) for key, each in value.items()
        }
    if isinstance(value, _LISTS):
        return [each if type(each) in _PLAIN else dump(each) for each in value]
    if attrs.has(shape):
        return {
            wire: each if type(each) in _PLAIN else dump(each)
            for wire, name in _names(shape)
            if (each := getattr(value, name)) is not None
        }
    return value


@functools.cache
def _names(shape: type) -> Sequence[tuple[str, str]]:
    """The fields of a class: their names in JSON and here."""
    return [(wire, field.name) for wire, field in fields_of(shape).items()]


def renamed(shape: type, given: Mapping[str, object], told: list[str]) -> Json:
    """Fields under our spelling, items included; each that was spelled otherwise is told."""
    fields = fields_of(shape)
    made: Json = {}
    for name, value in given.items():
        wire = name
        if name not in fields:
            wire = _spellings(shape).get(plain(name), name)
            if wire != name:
                told.append(f"{name} -> {wire}")
        field = fields.get(wire)
        if field is not None and isinstance(value, _HOLDERS):
            value = _inside(field.kind, value, told)
        made.setdefault(wire, value)
    return made


@functools.cache
def _spellings(shape: type) -> Mapping[str, str]:
    """The fields of an input by their names without spelling, aliases included."""
    known = {plain(wire): wire for wire in fields_of(shape)}
    aliases = getattr(shape, "ALIASES", {})
    return known | {plain(alias): wire for alias, wire in aliases.items()}


def _inside(kind: Any, value: object, told: list[str]) -> object:  # noqa: ANN401
    if isinstance(value, list):
        item, _ = _parts_of(kind)
        if item is None:
            return value
        return [_inside(item, each, told) if isinstance(each, _HOLDERS) else each for each in value]
    if isinstance(value, dict):
        _, shape = _parts_of(kind)
        return value if shape is None else renamed(shape, value, told)
    return value


@functools.cache
def _parts_of(kind: Any) -> tuple[Any, type | None]:  # noqa: ANN401
    """What the items of a list of this kind are, and the class of an object of it."""
    while get_origin(kind) is Annotated:
        kind = kind.__origin__
    inner = get_args(kind)
    shapes = [each for each in (kind, *inner) if isinstance(each, type) and attrs.has(each)]
    return (inner[0] if inner else None), (shapes[0] if shapes else None)
