"""What continue and aider print as text, where no recording shows it."""

import pytest

from aimux.dialects import open_dialect
from aimux.model import Ended, FileChange, Noise, Usage, Warned

from .feeding import ERR, OUT, told


@pytest.mark.parametrize(
    ("stdout", "answer", "is_error"),
    [
        ('noise\n{"response": "yes", "status": "success"}\n', "yes", False),
        ('[{"a": 1}]\n', '[{"a": 1}]', False),
        ('{"status": "error", "message": "no"}\n', "", True),
        ('{"status": "error"}\n', '{"status": "error"}', False),
        ("plain text\n", "plain text", False),
        ("\n", "", True),
    ],
)
def test_continue_tells_its_object_from_the_models_own(
    stdout: str, answer: str, is_error: bool
) -> None:
    """The wrapper is opened, the model's JSON is the answer, nothing is a failure."""
    _, dialect = told("continue", stdout)

    assert dialect.output.answer == answer
    assert dialect.output.ended is not None
    assert dialect.output.ended.is_error is is_error


def test_continue_output_beyond_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for the end has a limit; stderr without an object is noise."""
    monkeypatch.setattr("aimux.dialects._continue.MAX_VALUE_CHARS", 6)
    dialect = open_dialect("continue")
    dialect.feed(OUT, b"text\n")
    dialect.feed(OUT, b"more\n")
    dialect.feed(OUT, b"more\n")
    dialect.feed(OUT, b"rest without an end")
    dialect.feed(ERR, b"[1]\n")
    dialect.finish(0)

    assert dialect.output.answer == "text\nmo"
    assert dialect.output.error_text == "[1]"


AIDER = "Aider v0.86.2\nModel: openai/m with whole edit format\nRepo-map: disabled\n\n"


def test_aider_joins_different_answers_and_adds_usage_up() -> None:
    """Rounds that aider begins by itself are messages; repeats are said once."""
    said, dialect = told(
        "aider",
        AIDER + "one\n\n"
        "Tokens: 1.5k sent, 1k cache hit, 20 received. Cost: $0.01 message, $0.01 session.\n"
        "a.py\nApplied edit to a.py\nCommit 0d8ae45 fix\n\n"
        "two\nTokens: 1,000 sent, 5 received. Cost: $0.02 message, $0.03 session.\n"
        "two\nTokens: 1M sent, .. received.\n",
    )

    assert dialect.output.answer == "one\n\ntwo"
    assert dialect.output.model == "openai/m"
    assert dialect.output.usage == Usage(
        input_tokens=1_002_500, output_tokens=25, cached_tokens=1000, cost_usd=0.03
    )
    assert FileChange(path="a.py", change="update") in said
    assert dialect.output.ended == Ended(reason="exit")


def test_aider_text_that_begins_like_an_error_is_taken_back() -> None:
    """A failed request has no `Tokens:` line behind it."""
    _, dialect = told(
        "aider",
        AIDER + "litellm.RateLimitError: is raised when\nyou ask too often.\n"
        "Tokens: 1 sent, 2 received.\n",
    )

    assert dialect.output.answer == ("litellm.RateLimitError: is raised when\nyou ask too often.")
    assert dialect.output.ended == Ended(reason="exit")


def test_aider_error_in_a_later_round_is_a_failure() -> None:
    """The first answer stays as what there is."""
    _, dialect = told(
        "aider", AIDER + "one\nTokens: 1 sent, 2 received.\nlitellm.APIError: 500 gone\n"
    )

    assert dialect.output.answer == "one"
    assert dialect.output.ended == Ended(
        is_error=True, reason="APIError", message="litellm.APIError: 500 gone"
    )


def test_aider_error_in_front_of_the_banner_end() -> None:
    """An odd start is told as noise, an error as an error."""
    said, dialect = told(
        "aider", "something odd", "litellm.Timeout: slow", "Retrying in 0.2 seconds...", exit_code=1
    )

    assert said[0] == Noise(stream=OUT, line="something odd")
    assert said[1] == Warned(code="retrying", message="litellm.Timeout: slow")
    assert dialect.output.ended == Ended(
        is_error=True, reason="exit_1", message="litellm.Timeout: slow"
    )


PLAIN = 'I have created the file\n\n{"a": 1}'


def test_aider_text_without_a_banner_is_the_answer() -> None:
    """With exit code 0 it is kept, shown, and worth a warning."""
    said, dialect = told("aider", "\n" + PLAIN + "\n")

    assert dialect.output.answer == PLAIN
    assert dialect.output.ended == Ended(reason="exit")
    assert [each.code for each in said if isinstance(each, Warned)] == ["plain_text"]
    assert dialect.output.error_text == ""


def test_aider_figures_without_a_banner_stand_behind_an_answer() -> None:
    """As usual, then."""
    said, dialect = told("aider", PLAIN + "\nTokens: 7 sent, 2 received.\n")

    assert dialect.output.answer == PLAIN
    assert dialect.output.usage == Usage(input_tokens=7, output_tokens=2)
    assert dialect.output.ended == Ended(reason="exit")
    assert not [each for each in said if isinstance(each, Warned)]


def test_aider_text_behind_half_a_banner_is_kept_beside_the_failure() -> None:
    """It may be a notice that nobody knows yet; whoever asked can see."""
    _, dialect = told("aider", "Aider v0.99\nModel: openai/m\n" + PLAIN + "\n")

    assert dialect.output.answer == PLAIN
    assert dialect.output.ended is not None
    assert (dialect.output.ended.is_error, dialect.output.ended.reason) == (True, "no_answer")


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [("Segmentation fault (core dumped)", 0), ("---", 0), ("", 0), (PLAIN, 1), (PLAIN, None)],
)
def test_aider_text_of_a_death_is_no_answer(text: str, exit_code: int | None) -> None:
    """Nor is what it said before it failed or was ended."""
    _, dialect = told("aider", text + "\n", exit_code=exit_code)

    assert dialect.output.answer == ""
    assert dialect.output.ended is None or dialect.output.ended.is_error


def test_aider_long_error_is_bounded_and_a_signal_leaves_it_open() -> None:
    """A stack trace is no essay; killed means no end."""
    trace = "\n".join(f"frame {n}" for n in range(500))
    _, dialect = told("aider", f"{AIDER}litellm.APIError: x\n{trace}", exit_code=None)

    assert dialect.output.ended is None
    assert "frame 10" in dialect.output.error_text
    assert "frame 400" not in dialect.output.error_text
