"""`aimux research`: the report alone on stdout, what it is worth on stderr."""

import json
from collections.abc import Iterator

import pytest

from emulators.model_server import ModelServer, serve_model

from .conftest import Machine

KEY = "AIza-console-test"


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    with serve_model(key=KEY) as server:
        yield server


def test_a_report_with_its_sources_and_then_the_kept_one(
    machine: Machine, vendor: ModelServer
) -> None:
    """As text and as JSON; a file goes along by the path of this shell."""
    env = {"AIMUX_RESEARCH_BASE_URL": vendor.url, "AIMUX_RESEARCH_POLL_SECONDS": "0.05"}
    env = machine.env(GOOGLE_API_KEY=KEY, **env)
    (machine.project / "note.md").write_text("a note", encoding="utf-8")
    words = ("research", "What of size?", "-a", "note.md", "-f", "table")
    said = machine.aimux(*words, env=env)
    again = machine.aimux(*words, "--json", env=env)

    assert said.code == 0, said.err
    assert said.out.startswith("Größe zählt.\nTwo sources agree.\n\n## Sources\n")
    assert "gemini · deep-research-preview-04-2026 · completed · job_" in said.err
    body = json.loads(again.out)
    assert body["data"]["cached"] is True
    assert [each["path"] for each in body["data"]["files"]] == ["note.md"]


def test_without_a_key_it_is_said_who_answers(machine: Machine) -> None:
    """And what to set."""
    said = machine.aimux("research", "Why is it so?")

    assert said.code == 0, said.err
    assert "GEMINI_API_KEY or GOOGLE_API_KEY" in said.err
    assert "without sources that were looked up" in said.out


def test_an_empty_topic_is_none(machine: Machine) -> None:
    """Nothing is asked."""
    said = machine.aimux("research", "  ")

    assert said.code == 2
    assert "give a topic" in said.err
