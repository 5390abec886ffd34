"""What counts as an answer."""

from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.model import Ended, ErrorRule, FailureClass, Profile, TurnOutput
from aimux.rules import Verdict, judge

PROFILE = Profile(name="tool", binary="tool", command=("tool",))
GOOD = TurnOutput(answer="the whole answer", ended=Ended(reason="end_turn"))


def judged(output: TurnOutput = GOOD, exit_code: int | None = 0, **more: Any) -> Verdict:
    return judge(PROFILE, output, exit_code, **more)


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.warnings]


def test_a_closing_record_an_answer_and_a_good_exit_make_it_valid() -> None:
    verdict = judged()

    assert verdict.failure is None
    assert verdict.code == "valid"
    assert verdict.warnings == []


def test_an_error_flag_wins_over_exit_zero() -> None:
    ended = Ended(is_error=True, message="Request rejected (429)")
    verdict = judged(TurnOutput(answer="half", ended=ended))

    assert verdict.failure is not None
    assert (verdict.failure.failure_class, verdict.code) == (FailureClass.QUOTA, "rate_limited")
    assert verdict.failure is not None


def test_a_bad_exit_wins_over_an_answer() -> None:
    verdict = judged(exit_code=3, stderr_tail="Internal server error")

    assert verdict.code == "server_error"


def test_the_profile_says_which_exits_are_good() -> None:
    profile = attrs.evolve(PROFILE, errors=ErrorRule(accept_exit=(0, 130)))

    assert judge(profile, GOOD, 130).failure is None
    assert judge(profile, GOOD, 1).failure is not None


def test_a_child_we_ended_after_its_closing_record_may_leave_as_it_likes() -> None:
    assert judged(exit_code=None, signal="SIGTERM", is_stopped=True).failure is None
    assert judged(exit_code=143, is_stopped=True).failure is None
    assert judged(exit_code=None, signal="SIGTERM").failure is not None


def test_a_child_we_ended_without_a_closing_record_is_no_answer() -> None:
    verdict = judged(attrs.evolve(GOOD, ended=None), exit_code=143, is_stopped=True)

    assert verdict.code == "turn_failed"


def test_a_missing_closing_record_is_partial() -> None:
    verdict = judged(TurnOutput(answer="the first ha"))

    assert verdict.code == "output_cut"
    assert "closing record" in (verdict.failure.message if verdict.failure else "")


def test_a_missing_closing_record_is_explained_by_what_was_seen() -> None:
    verdict = judged(TurnOutput(answer="the first ha"), stderr_tail="connection reset by peer")

    assert verdict.code == "network"


def test_a_turn_that_was_cut_is_never_good() -> None:
    blank = judged(was_cut=True)
    seen = judged(was_cut=True, stderr_tail="429 Too Many Requests")

    assert blank.code == "cut_short"
    assert seen.code == "rate_limited"


@pytest.mark.parametrize("answer", ["", "  \n\t "])
def test_an_empty_answer_is_a_failure_in_spite_of_success(answer: str) -> None:
    verdict = judged(TurnOutput(answer=answer, ended=Ended()), stderr_tail="429 is noise here")

    assert verdict.code == "empty_answer"


@pytest.mark.parametrize(
    ("steps", "failure_class"), [(0, FailureClass.TRANSIENT), (1, FailureClass.UNKNOWN)]
)
def test_an_empty_answer_is_worth_a_retry_only_if_nothing_was_done(
    steps: int, failure_class: FailureClass
) -> None:
    verdict = judged(TurnOutput(ended=Ended(), steps=steps))

    assert verdict.failure is not None
    assert verdict.failure.failure_class is failure_class
    assert verdict.failure.retryable is (steps == 0)


def test_an_empty_answer_after_refused_tools_says_so() -> None:
    verdict = judged(TurnOutput(ended=Ended(), denials=2))

    assert verdict.code == "tools_denied"
    assert "refused 2 tool calls" in (verdict.failure.message if verdict.failure else "")


