"""`agents` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import RESULT, SHOWN_CHARS, choice, count, flag, object_schema, string
from ._strategies import RUNNING
from ._tool import Tool

AGENTS: Final = Tool(
    name="agents",
    title="Give a task to an agent",
    description=describe("agents"),
    input_schema=object_schema(
        {
            "action": choice("what to do", ("run", "find", "list", "info")),
            "agent_id": string("for info and run"),
            "prompt": string("the task, for run and find", minLength=1),
            "cwd": string("absolute path of the project"),
            "cli": string("instead of the agent's"),
            "model": string("of that CLI"),
            "mode": choice("default is the agent's", ("read", "write", "danger")),
            "max_turns": count("turns at most", minimum=1, maximum=20),
            "async": RUNNING["async"],
            "wait_seconds": RUNNING["wait_seconds"],
            "timeout_seconds": RUNNING["timeout_seconds"],
            "max_chars": SHOWN_CHARS,
            "dry_run": flag("for run: start nothing, tell the plan"),
        },
        ("action",),
    ),
    output_schema=RESULT,
    annotations={
        "title": "Give a task to an agent",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._agents",
    task_support="optional",
    aliases={
        "agent": "agent_id",
        "name": "agent_id",
        "task": "prompt",
        "query": "prompt",
        "read_only": "mode",
        "timeout": "timeout_seconds",
    },
)
