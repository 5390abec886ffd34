"""`aimux agents` and `aimux answer`, as a shell runs them."""

import json

import pytest

from .conftest import Machine

pytestmark = pytest.mark.slow


def test_agents_are_listed_found_and_shown(machine: Machine) -> None:
    """A table; who fits and would get it; what one is told, and alone on stdout."""
    file = machine.project / ".claude" / "agents" / "tides.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\ndescription: Knows high tide\n---\nAsk the moon.\n", encoding="utf-8")
    listed = machine.aimux("agents")
    found = machine.aimux("agents", "find", "when is high tide, and the next?")
    shown = machine.aimux("agents", "info", "tides")
    unknown = machine.aimux("agents", "info", "tide")

    assert "reviewer" in listed.out
    assert "Knows high tide" in listed.out
    assert "would get it: tides" in found.err
    assert shown.out == "Ask the moon.\n"
    assert str(file) in shown.err
    assert unknown.code == 2
    assert "did you mean tides?" in unknown.err


def test_an_agent_works_and_its_answer_alone_is_on_stdout(machine: Machine) -> None:
    """One that does not say it is done has not completed; it is told who and why."""
    run = machine.aimux("agents", "run", "[[say 4]] why does it crash?", "-c", "codex", "-n", "1")
    named = machine.aimux("agents", "run", "x", "-a", "generalist", "-c", "codex", "--json")

    assert run.code == 1
    assert "agent_turn_limit" in run.err
    assert "debugger · codex · partial · 1 of 1 turns" in run.err
    assert "chosen: debugger fits best" in run.err
    assert json.loads(named.out)["data"]["selection"] is None


def test_a_job_that_asks_nothing_is_told(machine: Machine) -> None:
    """Nothing is typed, and the exit code says so."""
    run = machine.aimux("run", "-c", "codex", "hello", "--json")
    job = json.loads(run.out)["job_id"]
    seen = machine.aimux("answer", job)
    typed = machine.aimux("answer", job, "yes")

    assert (seen.code, seen.out) == (1, "it asks nothing now\n")
    assert typed.code == 2
    assert "no_question" in typed.err or "asks nothing now" in typed.err
