"""Real error texts of the real CLIs, and the class each belongs to."""

from pathlib import Path

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.model import Ended, ErrorRule, FailureClass, Profile, TurnOutput
from aimux.rules import classify, failure, interrupted, recognise

DATA = Path(__file__).parent / "data" / "failures"
CASES = sorted(DATA.glob("*/*.txt"))
PROFILE = Profile(name="tool", binary="tool", command=("tool",))


def said(text: str) -> TurnOutput:
    return TurnOutput(ended=Ended(is_error=True, message=text), error_text=text)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("where", ["ended", "error_text", "stderr", "answer"])
def test_real_error_texts_are_recognised_wherever_they_stand(path: Path, where: str) -> None:
    """The directory names class and code; no profile pattern helps."""
    expected = tuple(path.parent.name.split("-", 1))
    text = path.read_text(encoding="utf-8")
    output, stderr = TurnOutput(), ""
    match where:
        case "ended":
            output = TurnOutput(ended=Ended(is_error=True, message=text))
        case "error_text":
            output = TurnOutput(error_text=text)
        case "stderr":
            stderr = text
        case _:
            output = TurnOutput(answer=text[-2000:])
    found = classify(PROFILE, 1, "", output, stderr)

    assert (found.failure_class.value, found.code) == expected
    assert found.hint
    assert len(found.excerpt) <= 2000


def test_every_class_has_real_texts_of_several_clis() -> None:
    classes = {path.parent.name.split("-")[0] for path in CASES}
    clis = {path.stem.split("-")[0] for path in CASES}

    assert classes == {"auth", "fatal", "model_unavailable", "quota", "transient", "usage"}
    assert len(clis) == 11


@pytest.mark.parametrize(
    "text",
    [
        "the author authored 429 lines in auth.py",
        "wrote 500 rows to /tmp/401/log.txt:403",
        "port 8429 status ok, version 4.29",
        "status 4290",
        "code: 429.5",
        "Model metadata for `m` not found. Defaulting to fallback metadata",
        "WARNING Unknown model openai/x: using closest match metadata",
        "Ripgrep not available: spawn EACCES. Falling back to built-in grep.",
        "Warning: True color (24-bit) support not detected.",
        "unlimited rates apply",
    ],
)
def test_harmless_texts_are_nothing(text: str) -> None:
    assert recognise(PROFILE, 1, TurnOutput(error_text=text), text) is None


@pytest.mark.parametrize("text", ["HTTP 429", "status: 429", '"code":429,', "Error code: 429 -"])
def test_a_number_counts_where_it_is_a_status(text: str) -> None:
    assert recognise(PROFILE, 1, TurnOutput(error_text=text), "") == (
        FailureClass.QUOTA,
        "rate_limited",
    )


def test_the_profiles_own_patterns_come_first() -> None:
    patterns = {
        FailureClass.FATAL: ("rate limit",),
        FailureClass.AUTH: (r"code\s+red",),
        FailureClass.QUOTA: ("daily quota",),
    }
    profile = attrs.evolve(
        PROFILE, errors=ErrorRule(patterns=patterns, login_hint="run tool login")
    )
    auth = classify(profile, 1, "", said("CODE\n  RED"), "")
    fatal = classify(profile, 1, "", said("rate limit"), "")
    quota = classify(profile, 1, "", said("you exhausted your daily quota"), "")

    assert (auth.failure_class, auth.code) == (FailureClass.AUTH, "not_authenticated")
    assert auth.hint == "run tool login"
    assert (fatal.failure_class, fatal.code) == (FailureClass.FATAL, "fatal")
    assert (quota.failure_class, quota.code) == (FailureClass.QUOTA, "quota_exhausted")


def test_the_profiles_exit_codes_speak_before_stderr() -> None:
    errors = ErrorRule(exit_codes={FailureClass.AUTH: (76,), FailureClass.QUOTA: (173,)})
    profile = attrs.evolve(PROFILE, errors=errors)

    assert recognise(profile, 76, TurnOutput(), "connection refused") == (
        FailureClass.AUTH,
        "not_authenticated",
    )
    assert recognise(profile, 173, TurnOutput(), "") == (FailureClass.QUOTA, "rate_limited")
    assert recognise(profile, 173, said("invalid api key"), "") is not None
    assert recognise(profile, 1, TurnOutput(), "") is None


@pytest.mark.parametrize(
    ("code", "failure_class"),
    [
        ("429", FailureClass.QUOTA),
        ("404", FailureClass.MODEL_UNAVAILABLE),
        ("401", FailureClass.AUTH),
        ("529", FailureClass.TRANSIENT),
        ("413", FailureClass.FATAL),
        ("rate_limit_exceeded", FailureClass.QUOTA),
        ("RateLimitError", FailureClass.QUOTA),
        ("418", None),
    ],
)
def test_the_clis_own_code_counts_when_its_words_say_nothing(
    code: str, failure_class: FailureClass | None
) -> None:
    found = recognise(PROFILE, 1, TurnOutput(error_text="Exec failed", error_code=code), "")

    assert (found[0] if found else None) is failure_class


