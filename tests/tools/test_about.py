"""Descriptions: six parts of each tool, and nothing in them that there is not."""

import json
import re

import pytest

from aimux.tools import TOOLS
from aimux.tools._app import INSTRUCTIONS
from aimux.tools.catalog import ABOUT, listed

PARTS = ("WHAT", "WHEN", "WHY", "HOW", "NOT", "CHOOSE")
# what HOW says of steps and answers, which are no parameters
OTHERS = {"job_id", "retry_delay_ms", "on_error", "timeout_seconds"}


def parts_of(tool: str) -> dict[str, str]:
    """A description by its parts."""
    lines = [line.partition(" ") for line in TOOLS[tool].description.splitlines()]
    return {name: said for name, _, said in lines}


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_is_described_in_six_parts(tool: str) -> None:
    """In one order; HOW names parameters, CHOOSE other tools."""
    parts = parts_of(tool)
    properties = TOOLS[tool].input_schema["properties"]
    assert isinstance(properties, dict)
    named = {each for each in re.findall(r"\b[a-z]+\b", parts["HOW"]) if each in properties}
    compound = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\b[a-z]+(?==)", parts["HOW"])) - OTHERS
    chosen = re.findall(r"(\w+): ", parts["CHOOSE"])

    assert tuple(parts) == PARTS
    assert all(parts.values())
    assert not parts["NOT"].lower().startswith("not ")  # its name says it
    assert named | (compound & properties.keys())
    assert compound - {"provider"} <= properties.keys()
    assert chosen
    assert set(chosen) <= TOOLS.keys() - {tool}


def test_the_table_is_that_of_the_tools() -> None:
    """None is missing, none is left over; the list shows what it says."""
    assert ABOUT.keys() == TOOLS.keys()
    assert [each["description"] for each in listed()] == [
        each.description for each in TOOLS.values()
    ]


def test_the_instructions_say_when_each_is_taken() -> None:
    """In few words: a token is at least three characters of such a text."""
    assert all(f"- {tool}: {about.when}" in INSTRUCTIONS for tool, about in ABOUT.items())
    assert len(INSTRUCTIONS) < 3 * 600


def test_the_list_is_short_enough_for_a_models_context() -> None:
    """At most 60 kB; what a model reads of it is 6,000 tokens, of 4.4 characters here."""
    read = [{k: each[k] for k in ("name", "description", "inputSchema")} for each in listed()]

    assert len(json.dumps(listed(), separators=(",", ":")).encode()) <= 60_000
    assert len(json.dumps(read, separators=(",", ":"), ensure_ascii=False)) <= 26_400
