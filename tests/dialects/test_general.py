"""The general dialects: text, json, jsonl by a profile's fields; a profile's completion pattern."""

import pytest
from hypothesis import given, settings, strategies as st

from aimux.dialects import DIALECTS, MAX_ANSWER_CHARS, Dialect, _text, open_dialect
from aimux.dialects._lines import MAX_LINE_BYTES
from aimux.errors import ConfigInvalid
from aimux.model import Ended, Fields, Message, NativeSession, Noise, Said, Text, Usage, Warned

from ..extent import examples
from .feeding import ERR, OUT, lines


def ends(said: list[Said]) -> list[Ended]:
    """Every closing event."""
    return [each for each in said if isinstance(each, Ended)]


# ----------------------------------------------------------------------------------------- text


def test_text_is_handed_out_line_by_line() -> None:
    """A line is out as soon as it is whole; escapes are gone, stderr is noise."""
    dialect = open_dialect("text")

    assert dialect.feed(OUT, b"first \x1b[1mline\x1b[0m\nsec") == [Text(text="first line\n")]
    assert dialect.feed(OUT, "önd\n".encode()[:2]) == []
    assert dialect.feed(OUT, "önd\n".encode()[2:]) == [Text(text="secönd\n")]
    assert dialect.feed(ERR, b"warn\n\n") == [Noise(stream=ERR, line="warn")]
    assert dialect.feed(OUT, b"last") == []
    assert dialect.finish(0) == [Text(text="last\n"), Ended(reason="exit")]
    assert dialect.output.answer == "first line\nsecönd\nlast"
    assert dialect.output.error_text == "warn"


def test_text_survives_terminal_line_ends() -> None:
    """CRLF, doubled carriage returns and broken UTF-8 leave the text."""
    dialect = open_dialect("crush")
    dialect.feed(OUT, b"one\r\ntwo\r\r\nthr\xffee\r\n")
    dialect.finish(0)

    assert dialect.output.answer == "one\ntwo\nthr\ufffdee"


def test_text_that_failed_explains_itself() -> None:
    """A failing CLI may print its error as its answer."""
    dialect = open_dialect("text")
    dialect.feed(OUT, b"Error: 429 Too Many Requests\n")
    said = dialect.finish(1)

    assert said == [Ended(is_error=True, reason="exit_1", message="Error: 429 Too Many Requests")]
    assert dialect.output.error_code == "429"


def test_text_killed_by_a_signal_has_no_end() -> None:
    """Nobody closed it."""
    dialect = open_dialect("text")
    dialect.feed(OUT, b"half an ans")

    assert dialect.finish(None) == [Text(text="half an ans\n")]
    assert dialect.output.ended is None
    assert dialect.output.answer == "half an ans"


def test_nothing_comes_after_finish() -> None:
    """A late chunk or a second finish is ignored, in every dialect."""
    for name in DIALECTS:
        dialect = open_dialect(name)
        dialect.finish(0)
        final = dialect.output

        assert dialect.feed(OUT, b'{"type":"result","result":"late"}\nlate\n') == []
        assert dialect.finish(1) == []
        assert dialect.output == final


def test_long_answer_is_truncated_with_one_warning() -> None:
    """The cap holds and is told once."""
    dialect = open_dialect("text")
    chunk = b"x" * (2**20 - 1) + b"\n"
    said = [event for _ in range(20) for event in dialect.feed(OUT, chunk)]
    said += dialect.finish(0)

    assert [each.code for each in said if isinstance(each, Warned)] == ["answer_truncated"]
    assert len(dialect.output.answer) <= MAX_ANSWER_CHARS
    assert len(dialect.output.answer) > MAX_ANSWER_CHARS - 2


