"""What holds for the records of every CLI: noise, limits, lines that tear them apart."""

import json

import pytest

from aimux.dialects import MAX_ANSWER_CHARS, open_dialect
from aimux.dialects._explanations import MAX_ERROR_CHARS
from aimux.dialects._turn_state import MAX_NOISE_LINES, MAX_OPEN_TOOLS
from aimux.model import Ended, Message, NativeSession, Noise, Warned

from .feeding import ERR, OUT, lines, told


def test_unknown_record_is_noise_and_not_an_answer() -> None:
    """A record that parses but means nothing is kept as a line."""
    for name in ("codex", "claude", "gemini", "opencode", "cline", "droid", "goose", "gptme"):
        said, dialect = told(
            name, {"type": "brand_new", "text": "x", "result": "x"}, exit_code=None
        )

        assert [type(each) for each in said] == [Noise]
        assert dialect.output.answer == ""


def test_records_on_stderr_are_not_the_turn() -> None:
    """A closing record counts on stdout only."""
    closing = {"type": "turn.completed", "usage": {}}
    for name in ("codex", "opencode", "droid", "goose", "gptme"):
        dialect = open_dialect(name)
        dialect.feed(ERR, lines(closing, {"type": "result", "result": "x"}, {"type": "complete"}))

        assert dialect.output.ended is None


def test_pretty_object_is_mended_when_lines_stand_between() -> None:
    """In a terminal stderr tears the object apart; its own lines still make it."""
    torn = '{\n  "session_id": "s",\nwarning: torn\n  "response": "yes",\n  "stats": {}\n}\n'
    said, dialect = told("gemini", torn)

    assert said == [NativeSession(native_id="s"), Message(text="yes"), Ended(reason="success")]
    assert dialect.output.answer == "yes"


def test_brace_that_opens_nothing_holds_nothing_back() -> None:
    """Lines behind a lone brace become noise when a record or the end comes."""
    said, _ = told("codex", "{", "noise", {"type": "turn.completed"}, "[", "more", exit_code=0)

    assert said == [
        Ended(reason="turn.completed"),
        Noise(stream=OUT, line="{"),
        Noise(stream=OUT, line="noise"),
        Noise(stream=OUT, line="["),
        Noise(stream=OUT, line="more"),
    ]


def test_pretty_array_is_read_like_lines() -> None:
    """An array over many lines holds the same records."""
    array = json.dumps([7, {"type": "result", "is_error": False, "result": "yes"}], indent=2)
    said, _ = told("claude", array)

    assert said[-1] == Ended()
    assert Message(text="yes") in said


@pytest.mark.parametrize(
    "line",
    [
        'loose text {"type":"turn.completed"}',
        '{"type":"turn.completed"} loose text',
        '\x1b]0;title\x07{"type":"turn.completed"}\x1b[0m\r',
        'spinner\r{"type":"turn.completed"}\rspinner',
        '[{"type":"turn.completed"}]',
        ' [{"type":"turn.completed"}]',
        '  {"type":"turn.completed"}',
    ],
)
def test_record_is_found_in_its_line(line: str) -> None:
    """Text in front or behind, escapes, carriage returns and brackets do not hide it."""
    said, _ = told("codex", line)

    assert Ended(reason="turn.completed") in said


def test_scalars_and_broken_arrays_are_noise() -> None:
    """JSON that is no record."""
    said, _ = told("codex", "[1, 2]", "[broken", " [broken", "7", exit_code=None)

    assert [each.line for each in said if isinstance(each, Noise)] == [
        "[1, 2]",
        "[broken",
        " [broken",
        "7",
    ]


def test_odd_records_on_stderr_are_noise() -> None:
    """Only the forms a CLI is known to print there are understood."""
    for name, record in (
        ("claude", {"model": "m"}),
        ("gemini", {"type": "result", "status": "success"}),
        ("cline", {"type": "run_result", "text": "x"}),
    ):
        dialect = open_dialect(name)
        said = dialect.feed(ERR, lines(record))

        assert said == [Noise(stream=ERR, line=json.dumps(record))]


def test_noise_is_counted_out() -> None:
    """After a thousand lines one warning replaces the rest; the error text stays short."""
    said, dialect = told(
        "codex",
        *(f"line {n} of many that say nothing" for n in range(MAX_NOISE_LINES + 50)),
        exit_code=1,
    )

    assert sum(isinstance(each, Noise) for each in said) == MAX_NOISE_LINES
    assert [each.code for each in said if isinstance(each, Warned)] == ["noise_dropped"]
    assert len(dialect.output.error_text) <= MAX_ERROR_CHARS + 2_000
    assert dialect.output.error_text.endswith(
        f"line {MAX_NOISE_LINES + 49} of many that say nothing"
    )


def test_long_message_is_truncated_with_a_warning() -> None:
    """The cap of an answer holds for whole messages too, and joined ones share it."""
    big = {"type": "message", "role": "assistant", "content": "x" * (MAX_ANSWER_CHARS - 1)}
    said, dialect = told("gemini", big, big)

    assert [each.code for each in said if isinstance(each, Warned)] == ["answer_truncated"]
    assert len(dialect.output.answer) <= MAX_ANSWER_CHARS + len("\n\n")
    said, dialect = told("droid", {"type": "result", "result": "y" * (MAX_ANSWER_CHARS + 1)})

    assert [each.code for each in said if isinstance(each, Warned)] == ["answer_truncated"]
    assert len(dialect.output.answer) == MAX_ANSWER_CHARS


def test_tools_that_never_end_are_forgotten() -> None:
    """Memory of open calls is bounded, counting is not."""
    calls = [
        {"type": "tool_call", "id": f"c{n}", "toolName": "Read", "parameters": {}}
        for n in range(MAX_OPEN_TOOLS + 5)
    ]
    _, dialect = told("droid", *calls)

    assert dialect.output.steps == MAX_OPEN_TOOLS + 5
