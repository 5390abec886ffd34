"""Arguments against a schema: a fast yes, or every fault at once.

`compile_schema` makes a checker for the portable subset of JSON Schema out of closures: it decides
in microseconds and explains nothing. Only when it says no does `problems` ask jsonschema, which
costs a tenth of a second to import. Both agree with jsonschema on every value.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from reprlib import Repr
from typing import Final, Protocol

from aimux.model import plural

from ._nearest import is_misspelt, nearest
from ._redact import redact

Check = Callable[[object], bool]

SHOWN_CHARS: Final = 100
SHOWN_LEVELS: Final = 50
NAMES: Final = "one of the names "  # what is expected where there is no such name
_REPR: Final = Repr()  # of any depth and length
_REPR.maxstring = _REPR.maxother = 10 * SHOWN_CHARS
_SILENT: Final = frozenset({"title", "description", "default", "examples", "deprecated", "$schema"})
_NUMBERS: Final = (int, float)
_KEYWORDS: Final = frozenset(
    {
        *("type", "properties", "required", "enum", "additionalProperties", "items"),
        *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
    }
)


def compile_schema(schema: Mapping[str, object] | bool) -> Check:
    """Whether a JSON value fits `schema`, as a function.

    Raises:
        ValueError: the schema uses a keyword outside the portable subset, or one wrongly.
    """
    if isinstance(schema, bool):
        return _always if schema else _never
    if unknown := set(schema) - _KEYWORDS - _SILENT:
        raise _wrong(f"keyword {', '.join(sorted(unknown))} is outside the portable subset")
    checks = [
        *_type_checks(schema),
        *_enum_checks(schema),
        *_bound_checks(schema),
        *_object_checks(schema),
        *_array_checks(schema),
    ]
    match checks:
        case []:
            return _always
        case [only]:
            return only
        case [first, second]:
            return lambda value: first(value) and second(value)
    every = tuple(checks)

    def fits(value: object) -> bool:
        for check in every:  # noqa: SIM110  # a plain loop is half the time of all() here
            if not check(value):
                return False
        return True

    return fits


def problems(schema: Mapping[str, object] | bool, value: object) -> list[dict[str, object]]:
    """Every fault of `value`: `{path, value, expected}` and, where there is one, `suggestion`.

    Sorted by path; empty if it fits.

    Raises:
        RecursionError: the value is too deep to be told; see `shallow`.
    """
    import jsonschema
    from referencing import Registry

    # an empty registry: no schema fetches anything
    validator = jsonschema.Draft202012Validator(schema, registry=Registry())
    found = [each for fault in validator.iter_errors(value) for each in _explained(fault)]
    unique = {(str(each["path"]), str(each["expected"])): each for each in found}
    return [unique[key] for key in sorted(unique)]


def mended(
    given: Mapping[str, object], found: Sequence[Mapping[str, object]]
) -> dict[str, object] | None:
    """The arguments with each of their `problems` mended; None where one has no one mending."""
    named = dict(given)
    names = [each["suggestion"] for each in found if "suggestion" in each]
    for each in found:
        name, meant = str(each["path"]), each.get("suggestion")
        if name not in named:
            if meant is None and name in names:  # what a misspelt one was to be
                continue
            return None  # it is missing, or lies deeper
        if not meant:
            return None
        is_word = isinstance(meant, str) and isinstance(given[name], str)
        is_name = str(each["expected"]).startswith(NAMES)
        if is_name and (meant in given or not is_misspelt(name, str(meant))):
            return None
        if is_word and not is_name and not is_misspelt(str(given[name]), str(meant)):
            return None
        if not is_name:
            named[name] = meant
        else:
            named[str(meant)] = named.pop(name)
    return named


def told_problem(problem: Mapping[str, object]) -> str:
    """One of `problems` in a sentence: path, what was expected, what may have been meant."""
    suggestion = problem.get("suggestion")
    is_name = str(problem["expected"]).startswith(NAMES) or isinstance(problem["value"], str)
    is_plain = is_name and isinstance(suggestion, str)
    shown = suggestion if is_plain else json.dumps(suggestion, ensure_ascii=False)
    meant = f", did you mean {shown}?" if suggestion else ""
    return f"{problem['path']}: expected {problem['expected']}{meant}"


def shallow(value: object, levels: int = SHOWN_LEVELS) -> object:
    """The value without what is deeper than so many levels: no schema of ours looks there."""
    if isinstance(value, dict):
        return {key: shallow(each, levels - 1) for key, each in value.items()} if levels else {}
    if isinstance(value, list):
        return [shallow(each, levels - 1) for each in value] if levels else []
    return value


# ------------------------------------------------------------------------------------ the fast yes


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


def _is_integer(value: object) -> bool:
    if type(value) is int:
        return True
    return isinstance(value, float) and value.is_integer()  # JSON knows one kind of number


def _is_number(value: object) -> bool:
    return isinstance(value, _NUMBERS) and value is not True and value is not False


_TYPES: Final[Mapping[str, Check]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: value is True or value is False,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def _type_checks(schema: Mapping[str, object]) -> Iterator[Check]:
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list | tuple) or not all(name in _TYPES for name in names):
        raise _wrong(f"type {wanted!r} is none of {', '.join(_TYPES)}")
    checks = [_TYPES[name] for name in names]
    if len(checks) == 1:
        yield checks[0]
    elif checks:
        yield lambda value: any(check(value) for check in checks)


def _enum_checks(schema: Mapping[str, object]) -> Iterator[Check]:
    if "enum" not in schema:
        return
    values = _collection(schema, "enum")
    words = frozenset(each for each in values if isinstance(each, str))
    others = [each for each in values if not isinstance(each, str)]
    if others:
        yield (
            lambda value: (
                value in words
                if isinstance(value, str)
                else any(json_equal(value, each) for each in others)
            )
        )
    else:
        yield lambda value: isinstance(value, str) and value in words


def json_equal(one: object, two: object) -> bool:
    """As JSON: true is not 1, not even inside."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(json_equal, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(json_equal(one[key], two[key]) for key in one)
    return one == two


