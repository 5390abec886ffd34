"""A read turn that would rather write is told how to let it."""

import pytest

from aimux.guidance import guide
from aimux.guidance._offers import TAIL_CHARS, wants_to_write

OFFERS = (
    "I found two bugs. Would you like me to fix them?",
    "The patch is above. Do you want me to apply these changes?",
    "Shall I proceed with the refactoring?",
    "Should I go ahead and implement this?",
    "Let me know if you'd like me to make the edits.",
    "I'm in read-only mode, so I cannot apply the change.",
    "I was unable to write the file because the sandbox is read-only.",
    "I can't modify files here: the workspace is read-only.",
    "Once you exit plan mode, I will do it.",
    "Please grant me write access to the repository.",
    "The environment\nis in a read-only\nsandbox, so I could not save the file.",
)
ANSWERS = (
    "There are no problems in this file.",
    "orders.py:9: the default argument is shared; use None and make a list inside.",
    "The function cannot write to a closed stream, which is why it raises.",
    "You could apply the visitor pattern here.",
    "The permission check can fail if the file is missing.",
    "Should I be wrong about the version, the test would show it.",
    "",
)


@pytest.mark.parametrize("answer", OFFERS)
def test_an_offer_to_write_is_seen(answer: str) -> None:
    """As models word it, at the end of an answer of any length."""
    assert wants_to_write(answer)
    assert wants_to_write("x " * TAIL_CHARS + answer)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_about_writing_is_no_offer(answer: str) -> None:
    """Nor is one that was followed by a whole answer."""
    assert not wants_to_write(answer)
    assert not wants_to_write(OFFERS[0] + "y " * TAIL_CHARS)


def test_an_offer_in_read_mode_has_a_step_that_lets_it_write() -> None:
    """In the same session; in write mode there is nothing to let."""
    payload = {
        "status": "completed", "job_id": "job_1", "session_id": "ses_1", "error": None,
        "mode": "read", "content": OFFERS[0],
    }  # fmt: skip
    steps = guide("exec", payload)["next"]
    others = [
        guide("exec", {**payload, **change})["next"]
        for change in ({"mode": "write"}, {"content": ANSWERS[0]}, {"content": None})
    ]

    assert isinstance(steps, list)
    assert steps[0] == {
        "tool": "exec",
        "arguments": {"session_id": "ses_1", "prompt": "Make these changes.", "mode": "write"},
        "when": "it shall make the changes it offers",
    }
    assert "mode=write" not in str(others)
    assert "'write'" not in str(others)
    assert "exec" not in str(guide("exec", {**payload, "session_id": None})["next"])
