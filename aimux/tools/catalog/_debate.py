"""`debate` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import count, flag, object_schema, string
from ._strategies import ANNOTATIONS, CLIS, STRATEGY_RESULT, TURNS
from ._tool import Tool

DEBATE: Final = Tool(
    name="debate",
    title="Have a question argued from both sides",
    description=describe("debate"),
    input_schema=object_schema(
        {
            "topic": string("proposition, or question with alternatives", minLength=1),
            "pro_cli": string("cli, cli:model or cli:model:effort"),
            "con_cli": string("the same for the other side"),
            "clis": {**CLIS, "maxItems": 2, "description": "two; who argues what is drawn"},
            "judge_cli": string("default is one that argues for neither"),
            "jury": {**CLIS, "maxItems": 5, "description": "several judges that vote"},
            "synthesize": flag("false: nobody judges"),
            "max_turns": count("of both sides (default 6)", minimum=2, maximum=20),
            "seed": count("draws the sides", minimum=0),
            **TURNS,
        },
        ("topic",),
    ),
    output_schema=STRATEGY_RESULT,
    annotations={"title": "Have a question argued from both sides", **ANNOTATIONS},
    module="aimux.tools._debate",
    task_support="optional",
    aliases={
        "prompt": "topic",
        "question": "topic",
        "cli_a": "pro_cli",
        "cli_b": "con_cli",
        "judge": "judge_cli",
        "timeout": "timeout_seconds",
        "timeout_per_turn": "timeout_per_turn_seconds",
    },
)
