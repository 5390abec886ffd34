"""What counts as an answer of a seat."""

import pytest

from aimux.model import Failure, FailureClass, JobStatus, TurnResult, Warned
from aimux.rules.panels import is_worth_asking_again, lost_reason


def turn(content: str = "", *, data: object = None, code: str = "", refused: bool = False,
         failure_class: FailureClass = FailureClass.UNKNOWN) -> TurnResult:  # fmt: skip
    """A turn that came to this."""
    failure = Failure(failure_class=failure_class, code=code, message="") if code else None
    warnings = [Warned(code="possible_refusal", message="")] if refused else []
    status = JobStatus.FAILED if code else JobStatus.COMPLETED
    return TurnResult(
        turn=1, status=status, content=content, data=data, failure=failure, warnings=warnings
    )


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (turn("Yes."), ""),
        (turn("Yes.", data={"position": "Yes."}), ""),
        (turn("Yes.", code="answer_contract"), ""),
        (turn("", code="answer_contract"), "no_answer"),
        (turn(" \n"), "no_answer"),
        (turn("I can't help.", refused=True), "refused"),
        (turn("I can't help.", refused=True, code="answer_contract"), "refused"),
        (turn("I can't see it.", data={"position": "no"}, refused=True), ""),
        (turn("half of it", code="timeout"), "timeout"),
        (turn("", data={}, code="quota"), "quota"),
    ],
)
def test_only_an_answer_is_one(result: TurnResult, reason: str) -> None:
    """Prose is; half a text, a refusal and silence are none."""
    assert lost_reason(result) == reason


@pytest.mark.parametrize(
    "reason", ["empty_answer", "no_answer", "refused", "rate_limited", "quota"]
)
def test_what_may_pass_is_asked_once_more(reason: str) -> None:
    """And whatever the class says is a limit."""
    assert is_worth_asking_again(reason, turn())
    assert is_worth_asking_again("other", turn(code="x", failure_class=FailureClass.QUOTA))


def test_what_does_not_pass_is_not() -> None:
    """A log-in that is missing stays missing; an answer needs no other."""
    assert not is_worth_asking_again("auth", turn(code="auth", failure_class=FailureClass.AUTH))
    assert not is_worth_asking_again("", turn("Yes."))
