"""Every action of every tool has a class, and each call is of one action."""

from typing import Any

import pytest

from aimux.errors import ConfigInvalid
from aimux.guidance import ToolClass, action_of, actions_of, classify, read_classes

SCHEMAS: dict[str, dict[str, object]] = {
    "run_it": {
        "properties": {"dry_run": {}, "wait_seconds": {}, "pair": {}},
    },
    "look": {"properties": {"action": {"enum": ["list", "info"]}, "dry_run": {}}},
}
ROWS: dict[str, dict[str, object]] = {
    "run_it": {"run": "async_mandatory", "pair": "async_mandatory", "plan": "sync_ok"},
    "look": {"list": "sync_ok", "info": "sync_ok"},
}


def test_actions_are_read_off_the_schema() -> None:
    """An enumeration of actions, else `run`; a pair, a plan, and who thinks are actions too."""
    think = {
        "properties": {
            "action": {"enum": ["run", "start"]},
            "mode": {"enum": ["solo", "consensus"]},
            "dry_run": {},
            "wait_seconds": {},
        }
    }

    assert actions_of(SCHEMAS["run_it"]) == ["run", "pair", "plan"]
    assert actions_of(SCHEMAS["look"]) == ["list", "info"]
    assert actions_of(think) == ["solo", "consensus", "start", "plan"]
    assert actions_of({}) == ["run"]


def test_a_whole_file_is_taken_as_it_is() -> None:
    """In the order of the tools and their actions."""
    assert read_classes({"version": 1, "tools": ROWS}, SCHEMAS) == ROWS


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (None, "expected a mapping"),
        ({"version": 2, "tools": ROWS}, "version: expected 1, is 2"),
        ({"version": 1, "tools": ROWS, "more": 1}, "more: no such key"),
        ({"version": 1, "tools": {}}, "tools: expected a row"),
        ({"version": 1, "tools": {"look": ROWS["look"]}}, "tools.run_it: expected its actions"),
        ({"version": 1, "tools": {**ROWS, "look": {"list": "sync_ok"}}}, "tools.look.info: has no"),
        ({"version": 1, "tools": {**ROWS, "gone": {}}}, "tools.gone: there is no such tool"),
        (
            {"version": 1, "tools": {**ROWS, "look": {**ROWS["look"], "old": "sync_ok"}}},
            "tools.look.old: there is no such action",
        ),
        (
            {"version": 1, "tools": {**ROWS, "look": {**ROWS["look"], "info": "unknown"}}},
            "tools.look.info: expected sync_ok or async_mandatory, is 'unknown'",
        ),
    ],
)
def test_a_row_that_is_missing_stale_or_unknown_fails(tree: object, said: str) -> None:
    """Each with the place in the file; all of them are told at once."""
    with pytest.raises(ConfigInvalid, match="tool classes: ") as refused:
        read_classes(tree, SCHEMAS)

    assert any(said in each for each in refused.value.data["problems"])
    assert "tool-classes.yaml" in refused.value.hint


@pytest.mark.parametrize(
    ("tool", "arguments", "action"),
    [
        ("exec", {"prompt": "x"}, "run"),
        ("exec", {"prompt": "x", "pair": True}, "pair"),
        ("exec", {"prompt": "x", "pair": True, "dry_run": True}, "plan"),
        ("exec", {"prompt": "x", "pair": False}, "run"),
        ("status", {"job_id": "j"}, "run"),
        ("sessions", {"action": "gc", "dry_run": True}, "gc"),
        ("agents", {"action": "run", "dry_run": True}, "plan"),
        ("agents", {"action": "find"}, "find"),
        ("think", {"thought": "t"}, "solo"),
        ("think", {"clis": ["a"]}, "consensus"),
        ("think", {"consensus": True}, "consensus"),
        ("think", {"mode": "auto"}, "auto"),
        ("think", {"mode": "consensus", "dry_run": True}, "plan"),
        ("think", {"action": "step", "clis": ["a"]}, "step"),
        ("investigate", {"question": "q"}, "start"),
        ("investigate", {"session_id": "inv_1"}, "status"),
        ("investigate", {}, "list"),
        ("investigate", {"action": "auto", "question": "q"}, "auto"),
    ],
)
def test_a_call_is_of_one_action(tool: str, arguments: dict[str, Any], action: str) -> None:
    """By what it says, and by what it leaves out."""
    assert action_of(tool, arguments) == action


def test_the_class_of_a_call_is_its_rows() -> None:
    """A tool or an action that has none is a bug, not a guess."""
    classes = {"exec": {"run": "async_mandatory", "plan": "sync_ok"}}

    assert classify(classes, "exec", {}) is ToolClass.ASYNC_MANDATORY
    assert classify(classes, "exec", {"dry_run": True}) is ToolClass.SYNC_OK
    with pytest.raises(KeyError):
        classify(classes, "exec", {"pair": True})
    with pytest.raises(KeyError):
        classify(classes, "nobody", {})
