"""`aimux think`, as a shell runs it."""

import json

import pytest

from .conftest import Machine

pytestmark = pytest.mark.slow


def test_a_pattern_at_the_terminal(machine: Machine) -> None:
    """Fields come from options and from a file; the result is on stdout, as text or as JSON."""
    options = machine.project / "options.json"
    rows = [{"name": "A", "scores": {"x": 2}}, {"name": "B", "scores": {"x": 1}}]
    options.write_text(json.dumps({"options": rows}), encoding="utf-8")
    words = ("think", "decision", "which?", "-f", 'criteria=["x"]', "-i", str(options))

    text, asked = machine.aimux(*words), machine.aimux(*words, "--json")

    assert (text.code, asked.code) == (0, 0)
    assert text.out.startswith("**decision_framework**: A leads")
    assert json.loads(asked.out)["data"]["data"]["winner"] == "A"


def test_a_session_goes_on_and_faults_are_told(machine: Machine) -> None:
    """The id is on stderr; so is what is missing; an unknown pattern is a fault."""
    first = machine.aimux("think", "sequential", "one", "--json")
    session = json.loads(first.out)["session_id"]
    second = machine.aimux("think", "sequential", "two", "-s", session)
    bare = machine.aimux("think", "decision")
    unknown = machine.aimux("think", "premotem", "x")
    bad = machine.aimux("think", "swot", "-f", "strengths")

    assert f"-s {session}" in second.err
    assert "thought 2" in second.out
    assert "-f criteria=" in bare.err
    assert (unknown.code, bad.code) == (2, 2)
    assert "did you mean premortem" in unknown.err
