"""What whole schemas are written with.

Unlike the short ones of the catalogue they use `anyOf`: they are read as a resource, by programs.
Values of ours that results show as they are (`attrs.asdict`) have their schema from their class.
"""

import enum
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, Verified
from aimux.tools.catalog import Schema

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
FLAG: Final[Schema] = {"type": "boolean"}
ANYTHING: Final[Schema] = {}
NULL: Final[Schema] = {"type": "null"}
NO_CLASS: Final[Mapping[object, Schema]] = {
    str: TEXT,
    int: {"type": "integer"},
    float: NUMBER,
    bool: FLAG,
    type(None): NULL,
}


def closed(fields: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    """An object that has all of `fields`, may have `more`, and nothing else."""
    return {
        "type": "object",
        "properties": {**fields, **(more or {})},
        "required": list(fields),
        "additionalProperties": False,
    }


def map_of(value: Schema, said: str = "") -> Schema:
    """An object whose keys are not ours, each with such a value."""
    told: Schema = {"description": said} if said else {}
    return {**told, "type": "object", "additionalProperties": value}


def open_object(said: str) -> Schema:
    """An object that holds what somebody else decides; `said` says who."""
    return {"type": "object", "description": said}


def list_of(items: Schema) -> Schema:
    """An array of these."""
    return {"type": "array", "items": items}


def texts() -> Schema:
    """An array of texts."""
    return list_of(TEXT)


def word(values: typing.Iterable[str]) -> Schema:
    """One of some words; an enumeration gives its own."""
    return {"type": "string", "enum": [str(each) for each in values]}


def optional(schema: Schema) -> Schema:
    """The same, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "properties" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, NULL]}


def of_class(shown: type, *, sparse: bool = False) -> Schema:
    """What `attrs.asdict` makes of a class; `sparse` where empty texts are left out."""
    attrs.resolve_types(shown)
    fields = {each.name: _of_type(each.type) for each in attrs.fields(shown)}
    if not sparse:
        return closed(fields)
    may_lack = {each.name for each in attrs.fields(shown) if each.default == ""}
    return closed(
        {name: schema for name, schema in fields.items() if name not in may_lack},
        {name: schema for name, schema in fields.items() if name in may_lack},
    )


def _of_type(annotation: object) -> Schema:
    if annotation is Verified:
        return {"enum": [each.value for each in Verified]}
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        kinds = [_of_type(each) for each in inner if each is not type(None)]
        whole: Schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        return optional(whole) if type(None) in inner else whole
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return map_of(_of_type(inner[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return list_of(_of_type(inner[0]))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return word(each.value for each in annotation)
    if isinstance(annotation, type) and attrs.has(annotation):
        return of_class(annotation)
    if annotation is object:
        return ANYTHING
    return NO_CLASS[annotation]


EVIDENCE: Final = of_class(Evidence)
