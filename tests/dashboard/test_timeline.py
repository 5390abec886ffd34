"""Turns and attempts as bars, and which failure came first."""

from typing import Any

from aimux.dashboard._timeline import fold
from aimux.model import (
    AttemptFailed,
    ChildStarted,
    Failure,
    FailureClass,
    JobQueued,
    JobStarted,
    JobStatus,
    Noted,
    Silence,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
)

from ..store._values import log

QUOTA = Failure(failure_class=FailureClass.QUOTA, code="quota", message="spent")


def ended(turn: int, status: JobStatus, **more: Any) -> TurnFinished | TurnFailed:
    result = TurnResult(turn=turn, status=status, content="said", **more)
    return TurnFinished(result=result) if result.is_answer else TurnFailed(result=result)


def turns(*parts: Any) -> list[Any]:
    """Entries of several turns, in order: (turn, event), one an eighth of a second."""
    return [
        entry
        for seq, (turn, event) in enumerate(parts, 1)
        for entry in log(event, first=seq, turn=turn)
    ]


def test_a_turn_waits_and_is_tried_again() -> None:
    """Its queue, both attempts with their ends, its silence, and the milestones of the job."""
    entries = turns(
        (0, JobQueued(position=1)),
        (1, TurnQueued(turn=1, seat="A", position=2)),
        (0, JobStarted()),
        (1, TurnStarted(turn=1, seat="A", cli="codex")),
        (1, ChildStarted(pid=7, started=1.0)),
        (1, AttemptFailed(turn=1, attempt=1, failure=QUOTA)),
        (1, TurnStarted(turn=1, seat="A", cli="claude", model="opus", attempt=2)),
        (0, Noted(text="round 1")),
        (1, ended(1, JobStatus.COMPLETED, seat="A")),
    )
    shown: Any = fold(entries, [Silence(turn=1, begin_s=0.9, end_s=1.1)])
    (turn,) = shown["turns"]

    assert (shown["queued"], shown["started"], shown["finished"]) == (0.125, 0.375, None)
    assert (turn["seat"], turn["queued"], turn["end"], turn["status"]) == (
        "A", 0.25, 1.125, "completed",
    )  # fmt: skip
    assert [
        (each["begin"], each["end"], each["code"], each["pid"]) for each in turn["attempts"]
    ] == [
        (0.5, 0.75, "quota", 7),
        (0.875, 1.125, None, None),
    ]
    assert turn["silences"] == [[0.9, 1.1]]
    assert [each["text"] for each in shown["notes"]] == ["round 1"]


def test_the_first_failure_is_the_cause_and_what_follows_its_consequence() -> None:
    """What was well before, and what was cancelled before, is neither."""
    entries = turns(
        (4, ended(4, JobStatus.CANCELLED)),
        (1, ended(1, JobStatus.COMPLETED)),
        (2, ended(2, JobStatus.FAILED, failure=QUOTA)),
        (3, ended(3, JobStatus.CANCELLED)),
        (5, ended(5, JobStatus.TIMED_OUT)),
    )
    shown: Any = fold(entries, [])

    assert {each["turn"]: each["mark"] for each in shown["turns"]} == {
        1: None, 2: "cause", 3: "consequence", 4: None, 5: "consequence",
    }  # fmt: skip
    assert shown["turns"][1]["error"]["class"] == "quota"


def test_a_turn_that_runs_has_no_end() -> None:
    """Its bar grows in the page."""
    shown: Any = fold(turns((1, TurnStarted(turn=1, cli="codex"))), [])

    assert shown["turns"][0]["status"] == "running"
    assert shown["turns"][0]["attempts"][0]["end"] is None


def test_secrets_in_milestones_are_masked() -> None:
    """They come from what models say."""
    shown = fold(turns((0, Noted(text="key sk-ant-api03-" + "a1B2" * 24))), [])

    assert "a1B2a1B2" not in str(shown)
