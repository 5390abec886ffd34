"""JSON answers found in what CLIs say around them."""

import pytest
from hypothesis import given, strategies as st

from aimux.errors import PeerFault
from aimux.rules import ask_for, check_answer, check_schema, repair_prompt

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"type": "integer"}},
    "required": ["ok"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "text",
    [
        '{"ok": true}',
        ' \n{"ok": true}\n',
        '\ufeff{"ok": true}',
        'Here you are:\n```json\n{"ok": true}\n```\nAnything else?',
        '~~~\n{"ok": true}\n~~~',
        '````md\n```json\n{"ok": false, "x": 1}\n```\n````\nso:\n```\n{"ok": true}\n```',
        'First I thought {"ok": false, "why": "x"} but it is {"ok": true}.',
        '{"ok": false}, no: {"ok": true}',
        'see [1] and f(x) { return } then {"ok": true}',
        '```json\n{"ok": true}',  # cut off before the fence closed
        "{broken\n" * 50 + '{"ok": true}',
    ],
)
def test_the_answer_is_found_in_the_talk(text: str) -> None:
    contract = check_answer(text, SCHEMA)

    assert contract.data == {"ok": True}
    assert contract.problems == ()


def test_scalars_count_as_the_whole_text_only() -> None:
    assert check_answer("42", {"type": "integer"}).data == 42
    assert check_answer("null", {"type": "null"}).problems == ()
    assert check_answer("it is 42", {"type": "integer"}).problems == [
        "there is no JSON value in the answer"
    ]


def test_what_does_not_fit_is_listed_for_the_closest_value() -> None:
    contract = check_answer('{"a":1,"b":2} or {"ok": "yes"} or []', SCHEMA)

    assert contract.data is None
    assert len(contract.problems) == 1
    assert check_answer('{"ok": "yes"}', SCHEMA).problems == ["ok: expected boolean"]
    assert check_answer("[]", SCHEMA).problems == ["the answer: expected object"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "no json", '{"ok": tru', '{"ok": NaN}', "[" * 100_000])
def test_no_value_is_a_problem_not_an_error(text: str) -> None:
    assert check_answer(text, SCHEMA).problems == ["there is no JSON value in the answer"]


def test_nesting_beyond_reason_is_a_problem() -> None:
    depth = 400
    recursive = {"type": "array", "items": {"$ref": "#"}}
    contract = check_answer("[" * depth + "]" * depth, recursive)

    assert contract.problems == ["the answer: nested too deeply to be checked"]


@pytest.mark.slow
def test_hostile_text_is_searched_in_bounded_time() -> None:
    text = "```json\n" * 50_000 + '["' * 100_000

    assert check_answer(text, SCHEMA).problems == ["there is no JSON value in the answer"]


def test_true_and_one_are_two_candidates() -> None:
    assert check_answer('{"ok": 1} {"ok": true} {"ok": 1}', SCHEMA).data == {"ok": True}


def test_only_outermost_values_are_answers() -> None:
    contract = check_answer('so: {"wrap": {"ok": true}} is it', SCHEMA)

    assert contract.data is None
    assert contract.problems[0].startswith("ok: expected a value")


def test_only_so_many_values_are_tried() -> None:
    text = " ".join(["{'x'}", '{"ok": true}', *(f'{{"bad": {n}}}' for n in range(30))])

    assert check_answer(text, SCHEMA).data is None


def test_problems_are_bounded() -> None:
    many = "{" + ",".join(f'"k{number}": 1' for number in range(99)) + "}"

    assert len(check_answer(many, SCHEMA).problems) == 20


# ------------------------------------------------------------------------------------- asking again


def test_a_repair_says_what_was_wrong() -> None:
    """It goes on with a conversation, so the task is there; the schema comes with the asking."""
    contract = check_answer('{"ok": 1, "n": "x"}', SCHEMA)

    assert repair_prompt(contract) == (
        "The previous answer does not fit the JSON Schema it had to fit:\n"
        "- n: expected integer\n"
        "- ok: expected boolean"
    )


def test_a_repair_of_an_answer_without_json_says_so() -> None:
    assert repair_prompt(check_answer("no idea", SCHEMA)).endswith(
        "\n- there is no JSON value in the answer"
    )


def test_the_request_shows_the_schema_as_it_is() -> None:
    assert ask_for({"const": "ü"}).endswith('{\n "const": "ü"\n}')


# ------------------------------------------------------------------------------------------ schemas


@pytest.mark.parametrize("schema", [SCHEMA, True, {"$defs": {"a": {}}, "$ref": "#/$defs/a"}])
def test_a_good_schema_is_taken(schema: object) -> None:
    assert check_schema(schema) is schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "not an object"),
        ("x", "not an object"),
        ({"type": "strnig"}, "not valid at type"),
        ({"properties": {"a": {"minimum": "x"}}}, r"not valid at properties\.a\.minimum"),
        ({"allOf": [{"$ref": "http://example.invalid/x"}]}, "write it out"),
    ],
)
def test_a_schema_nobody_can_check_is_the_callers_fault(schema: object, message: str) -> None:
    with pytest.raises(PeerFault, match=message) as caught:
        check_schema(schema)

    assert caught.value.code == "schema_invalid"


@pytest.mark.parametrize("depth", [33, 500, 50_000])
def test_a_schema_too_deep_to_check_is_the_callers_fault(depth: int) -> None:
    schema: dict[str, object] = {}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    with pytest.raises(PeerFault, match="nested too deeply") as caught:
        check_schema(schema)

    assert caught.value.code == "schema_invalid"


def test_a_schema_may_be_as_deep_as_can_be_checked() -> None:
    schema: dict[str, object] = {}
    for _ in range(64):
        schema = {"not": schema}

    assert check_schema(schema) is schema


def test_a_reference_to_nothing_is_the_callers_fault() -> None:
    with pytest.raises(PeerFault, match="not there"):
        check_answer("1", {"$ref": "#/$defs/none"})


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    contract = check_answer(text, SCHEMA)

    assert (contract.data is None) is bool(contract.problems)
