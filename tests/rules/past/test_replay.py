"""Two readings of one output, compared."""

from collections.abc import Sequence

import pytest

from aimux.model import (
    Event,
    FileChange,
    Message,
    NativeSession,
    Noise,
    Reasoning,
    Stream,
    Text,
    ToolUse,
    Usage,
    Warned,
)
from aimux.rules.past import compare_readings

SAID: Sequence[Event] = (
    NativeSession(native_id="n1"),
    Text(text="one "),
    Text(text="two"),
    ToolUse(name="sh", summary="ls"),
    FileChange(path="a.py"),
    Reasoning(text="hm"),
    Message(text="one two"),
    Usage(input_tokens=3),
    Warned(code="retrying", message="again"),
    Noise(stream=Stream.STDOUT, line="x"),
)


def test_the_same_events_are_no_difference_however_they_were_cut() -> None:
    """Pieces of text come together; noise of the two streams may have come in another order; what
    the engine warned of is none of a reading.
    """
    kept = [
        Noise(stream=Stream.STDERR, line="e"),
        *SAID,
        Warned(code="short_answer", message="2"),
    ]
    today = [
        *SAID[:1],
        Text(text="one two"),
        *SAID[3:],
        Noise(stream=Stream.STDERR, line="e"),
    ]

    assert compare_readings(kept, today).diff == []


@pytest.mark.parametrize("missing", range(len(SAID)))
def test_an_event_that_is_not_read_any_more_is_a_difference(missing: int) -> None:
    """Of every kind."""
    today = [event for at, event in enumerate(SAID) if at != missing]
    diff = compare_readings(SAID, today).diff

    assert any(line.startswith("-") for line in diff)
    assert any(line.startswith("+") for line in compare_readings(today, SAID).diff)


def test_a_difference_far_in_a_long_line_is_shown_alone() -> None:
    """And a secret in it is masked."""
    key = "ghp_" + "a1B2" * 9
    diff = compare_readings(
        [Message(text="a" * 10_000 + "b")], [Message(text="a" * 10_000 + f"c {key}")]
    ).diff

    assert len(diff) < 8
    assert [line[:1] for line in diff if line[:1] in "+-"] == ["-", "+"]
    assert key not in "".join(diff)


def test_many_differences_are_cut_and_told() -> None:
    """What is shown has a limit."""
    kept = [Message(text="\n".join(f"k{at}" for at in range(5_000)))]
    today = [Message(text="\n".join(f"t{at}" for at in range(5_000)))]
    found = compare_readings(kept, today)

    assert found.is_cut
    assert len(found.diff) == 400


def test_noise_beyond_what_a_log_keeps_is_not_missed() -> None:
    """A log has the first lines of it."""
    lines = [Noise(stream=Stream.STDOUT, line=str(at)) for at in range(300)]

    assert compare_readings(lines[:200], lines).diff == []
    assert compare_readings(lines[:100], lines).diff != []