def _bound_checks(schema: Mapping[str, object]) -> Iterator[Check]:
    low, high = _figure(schema, "minimum"), _figure(schema, "maximum")
    if low is not None:
        yield (
            lambda value: not (isinstance(value, int | float) and value < low and _is_number(value))
        )
    if high is not None:
        yield (
            lambda value: (
                not (isinstance(value, int | float) and value > high and _is_number(value))
            )
        )
    short, long = _figure(schema, "minLength"), _figure(schema, "maxLength")
    if short is not None:
        yield lambda value: not (isinstance(value, str) and len(value) < short)
    if long is not None:
        yield lambda value: not (isinstance(value, str) and len(value) > long)
    few, many = _figure(schema, "minItems"), _figure(schema, "maxItems")
    if few is not None:
        yield lambda value: not (isinstance(value, list) and len(value) < few)
    if many is not None:
        yield lambda value: not (isinstance(value, list) and len(value) > many)


def _object_checks(schema: Mapping[str, object]) -> Iterator[Check]:
    required = frozenset(_collection(schema, "required")) if "required" in schema else frozenset()
    given = schema.get("properties", {})
    extra_schema = schema.get("additionalProperties", True)
    if not isinstance(given, Mapping) or not isinstance(extra_schema, Mapping | bool):
        raise _wrong("properties or additionalProperties is not an object")
    known: dict[object, Check] = {key: compile_schema(each) for key, each in given.items()}
    extra = compile_schema(extra_schema)
    if required:
        yield lambda value: not isinstance(value, dict) or required <= value.keys()
    if known or extra is not _always:

        def fits(value: object) -> bool:
            if isinstance(value, dict):
                for key, each in value.items():
                    if not known.get(key, extra)(each):
                        return False
            return True

        yield fits


def _array_checks(schema: Mapping[str, object]) -> Iterator[Check]:
    if "items" not in schema:
        return
    items = schema["items"]
    if not isinstance(items, Mapping | bool):
        raise _wrong("items is not an object")
    check = compile_schema(items)
    yield lambda value: not isinstance(value, list) or all(map(check, value))


