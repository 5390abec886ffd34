"""JSON is found in noise, and what only looks like it is left alone."""

import json
import math

import pytest
from hypothesis import given, strategies as st

from aimux.dialects._records import glued, load, values
from aimux.dialects._shapes import amount_at, count_at, list_at, map_at, plain, text_at, total

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), JSON, min_size=1, max_size=3)


@given(st.text("xyz :,}]\n", max_size=20), OBJECTS, st.text("xyz :,}]\n", max_size=20))
def test_object_is_found_between_noise(before: str, value: dict[str, object], after: str) -> None:
    """Noise in front and behind does not matter."""
    assert values(f"{before}{json.dumps(value)}{after}") == [value]


@given(OBJECTS, OBJECTS)
def test_glued_records_are_told_apart(first: dict[str, object], second: dict[str, object]) -> None:
    """Two records on one line, with loose text in front and between."""
    line = f"loose text {json.dumps(first)}and{json.dumps(second)}"

    assert glued(line) == [first, second]


def test_inside_of_a_cut_record_is_no_record() -> None:
    """A record that was cut does not become its own part."""
    line = '{"type":"item","item":{"type":"agent_message","text":"x"},"usage":{"a":1},"more":"'

    assert glued(line) == []


def test_record_behind_broken_braces_counts_at_the_end_of_the_line() -> None:
    """Braces that open nothing may stand in front."""
    assert glued('{not json} {"type":"error"}') == [{"type": "error"}]
    assert glued("{}") == []
    assert glued("{" * 1000) == []


def test_values_prefers_those_that_begin_a_line() -> None:
    """An object inside a log line is second choice."""
    text = 'log {"a": 1} end\n{\n  "answer": 2\n}\nlog {"b": 3}\n'

    assert values(text) == [{"answer": 2}]
    assert values('log {"a": 1} end') == [{"a": 1}]
    assert values('[1, 2] {"a": [') == [[1, 2]]
    assert values("nothing here") == []
    assert values("{} []") == []


def test_tries_are_limited() -> None:
    """Noise full of braces ends the search, not the day."""
    assert values("{x " * 20_000) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": -Infinity, "b": 1e400}', {"a": -math.inf, "b": math.inf}),
        ('{"a": ' + "9" * 5_000 + "}", {"a": math.inf}),
        ('{"a": "raw\ttab"}', {"a": "raw\ttab"}),
        (r'{"a": "\ud83d"}', {"a": "?"}),
        (r'{"a": "\ud83d\ude00"}', {"a": "😀"}),
    ],
)
def test_lenient_json_is_repaired(text: str, value: object) -> None:
    """What real programs print and strict JSON refuses."""
    assert load(text) == value


def test_deep_nesting_is_no_json() -> None:
    """Depth is refused like any other fault."""
    with pytest.raises(ValueError, match="deep"):
        load("[" * 100_000)


def test_wrong_types_read_as_absent() -> None:
    """Records come from outside: nothing in them may raise."""
    record = {"a": {"b": 3}, "n": True, "f": float("nan"), "big": 1e300, "t": "", "l": [1]}

    assert map_at(record, "a", "b") == {}
    assert map_at(record, "x") == {}
    assert list_at(record, "a") == ()
    assert count_at(record, "n") is None
    assert count_at(record, "f") is None
    assert count_at(record, "big") is None
    assert count_at({"n": 2.0}, "n") == 2
    assert amount_at(record, "n") is None
    assert amount_at({"n": 2}, "n") == 2.0
    assert text_at(record, "t", "a", "zz") == ""
    assert total(None, None) is None
    assert total(None, 2, 3) == 5


def test_plain_takes_text_out_of_parts() -> None:
    """Lists of parts have their text, other things have none."""
    assert plain([{"type": "text", "text": "a"}, "b", {"content": ["c"]}, {"image": 1}, 7]) == "abc"
    assert plain({"x": 1}) == ""
