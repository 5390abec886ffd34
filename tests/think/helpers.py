"""Steps of a pattern without a tool around it, and the names of every field there is."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from aimux.rules import as_meant, compile_schema
from aimux.think import Step, choose, code_of, placed, run, schema_for, stored
from aimux.think._fields import fields_of

Json = dict[str, Any]


def steps(name: str, *given: Mapping[str, Any]) -> Step:
    """The last of some steps of one session (or calls, without a session)."""
    choice = choose(name)
    body: Json | None = {} if choice.is_stateful else None
    step = None
    for each in given:
        fields, mapped = placed(choice, each, "")
        if not compile_schema(schema_for(choice))(fields):
            fields, _ = as_meant(schema_for(choice), fields)
        assert compile_schema(schema_for(choice))(fields), fields
        step = run(choice, fields, mapped, body)
        if step.session is not None:
            body = stored(step.session)
    assert step is not None
    return step


def data(name: str, *before: Mapping[str, Any], **fields: Any) -> Json:
    """What a pattern computes; of a technique, its own block."""
    found = steps(name, *before, fields).result.data
    inner = found.get("technique", found)
    assert isinstance(inner, dict)
    return inner


def every_field(shape: type, prefix: str = "") -> Iterator[str]:
    """The dotted names of all fields of an input, those of items and parts included."""
    for wire, field in fields_of(shape).items():
        inner = _shape_in(field.kind)
        yield prefix + wire
        if inner is not None:
            yield from every_field(inner, f"{prefix}{wire}.")


def _shape_in(kind: Any) -> type | None:
    if isinstance(kind, type) and attrs.has(kind):
        return kind
    return next(filter(None, map(_shape_in, typing.get_args(kind))), None)


def fields(name: str) -> list[str]:
    """The dotted names of all fields of a pattern or technique."""
    return list(every_field(code_of(name).input))