def test_an_empty_answer_with_an_error_has_its_class() -> None:
    verdict = judged(TurnOutput(ended=Ended(), error_text="API key not valid"))

    assert verdict.code == "not_authenticated"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Rate limit exceeded. Please try again in 20s.", "rate_limited"),
        ("You've hit your usage limit. Try again tomorrow.", "quota_exhausted"),
        ("API Error: Request rejected (429) · Usage limit reached", "quota_exhausted"),
        ("Invalid API key · Fix external API key", "not_authenticated"),
        ("Not logged in · Please run /login", "not_authenticated"),
        ("Ran into this error: Server error (500 Internal Server Error)", "server_error"),
        ("Credit balance is too low", "quota_exhausted"),
        ("429 Too Many Requests", "rate_limited"),
        ("litellm.RateLimitError: RateLimitError: OpenAIException", "rate_limited"),
        ("[API Error: 401 Incorrect API key provided: test-key.]", "not_authenticated"),
    ],
)
def test_an_error_message_as_the_whole_answer_is_a_failure(answer: str, code: str) -> None:
    verdict = judged(TurnOutput(answer=answer, ended=Ended()))

    assert verdict.code == code


@pytest.mark.parametrize(
    "answer",
    [
        "The handler returns 429 Too Many Requests when the rate limit is exceeded.",
        "Error handling looks fine; see the retry loop in client.py.",
        "Rate limit exceeded: this message is raised in limiter.py:12. " + "It is fine. " * 40,
        "`Invalid API key` comes from auth.py",
    ],
)
def test_an_answer_about_errors_is_an_answer(answer: str) -> None:
    assert judged(TurnOutput(answer=answer, ended=Ended())).failure is None


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that for you.",
        "I’m sorry, but I can’t help with that.",  # noqa: RUF001  # as models type it
        "Ich kann leider nicht auf Dateien zugreifen.",
        "Je ne peux pas accéder à ce fichier.",
        "Lo siento, no puedo ayudarte con eso.",
        "Não consigo acessar o arquivo.",
        "Mi dispiace, ma non posso farlo.",
        "Ik kan helaas niet bij dat bestand.",
        "Nie mogę otworzyć tego pliku.",
        "К сожалению, я не могу помочь.",  # noqa: RUF001
        "Я не можу відкрити файл.",
        "我无法访问该文件。",
        "申し訳ありませんが、そのファイルは開けません。",
        "죄송하지만 파일에 접근할 수 없습니다.",
        "Üzgünüm, ancak bunu yapamam.",  # codespell:ignore
    ],
)
def test_refusals_are_noticed_in_many_languages(answer: str) -> None:
    verdict = judged(TurnOutput(answer=answer, ended=Ended()))

    assert "possible_refusal" in codes(verdict)
    assert verdict.failure is None
    assert verdict.code == "possible_refusal"


def test_a_refusal_stands_at_the_beginning() -> None:
    assert codes(judged(TurnOutput(answer="x" * 201 + " I cannot", ended=Ended()))) == []


def test_a_short_answer_and_denied_tools_are_warnings() -> None:
    verdict = judged(TurnOutput(answer="42", ended=Ended(), denials=1))

    assert verdict.failure is None
    assert codes(verdict) == ["tools_denied", "short_answer"]
    assert verdict.code == "tools_denied"


@given(
    st.builds(
        TurnOutput,
        answer=st.sampled_from(["", " ", "an answer of some length", "Rate limit exceeded"]),
        ended=st.one_of(st.none(), st.builds(Ended, is_error=st.booleans())),
        error_text=st.sampled_from(["", "boom", "invalid api key"]),
        denials=st.integers(0, 1),
    ),
    st.sampled_from([None, 0, 1]),
    st.booleans(),
    st.booleans(),
)
def test_good_means_all_four_conditions(
    output: TurnOutput, exit_code: int | None, is_stopped: bool, was_cut: bool
) -> None:
    verdict = judge(PROFILE, output, exit_code, is_stopped=is_stopped, was_cut=was_cut)
    is_ended = output.ended is not None and not output.ended.is_error
    is_left = exit_code == 0 or is_stopped
    is_answer = output.answer == "an answer of some length"

    assert (verdict.failure is None) == (is_ended and is_left and is_answer and not was_cut)
