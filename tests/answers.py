"""Answers of tools held against the schemas that `aimux://schemas/{tool}` publishes."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import jsonschema

from aimux.tools.catalog import CALL_NAMES, TOOLS
from aimux.tools.schemas import output_schema

_BARE: Final = re.compile(r'(?<!\\)"(\w+)":<(?:any|structured)>')
_COUNTED: Final = (
    "pid",
    "_ms",
    "_seconds",
    "_tokens",
    "_usd",
    "length",
    "events",
    "commits",
    "works",
)


@functools.cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(output_schema(tool))


def hold(tool: str, body: Mapping[str, object]) -> None:
    """Fail unless a body is one of the answers of its tool; says where the nearest one differs."""
    found = [_nearest(each) for each in _validator(tool).iter_errors(body)]
    if found:
        where, said = found[0]
        shown = json.dumps(body)[:2_000]
        raise AssertionError(f"{tool}: {where}: {said}\n{shown}")


def _nearest(error: jsonschema.ValidationError) -> tuple[str, str]:
    """The fault that lies deepest, in the variant that has the fewest."""
    while error.context:
        branches: dict[object, list[jsonschema.ValidationError]] = {}
        for each in error.context:
            branches.setdefault(each.schema_path[0], []).append(each)
        error = max(
            min(branches.values(), key=lambda faults: (_tops(faults), len(faults))), key=_depth
        )
    return error.json_path, error.message[:600]


def _tops(faults: list[jsonschema.ValidationError]) -> int:
    return sum(len(each.relative_path) <= 1 for each in faults)


def _depth(error: jsonschema.ValidationError) -> int:
    return len(error.relative_path)


def answers_in(script: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Tool and structured content of every answer in a golden script; masks become values."""
    asked: dict[object, str] = {}
    for line in script.splitlines():
        mark, text = line[:3], line[3:]
        if mark not in (">> ", "<< ") or not text.startswith(("{", "[")):
            continue
        try:
            said = json.loads(_BARE.sub(_value, text))
        except ValueError:  # a line that is no JSON on purpose
            continue
        for message in said if isinstance(said, list) else [said]:
            match message:
                case {"method": "tools/call", "id": call_id, "params": {"name": str(tool)}}:
                    asked[call_id] = tool
                case {"id": call_id, "result": {"structuredContent": dict(body)}}:
                    tool = asked.get(call_id, "status")  # a task's payload: a job as it is
                    yield tool if tool in TOOLS else CALL_NAMES.get(tool, ("exec",))[0], body


def _value(mask: re.Match[str]) -> str:
    """A number behind a key that counts, else a text."""
    return f'"{mask[1]}":{1 if mask[1].endswith(_COUNTED) else json.dumps("masked")}'
