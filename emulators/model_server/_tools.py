"""Choosing a call: which offered tool writes a file or runs a command, and with what arguments.

Every CLI names its tools and parameters in its own way, so the choice is made from names and JSON
Schema; required parameters nobody thought of get the plainest value their schema allows.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from ._requests import ModelRequest, Tool
from ._script import Directive

Json = Mapping[str, object]

WRITERS: Final = (  # best first: a plain write before an editor that can also do other things
    re.compile(r"^(write|create|save)(_?file|_to_file|_new_file)?$", re.IGNORECASE),
    re.compile(r"write|create_file|text_editor|^editor$", re.IGNORECASE),
    re.compile(r"edit|replace", re.IGNORECASE),
)
SHELLS: Final = (
    re.compile(r"^(bash|shell|execute|terminal|exec_command|run_commands?)$", re.IGNORECASE),
    re.compile(r"shell|bash|command|terminal|exec", re.IGNORECASE),
)
PATHS: Final = ("file_path", "filePath", "filepath", "path", "filename", "target_file", "file")
TEXTS: Final = ("content", "contents", "new_text", "file_text", "text", "new_string", "new_str")
COMMANDS: Final = ("command", "cmd", "commands", "script")
DEPTH_LIMIT: Final = 8  # schemas may refer to themselves


@dataclasses.dataclass(frozen=True)
class Call:
    """A tool call to make; `arguments` is bare text for a custom tool."""

    tool: str
    arguments: dict[str, object] | str


def choose_call(request: ModelRequest, wanted: Directive) -> Call | None:
    """The call a directive asks for, or None when the request offers no tool for it."""
    match wanted.name:
        case "tool" | "tool!":
            is_offered = any(tool.name == wanted.argument for tool in request.tools)
            is_forced = wanted.name == "tool!"
            return Call(wanted.argument, wanted.data or {}) if is_offered or is_forced else None
        case "write":
            path, _, text = wanted.argument.partition(" ")
            return choose_write(request.tools, path, text, directory=request.directory)
        case "shell":
            return choose_shell(request.tools, wanted.argument)
        case "shell-write":
            return choose_shell(request.tools, f"touch {shlex.quote(wanted.argument)}")
    return None


def choose_write(
    tools: Sequence[Tool], path: str, text: str, *, directory: str | None = None
) -> Call | None:
    """A call that writes `text` to `path`; through the shell where nothing else writes.

    A path goes by `directory` where the tool says that it takes no other.
    """
    for tool in _ranked(tools, WRITERS):
        names = _properties(tool.schema)
        where = next((name for name in PATHS if name in names), None)
        what = next((name for name in TEXTS if name in names), None)
        if where and what:
            if directory and "absolute" in str(_object(names[where]).get("description", "")):
                path = posixpath.join(directory, path)
            return Call(tool.name, {**_required(tool.schema), where: path, what: text})
    for tool in tools:
        if tool.name == "apply_patch":
            patch = f"*** Begin Patch\n*** Add File: {path}\n+{text}\n*** End Patch\n"
            return Call(tool.name, patch if tool.kind == "custom" else {"input": patch})
    return choose_shell(tools, f"printf %s {shlex.quote(text)} > {shlex.quote(path)}")


def choose_shell(tools: Sequence[Tool], command: str) -> Call | None:
    """A call that runs `command` in the tool that runs commands."""
    for tool in _ranked(tools, SHELLS):
        names = _properties(tool.schema)
        where = next((name for name in COMMANDS if name in names), None)
        if where is None:
            continue
        value: object = command
        if _kind(_object(names[where])) == "array":
            # a list named in the plural holds command lines, in the singular the words of one
            value = [command] if where.endswith("s") else ["bash", "-lc", command]
        return Call(tool.name, {**_required(tool.schema), where: value})
    return None


def instance_of(schema: Json, depth: int = 0) -> object:
    """The plainest value a JSON Schema allows: first choice, required members, empty rest."""
    if depth > DEPTH_LIMIT:
        return None
    if "const" in schema:
        return schema["const"]
    if "default" in schema:
        return schema["default"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    for key in ("anyOf", "oneOf", "allOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            return instance_of(_object(options[0]), depth + 1)
    low = schema.get("minimum")
    match _kind(schema):
        case "object":
            return _required(schema, depth + 1)
        case "array":
            few = schema.get("minItems")
            item = instance_of(_object(schema.get("items")), depth + 1)
            return [item] * (few if isinstance(few, int) else 0)
        case "integer" | "number":
            return low if isinstance(low, int | float) else 1
        case "boolean":
            return False
        case "null":
            return None
    return "x"


def _required(schema: Json, depth: int = 0) -> dict[str, object]:
    names = schema.get("required")
    members = _properties(schema)
    wanted = names if isinstance(names, list) else []
    return {name: instance_of(_object(members.get(name)), depth) for name in wanted}


def _ranked(tools: Sequence[Tool], patterns: Sequence[re.Pattern[str]]) -> list[Tool]:
    ranked = []
    for tool in tools:
        rank = next((at for at, known in enumerate(patterns) if known.search(tool.name)), None)
        if rank is not None:
            ranked.append((rank, tool))
    return [tool for _, tool in sorted(ranked, key=lambda pair: pair[0])]


def _properties(schema: Json) -> Json:
    return _object(schema.get("properties"))


def _kind(schema: Json) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind).lower()  # Gemini writes OBJECT


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
