"""The envelope of an investigation: in every state what is next can be sent."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from aimux.guidance import guide_investigation

from .test_policies import sendable

TELLING = ("start", "finding", "note", "assess", "status")
REPORTS = ("report_ready", "report_preliminary", "report_blocked", "report_incomplete_forced")
JOBS = ("queued", "running", "completed", "partial", "failed", "cancelled", "timed_out", "aborted")


def facts(action: str, **more: Any) -> dict[str, Any]:
    known = {
        "action": action,
        "session_id": "inv_1",
        "iteration": 1,
        "findings": 2,
        "areas": ["alpha", "beta"],
        "unchecked": ["beta"],
        "convergence": 0.5,
        "coverage": 0.5,
        "next_area": "beta",
        "method": "Look.",
        "think": None,
        "report_state": "report_preliminary",
        "gaps": ["something"],
        "job_id": "job_1",
        "job_status": "running",
    }
    return known | more


@given(
    st.sampled_from([*TELLING, "report", "auto", "list", "recall"]),
    st.sampled_from(["", "CONTINUE", "MAY_STOP", "COMPLETE"]),
    st.sampled_from(REPORTS),
    st.sampled_from(JOBS),
    st.lists(st.sampled_from(["alpha", "beta"]), unique=True),
    st.lists(st.just("inv_2"), max_size=2),
    st.booleans(),
)
def test_every_step_can_be_sent(
    action: str,
    verdict: str,
    report: str,
    job: str,
    unchecked: list[str],
    found: list[str],
    wide: bool,
) -> None:
    """Whatever was done, with ids that are real; every open state offers two ways at least."""
    given_facts = facts(
        action, verdict=verdict, report_state=report, job_status=job, unchecked=unchecked,
        session_ids=found, question="why?", all_projects=wide,
    )  # fmt: skip
    envelope = guide_investigation(given_facts)

    assert sendable(envelope["guidance"])
    assert all(step["when"] for step in envelope["guidance"]["next"])
    if action in TELLING or action in {"report", "auto"}:
        assert len(envelope["guidance"]["next"]) >= 2
        assert envelope["coverage_gaps"] == unchecked
        assert envelope["state"] == envelope["guidance"]["state"]
        for path in envelope["choose_your_path"].values():
            step = {"tool": path["next_call"]["tool"], "arguments": path["next_call"]["arguments"]}
            assert sendable({"next": [step]})
            assert {"when", "then"} <= path.keys()


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({"action": "start"}, "auto"),
        ({"action": "finding"}, "assess"),
        ({"action": "assess", "verdict": "CONTINUE"}, "auto"),
        ({"action": "assess", "verdict": "MAY_STOP"}, "report"),
        ({"action": "assess", "verdict": "COMPLETE", "unchecked": []}, "report"),
        ({"action": "report", "report_state": "report_ready"}, "list"),
        ({"action": "report", "report_state": "report_blocked"}, "auto"),
        ({"action": "report", "report_state": "report_preliminary"}, "assess"),
        ({"action": "auto", "job_status": "completed"}, "report"),
        ({"action": "auto", "job_status": "failed"}, "auto"),
        ({"action": "auto", "job_status": "cancelled"}, "auto"),
    ],
)
def test_the_first_step_is_the_one_that_leads_on(more: dict[str, Any], first: str) -> None:
    """By what was done and what came of it."""
    envelope = guide_investigation(facts(more["action"]) | more)

    assert envelope["guidance"]["next"][0]["arguments"]["action"] == first


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "delegate_running"),
        ("running", "delegate_running"),
        ("completed", "delegate_completed"),
        ("partial", "delegate_completed"),
        ("failed", "delegate_failed"),
        ("aborted", "delegate_failed"),
        ("timed_out", "delegate_failed"),
        ("cancelled", "delegate_cancelled"),
    ],
)
def test_a_run_has_the_state_of_its_job(status: str, state: str) -> None:
    """While it runs it is waited for or ended."""
    envelope = guide_investigation(facts("auto", job_status=status))

    assert envelope["state"] == state


def test_an_angle_stands_first_once_something_was_assessed() -> None:
    """If there is one."""
    think = {"tool": "exec", "arguments": {"prompt": "x"}, "when": "another angle"}
    envelope = guide_investigation(facts("assess", verdict="CONTINUE", think=think))

    assert envelope["guidance"]["next"][0] == think
