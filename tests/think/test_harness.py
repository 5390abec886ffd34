"""Reasoning under watch: what holds confidence down, what stands between work and answer."""

from typing import Any

import pytest

from aimux.think import watched, watched_answer
from aimux.think._base import Result
from aimux.think._harness import HARD_STEPS
from aimux.think._registry import PATTERNS

Json = dict[str, Any]

VERIFIED = {"summary": "seen", "ref": "a.py:1", "verification_status": "verified"}
GOOD = {"chosen_move": "critical_thinking", "work_product": "it holds", "evidence": [VERIFIED]}
START = {"task": "why is it slow", "context_summary": "a web shop", "goal": "g",
         "success_signal": "s"}  # fmt: skip


def play(*actions: tuple[str, Json]) -> tuple[Result, Json]:
    """The last of some actions after a start, and the session as it is then."""
    result, body = watched("start", START, {})
    for action, fields in actions:
        result, after = watched(action, fields, body)
        body = after or body
    assert body is not None
    return result, body


def step(**more: Any) -> tuple[str, Json]:
    """A step with evidence, unless said otherwise."""
    return "step", {**GOOD, **more}


@pytest.mark.parametrize(
    ("fields", "ceiling", "gate"),
    [
        ({}, 0.9, "pass"),
        ({"confidence": 0.8}, 0.8, "pass"),
        ({"evidence": []}, 0.45, "warn"),
        ({"evidence": [{**VERIFIED, "verification_status": "inferred"}]}, 0.7, "pass"),
        ({"evidence": [{**VERIFIED, "verification_status": "stale"}]}, 0.55, "pass"),
        ({"evidence": [{**VERIFIED, "verification_status": "seen in a dream"}]}, 0.6, "pass"),
        ({"evidence": [VERIFIED, {**VERIFIED, "verification_status": "inferred"}]}, 0.85, "pass"),
        ({"work_product": ""}, 0.35, "blocked"),
        ({"ledger": [{"text": "a or b", "kind": "conflict"}]}, 0.5, "pass"),
        ({"objections": [{"text": "no", "severity": "critical"}]}, 0.25, "pass"),
        ({"objections": [{"text": "no"}]}, 0.65, "pass"),
    ],
)
def test_what_holds_confidence_down(fields: Json, ceiling: float, gate: str) -> None:
    """The least of all that speaks against it."""
    result, _ = play(step(**fields))

    assert result.data["confidence_ceiling"] == ceiling
    assert result.data["gate_report"]["verdict"] == gate  # type: ignore[index]


def test_a_whole_round_is_accepted() -> None:
    """A start, a move with evidence, an answer."""
    result, _ = play(step(), ("finalize", {"proposed_answer": "the cache"}))

    assert result.data["accepted"] is True
    assert result.data["confidence_tier"] == "high"
    assert result.data["missing_gates"] == []


def test_a_rejection_leaves_nothing_behind() -> None:
    """What was missing is given, and the next attempt passes."""
    early = ("finalize", {"proposed_answer": "the cache"})
    result, _ = play(early)
    later, _ = play(early, early, step(), early)

    assert result.data["missing_gates"] == ["full_loop", "evidence", "confidence_ceiling"]
    assert later.data["accepted"] is True


def test_an_objection_is_resolved_by_saying_how() -> None:
    """An open critical one is never passed by force; a resolved one stands in no way."""
    raised = step(objections=[{"text": "no", "severity": "critical"}])
    force = ("finalize", {"proposed_answer": "a", "force_finalize": True})
    blocked, _ = play(raised, force)
    passed, _ = play(raised, step(resolve_objections=[{"id": "O-1", "how": "measured"}]), force)

    assert blocked.data["accepted"] is False
    assert passed.data["missing_gates"] == []


def test_force_discloses_what_is_open() -> None:
    """A minor objection may be passed, and is told."""
    result, _ = play(
        step(objections=[{"text": "no"}]),
        ("finalize", {"proposed_answer": "a", "force_finalize": True}),
    )

    assert result.data["forced"] is True
    assert result.data["disclosed_objections"][0]["text"] == "no"  # type: ignore[index]
    assert "non_critical_objections" in result.warnings[0]


def test_evidence_that_comes_later_answers_the_want_of_it() -> None:
    """One early slip does not ask for force for ever."""
    result, _ = play(step(evidence=[], confidence=0.9), step(work_product="measured"))

    assert result.data["unresolved_objections"] == []


def test_steps_without_anything_new_are_redirected_and_bounded() -> None:
    """Twice the same is idle; the budget is counted in steps."""
    idle = step(evidence=[])
    result, _ = play(idle, idle, idle)
    spent, _ = play(*[step(work_product=f"number {at}") for at in range(HARD_STEPS)], step())

    assert result.data["stop_decision"] == "redirect"
    assert spent.blocked
    assert spent.blocked.code == "budget_exhausted"


def test_a_step_may_be_tried_without_being_kept() -> None:
    """execute=false says what it would come to."""
    result, body = play(step(execute=False))
    after, _ = watched("step", GOOD, body)

    assert result.data["trace_summary"]["steps"] == 1  # type: ignore[index]
    assert after.data["trace_summary"]["steps"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"chosen_move": "dance"}, "move_mismatch"),
        ({"resolve_objections": [{"id": "O-9", "how": "x"}]}, "unknown_objection"),
    ],
)
def test_a_step_that_means_nothing_is_refused(fields: Json, code: str) -> None:
    """With a code, and what there is instead."""
    result, _ = play(step(**fields))
    orphan, _ = watched("step", GOOD, {})

    assert result.blocked
    assert result.blocked.code == code
    assert orphan.blocked
    assert orphan.blocked.code == "unknown_session"


def test_a_move_that_cannot_run_blocks_the_gate() -> None:
    """What the pattern lacked is an objection."""
    _, body = play()
    lacking = Result(missing=["criteria"], summary="criteria are needed")
    result, _ = watched("step", GOOD, body, lacking)

    assert result.data["gate_report"]["verdict"] == "blocked"  # type: ignore[index]
    assert "criteria are needed" in result.data["unresolved_objections"][0]["text"]  # type: ignore[index]


def test_the_moves_that_are_recommended_exist() -> None:
    """They change with what is there; the ledger settles what is resolved."""
    begun, _ = play()
    noted = step(ledger=[{"text": "a or b", "kind": "conflict"}])
    settled = step(ledger=[{"text": "it is a", "kind": "known", "resolves": "A or B"}])
    result, _ = play(noted, settled)

    shown = watched_answer("start", begun, "thk_1")
    moves = [row["move"] for row in shown["recommended_moves"]]  # type: ignore[attr-defined]
    assert set(moves) <= set(PATTERNS)
    assert moves != [row["move"] for row in result.data["recommended_moves"]]  # type: ignore[attr-defined]
    assert result.data["knowledge_state"] == {"known": ["it is a"]}