def test_overlong_text_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line over the limit is text up to the limit; its neighbours are whole."""
    monkeypatch.setattr(_text, "_MAX_LINE_BYTES", 10)
    dialect = open_dialect("text")
    said = dialect.feed(OUT, b"short\n" + b"y" * 50 + b"\nnext\n")

    assert [each.code for each in said if isinstance(each, Warned)] == ["line_truncated"]
    assert dialect.output.answer == "short\nyyyyyyyyyy\nnext"


# -------------------------------------------------------------------------------------- big lines


@pytest.mark.slow
def test_ten_megabyte_record_is_an_answer() -> None:
    """A huge line neither hangs nor is lost; of its text an answer's worth is kept."""
    answer = "word " * 2_000_000
    record = {"type": "item.completed", "item": {"type": "agent_message", "text": answer}}
    data = lines(record, {"type": "turn.completed", "usage": {}})
    dialect = open_dialect("codex")
    for at in range(0, len(data), 65_536):
        dialect.feed(OUT, data[at : at + 65_536])

    assert dialect.output.answer == answer[:MAX_ANSWER_CHARS].rstrip()
    assert dialect.output.is_cut
    assert dialect.output.ended == Ended(reason="turn.completed")


@pytest.mark.slow
def test_record_beyond_the_limit_is_noise() -> None:
    """Past the line limit there is a warning and a short noise, and reading goes on."""
    dialect = open_dialect("codex")
    said: list[Said] = []
    piece = b'{"type":"x","text":"' + b"z" * (2**20 - 20)
    for _ in range(MAX_LINE_BYTES // 2**20 + 2):
        said += dialect.feed(OUT, piece)
    said += dialect.feed(OUT, b"\n" + lines({"type": "turn.completed"}))

    assert [each.code for each in said if isinstance(each, Warned)] == ["line_truncated"]
    assert [len(each.line) for each in said if isinstance(each, Noise)] == [2000]
    assert ends(said) == [Ended(reason="turn.completed")]


# ----------------------------------------------------------------------------------------- jsonl

FIELDS = Fields(
    answer="item.text",
    answer_when={"type": "done", "item.ok": "true"},
    delta="parts[].text",
    delta_when={"type": "delta"},
    session_id="meta.session",
    end_when={"type": "end"},
    error_when={"type": "failed"},
    error="why.message",
    input_tokens="tokens.in",
    output_tokens="tokens.out",
    cost_usd="cost",
)


def test_fields_name_everything() -> None:
    """A new CLI needs no code: deltas, answer, session, usage and end by dotted paths."""
    dialect = open_dialect("jsonl", FIELDS)
    said = dialect.feed(
        OUT,
        lines(
            {"type": "start", "meta": {"session": "s-1"}},
            "plain noise",
            {"type": "odd", "tokens": {"in": "3", "out": True}},
            {"type": "delta", "parts": [{"text": "he"}, {"text": "llo"}, {"image": 1}]},
            {"type": "done", "item": {"ok": False, "text": "not this"}},
            {"type": "done", "item": {"ok": True, "text": "hello"}},
            {"type": "end", "tokens": {"in": 3, "out": 4.0}, "cost": 0.5},
        ),
    )
    said += dialect.finish(0)

    assert said == [
        NativeSession(native_id="s-1"),
        Noise(stream=OUT, line="plain noise"),
        Text(text="hello"),
        Message(text="hello"),
        Usage(input_tokens=3, output_tokens=4, cost_usd=0.5),
        Ended(reason="end"),
    ]
    assert dialect.output.answer == "hello"


def test_fields_name_the_error() -> None:
    """An error record ends the turn as a failure, on stderr too."""
    dialect = open_dialect("jsonl", FIELDS)
    dialect.feed(OUT, lines({"type": "delta", "parts": [{"text": "par"}]}))
    said = dialect.feed(ERR, lines({"type": "other"}, {"type": "failed", "why": {"message": "no"}}))
    dialect.finish(0)

    assert said == [
        Noise(stream=ERR, line='{"type": "other"}'),
        Ended(is_error=True, reason="error", message="no"),
    ]
    assert dialect.output.answer == "par"


def test_fields_without_an_error_path_guess_its_text() -> None:
    """The usual names are tried."""
    fields = Fields(answer="a", error_when={"kind": "bad"})
    for record in ({"kind": "bad", "error": {"message": "m"}}, {"kind": "bad", "message": "m"}):
        dialect = open_dialect("jsonl", fields)
        dialect.feed(OUT, lines(record))

        assert dialect.output.ended == Ended(is_error=True, reason="error", message="m")
    dialect = open_dialect("jsonl", fields)
    dialect.feed(OUT, lines({"kind": "bad"}))

    assert dialect.output.ended == Ended(is_error=True, reason="error")


@pytest.mark.parametrize(
    ("fields", "code", "expected"),
    [
        (Fields(answer="a"), 0, Ended(reason="exit")),
        (Fields(answer="a"), 3, Ended(is_error=True, reason="exit_3", message="x")),
        (Fields(answer="a", end_when={"t": "end"}), 0, None),
        (Fields(answer="a"), None, None),
    ],
)
def test_end_without_a_record(fields: Fields, code: int | None, expected: Ended | None) -> None:
    """A named closing record that never came is missed; else the exit code decides."""
    dialect = open_dialect("jsonl", fields)
    dialect.feed(OUT, lines({"a": "x"}))
    dialect.finish(code)

    assert dialect.output.ended == expected


@pytest.mark.parametrize(
    "record",
    [
        {"result": "yes"},
        {"response": {"text": "yes"}},
        {"content": [{"type": "text", "text": "yes"}]},
        {"item": {"type": "agent_message", "text": "yes"}},
        {"message": {"role": "assistant", "content": "yes"}},
    ],
)
def test_usual_shapes_are_guessed(record: object) -> None:
    """Without fields the usual names are tried; prompts are not answers."""
    dialect = open_dialect("jsonl")
    dialect.feed(
        OUT,
        lines(
            {"session_id": "s"},
            {"thread_id": 5},
            record,
            {"role": "user", "content": "no"},
            {"message": {"role": "user", "content": "no"}},
            {"n": 1},
        ),
    )
    dialect.finish(0)

    assert dialect.output.answer == "yes"
    assert dialect.output.native_id == "s"


# ------------------------------------------------------------------------------------------ json


def test_one_object_is_read_through_noise() -> None:
    """Noise in front and behind, the object that answers before one that does not."""
    dialect = open_dialect("json", Fields(answer="out.text", session_id="id"))
    assert dialect.feed(OUT, b'banner\n{"log": 1}\n{\n  "id": "i",\n') == []
    assert dialect.feed(ERR, b"warned\n") == [Noise(stream=ERR, line="warned")]
    dialect.feed(OUT, b'  "out": {"text": ["a", {"text": "b"}]}\n}\nbye {"log": 2}')
    said = dialect.finish(0)

    assert said == [
        NativeSession(native_id="i"),
        Message(text="ab"),
        Ended(reason="exit"),
    ]


def test_array_of_records_is_read() -> None:
    """The last record that answers is taken; without fields by its usual name."""
    dialect = open_dialect("json")
    dialect.feed(OUT, b'[{"type": "a"}, {"result": "first"}, {"result": "last"}, {"b": 1}]')
    dialect.finish(0)

    assert dialect.output.answer == "last"


def test_object_that_says_error_is_a_failure() -> None:
    """Exit code 0 does not make it an answer."""
    fields = Fields(answer="result", error_when={"is_error": "true"}, error="result")
    dialect = open_dialect("json", fields)
    dialect.feed(OUT, b'{"is_error": true, "result": "quota exceeded"}')
    dialect.finish(0)

    assert dialect.output.answer == ""
    assert dialect.output.ended == Ended(is_error=True, reason="error", message="quota exceeded")


def test_no_json_is_no_answer() -> None:
    """Text where an object was promised is noise and a failure."""
    dialect = open_dialect("json")
    dialect.feed(OUT, b"Segmentation fault\n")
    said = dialect.finish(0)

    assert said == [
        Noise(stream=OUT, line="Segmentation fault"),
        Ended(is_error=True, reason="no_json", message="Segmentation fault"),
    ]
    assert dialect.output.answer == ""


def test_object_without_an_answer_is_read_for_the_rest() -> None:
    """Session and end are told though the answer is empty."""
    dialect = open_dialect("json", Fields(answer="result", error_when={"bad": "1"}))
    dialect.feed(OUT, b'{"session_id": "s"}')
    dialect.finish(0)

    assert dialect.output.native_id == "s"
    assert dialect.output.answer == ""


def test_json_output_beyond_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for the end has a limit."""
    monkeypatch.setattr("aimux.dialects._json.MAX_VALUE_CHARS", 20)
    dialect = open_dialect("json")
    said = dialect.feed(OUT, b'{"result": "x"}\n')
    said += dialect.feed(OUT, b'{"result": "y"}\n' + b'{"result": "z"}\n')
    said += dialect.feed(OUT, b'{"result": "w"}\n')
    said += dialect.finish(0)

    assert dialect.output.answer == "x"
    assert [each.code for each in said if isinstance(each, Warned)] == ["output_truncated"]


# ----------------------------------------------------------------------------------- completion


@pytest.mark.parametrize(
    "pattern",
    [r"turn\.completed", r'"type"\s*:\s*"turn.completed"', r"^turn\.completed$", r'"final": true'],
)
def test_pattern_ends_on_the_kind_of_a_record(pattern: str) -> None:
    """Bare value, pair or flag; text that mentions the marker does not fire."""
    dialect = open_dialect("jsonl", Fields(answer="text"), completion_pattern=pattern)
    said = dialect.feed(
        OUT,
        lines(
            {"type": "text", "text": 'I saw "type":"turn.completed" and "final": true'},
            {"type": "turn.completed", "final": True},
            {"type": "turn.completed", "final": True},
        ),
    )
    said += dialect.finish(0)

    assert ends(said) == [Ended(reason="completion_pattern")]
    assert isinstance(said[0], Message)


def test_own_closing_record_comes_before_the_pattern() -> None:
    """A failure is not turned into a success by a pattern that matches it."""
    dialect = open_dialect("codex", completion_pattern=r"turn\.(completed|failed)")
    said = dialect.feed(OUT, lines({"type": "turn.failed", "error": {"message": "m"}}))
    said += dialect.finish(1)

    assert ends(said) == [Ended(is_error=True, reason="turn.failed", message="m")]


@pytest.mark.parametrize("name", ["text", "jsonl", "json"])
def test_pattern_ends_on_a_line(name: str) -> None:
    """Where there is no JSON the line counts; stderr does not."""
    dialect = open_dialect(name, completion_pattern="^DONE$")
    said = dialect.feed(ERR, b"DONE\n")
    said += dialect.feed(OUT, b"not DONE yet\n")
    assert ends(said) == []
    said += dialect.feed(OUT, b"DONE\nDONE\n")
    said += dialect.finish(0)

    assert ends(said) == [Ended(reason="completion_pattern")]


def test_pattern_ends_on_a_late_object() -> None:
    """The json dialect sees its record at the end."""
    dialect = open_dialect("json", completion_pattern="finished")
    dialect.feed(OUT, b'{"status": "finished", "result": "x"}')
    dialect.finish(0)

    assert dialect.output.ended == Ended(reason="completion_pattern")


def test_bad_pattern_and_unknown_name_are_refused() -> None:
    """Nothing is half used."""
    with pytest.raises(ConfigInvalid, match="not a regex"):
        open_dialect("text", completion_pattern="(")
    with pytest.raises(ConfigInvalid, match="known are aider"):
        open_dialect("nosuch")


# -------------------------------------------------------------------------------------- any bytes


def read(dialect: Dialect, pieces: list[bytes]) -> list[Said]:
    """Feed pieces to stdout and finish."""
    said = [event for each in pieces for event in dialect.feed(OUT, each)]
    return said + dialect.finish(0)


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=examples(15, 40))
@given(
    pieces=st.lists(
        st.binary(max_size=30)
        | st.sampled_from([b"\n", b"\r", b'{"type":', b"{\n", b"}\n", b"[", b"\x1b]", b'{"a":1}\n'])
    )
)
def test_any_bytes_are_read_the_same_however_cut(name: str, pieces: list[bytes]) -> None:
    """No input raises, and one chunk or many give one reading and at most one end."""
    many = open_dialect(name)
    said = read(many, pieces)
    one = open_dialect(name)
    expected = read(one, [b"".join(pieces)])

    assert many.output == one.output
    assert len(ends(said)) == len(ends(expected)) <= 1
    rest = [each for each in said if not isinstance(each, Text)]
    assert rest == [each for each in expected if not isinstance(each, Text)]
