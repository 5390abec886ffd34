"""All that is told next, in every state: a change of it is read by a person."""

import json
from collections.abc import Iterator
from typing import Any

from aimux.guidance import guide, guide_investigation, guide_think

from ..golden import pinned
from .samples import CASES, guided
from .test_investigate import JOBS, REPORTS, TELLING, facts

# what `sessions`, `agents` and `think` may have found, besides the samples
FOUND: list[tuple[str, dict[str, Any]]] = [
    ("sessions", {"action": "list", "sessions": [{"id": "thk_1", "kind": "think"}]}),
    ("sessions", {"action": "list", "sessions": []}),
    ("sessions", {"action": "list", "sessions": [], "filters": {"kind": "pair"}}),
    ("sessions", {"action": "list", "sessions": [{"id": "s"}], "filters": {"cli": "alpha"},
                  "next_cursor": "c"}),
    ("sessions", {"action": "info", "session": {"id": "s"}, "jobs": [], "next_cursor": "c"}),
    ("sessions", {"action": "info", "session": {"id": "s", "kind": "think"}, "jobs": []}),
    ("sessions", {"action": "info", "session": {"id": "s", "kind": "dialog", "resumable": True},
                  "jobs": [{"id": "j1"}, {"id": "j2"}]}),
    ("sessions", {"action": "info", "session": {"id": "s", "kind": "exec", "resumable": False}}),
    ("sessions", {"action": "kill"}),
    ("sessions", {"action": "gc", "dry_run": True}),
    ("sessions", {"action": "gc"}),
    ("agents", {"job_id": None, "state": "found", "data": {"would_run": None, "query": "q"}}),
    ("agents", {"job_id": None, "state": "listed", "data": {"agents": []}}),
]  # fmt: skip
OK = {"pattern": "swot", "status": "ok"}
NEXT = {"arguments": {"pattern": "swot"}, "reason": "it fits"}
MOVES = [{"move": "swot", "for": "it fits"}, {"move": "think", "for": "it is early"}]
# a session of thinking, its data, and what CLIs would be asked
THOUGHT: list[tuple[str | None, dict[str, Any], dict[str, Any] | None]] = [
    (None, {"action": "list", "sessions": [{"id": "t1"}, {"id": "t2"}], "next_cursor": "c"}, None),
    (None, {"action": "list", "sessions": []}, None),
    (None, {"action": "get", "session": {"id": "t1", "pattern": "swot"}}, None),
    (None, {"action": "get", "session": {"id": "t1", "pattern": None}}, None),
    (None, {"action": "delete", "deleted": ["t1"]}, None),
    (None, OK | {"suggested_next": NEXT}, None),
    (None, OK | {"technique": "premortem"}, {"pattern": "swot"}),
    ("t1", OK | {"step": 1}, None),
    ("t1", OK | {"step": 2, "technique": "premortem", "suggested_next": NEXT}, {"pattern": "x"}),
    ("t1", OK | {"step": 2, "gate": {"status": "complete"}}, None),
    ("t1", OK | {"step": 2, "gate": {"status": "incomplete"},
                 "advisor": {"action": "continue", "target": "x", "reason": "y"}}, None),
    ("t1", OK | {"step": 2, "advisor": {"action": "switch", "target": "x", "reason": "y"}}, None),
    ("t1", OK | {"status": "needs_input"}, {"pattern": "swot", "prompt": "x" * 9_000}),
    ("t1", OK | {"status": "needs_input"}, {"pattern": "swot"}),
    ("t1", {"action": "step", "step": 0, "recommended_moves": MOVES,
            "data": {"trace_summary": {"task": "t"}}}, None),
    ("t1", {"action": "step", "step": 1, "recommended_moves": MOVES}, None),
    ("t1", {"step": None, "status": "blocked"}, None),
]  # fmt: skip


def test_what_is_told_next_is_as_reviewed(update_golden: bool) -> None:
    """States, calls with their arguments and when, and what not to do; a line each."""
    lines: list[str] = []
    for tool, state in CASES:
        for found in guided(tool, state, "/here"):
            lines += told(f"{tool}: {found.get('state', 'plan')}", found)
    for tool, payload in FOUND:
        lines += told(f"{tool} {line(payload)}", guide(tool, payload))
    for session_id, data, asking in THOUGHT:
        found = guide_think({"session_id": session_id, "data": data}, asking=asking)
        short = "" if asking is None else f" {len(line(asking))}"
        lines += told(f"think {session_id} {line(data)}{short}: {found['state']}", found)
    text = "\n".join(lines).lstrip() + "\n"

    assert text == pinned("guidance/next.txt", text, update=update_golden)


def test_where_an_investigation_stands_is_as_reviewed(update_golden: bool) -> None:
    """The whole envelope of every state, with areas that are open and without."""
    lines: list[str] = []
    for given in investigations():
        shown = {key: given[key] for key in given if given[key] != facts("x").get(key)}
        lines += ["", line(shown)]
        lines += [f"- {key}: {line(value)}" for key, value in guide_investigation(given).items()]
    text = "\n".join(lines).lstrip() + "\n"

    assert text == pinned("guidance/investigate.txt", text, update=update_golden)


def investigations() -> Iterator[dict[str, Any]]:
    """Facts as every action and end may have them."""
    think = {"tool": "think", "arguments": {"pattern": "swot"}, "when": "another angle"}
    for action in TELLING:
        yield facts(action)
        yield facts(action, unchecked=[], verdict="MAY_STOP", cwd="/here")
    yield facts("assess", think=think, verdict="CONTINUE", unchecked=[], convergence=None)
    yield facts("start", think=think, next_area="", method="")
    yield facts("note", verdict="COMPLETE", unchecked=[])
    yield {"action": "finding", "session_id": "inv_1"}
    for report in REPORTS:
        yield facts("report", report_state=report, gaps=["beta", "a source"])
    yield facts("report", report_state="report_ready", gaps=None)
    for status in JOBS:
        yield facts("auto", job_status=status, cwd="/here")
    yield facts("list", session_ids=["inv_1", "inv_2"])
    yield facts("list", all_projects=True)
    yield facts("recall", question="why?")
    yield facts("recall", question="why?", session_ids=["inv_1"], all_projects=True)


def told(head: str, found: Any) -> list[str]:
    steps = [f"- {line(each)}" for each in found["next"]]
    return ["", head, *steps, *(f"- not: {each}" for each in found.get("do_not", ()))]


def line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
