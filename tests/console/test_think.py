"""`aimux think`, as a shell runs it."""

import json
from pathlib import Path

import pytest

from emulators.install import install

from .conftest import Machine, make_machine

pytestmark = pytest.mark.slow


def test_a_pattern_at_the_terminal(served: Machine) -> None:
    """Fields come from options and from a file; the result is on stdout, as text or as JSON."""
    options = served.project / "options.json"
    rows = [{"name": "A", "scores": {"x": 2}}, {"name": "B", "scores": {"x": 1}}]
    options.write_text(json.dumps({"options": rows}), encoding="utf-8")
    words = ("think", "decision", "which?", "-f", 'criteria=["x"]', "-i", str(options))

    text, asked = served.aimux(*words), served.aimux(*words, "--json")

    assert (text.code, asked.code) == (0, 0)
    assert text.out.startswith("**decision_framework**: A leads")
    assert json.loads(asked.out)["data"]["data"]["winner"] == "A"


def test_a_session_goes_on_and_faults_are_told(served: Machine) -> None:
    """The id is on stderr; so is what is missing; an unknown pattern is a fault."""
    first = served.aimux("think", "sequential", "one", "--json")
    session = json.loads(first.out)["session_id"]
    second = served.aimux("think", "sequential", "two", "-s", session)
    bare = served.aimux("think", "decision")
    unknown = served.aimux("think", "premotem", "x")
    bad = served.aimux("think", "swot", "-f", "strengths")
    listed = served.aimux("think", "--action", "list")
    nothing = served.aimux("think", "--action", "step")

    assert f"-s {session}" in second.err
    assert "thought 2" in second.out
    assert "-f criteria=" in bare.err
    assert (unknown.code, bad.code, nothing.code) == (2, 2, 2)
    assert f"- {session}: sequential_thinking, steps: 2" in listed.out
    assert "did you mean premortem" in unknown.err


def test_clis_are_asked_where_the_command_says_so(tmp_path: Path) -> None:
    """What they say is merged into the text; a lost one is an exit code and a line on stderr."""
    machine = make_machine(tmp_path / "machine", ())
    script = [
        {"when": "gone", "fault": "auth"},
        {
            "when": "",
            "say": {"failure_modes": [{"cause": "data loss", "likelihood": 4, "impact": 5}]},
        },
    ]
    install(machine.root / "bin", ["codex"], home=machine.root / "home", time_scale=0.01,
            script=script)  # fmt: skip
    install(machine.root / "bin", ["claude"], home=machine.root / "home", time_scale=0.01,
            script=script[1:])  # fmt: skip
    words = ("think", "premortem", "Move billing to the cloud", "--clis", "codex,claude")

    plan = machine.aimux(*words, "--dry-run")
    both = machine.aimux(*words)
    lost = machine.aimux(*words[:2], "everybody is gone", *words[3:], "--json")
    alone = machine.aimux("think", "premortem", "Paint the shed", "--auto", "--json")

    assert (plan.code, "would ask" in plan.out) == (0, True)
    assert both.code == 0, both.err
    assert "Agreed:\n- data loss (" in both.out
    assert "rpn 60" in both.out
    assert lost.code == 1
    assert json.loads(lost.out)["error"]["code"] == "seat_lost"
    assert (alone.code, json.loads(alone.out)["job_id"]) == (0, None)
