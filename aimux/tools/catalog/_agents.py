"""`agents` as clients see it."""

from typing import Final

from ._schemas import MAX_CHARS, RESULT, choice, count, flag, object_schema, seconds, string
from ._tool import Tool

AGENTS: Final = Tool(
    name="agents",
    title="Give a task to an agent",
    description=(
        "Agents are instructions for a kind of task: built-in, yours and the project's (.claude, "
        ".codex, .gemini, .github, …). run: give a task to one, chosen by the task unless agent_id "
        "names it; it works several turns until it says it is done. find: who fits a task, with "
        "scores. list, info: who there is."
    ),
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
            "async": flag("return a job_id at once"),
            "wait_seconds": seconds("wait before handing over", minimum=0),
            "timeout_seconds": seconds("deadline of the whole", minimum=0.1),
            "max_chars": MAX_CHARS,
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
