"""What a turn came to."""

import pytest

from aimux.model import JobStatus, TurnResult


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_whole_validated_answer_is_one(status: JobStatus) -> None:
    """A partial one has text, and that is all that is sure of it."""
    result = TurnResult(turn=1, status=status, content="some text")

    assert result.is_answer is (status is JobStatus.COMPLETED)
