"""`background` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import RESULT, choice, flag, object_schema, seconds, string
from ._tool import Tool

BACKGROUND: Final = Tool(
    name="background",
    title="Run a prompt in the background",
    description=describe("background"),
    input_schema=object_schema(
        {
            "prompt": string("what the CLI is to do", minLength=1),
            "role": string("kind of work"),
            "cli": string("CLI instead of the role's"),
            "model": string("as the CLI knows it"),
            "mode": choice("default is the role's stance", ("read", "write", "danger")),
            "cwd": string("absolute path it works in; default as for exec"),
            "session_id": string("continue this session"),
            "timeout_seconds": seconds("deadline", minimum=0.1),
            "fallback": flag("on failure try other CLIs"),
            "style": string("form of the answer, as for exec"),
        },
        ("prompt",),
    ),
    output_schema=RESULT,
    annotations={
        "title": "Run a prompt in the background",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._background",
    task_support="optional",
    aliases={"read_only": "mode", "timeout": "timeout_seconds"},
)
