"""An answer of every tool in every state it can leave its caller in, as its policy gets it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aimux.guidance import (
    STATES,
    guide,
    guide_investigation,
    guide_job,
    guide_plan,
    guide_refusal,
    guide_think,
    guide_turn,
)

Json = dict[str, Any]

OFFER: Final = "I am in read-only mode. Shall I apply these changes?"
QUESTION: Final = "Is the cache stale?"
STEPS: Final = json.dumps({"name": "w", "steps": [{"id": "a", "tool": "sessions",
                                                  "arguments": {"action": "health"}}]})  # fmt: skip
SEATS: Final = [
    {"seat": "A", "cli": "alpha", "status": "answered"},
    {"seat": "B", "cli": "beta", "status": "answered"},
]
TURNS: Final = [{"turn": 1, "seat": "A", "status": "completed"}]
# what the caller said, by tool: the job's row keeps it
PROMPTS: Final[Mapping[str, str]] = {"workflow": STEPS}
# payloads of jobs, where a state takes more than its status
MORE: Final[Mapping[tuple[str, str], Json]] = {
    ("exec", "offers_changes"): {"status": "completed", "content": OFFER},
    ("background", "offers_changes"): {"status": "completed", "content": OFFER},
    ("exec", "landed"): {"status": "completed", "session_id": None, "data": {"landed": True}},
    ("exec", "not_landed"): {"status": "partial", "session_id": None, "data": {"landed": False}},
    ("consensus", "completed"): {"data": {"question": QUESTION, "seats": SEATS}, "turns": TURNS},
    ("consensus", "partial"): {"data": {"question": QUESTION, "seats": SEATS}, "turns": TURNS},
    ("consensus", "synthesis_lost"): {
        "status": "partial", "data": {"question": QUESTION, "seats": SEATS}, "turns": TURNS,
        "error": {"code": "synthesis_lost"},
    },
    ("consensus", "no_quorum"): {"status": "failed", "error": {"code": "no_quorum"}, "data": {}},
    ("audit", "completed"): {"data": {"scope": {"path": "PATH", "mode": "quick"}}},
    ("audit", "partial"): {"data": {"scope": {"path": "PATH", "mode": "deep", "focus": "*.py"}}},
    ("dialog", "completed"): {"session_id": "ses_1", "data": {"open_points": [1]}},
    ("dialog", "partial"): {"session_id": "ses_1", "data": {"open_points": []}},
    ("debate", "completed"): {"data": {"topic": QUESTION}},
    ("debate", "partial"): {"data": {"topic": QUESTION}},
    ("workflow", "completed"): {"data": {"steps": [{"id": "a", "job_id": "job_2",
                                                    "status": "completed"}]}},
    ("workflow", "partial"): {"data": {"resumable_from": "a", "steps": []}},
    ("workflow", "failed"): {"data": {"resumable_from": "a", "steps": [
        {"id": "a", "job_id": "job_2", "status": "failed"}]}},
    ("deepresearch", "completed"): {"data": {"provider": "gemini", "cached": False}},
    ("deepresearch", "cached"): {"status": "completed", "data": {"cached": True}},
    ("deepresearch", "fallback"): {"status": "completed", "data": {"provider": "fallback"}},
    ("think", "completed"): {"data": {"suggested_next": {
        "arguments": {"pattern": "swot", "input": {"decision": "x"}}, "reason": "it fits"}}},
}  # fmt: skip
ITS_OWN: Final = frozenset({"exec", "background", "dialog", "agents"})  # jobs with a session
STATUSES: Final = frozenset(
    {"queued", "running", "completed", "partial", "failed", "cancelled", "timed_out", "aborted"}
)


def job(tool: str, state: str, **more: Any) -> Json:
    """The payload of a job."""
    return (
        {
            "status": "running" if state == "asks" else state,
            "job_id": "job_1",
            "session_id": "ses_1" if tool in ITS_OWN else None,
            "error": None,
            "mode": "read",
            "content": "It is.",
            "data": None,
        }
        | ({"question": "Go on?"} if state == "asks" else {})
        | MORE.get((tool, state), {})
        | more
    )


def _of_job(tool: str, state: str, path: str) -> Json:
    payload = json.loads(json.dumps(job(tool, state)).replace("PATH", path))
    return guide_job(payload, tool, cwd=path, prompt=PROMPTS.get(tool, QUESTION))


THINK: Final = {"pattern": "swot", "technique": None, "status": "ok"}
WATCHED: Final = {
    "action": "start", "step": 0, "pattern": None, "status": "ok", "gate": {"status": "incomplete"},
    "recommended_moves": [{"move": "critical_thinking", "for": "it fits"}],
    "data": {"trace_summary": {"task": QUESTION}},
}  # fmt: skip
ASKING: Final = {"pattern": "swot", "prompt": QUESTION, "consensus": True}
THOUGHTS: Final[Mapping[str, tuple[str | None, Json]]] = {
    "complete": (None, {**THINK, "gate": {"status": "complete"}}),
    "needs_input": (None, {**THINK, "status": "needs_input"}),
    "blocked": ("thk_1", {**THINK, "status": "blocked", "pattern": "sequential_thinking"}),
    "session_started": ("thk_1", WATCHED),
    "step_N": ("thk_1", {**THINK, "step": 3, "pattern": "sequential_thinking", "advisor": {
        "action": "switch", "target": "critical_thinking", "reason": "it goes round"}}),
    "list": (None, {"action": "list", "sessions": [{"id": "thk_1"}], "next_cursor": None}),
    "get": ("thk_1", {"action": "get", "session": {
        "id": "thk_1", "pattern": "sequential_thinking"}}),
    "delete": ("thk_1", {"action": "delete", "deleted": "thk_1"}),
}  # fmt: skip
SESSIONS: Final[Mapping[str, Json]] = {
    "list": {"sessions": [{"id": "ses_1"}], "next_cursor": None, "filters": {}},
    "info": {"session": {"id": "ses_1", "resumable": True}, "jobs": [{"id": "job_1"}]},
    "answer": {"job_id": "job_1"},
    "cancel": {"job_id": "job_1"},
    "kill": {"killed_jobs": ["job_1"]},
    "gc": {"dry_run": True, "older_than_hours": 24.0},
    "reset": {"cli": "alpha"},
    "health": {"clis_ready": ["alpha"]},
    "no_cli": {"action": "health", "clis_ready": []},
    "verifying": {
        "action": "health",
        "clis_ready": ["alpha"],
        "verification": {
            "tried": [], "running": [{"cli": "alpha", "job_id": "job_1"}], "left": ["beta"],
        },
    },
}  # fmt: skip
AGENTS: Final[Mapping[str, Json]] = {
    "listed": {"agents": [{"id": "debugger"}]},
    "found": {"would_run": "debugger", "query": QUESTION},
    "shown": {"agent": {"id": "debugger"}},
}
ERRORS: Final = (
    {"code": "job_not_found", "class": "peer", "retryable": False},
    {"code": "agent_unknown", "class": "peer", "retryable": False},
    {"code": "investigation_not_found", "class": "peer", "retryable": False},
    {"code": "session_busy", "class": "refusal", "retryable": True},
    {"code": "draining", "class": "refusal", "retryable": True},
    {"code": "invalid_arguments", "class": "peer", "retryable": False},
)


def _notebook(state: str) -> Json:
    facts: Json = {
        "action": state, "session_id": "inv_1", "iteration": 1, "findings": 2,
        "areas": ["a", "b"], "unchecked": ["b"], "convergence": 0.5, "coverage": 0.5,
        "next_area": "b", "method": "Look.",
        "gaps": ["something"], "job_id": "job_1", "session_ids": ["inv_1"], "question": QUESTION,
        "think": {"tool": "think", "arguments": ASKING, "when": "another angle"},
    }  # fmt: skip
    if state.startswith("report"):
        facts |= {"action": "report", "report_state": state}
    elif state.startswith("delegate"):
        facts |= {"action": "auto", "job_status": state.removeprefix("delegate_")}
    elif state == "notebook_ready":
        facts["action"] = "assess"
    return dict(guide_investigation(facts)["guidance"])  # type: ignore[call-overload]  # a mapping


def guided(tool: str, state: str, path: str) -> Iterator[Json]:
    """What a tool guides to in a state; several where the state has several ways in."""
    match tool, state:
        case _, "refused":
            yield from (dict(guide_refusal(error)) for error in ERRORS)
        case _, "planned":
            given = {"workflow": {"steps": json.loads(STEPS)["steps"]},
                     "debate": {"topic": QUESTION}, "audit": {"path": path},
                     "agents": {"action": "run", "prompt": QUESTION},
                     "think": ASKING}.get(tool, {"prompt": QUESTION})  # fmt: skip
            yield guide_plan(tool, {**given, "dry_run": True})
        case "status", "turn":
            yield guide_turn({"job_id": "job_1", "turn": 1, "truncated": True, "next_offset": 9})
        case "investigate", "asks":
            yield _of_job(tool, state, path)
        case "investigate", _:
            yield _notebook(state)
            if state.startswith("delegate"):
                status = state.removeprefix("delegate_")
                data = {"investigation_id": "inv_1"}
                known = job(tool, status, data=data)
                yield guide_job(known, tool, cwd=path, prompt=QUESTION)
                yield guide_job({**known, "data": None}, tool, cwd=path, prompt=QUESTION)
        case "sessions", _:
            yield guide("sessions", {"action": state} | SESSIONS[state])
        case "think", _ if state in THOUGHTS:
            session_id, data = THOUGHTS[state]
            yield guide_think({"session_id": session_id, "data": data}, asking=ASKING)
        case "agents", _ if state in AGENTS:
            yield guide("agents", {"job_id": None, "state": state, "data": AGENTS[state]})
        case _:
            yield _of_job(tool, state, path)


CASES: Final = [(tool, state) for tool, states in STATES.items() for state in states]