def test_what_the_cli_called_an_error_outweighs_noise_on_stderr() -> None:
    found = classify(
        PROFILE, 1, "", said("invalid api key"), "retrying after 429 Too Many Requests"
    )

    assert found.failure_class is FailureClass.AUTH


def test_the_reason_counts_where_the_message_is_empty() -> None:
    output = TurnOutput(ended=Ended(is_error=True, reason="prompt_too_long"))

    assert classify(PROFILE, 1, "", output, "").code == "context_overflow"


def test_an_answer_that_explains_errors_is_no_evidence_beside_a_real_one() -> None:
    output = TurnOutput(answer="429 Too Many Requests means ...", error_text="something odd")

    assert classify(PROFILE, 1, "", output, "").failure_class is FailureClass.UNKNOWN


@pytest.mark.parametrize(
    ("exit_code", "signal", "code", "message"),
    [
        (3, "", "turn_failed", "tool: ended with exit code 3 and said nothing"),
        (None, "SIGKILL", "killed_by_signal", "tool: ended by SIGKILL"),
        (0, "", "turn_failed", "tool: ended without an answer"),
    ],
)
def test_a_silent_failure_says_how_it_ended(
    exit_code: int | None, signal: str, code: str, message: str
) -> None:
    found = classify(PROFILE, exit_code, signal, TurnOutput(), "")

    assert (found.code, found.message) == (code, message)
    assert bool(found.hint) is bool(signal)
    assert found.failure_class is FailureClass.UNKNOWN


def test_retrying_is_for_limits_and_passing_trouble() -> None:
    assert classify(PROFILE, 1, "", said("rate limit"), "").retryable
    assert classify(PROFILE, 1, "", said("ECONNREFUSED"), "").retryable
    assert not classify(PROFILE, 1, "", said("invalid api key"), "").retryable
    assert not classify(PROFILE, 1, "", said("prompt is too long"), "").retryable


def test_excerpts_are_redacted_and_end_with_the_most_telling() -> None:
    key = "sk-ant-REDACTED"
    output = TurnOutput(ended=Ended(is_error=True, message=f"invalid api key {key}"))
    found = classify(PROFILE, 1, "", output, "noise\n" * 2000 + f"\x1b[31m{key}\x1b[0m")

    assert key not in found.excerpt + found.message
    assert found.excerpt.endswith("invalid api key [REDACTED:anthropic]")
    assert len(found.excerpt) == 2000
    assert "\x1b" not in found.excerpt


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Rate limit exceeded: slow down.\n\nPlease retry later.",
            "Rate limit exceeded: slow down.",
        ),
        (
            "error: unknown option '--x'\n\nFor more information, try '--help'.",
            "error: unknown option '--x'",
        ),
        ("first\nsomething odd\n}", "something odd"),
        ("}\n---", "---"),
        ("429 Too Many Requests\n" + "noise\n" * 40, "noise"),
    ],
)
def test_the_message_is_the_line_that_tells(text: str, message: str) -> None:
    assert classify(PROFILE, 1, "", said(text), "").message == f"tool: {message}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Reached maximum number of turns (1)", "max_turns"),
        (
            "Exec ended early: insufficient permission to proceed. Re-run with --auto",
            "tools_denied",
        ),
        ("Empty response received from LLM.", "empty_answer"),
        ("This was blocked by safety filters", "policy_refused"),
        ("No input provided via stdin.", "bad_flags"),
        ("Connection failed: error sending request", "network"),
    ],
)
def test_other_ends_have_codes_of_their_own(text: str, code: str) -> None:
    assert classify(PROFILE, 1, "", said(text), "").code == code


def test_a_message_is_one_short_line() -> None:
    found = failure(PROFILE, FailureClass.UNKNOWN, "", message="a\nb" + "x" * 999)

    assert len(found.message) == 300 + len("tool: ")
    assert found.message.startswith("tool: a b")
    assert found.message.endswith("…")
    assert "\n" not in found.message
    assert found.code == "turn_failed"


def test_an_interrupted_turn_has_the_class_last_seen_else_it_timed_out() -> None:
    seen = interrupted(
        PROFILE, TurnOutput(), "status 429, retrying", code="silent", message="quiet"
    )
    blank = interrupted(PROFILE, TurnOutput(), "", code="silent", message="printed nothing")

    assert (seen.failure_class, seen.code, seen.message) == (
        FailureClass.QUOTA,
        "rate_limited",
        "tool: quiet",
    )
    assert (blank.failure_class, blank.code) == (FailureClass.TIMEOUT, "silent")
    assert "timeout_seconds" in blank.hint


@pytest.mark.slow
@given(st.text(max_size=300), st.text(max_size=300), st.one_of(st.none(), st.integers(0, 255)))
def test_anything_is_classified_and_stays_small(
    text: str, stderr: str, exit_code: int | None
) -> None:
    found = classify(PROFILE, exit_code, "", TurnOutput(error_text=text), stderr)

    assert found.message.startswith("tool: ")
    assert len(found.excerpt) <= 2000
