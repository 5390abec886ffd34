"""A fast yes and a whole list of faults, both as jsonschema sees it."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from aimux.rules import compile_schema, mended, problems

from ..extent import examples

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 5},
        "cli": {"type": "string", "enum": ["codex", "claude"], "default": "codex"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": "number"},
        "async": {"type": "boolean", "description": "go on without me"},
        "clis": {"type": "array", "items": {"type": "string"}},
        "runs": {"type": "array", "items": {"type": ["string", "array"]}},
        "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
        "maybe": {"type": ["string", "null"]},
        "steps": {"type": "array", "items": {"type": "object", "required": ["id"]}},
        "none": {"type": "object", "additionalProperties": False},
    },
    "required": ["prompt"],
    "additionalProperties": False,
}
fits = compile_schema(SCHEMA)


@pytest.mark.parametrize(
    ("given_arguments", "is_good"),
    [
        ({"prompt": "do"}, True),
        ({"prompt": "do", "count": 2.0, "share": 1, "maybe": None, "async": True}, True),
        ({"prompt": "do", "clis": ["a"], "extra": {"x": 1}, "steps": [{"id": 1}]}, True),
        ({}, False),
        ([], False),
        (None, False),
        ({"prompt": ""}, False),
        ({"prompt": "longer"}, False),
        ({"prompt": "do", "cli": "gemini"}, False),
        ({"prompt": "do", "cli": 1}, False),
        ({"prompt": "do", "count": True}, False),
        ({"prompt": "do", "count": 1.5}, False),
        ({"prompt": "do", "count": 0}, False),
        ({"prompt": "do", "count": 10}, False),
        ({"prompt": "do", "async": 1}, False),
        ({"prompt": "do", "clis": [1]}, False),
        ({"prompt": "do", "clis": "a"}, False),
        ({"prompt": "do", "extra": {"x": "1"}}, False),
        ({"prompt": "do", "steps": [{}]}, False),
        ({"prompt": "do", "other": 1}, False),
    ],
)
def test_the_fast_checker_says_yes_and_no_as_jsonschema(
    given_arguments: object, is_good: bool
) -> None:
    assert fits(given_arguments) is is_good
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(given_arguments) is is_good
    assert bool(problems(SCHEMA, given_arguments)) is not is_good


def test_every_fault_is_listed_at_once_with_the_way_out() -> None:
    found = problems(
        SCHEMA,
        {"promt": "x", "cli": "claud", "count": "7", "clis": ["a", 5], "extra": {"n": None}},
    )

    assert found == [
        {
            "path": "cli",
            "value": "claud",
            "expected": "one of codex, claude",
            "suggestion": "claude",
        },
        {"path": "clis[1]", "value": 5, "expected": "string", "suggestion": "5"},
        {"path": "count", "value": "7", "expected": "integer", "suggestion": 7},
        {"path": "extra.n", "value": None, "expected": "integer"},
        {"path": "prompt", "value": None, "expected": "a value"},
        {
            "path": "promt",
            "value": "x",
            "expected": f"one of the names {', '.join(SCHEMA['properties'])}",  # type: ignore[arg-type]
            "suggestion": "prompt",
        },
    ]


@pytest.mark.parametrize(
    ("arguments", "path", "expected", "suggestion"),
    [
        ({"prompt": "toolong"}, "prompt", "at most 5 characters", None),
        ({"prompt": ""}, "prompt", "at least 1 character", None),
        ({"prompt": "x", "count": 0}, "count", "at least 1", None),
        ({"prompt": "x", "count": 99}, "count", "at most 9", None),
        ({"prompt": "x", "count": "many"}, "count", "integer", None),
        ({"prompt": "x", "share": "0.5"}, "share", "number", 0.5),
        ({"prompt": "x", "async": "True"}, "async", "boolean", True),
        ({"prompt": "x", "async": "yes"}, "async", "boolean", None),
        ({"prompt": 5}, "prompt", "string", "5"),
        ({"prompt": "x", "maybe": 5}, "maybe", "string or null", "5"),
        ({"prompt": "x", "cli": 5}, "cli", "one of codex, claude", None),
        ({"prompt": "x", "steps": [{"id": 1}, {}]}, "steps[1].id", "a value", None),
        ({"prompt": "x", "none": {"a": 1}}, "none.a", "nothing", None),
        ("text", "arguments", "object", None),
    ],
)
def test_a_fault_names_its_path_and_what_was_expected(
    arguments: object, path: str, expected: str, suggestion: object
) -> None:
    found = {(each["path"], each["expected"]): each for each in problems(SCHEMA, arguments)}

    assert found[path, expected].get("suggestion") == suggestion


def test_only_what_is_missing_is_missed() -> None:
    found = problems({"required": ["a", "b", "c"]}, {"b": 1})

    assert [each["path"] for each in found] == ["a", "c"]


def test_values_are_shown_short_and_without_secrets() -> None:
    key = "ghp_" + "a" * 36
    (long,) = problems({"type": "integer"}, key + " x" * 200)
    (listed,) = problems({"type": "integer"}, [key])

    assert len(str(long["value"])) == 100
    assert key not in f"{long} {listed}"


def test_keywords_beyond_the_subset_are_explained_in_jsonschemas_words() -> None:
    (found,) = problems({"properties": {"a": {"pattern": "^b"}}}, {"a": "c"})

    assert found == {"path": "a", "value": "c", "expected": "'c' does not match '^b'"}


def test_no_schema_fetches_anything() -> None:
    with pytest.raises(Exception, match="Unresolvable"):
        problems({"$ref": "http://127.0.0.1:9/schema"}, 1)


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": []},
        {"type": "strnig"},
        {"type": 5},
        {"enum": "a"},
        {"required": "a"},
        {"minimum": "1"},
        {"maxLength": True},
        {"properties": []},
        {"additionalProperties": 1},
        {"items": []},
        {"properties": {"a": {"$ref": "#"}}},
    ],
)
def test_a_schema_outside_the_subset_is_refused_when_compiled(schema: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="schema"):
        compile_schema(schema)


@pytest.mark.parametrize(("schema", "is_good"), [(True, True), (False, False), ({}, True)])
def test_a_schema_may_be_a_plain_yes_or_no(schema: Any, is_good: bool) -> None:
    assert compile_schema(schema)(1) is is_good
    assert (problems(schema, 1) == []) is is_good


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.sampled_from([-1.0, 0.0, 1.0, 1.5, 2.5]),
        st.sampled_from(["", "a", "ab", "abc", "é"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "items": inner,
            "minimum": st.sampled_from([-1, 0, 1.5]),
            "maximum": st.sampled_from([-1, 0, 1.5]),
            "minLength": st.integers(0, 3),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "default": VALUES,
        },
    )


SCHEMAS = st.recursive(st.one_of(st.booleans(), st.just({})), _schemas, max_leaves=5)


@pytest.mark.slow
@settings(max_examples=examples(50, 150))
@given(SCHEMAS, VALUES)
def test_both_agree_with_jsonschema_on_anything(schema: Any, value: object) -> None:
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)

    assert compile_schema(schema)(value) is expected
    found = problems(schema, value)
    assert (found == []) is expected
    for each in found:
        assert set(each) <= {"path", "value", "expected", "suggestion"}
        assert each["path"]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ({"promt": "hi", "cli": "codex"}, {"prompt": "hi", "cli": "codex"}),
        ({"prompt": "hi", "cli": "codx"}, {"prompt": "hi", "cli": "codex"}),
        ({"prompt": 5}, {"prompt": "5"}),
        ({"prompt": "hi", "clis": "codex, claude"}, {"prompt": "hi", "clis": ["codex", "claude"]}),
        ({"prompt": "hi", "cli": "vim"}, None),
        ({"prompt": "hi", "cli": "cod"}, None),  # near, and no slip
        ({"prompt": "hi", "amount": 5}, None),
        ({"prompt": "hi", "runs": "a, b"}, {"prompt": "hi", "runs": ["a, b"]}),
        ({"promt": "hi", "prompt": "ho"}, None),
        ({"prompt": "hi", "none": {"a": 1}}, None),
        ({}, None),
    ],
)
def test_faults_with_one_mending_are_mended(
    arguments: dict[str, object], meant: dict[str, object] | None
) -> None:
    """All of them or none: a fault without one, two values for one name, something deeper."""
    assert mended(arguments, problems(SCHEMA, arguments)) == meant
