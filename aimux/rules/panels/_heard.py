"""Whether what a seat answered counts as its answer."""

from typing import Final

from aimux.model import TurnResult

REFUSED: Final = "refused"
NO_ANSWER: Final = "no_answer"
ONCE_MORE: Final = frozenset({"empty_answer", "no_answer", "refused", "rate_limited", "quota"})
_REFUSAL: Final = "possible_refusal"
_UNFIT: Final = "answer_contract"


def lost_reason(result: TurnResult) -> str:
    """Why a turn is no answer: a code; empty if it is one.

    Prose in the place of JSON is an answer; half an answer, a refusal and silence are none.
    """
    failure = result.failure
    if failure is not None and failure.code != _UNFIT:
        return failure.code
    if result.data is not None:
        return ""  # what fits a schema is no refusal, whatever its first words
    if not result.content.strip():
        return NO_ANSWER
    if any(warning.code == _REFUSAL for warning in result.warnings):
        return REFUSED
    return ""


def is_worth_asking_again(reason: str, result: TurnResult) -> bool:
    """Whether the same seat may answer if it is asked once more."""
    if reason in ONCE_MORE:
        return True
    return result.failure is not None and str(result.failure.failure_class) == "quota"
