"""JSON that is edited in place."""

import json

import pytest
from hypothesis import given, strategies as st

from aimux.console._jsonc import parse, with_value

CASES = {
    "nothing": ("", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
    "comments only": ("// mine", '// mine\n{\n  "a": {\n    "b": 1\n  }\n}\n'),
    "an empty object": ("{}\n", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
    "one line": ('{"x": 2}', '{"x": 2, "a": {"b": 1}}'),
    "one line, a comma too many": ('{"x": 2,}', '{"x": 2, "a": {"b": 1}}'),
    "tabs": ('{\n\t"x": 2\n}', '{\n\t"x": 2,\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
    "a comma too many": (
        '{\n    "x": [1, 2,], // mine\n    // last\n}\n',
        '{\n    "x": [1, 2,], // mine\n    // last\n    "a": {\n        "b": 1\n    }\n}\n',
    ),
    "a comment behind the last": (
        '{\n  "x": 2 /* , */ // mine\n}',
        '{\n  "x": 2, /* , */ // mine\n  "a": {\n    "b": 1\n  }\n}',
    ),
    "a comment that would hide it": (
        '{"x": {} // mine\n}',
        '{"x": {}, // mine\n  "a": {\n    "b": 1\n  }\n}',
    ),
    "there, empty": ('{\n  "a": { /* none */ }\n}', '{\n  "a": { /* none */\n    "b": 1\n  }\n}'),
    "there, otherwise": (
        '{"a": {"b": /* old */ {"c": 2} /* x */}}',
        '{"a": {"b": /* old */ 1 /* x */}}',
    ),
    "there, among comments of lines": (
        '// mine\n{\n  // "a": 0\n  "a": {"b": 2} // x\n}',
        '// mine\n{\n  // "a": 0\n  "a": {"b": 1} // x\n}',
    ),
    "there, the same": ('{"a" : {"b":1}}', '{"a" : {"b":1}}'),
    "there twice": ('{"a": 3, "a": {"b": 0}}', '{"a": 3, "a": {"b": 1}}'),
    "other line ends": (
        '{\r\n  "x": 2\r\n}\r\n',
        '{\r\n  "x": 2,\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}\r\n',
    ),
    "no blanks": ('{\n"x":2}', '{\n"x":2, "a": {"b": 1}}'),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=list(CASES))
def test_one_place_changes(before: str, after: str) -> None:
    """Comments, blanks and all else stay."""
    done = with_value(before, ["a", "b"], 1)

    assert done == after
    assert with_value(done, ["a", "b"], 1) == done
    assert parse(done).value == {**dict(parse(before).value), "a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "a name is missing: line 1 column 2"),
        ('{\n"a" 1}', "a colon is missing: line 2 column 5"),
        ('{"a": }', "a value is missing"),
        ('{"a": tru}', "a value is missing"),
        ('{"a": "x\n"}', "no string"),
        ('{"a": 1 "b": 2}', "a comma is missing"),
        ("[1 2]", "a comma is missing"),
        ("{a: 1}", "a name is missing"),
        ('{} {"a": 1}', "something follows the end"),
        ("{} /* open", "something follows the end"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(text: str, fault: str) -> None:
    """It says where."""
    with pytest.raises(ValueError, match=fault):
        parse(text)


@pytest.mark.parametrize(
    ("text", "fault"), [("[]", "the whole is not an object"), ('{"a": 1}', "a is not an object")]
)
def test_what_is_no_object_gets_no_member(text: str, fault: str) -> None:
    """It is named."""
    with pytest.raises(ValueError, match=fault):
        with_value(text, ["a", "b"], 1)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text(max_size=3), values, max_size=4),
    st.text(max_size=3),
    values,
    st.sampled_from([None, 0, 1, "\t"]),
    st.booleans(),
)
def test_any_object_takes_any_value(
    tree: dict[str, object], key: str, value: object, indent: int | str | None, is_ascii: bool
) -> None:
    """Whatever its layout: it reads as it should afterwards."""
    text = json.dumps(tree, indent=indent, ensure_ascii=is_ascii)
    done = with_value(text, [key], value)

    assert parse(text).value == tree
    assert parse(done).value == json.loads(done) == {**tree, key: value}
