"""Figures that can be none and records that are too long cost no answer."""

import json
import math

import pytest

from aimux.dialects import Dialect, open_dialect
from aimux.model import Said, Stream, Usage, Warned

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


def result(text: str) -> dict[str, object]:
    """A closing record of the claude family."""
    return {"type": "result", "subtype": "success", "is_error": False, "result": text}


BAD_FIGURES = {
    each[:4] + str(len(each)): each
    for each in (
        "1e400",
        "-1e400",
        "-1",
        "1e300",
        "9" * 400,
        "9" * 5_000,
        "NaN",
        "Infinity",
        "true",
    )
}
FIGURES = {
    "claude": '{"type":"result","result":"yes","usage":{"input_tokens":%s,"output_tokens":7},'
    '"total_cost_usd":%s}',
    "qwen": '{"type":"result","result":"yes","usage":{"input_tokens":%s,"output_tokens":7},'
    '"total_cost_usd":%s}',
    "cline": '{"type":"run_result","finishReason":"completed","text":"yes",'
    '"usage":{"inputTokens":%s,"outputTokens":7,"totalCost":%s}}',
    "droid": '{"type":"completion","finalText":"yes","usage":{"input_tokens":%s,"output_tokens":7,'
    '"x":%s}}',
    "goose": '{"type":"message","message":{"role":"assistant","content":[{"type":"text",'
    '"text":"yes"}]}}\n{"type":"complete","input_tokens":%s,"output_tokens":7,"x":%s}',
    "gemini": '{"session_id":"s","response":"yes","stats":{"models":{"m":{"tokens":{"prompt":%s,'
    '"candidates":7}}},"tools":{"totalCalls":%s}}}',
    "gptme": '{"type":"message","role":"assistant","content":"yes","metadata":{"usage":'
    '{"input_tokens":%s,"output_tokens":7},"cost":%s}}',
    "opencode": '{"type":"text","part":{"messageID":"m","text":"yes"}}\n'
    '{"type":"step_finish","part":{"reason":"stop","tokens":{"input":%s,"output":7},"cost":%s}}',
    "codex": '{"type":"item.completed","item":{"type":"agent_message","text":"yes"}}\n'
    '{"type":"turn.completed","usage":{"input_tokens":%s,"output_tokens":7,"x":%s}}',
}


@pytest.mark.parametrize("figure", BAD_FIGURES.values(), ids=BAD_FIGURES)
@pytest.mark.parametrize("name", FIGURES)
def test_figures_that_can_be_none_are_dropped_and_the_answer_stays(name: str, figure: str) -> None:
    """Infinite, negative, absurd: a warning, and the other figures."""
    said, dialect = told(name, FIGURES[name] % (figure, figure))
    output = dialect.output

    assert output.answer == "yes"
    assert output.ended is not None
    assert not output.ended.is_error
    assert output.usage is not None
    assert (output.usage.input_tokens, output.usage.output_tokens) == (None, 7)
    assert output.usage.cost_usd is None
    assert codes(said) == ([] if figure == "true" else ["usage_dropped"])


@pytest.mark.parametrize("figure", BAD_FIGURES.values(), ids=BAD_FIGURES)
def test_aider_figures_that_can_be_none_are_dropped(figure: str) -> None:
    """Its figures are text: a long row of digits, or no number at all."""
    digits = figure if figure.isdigit() else ".."
    dialect = open_dialect("aider")
    text = f"Repo-map: none\nyes\nTokens: {digits} sent, 7 received. Cost: $1.2.3 message, $1.\n"
    said = dialect.feed(OUT, text.encode()) + dialect.finish(0)

    assert dialect.output.answer == "yes"
    assert dialect.output.usage is not None
    assert dialect.output.usage.output_tokens == 7
    assert dialect.output.usage.cost_usd is None
    assert codes(said) == ["usage_dropped"]


def test_sums_with_a_figure_that_can_be_none_are_none() -> None:
    """A negative cost does not make the next one smaller, nor a half a whole."""
    said, dialect = told("gptme", FIGURES["gptme"] % (5, -3), FIGURES["gptme"] % (5, 4))

    assert dialect.output.usage == Usage(input_tokens=10, output_tokens=14)
    assert codes(said) == ["usage_dropped"]


def test_a_sum_of_tokens_with_a_figure_that_can_be_none_is_none() -> None:
    """What claude counts apart is not made smaller by it."""
    usage = {"input_tokens": 50, "cache_read_input_tokens": -7, "output_tokens": 7}
    said, dialect = told("claude", {**result("yes"), "usage": usage})

    assert dialect.output.answer == "yes"
    assert dialect.output.usage == Usage(output_tokens=7)
    assert codes(said) == ["usage_dropped"]


def test_deep_and_odd_values_cost_no_answer() -> None:
    """Arguments and results of tools are whatever the model wrote."""
    deep = "[" * 900 + "]" * 900
    use = (
        '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"X",'
        f'"input":{{"a":{deep}}}}}]}}}}'
    )
    done = (
        '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t",'
        f'"content":{deep}}}]}}}}'
    )
    odd = '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"u","name":"X",'
    odd += '"input":{"a":99999999999999999999,"b":NaN,"c":"\\ud800"}}]}}'
    _, dialect = told("claude", use, done, odd, result("yes"))

    assert dialect.output.answer == "yes"
    assert dialect.output.steps == 2


def test_a_surrogate_beside_a_number_beyond_measure_is_read() -> None:
    """What one repair leaves, the next can read."""
    _, dialect = told("claude", '{"type":"result","result":"yes \\ud83d","total_cost_usd":1e400}')

    assert dialect.output.answer == "yes ?"
    assert math.isfinite((dialect.output.usage or Usage()).cost_usd or 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["codex", "claude", "json", "continue"])
def test_a_record_too_long_to_be_read_is_told(name: str) -> None:
    """Fifty megabytes on one line: what it held is not there, and that is said."""
    dialect = open_dialect(name)
    said = dialect.feed(OUT, b'{"type":"result","response":"')
    piece = b"z" * 2**20
    for _ in range(50):
        said += dialect.feed(OUT, piece)
    said += dialect.feed(OUT, b'","status":"success"}\n') + dialect.finish(0)

    assert dialect.output.is_record_lost
    assert dialect.output.answer == ""
    assert {"line_truncated", "output_truncated"} & {*codes(said)}


def test_a_value_over_too_many_lines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a brace began and never ended."""
    monkeypatch.setattr("aimux.dialects._reader._MAX_VALUE_LINES", 5)
    said, dialect = told("gemini", "{", *['  "a": 1,'] * 9)

    assert dialect.output.is_record_lost
    assert codes(said) == ["line_truncated"]


def test_a_long_line_on_stderr_is_no_record() -> None:
    """Nothing of the answer is in it."""
    dialect = open_dialect("codex")
    dialect.feed(ERR, b"x" * (2**20 + 100) + b"\n")

    assert not dialect.output.is_record_lost
