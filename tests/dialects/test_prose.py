"""Plain text from a CLI that was asked for JSON."""

import json

import pytest

from aimux.dialects import DIALECTS, MAX_ANSWER_CHARS, Dialect, open_dialect
from aimux.model import Ended, Said, Stream, Warned

OUT, ERR = Stream.STDOUT, Stream.STDERR


def lines(*records: object) -> bytes:
    """Records as JSON lines; text as it is."""
    return b"".join(
        (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n" for each in records
    )


def told(name: str, *records: object, exit_code: int | None = 0) -> tuple[list[Said], Dialect]:
    """Everything a dialect says of some stdout."""
    dialect = open_dialect(name)
    said = dialect.feed(OUT, lines(*records))
    return said + dialect.finish(exit_code), dialect


def codes(said: list[Said]) -> list[str]:
    return [each.code for each in said if isinstance(each, Warned)]


JSON_DIALECTS = sorted({*DIALECTS} - {"aider", "continue", "crush", "text"})


@pytest.mark.parametrize("name", JSON_DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        "I have created the file",
        "42",
        'Done:\n\n```json\n{\n  "a": 1\n}\n```\n\n[link] (x)',
        'The file holds\n{"a": 1}\nand nothing else.',
    ],
)
def test_plain_text_where_json_was_asked_for_is_the_answer(name: str, text: str) -> None:
    """With exit code 0 it is kept, shown, and worth a warning. (For `jsonl` any object may be an
    event of a CLI nobody knows.)
    """
    if name == "jsonl" and "{" in text:
        return
    dialect = open_dialect(name)
    said = dialect.feed(ERR, b"a warning\n")
    said += dialect.feed(OUT, text.encode() + b"\n")
    said += dialect.finish(0)

    assert dialect.output.answer == text
    assert dialect.output.ended == Ended(reason="exit")
    assert codes(said) == ["plain_text"]
    assert dialect.output.has_spoken
    assert text not in dialect.output.error_text  # an answer explains no failure


@pytest.mark.parametrize("name", JSON_DIALECTS)
@pytest.mark.parametrize(
    ("text", "exit_code"),
    [
        ("I have created the file", 1),
        ("I have created the file", None),
        ("Segmentation fault (core dumped)", 0),
        ("./run.sh: line 3: 4711 Killed   tool -p", 0),
        ('{"type":"result","result":"The ans', 0),
        ('Welcome!\n{"type":"brand_new","a":"x"}', 0),
        ('{\n  "answer": "torn', 0),
        ("\n---\n", 0),
        ("", 0),
    ],
)
def test_what_is_no_text_of_a_cli_is_no_answer(name: str, text: str, exit_code: int | None) -> None:
    """A failed run, a dead program, a torn record, records nobody knows."""
    dialect = open_dialect(name)
    said = dialect.feed(OUT, text.encode())
    said += dialect.finish(exit_code)

    assert dialect.output.answer == ""
    assert "plain_text" not in codes(said)


def test_text_beside_records_is_noise_as_ever() -> None:
    """A CLI that speaks JSON says its answer in it."""
    _, dialect = told("claude", "Welcome", {"type": "system", "subtype": "init"}, "Bye")

    assert dialect.output.answer == ""
    assert dialect.output.ended is None


@pytest.mark.parametrize(
    "record",
    [
        'noise {"type":"system","subtype":"init","session_id":"s"}',
        '[{"type":"system","subtype":"init","session_id":"s"}]',
        '{\n  "type": "system",\n  "subtype": "init"\n}',
    ],
)
def test_a_record_in_any_form_makes_text_beside_it_noise(record: str) -> None:
    """Behind other words, in an array, over several lines."""
    _, dialect = told("claude", "Welcome", record, "Bye")

    assert dialect.output.answer == ""
    assert dialect.output.ended is None


def test_a_banner_that_has_a_meaning_is_no_part_of_plain_text() -> None:
    """goose draws one in front of whatever it says."""
    _, dialect = told("goose", "     __( O)>  ● new session", "   L L     goose is ready", "Hello.")

    assert dialect.output.answer == "Hello."


def test_long_plain_text_is_cut_like_any_answer() -> None:
    """What is kept for the end has a limit."""
    dialect = open_dialect("codex")
    said: list[Said] = []
    for _ in range(5):
        said += dialect.feed(OUT, (b"x" * 999 + b"\n") * 400)
    said += dialect.finish(0)

    assert len(dialect.output.answer) == MAX_ANSWER_CHARS
    assert dialect.output.is_cut
    assert {"plain_text", "answer_truncated"} <= {*codes(said)}
