"""Which calls may take their caller's time and which make a job of it: a row for every action.

Theory of operation. `profiles/tool-classes.yaml` has a row for each action of each tool. Which
actions there are is read off the tools' own schemas (`actions_of`), so a tool that learns a new one
is refused until somebody has decided about it (`read_classes`). `action_of` names the action of a
call, `classify` looks its row up.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

from aimux.errors import ConfigInvalid

VERSION: Final = 1
RUN: Final = "run"  # of a tool without an argument `action`
PLAN: Final = "plan"  # of a call with dry_run
PAIR: Final = "pair"
SOLO, CONSENSUS = "solo", "consensus"
_KEYS: Final = ("version", "tools")

Classes = Mapping[str, Mapping[str, str]]
Arguments = Mapping[str, object]


class ToolClass(enum.StrEnum):
    """What a call may do to its caller's time."""

    SYNC_OK = "sync_ok"  # answers from what is there
    ASYNC_MANDATORY = "async_mandatory"  # makes a job; who waits too long is handed over


def actions_of(schema: Mapping[str, object]) -> list[str]:
    """The actions of a tool with this input schema, in the order in which it names them."""
    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    actions = _words(known, "action") or [RUN]
    modes = _words(known, "mode")
    if SOLO in modes:  # who thinks: a run of its own each
        actions = [*modes, *(each for each in actions if each != RUN)]
    if PAIR in known:
        actions.append(PAIR)
    if {"dry_run", "wait_seconds"} <= known.keys():
        actions.append(PLAN)
    return actions


def _words(properties: Mapping[str, object], name: str) -> list[str]:
    schema = properties.get(name)
    words = schema.get("enum") if isinstance(schema, Mapping) else None
    return [str(each) for each in words] if isinstance(words, Sequence) else []


def action_of(tool: str, arguments: Arguments) -> str:
    """The action of a call whose arguments fit its tool's schema and bear our own names."""
    action = str(arguments.get("action") or "")
    if tool == "investigate" and not action:
        if arguments.get("question"):
            return "start"
        return "status" if arguments.get("session_id") else "list"
    if arguments.get("dry_run") and tool != "sessions" and action in ("", RUN):
        return PLAN
    if tool == "think" and action in ("", RUN):
        is_asking = arguments.get("clis") or arguments.get("consensus")
        return str(arguments.get("mode") or (CONSENSUS if is_asking else SOLO))
    if tool == "exec" and arguments.get("pair"):
        return PAIR
    return action or RUN


def classify(classes: Classes, tool: str, arguments: Arguments) -> ToolClass:
    """What a call may do to its caller's time. KeyError: there is no such tool or action."""
    return ToolClass(classes[tool][action_of(tool, arguments)])


def read_classes(tree: object, schemas: Mapping[str, Mapping[str, object]]) -> Classes:
    """The rows of a file, one for each action of the tools whose input schemas these are.

    Raises:
        ConfigInvalid: a row is missing, stale or has no class; tells all of it at once.
    """
    if not isinstance(tree, Mapping):
        raise _invalid(["the file: expected a mapping with version and tools"])
    problems = [f"{key}: no such key" for key in tree if key not in _KEYS]
    if tree.get("version") != VERSION:
        problems.append(f"version: expected {VERSION}, is {tree.get('version')!r}")
    tools = tree.get("tools")
    rows = tools if isinstance(tools, Mapping) else {}
    if not rows:
        problems.append("tools: expected a row for each action of each tool")
    classes: dict[str, dict[str, str]] = {}
    for tool, schema in schemas.items():
        given = rows.get(tool)
        if not isinstance(given, Mapping):
            problems.append(f"tools.{tool}: expected its actions with a class each")
            continue
        actions = actions_of(schema)
        for action in actions:
            value = given.get(action)
            if action not in given:
                problems.append(f"tools.{tool}.{action}: has no row")
            elif value not in list(ToolClass):
                expected = " or ".join(ToolClass)
                problems.append(f"tools.{tool}.{action}: expected {expected}, is {value!r}")
        stale = [each for each in given if each not in actions]
        problems += [f"tools.{tool}.{each}: there is no such action" for each in stale]
        classes[tool] = {each: str(given.get(each)) for each in actions}
    problems += [f"tools.{each}: there is no such tool" for each in rows if each not in schemas]
    if problems:
        raise _invalid(problems)
    return classes


def _invalid(problems: Sequence[str]) -> ConfigInvalid:
    return ConfigInvalid(
        f"tool classes: {'; '.join(problems)}",
        code="tool_classes_invalid",
        hint="give every action of every tool one row in profiles/tool-classes.yaml",
        data={"problems": list(problems)},
    )
