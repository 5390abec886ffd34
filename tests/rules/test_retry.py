"""What follows a failed attempt, class by class, and what is never done twice."""

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.model import Failure, FailureClass, Mode
from aimux.rules import AFTER, FailedAttempt, NextStep, Retry, after_failure

ATTEMPTS = st.builds(
    FailedAttempt,
    failure=st.sampled_from(FailureClass).map(
        lambda each: Failure(failure_class=each, code="c", message="m")
    ),
    mode=st.sampled_from(Mode),
    has_acted=st.booleans(),
    acted_before=st.booleans(),
    failures=st.integers(1, 4),
    is_lost_session=st.booleans(),
)


def failed(failure_class: FailureClass = FailureClass.TRANSIENT, **other: object) -> FailedAttempt:
    """The first attempt of a read-only turn has failed without a word."""
    attempt = FailedAttempt(
        failure=Failure(failure_class=failure_class, code="c", message="m"),
        mode=Mode.READ,
        has_acted=False,
    )
    return attrs.evolve(attempt, **other)


@pytest.mark.parametrize(
    ("failure_class", "step"),
    [
        (FailureClass.QUOTA, NextStep.NEXT_MODEL),
        (FailureClass.MODEL_UNAVAILABLE, NextStep.NEXT_MODEL),
        (FailureClass.AUTH, NextStep.NEXT_CLI),
        (FailureClass.TRANSIENT, NextStep.AGAIN),
        (FailureClass.USAGE, NextStep.NEXT_CLI),
        (FailureClass.FATAL, NextStep.STOP),
        (FailureClass.TIMEOUT, NextStep.STOP),
        (FailureClass.CANCELLED, NextStep.STOP),
        (FailureClass.UNKNOWN, NextStep.NEXT_CLI),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_the_class_decides_about_an_attempt_that_did_nothing(
    failure_class: FailureClass, step: NextStep, mode: Mode
) -> None:
    assert after_failure(failed(failure_class, mode=mode)) == Retry(step=step)


def test_every_class_is_decided() -> None:
    assert set(AFTER) == set(FailureClass)


def test_a_transient_failure_is_tried_once_more_and_then_left() -> None:
    steps = [after_failure(failed(failures=count)).step for count in (1, 2, 3)]

    assert steps == [NextStep.AGAIN, NextStep.NEXT_CLI, NextStep.NEXT_CLI]


@pytest.mark.parametrize("mode", [Mode.WRITE, Mode.DANGER])
@pytest.mark.parametrize("is_lost", [False, True])
def test_work_that_may_have_changed_something_is_not_repeated(mode: Mode, is_lost: bool) -> None:
    retry = after_failure(failed(mode=mode, has_acted=True, is_lost_session=is_lost))

    assert retry == Retry(step=NextStep.STOP, warning="not_retried")


def test_reading_is_repeated_once_after_it_had_begun() -> None:
    once = after_failure(failed(has_acted=True))
    twice = after_failure(failed(FailureClass.QUOTA, has_acted=True, acted_before=True))

    assert once == Retry(step=NextStep.AGAIN)
    assert twice == Retry(step=NextStep.STOP, warning="not_retried")


def test_an_attempt_that_did_nothing_is_no_repetition() -> None:
    """The work was begun before it, not by it: the next candidate may still do it."""
    retry = after_failure(failed(FailureClass.AUTH, acted_before=True))

    assert retry == Retry(step=NextStep.NEXT_CLI)


@pytest.mark.parametrize("failure_class", [FailureClass.FATAL, FailureClass.TIMEOUT])
def test_an_end_that_stops_anyway_needs_no_warning(failure_class: FailureClass) -> None:
    retry = after_failure(failed(failure_class, mode=Mode.WRITE, has_acted=True, acted_before=True))

    assert retry == Retry(step=NextStep.STOP)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("count", [1, 2])
def test_a_session_the_cli_has_lost_is_told_again(mode: Mode, count: int) -> None:
    """Such a failure is fatal otherwise, and the CLI itself is well."""
    attempt = failed(FailureClass.FATAL, mode=mode, failures=count, is_lost_session=True)

    assert after_failure(attempt) == Retry(step=NextStep.AGAIN, warning="session_retold")


@given(ATTEMPTS)
def test_nothing_is_done_twice_that_may_not_be(attempt: FailedAttempt) -> None:
    retry = after_failure(attempt)

    if attempt.has_acted and (attempt.mode is not Mode.READ or attempt.acted_before):
        assert retry.step is NextStep.STOP
    if retry.step is NextStep.STOP and not retry.warning:
        assert AFTER[attempt.failure.failure_class] is NextStep.STOP
    if retry.step is NextStep.AGAIN:
        assert attempt.failures == 1 or attempt.is_lost_session
