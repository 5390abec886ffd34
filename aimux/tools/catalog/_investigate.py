"""`investigate` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import (
    ERROR,
    GUIDANCE,
    Schema,
    choice,
    count,
    flag,
    nullable,
    object_schema,
    string,
)
from ._strategies import CLIS, RUNNING
from ._tool import Tool

ACTIONS: Final = (
    "start", "finding", "note", "assess", "report", "status", "list", "recall", "auto",
)  # fmt: skip


# of auto; report writes its file below cwd
_RUNNING: Final = (
    "cwd", "async", "wait_seconds", "timeout_seconds", "max_tokens", "max_chars",
)  # fmt: skip


def _typed(kind: str) -> Schema:
    return {"type": kind}


_FINDING: Final[dict[str, Schema]] = {
    "description": string("what is so"),
    "source": string("file:line, command or URL"),
    "severity": choice("default P2", ("P0", "P1", "P2", "P3")),
    "confidence": choice(
        "default INFERRED; VERIFIED needs a place",
        ("VERIFIED", "INFERRED", "STALE", "BLOCKED", "UNKNOWN"),
    ),
    "coverage_area": string("its area"),
    "corrects": string("finding it replaces"),
    "contradicts": string("finding it denies"),
    "evidence": {
        "type": "array",
        "description": "places in cwd, checked",
        "items": object_schema(
            {
                "path": _typed("string"),
                "line": _typed("integer"),
                "end_line": _typed("integer"),
                "quote": _typed("string"),
            },
            ("path",),
        ),
    },
}

INVESTIGATE: Final = Tool(
    name="investigate",
    title="Investigate until it settles",
    description=describe("investigate"),
    input_schema=object_schema(
        {
            "action": choice("default: start with question, else status", ACTIONS),
            "question": string("what is to be found out; recall: what about"),
            "session_id": string("inv_… from start"),
            "domain": string(
                "auto (default), generic, debugging, security, performance, architecture, "
                "research, testing, database, …, or your own"
            ),
            **_FINDING,
            "findings": {
                "type": "array",
                "description": "several at once, each of the fields above",
                "items": {"type": "object"},
            },
            "max_iterations": count("rounds of auto (default 5)", minimum=1, maximum=50),
            "clis": CLIS,
            "force": flag("report: write it although gaps are left"),
            "all_projects": flag("list, recall: not only this project"),
            "limit": count("list, recall: default 20", minimum=1, maximum=100),
            "max_turns": count("turns of auto", minimum=1),
            **{name: RUNNING[name] for name in _RUNNING},
        },
    ),
    output_schema={
        "type": "object",
        "properties": {
            "state": {"type": "string"},
            "you_are_here": {"type": "string"},
            "how_this_tool_works": {"type": "string"},
            "coverage_gaps": {"type": "array", "items": {"type": "string"}},
            "evidence_gaps": {"type": "array", "items": {"type": "string"}},
            "gaps": {"type": "array", "items": {"type": "string"}},
            "choose_your_path": {
                "type": "object",
                "description": "self, delegate, hybrid: {when, next_call, then}",
            },
            "stop_conditions": {"type": "string"},
            "do_not": {"type": "array", "items": {"type": "string"}},
            "result": {"type": "object", "description": "what the action gave"},
            "job_id": nullable("string"),
            "status": {"type": "string"},
            "warnings": {"type": "array", "items": {"type": "object"}},
            "error": ERROR,
            "guidance": GUIDANCE,
        },
        "required": ["guidance"],
    },
    annotations={
        "title": "Investigate until it settles",
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._investigate",
    task_support="optional",
    aliases={"topic": "question", "finding": "description", "cli": "clis"},
)
