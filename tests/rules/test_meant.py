"""Arguments that were merely written otherwise."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from aimux.rules import as_meant, boolean_as_meant, compile_schema

SEAT: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "turns": {"type": "integer"}},
    "required": ["name"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "flag": {"type": "boolean"},
        "open": {"description": "anything"},
        "maybe": {"type": ["integer", "null"]},
        "either": {"type": ["string", "integer"]},
        "seat": SEAT,
        "seats": {"type": "array", "items": SEAT},
        "words": {"type": "array", "items": {"type": "string"}},
        "any": {"type": ["array", "object"]},
    },
    "required": ["text"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("count", "30", 30),
        ("count", " -2 ", -2),
        ("count", "30.0", 30.0),
        ("share", "30", 30),
        ("share", "2.5e1", 25.0),
        ("flag", "TRUE", True),
        ("flag", "false", False),
        ("seat", '{"name": "A", "turns": "2"}', {"name": "A", "turns": 2}),
        ("seats", [{"name": "A", "turns": None}], [{"name": "A"}]),
        ("seats", '[{"name": "7"}]', [{"name": "7"}]),
        ("words", '["1", "true"]', ["1", "true"]),
        ("any", "[1]", [1]),
        ("any", "{}", {}),
    ],
)
def test_one_meaning_is_taken(name: str, value: object, meant: object) -> None:
    """At every level a schema describes; what is taken fits."""
    found, told = as_meant(SCHEMA, {"text": "x", name: value})

    assert found == {"text": "x", name: meant}
    assert type(found[name]) is type(meant)
    assert all(each.startswith(name) for each in told)
    assert told
    assert compile_schema(SCHEMA)(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "true"),
        ("text", None),
        ("text", 3),
        ("count", "2.5"),
        ("count", "٣"),
        ("count", "0x10"),
        ("count", "9" * 5_000),
        ("count", True),
        ("share", "nan"),
        ("share", "1e999"),
        ("flag", "1"),
        ("flag", 0),
        ("open", "30"),
        ("open", "{}"),
        ("maybe", None),
        ("either", "30"),
        ("words", "a, b"),
        ("words", "{}"),
        ("seat", "[" * 5_000),
        ("seats", [{"name": None}]),
        ("unknown", None),
    ],
)
def test_anything_else_is_left_as_it_came(name: str, value: object) -> None:
    """What may mean something else, or is what the schema wants already."""
    given_ones = {"text": "x", name: value}

    assert as_meant(SCHEMA, given_ones) == (given_ones, [])


def test_null_for_what_may_be_left_out_is_not_given() -> None:
    found, told = as_meant(SCHEMA, {"text": "x", "count": None, "seat": None})

    assert found == {"text": "x"}
    assert told == [
        "count: null was taken as not given",
        "seat: null was taken as not given",
    ]


def test_one_word_is_a_list_of_one() -> None:
    """Where texts are wanted; more than a word may be several."""
    assert as_meant(SCHEMA, {"text": "x", "words": "codex"})[0]["words"] == ["codex"]
    assert as_meant(SCHEMA, {"text": "x", "words": "a b"})[0]["words"] == "a b"


OPTIONAL = [name for name in SCHEMA["properties"] if name != "text"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries({"text": st.text()}, optional=dict.fromkeys(OPTIONAL, VALUES)))
def test_what_fits_is_never_changed(arguments: dict[str, object]) -> None:
    """Whatever the schema takes is meant as it is."""
    if compile_schema(SCHEMA)(arguments):
        assert as_meant(SCHEMA, arguments)[1] == []


def test_a_boolean_may_come_by_name() -> None:
    assert [boolean_as_meant(each) for each in (True, " False", "no", 1)] == [True, False, "no", 1]
