"""Log entries as the page gets them: cut, masked over their edges, told in words."""

import pytest

from aimux.dashboard._rows import LINE_CHARS, entry_rows
from aimux.model import (
    ChildExited,
    Event,
    JobFinished,
    JobStatus,
    Message,
    Noise,
    Stream,
    Text,
    ToolUse,
    TurnStarted,
    Usage,
    Warned,
)

from ..store._values import log

SECRET = "sk-ant-api03-" + "a1B2c3D4" * 12


def test_what_is_long_is_cut_and_says_so() -> None:
    """A line of 1 MB costs the page no more than another."""
    (row,) = entry_rows(log(Message(text="x" * 1_000_000), turn=1), 0)

    assert row["text"] == "x" * LINE_CHARS
    assert row["cut"] == 1_000_000 - LINE_CHARS


@pytest.mark.requirement("dashboard:masked")
def test_a_secret_over_two_pieces_is_masked_in_both() -> None:
    """Also when only the second is asked for."""
    entries = log(Text(text=f"the key is {SECRET[:40]}"), Text(text=f"{SECRET[40:]} ok"), turn=1)
    shown = entry_rows(entries, 1)

    assert [row["seq"] for row in shown] == [2]
    assert SECRET[40:] not in str(shown)
    assert "ok" in str(shown)


def test_a_secret_at_the_cut_is_masked() -> None:
    """What lies beyond is looked at, too."""
    entries = log(Message(text="x" * (LINE_CHARS - 30) + " " + SECRET), turn=1)

    assert "a1B2" not in str(entry_rows(entries, 0))


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            TurnStarted(turn=1, cli="codex", model="m", attempt=2),
            "codex m started (read, attempt 2)",
        ),
        (ChildExited(exit_code=3, duration_ms=1500), "ended with code 3 after 1.5 s"),
        (ChildExited(signal="SIGKILL", swept=2), "2 left behind were ended"),
        (Warned(code="clamped", message="less"), "clamped: less"),
        (Usage(input_tokens=3, output_tokens=4), "3 in, 4 out"),
        (JobFinished(status=JobStatus.FAILED, reason="deadline"), "failed: deadline"),
        (Noise(stream=Stream.STDERR, line="what"), "what"),
        (ToolUse(name="shell", summary="ls"), "ls"),
    ],
)
def test_each_kind_says_what_happened(event: Event, text: str) -> None:
    """In words, for somebody who knows no event names."""
    (row,) = entry_rows(log(event), 0)

    assert text in str(row["text"])
    assert row["kind"] == event.kind