def _collection(schema: Mapping[str, object], key: str) -> Collection[object]:
    values = schema[key]
    if isinstance(values, list | tuple):
        return values
    raise _wrong(f"{key} is not a list")


def _figure(schema: Mapping[str, object], key: str) -> float | None:
    figure = schema.get(key)
    if figure is None or (isinstance(figure, int | float) and not isinstance(figure, bool)):
        return figure
    raise _wrong(f"{key} is not a number")


def _wrong(what: str) -> ValueError:
    return ValueError(f"schema {what}")


# ---------------------------------------------------------------------------------- the slow no


class _Fault(Protocol):
    """What jsonschema reports, as far as it is read here."""

    @property
    def validator(self) -> object: ...
    @property
    def validator_value(self) -> object: ...
    @property
    def instance(self) -> object: ...
    @property
    def schema(self) -> object: ...
    @property
    def message(self) -> str: ...
    @property
    def absolute_path(self) -> Iterable[str | int]: ...


def _explained(fault: _Fault) -> Iterator[dict[str, object]]:
    path = _path(fault.absolute_path)
    place = path or "arguments"
    match fault.validator, fault.validator_value, fault.instance:
        case "required", list(names), dict(given):
            for name in names:
                if name not in given:
                    yield _problem(_joined(path, str(name)), None, "a value")
        case "additionalProperties", False, dict(given):
            known = _properties(fault.schema)
            said = f"{NAMES}{', '.join(known)}" if known else "nothing"
            for name in given:
                if name not in known:
                    meant = nearest(str(name), known)
                    yield _problem(_joined(path, str(name)), given[name], said, meant)
        case "enum", list(values), value:
            words = [each for each in values if isinstance(each, str)]
            meant = nearest(value, words) if isinstance(value, str) else ""
            yield _problem(place, value, f"one of {', '.join(map(str, values))}", meant)
        case "type", str() | list() as wanted, value:
            names = [wanted] if isinstance(wanted, str) else wanted
            yield _problem(place, value, " or ".join(names), _converted(value, names, fault.schema))
        case (
            "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" as keyword,
            bound,
            value,
        ):
            side = "at least" if keyword.startswith("min") else "at most"
            nouns = {"Length": "character", "Items": "item"}
            noun = next((nouns[end] for end in nouns if keyword.endswith(end)), "")
            how_many = plural(bound, noun) if noun and isinstance(bound, int) else str(bound)
            yield _problem(place, value, f"{side} {how_many}")
        case _:
            yield _problem(place, fault.instance, _shortened(fault.message))


def _properties(schema: object) -> list[str]:
    match schema:
        case {"properties": dict(known)}:
            return list(known)
        case _:
            return []


def _problem(path: str, value: object, expected: str, suggestion: object = "") -> dict[str, object]:
    found: dict[str, object] = {"path": path, "value": _shown(value), "expected": expected}
    if suggestion != "":
        found["suggestion"] = suggestion
    return found


def _converted(value: object, names: Sequence[str], schema: object) -> object:
    """The same in the wanted type, where a client merely wrote it otherwise."""
    if isinstance(value, str):
        text = value.strip().lower()
        match schema:
            case {"type": "array", "items": {"type": "string"}} if text and len(text) < SHOWN_CHARS:
                return [each.strip() for each in value.split(",") if each.strip()]
            case {"type": "array", "items": {"type": ["string", *_]}} if text:
                return [value]  # a command may have commas in it
        if "boolean" in names and text in ("true", "false"):
            return text == "true"
        if {"integer", "number"} & set(names):
            try:
                return int(text) if "integer" in names else float(text)
            except ValueError:
                return ""
    if "string" in names and _is_number(value):
        return str(value)
    return ""


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _joined(path, part)
    return path


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    # a value may be deeper than `repr` goes
    return _shortened(redact(value if isinstance(value, str) else _REPR.repr(value)))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
