"""What came as an answer and is an error text, and answers about errors, which stay answers."""

from pathlib import Path

import pytest

from aimux.dialects import open_dialect
from aimux.model import Ended, FailureClass, Profile, Stream, TurnOutput
from aimux.rules import Verdict, has_worked, judge

DATA = Path(__file__).parent / "data" / "error_texts"
PROFILE = Profile(name="tool", binary="tool", command=("tool",))
VENDORS = ("quota", "model_unavailable", "auth", "transient")


def texts(name: str) -> list[str]:
    """The texts of a table, one a line."""
    lines = (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [each.replace("\\n", "\n").replace("\\t", "\t") for each in lines]


ERRORS = [each.split(" | ", 1) for each in texts("errors")]
ANSWERS = texts("answers")
DOUBTS = texts("doubts")


def short(text: str) -> str:
    return text[:40]


def said(stdout: str, stderr: str = "", *, dialect: str = "text") -> tuple[TurnOutput, Verdict]:
    """What a CLI without a closing record amounts to that prints this and exits with 0."""
    reader = open_dialect(dialect)
    reader.feed(Stream.STDOUT, stdout.encode())
    reader.feed(Stream.STDERR, stderr.encode())
    reader.finish(0)
    return reader.output, judge(PROFILE, reader.output, 0, stderr_tail=stderr)


def closed(answer: str) -> Verdict:
    """The verdict on an answer that a CLI closed its turn with."""
    return judge(PROFILE, TurnOutput(answer=answer, ended=Ended(), is_closed=True), 0)


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.warnings]


def test_the_tables_are_large_and_no_text_is_in_two() -> None:
    """Errors of vendors, networks, command lines, runtimes; answers that speak of all of them."""
    every = [text for _, text in ERRORS] + ANSWERS + DOUBTS

    assert len(ERRORS) >= 40
    assert len(ANSWERS) >= 40
    assert len({*every}) == len(every)


@pytest.mark.parametrize(("code", "text"), ERRORS, ids=[text[:60] for _, text in ERRORS])
def test_an_error_text_as_the_whole_output_is_a_failure(code: str, text: str) -> None:
    """Exit code 0 does not make it an answer, nor does work of a model come of it."""
    output, verdict = said(text + "\n")

    assert verdict.failure is not None
    assert verdict.code == ("error_as_answer" if code == "error_text" else code)
    assert verdict.is_error_text
    assert not has_worked(output, verdict)
    assert verdict.failure.message


@pytest.mark.parametrize("text", ANSWERS, ids=short)
def test_an_answer_about_errors_stays_an_answer(text: str) -> None:
    """Without a warning, from whoever it comes."""
    output, verdict = said(text + "\n")

    assert verdict.failure is None
    assert "possible_error" not in codes(verdict)
    assert closed(text).failure is None
    assert "possible_error" not in codes(closed(text))
    assert has_worked(output, verdict)


@pytest.mark.parametrize("text", DOUBTS, ids=short)
def test_doubt_is_a_warning(text: str) -> None:
    """It begins like an error and goes on like an answer."""
    _, verdict = said(text + "\n")

    assert verdict.failure is None
    assert "possible_error" in codes(verdict)


@pytest.mark.parametrize(("code", "text"), ERRORS, ids=[text[:60] for _, text in ERRORS])
def test_what_a_cli_closes_its_turn_with_fails_only_by_a_vendors_words(
    code: str, text: str
) -> None:
    """A model may well answer with the error that some program prints."""
    verdict = closed(text)

    if verdict.failure is None:
        assert "possible_error" in codes(verdict)
        assert code in ("error_text", "bad_flags", "cli_crashed", "cli_incomplete") or (
            code in ("runtime_missing", "native_session_lost", "native_session_in_use")
        )
    else:
        assert verdict.code == code
        assert verdict.failure.failure_class.value in VENDORS or code == "context_overflow"


def test_a_long_text_that_speaks_of_limits_is_an_answer() -> None:
    """An essay begins as it likes."""
    _, verdict = said("429 Too Many Requests. " + "It is fine. " * 60)

    assert verdict.failure is None


# ------------------------------------------------------------------------------------- on stderr

CUT = "The parser first checks the header and then"
WHOLE = "The parser first checks the header, then the body."


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("Error: 429 Too Many Requests\n", "rate_limited"),
        ("error: stream disconnected before completion\n", "network"),
        ("[2026-01-01T00:00:00Z] ERROR request failed: 503 Service Unavailable\n", "server_error"),
        ("tool: error: You exceeded your current quota\nplease check\n", "quota_exhausted"),
        ("FATAL: invalid api key\n", "not_authenticated"),
    ],
)
def test_half_an_answer_with_its_error_on_stderr_is_partial(stderr: str, code: str) -> None:
    """The text is kept, the turn has failed."""
    output, verdict = said(CUT + "\n", stderr)

    assert verdict.code == code
    assert output.answer == CUT
    assert not verdict.is_error_text
    assert has_worked(output, verdict)


