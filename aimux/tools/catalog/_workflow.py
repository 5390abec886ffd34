"""`workflow` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import RESULT, choice, flag, object_schema, string
from ._strategies import RUNNING
from ._tool import Tool

WORKFLOW: Final = Tool(
    name="workflow",
    title="Run steps of tools",
    description=describe("workflow"),
    input_schema=object_schema(
        {
            "steps": {
                "type": ["array", "string"],
                "description": "a list, its JSON or YAML, file:PATH in cwd, or example:NAME",
            },
            "context": {"description": "what steps read as {{input}}"},
            "name": string("what it is called"),
            "mode": choice("write lets steps of a file write", ("read", "write")),
            "resume_from": string(
                "an earlier run's job_id: what did not change is not run again; alone, its steps"
            ),
            **{name: schema for name, schema in RUNNING.items() if name != "dry_run"},
            "dry_run": flag("tell the steps in waves"),
        },
    ),
    output_schema=RESULT,
    annotations={
        "title": "Run steps of tools",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._workflow",
    task_support="optional",
    aliases={"input": "context", "timeout": "timeout_seconds"},
)
