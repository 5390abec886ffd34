"""`dialog` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import count, flag, object_schema, string
from ._strategies import ANNOTATIONS, CLIS, STRATEGY_RESULT, TURNS
from ._tool import Tool

DIALOG: Final = Tool(
    name="dialog",
    title="Have two CLIs build one answer",
    description=describe("dialog"),
    input_schema=object_schema(
        {
            "prompt": string("the task; with session_id, what comes next", minLength=1),
            "cli_a": string("proposer: cli, cli:model or cli:model:effort"),
            "cli_b": string("critic"),
            "clis": {**CLIS, "maxItems": 2, "description": "[cli_a, cli_b]"},
            "max_turns": count("turns of both, repairs included (default 6)", minimum=1),
            "rounds": count("draft and critique so many times", minimum=1),
            "swap": flag("the roles change after each critique"),
            "session_id": string("go on with an earlier dialog; a seat named anew begins anew"),
            **TURNS,
        },
        ("prompt",),
    ),
    output_schema=STRATEGY_RESULT,
    annotations={"title": "Have two CLIs build one answer", **ANNOTATIONS},
    module="aimux.tools._dialog",
    task_support="optional",
    aliases={
        "topic": "prompt",
        "task": "prompt",
        "proposer": "cli_a",
        "critic": "cli_b",
        "max_rounds": "rounds",
        "timeout": "timeout_seconds",
        "timeout_per_turn": "timeout_per_turn_seconds",
    },
)