def test_a_whole_answer_with_an_error_on_stderr_is_an_answer_with_a_warning() -> None:
    """Doubt is told: a title that could not be made, or the end of the answer."""
    key = "sk-ant-" + "api03-" + "Zk3x" * 12
    _, verdict = said(WHOLE + "\n", f"Error: 429 Too Many Requests {key}\n")

    assert verdict.failure is None
    assert codes(verdict) == ["error_on_stderr"]
    assert "429 Too Many Requests" in verdict.warnings[0].message
    assert "Zk3x" not in verdict.warnings[0].message


def test_an_error_nobody_knows_beside_half_an_answer_is_a_warning() -> None:
    """It may have cut the answer, or not."""
    _, verdict = said(CUT + "\n", "Error: something odd\n")

    assert verdict.failure is None
    assert codes(verdict) == ["error_on_stderr"]


@pytest.mark.parametrize(
    "stderr",
    [
        "warning: something is deprecated\n",
        "Error: telemetry: connect ECONNREFUSED\n",
        "[mcp] error: server x exited\n",
        "Error: failed to generate title: 429 Too Many Requests\n",
        "error: update check failed: timed out\n",
        "0 errors, 3 warnings\n",
        "no error\n",
        "Retrying after error: 429\n",
        "Error: an old one\n" + "working\n" * 20,
    ],
)
def test_errors_of_what_works_beside_the_model_are_noise(stderr: str) -> None:
    """Nor does an old line say why a program ends."""
    _, verdict = said(CUT + "\n", stderr)

    assert verdict.failure is None
    assert codes(verdict) == []


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("Error: 429 Too Many Requests\n", "rate_limited"),
        ("Error: something odd\n", "error_on_stderr"),
        ("a remark\n", "empty_answer"),
    ],
)
def test_nothing_on_stdout_and_an_error_on_stderr_has_its_words(stderr: str, code: str) -> None:
    """Exit code 0 and an empty answer are explained by what was said."""
    _, verdict = said("", stderr)

    assert verdict.code == code


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [
        ("It holds.", True),
        ("Berlin", True),
        ("src/parser.py", True),
        ("See:\n- one\n- two words", True),
        ("# A heading", True),
        ("```\ncode here\n```", True),
        ("Use `a b`", True),
        ("それは正しいです。", True),
        ("It holds and", False),
        ("It holds,", False),
        ("First, it", False),
        ("```\ncode here", False),
        ("```\nprint(a, b)", False),
        ("It holds:\n\nand then it", False),
    ],
)
def test_an_answer_that_stops_in_a_sentence_breaks_off(answer: str, is_whole: bool) -> None:
    """Only with a known error on stderr does that decide."""
    _, verdict = said(answer, "Error: 503 Service Unavailable\n")

    assert (verdict.failure is None) is is_whole


def test_the_stderr_of_a_cli_that_closed_its_turn_is_its_own_affair() -> None:
    """Its record says how the turn ended."""
    output = TurnOutput(answer=CUT, ended=Ended(), is_closed=True)
    verdict = judge(PROFILE, output, 0, stderr_tail="Error: 429 Too Many Requests")

    assert verdict.failure is None
    assert codes(verdict) == []


# ---------------------------------------------------------------------------- other ends of a turn


def test_a_record_that_was_too_long_is_said_to_be_why_there_is_no_answer() -> None:
    """Not an empty answer, and no reason to ask again."""
    for ended in (Ended(), None):
        verdict = judge(PROFILE, TurnOutput(ended=ended, is_record_lost=True), 0)

        assert verdict.failure is not None
        assert verdict.code == "record_too_long"
        assert verdict.failure.failure_class is FailureClass.FATAL
        assert "file" in verdict.failure.hint


def test_an_answer_beside_a_record_that_was_too_long_stays() -> None:
    """What was lost may be what a tool printed."""
    output = TurnOutput(answer=WHOLE, ended=Ended(), is_record_lost=True)

    assert judge(PROFILE, output, 0).failure is None


def test_a_tool_is_work_whatever_the_text_is() -> None:
    """What it did would be done twice."""
    output = TurnOutput(answer="Error: 429", ended=Ended(), steps=1, has_spoken=True)

    assert has_worked(output, judge(PROFILE, output, 0))
    assert not has_worked(TurnOutput(), Verdict())
