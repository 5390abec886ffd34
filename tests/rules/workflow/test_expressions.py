"""Expressions: what they come to, and that nothing they render is read again."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from aimux.rules.workflow import (
    ExpressionFault,
    evaluate,
    is_true,
    parse_expression,
    parse_template,
    render,
)

VALUES: dict[str, object] = {
    "a": {"content": "two P0 findings", "data": {"n": 3, "list": [1, "x", None]}, "status": "ok"},
    "a-b": {"content": "dashed"},
    "input": "hello",
    "flag": False,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.content contains 'P0'", True),
        ("'P0' in a.content", True),
        ("a.content contains 'P9'", False),
        ("a.data.list contains 'x'", True),
        ("a.data.list contains '1'", False),
        ("a.data contains 'n'", True),
        ("a.data.n == 3", True),
        ("a.data.n != 3", False),
        ("a.data.n < 3", False),
        ("a.data.n <= 3", True),
        ("a.data.n > 2.5", True),
        ("a.data.n >= 4", False),
        ("'a' < 'b'", True),
        ("true == 1", False),
        ("false == flag", True),
        ("null == a.data.list[2]", True),
        ("not flag", True),
        ("not not flag", False),
        ("flag or a.status == 'ok'", True),
        ("flag and nothing.at.all", False),
        ("true or nothing", True),
        ("(flag or true) and not flag", True),
        ("flag or true and flag", False),
        ("length(a.data.list)", 3),
        ("length('abc') == 3", True),
        ("lower('ABC')", "abc"),
        ("trim('  x ')", "x"),
        ("default(a.data.missing, 'none')", "none"),
        ("default(a.data.n, 9)", 3),
        ("default(a.data.list[2], 9)", 9),
        ("json(a.data.list)", '[1, "x", null]'),
        ("first(a.data.list, 2)", [1, "x"]),
        ("first('abcdef', 3)", "abc"),
        ("a-b.content", "dashed"),
        (r"'it\'s'", "it's"),
        ("-2 < 0", True),
        ("{{a.status}} == 'ok'", True),
        ('{{ a.content }} contains "P0"', True),
    ],
)
def test_an_expression_has_its_value(text: str, expected: object) -> None:
    assert evaluate(parse_expression(text), VALUES) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a value was expected, not its end"),
        ("a.", "a name or a position was expected"),
        ("a[x]", "a name or a position was expected"),
        ("a ==", "a value was expected"),
        ("a b", "nothing more was expected, not 'b'"),
        ("(a", "')' was expected"),
        ("shout(a)", "shout is no function: there are default"),
        ("length(a, b)", "length takes 1 values, not 2"),
        ("a; b", "is no part of it"),
        ("and", "a value was expected"),
        ("__import__('os')", "is no function"),
        ("(" * 40 + "a" + ")" * 40, "over 32 brackets"),
        ("a" * 5_000, "the limit is 4000"),
    ],
)
def test_what_is_no_expression_is_told(text: str, told: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        parse_expression(text)

    assert told in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.data.missing", "a.data.missing: there is no a.data.missing"),
        ("zz.content", "there is no zz"),
        ("a.data.list[9]", "there is no a.data.list[9]"),
        ("a.status.x", "there is no a.status.x"),
        ("a.status < 3", "< cannot compare text with a number"),
        ("true < false", "< cannot compare a truth value with a truth value"),
        ("3 contains 1", "a number contains nothing"),
        ("length(3)", "length cannot be used with a number"),
        ("lower(null)", "lower cannot be used with null"),
        ("first(a.data, 2)", "first cannot be used with an object, a number"),
    ],
)
def test_what_has_no_value_is_told(text: str, told: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        evaluate(parse_expression(text), VALUES)

    assert told in caught.value.message


def test_a_lone_expression_keeps_its_kind() -> None:
    """A list stays a list; beside text it is JSON."""
    assert render(parse_template("{{a.data.list}}"), VALUES) == [1, "x", None]
    assert render(parse_template("see {{a.data.list}}!"), VALUES) == 'see [1, "x", null]!'
    assert render(parse_template("plain"), VALUES) == "plain"
    assert render(parse_template(""), VALUES) == ""


@pytest.mark.parametrize("text", ["{{ a", "x {{ }} y", "{{ a b }}"])
def test_a_template_that_cannot_be_filled_in_is_told(text: str) -> None:
    with pytest.raises(ExpressionFault):
        parse_template(text)


@given(st.text(max_size=80))
def test_what_is_rendered_is_never_read_again(said: str) -> None:
    """Whatever an output holds, it comes out as it went in."""
    values = {"a": {"content": said}}

    assert render(parse_template("<{{a.content}}|{{a.content}}>"), values) == f"<{said}|{said}>"
    assert is_true(parse_expression("a.content == a.content"), values)


@given(st.text(alphabet="ab.()[]'\"{}<>=! ,0not inor", max_size=40))
def test_any_text_is_an_expression_or_a_fault(text: str) -> None:
    """And evaluating it gives a value or a fault, nothing else."""
    with contextlib.suppress(ExpressionFault):
        evaluate(parse_expression(text), {"a": {"b": 1}, "b": [0]})
