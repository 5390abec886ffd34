"""`consensus` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import choice, count, flag, object_schema, string
from ._strategies import ANNOTATIONS, CLIS, STRATEGY_RESULT, TURNS
from ._tool import Tool

CONSENSUS: Final = Tool(
    name="consensus",
    title="Ask several CLIs the same question",
    description=describe("consensus"),
    input_schema=object_schema(
        {
            "prompt": string("the question", minLength=1),
            "clis": CLIS,
            "panel": string("a configured panel instead of clis"),
            "blinded": flag("false adds a round in which each sees the others' answers"),
            "synthesize": flag("a further CLI puts the answers together"),
            "judge": string("who does that; default is one not on the panel"),
            "mode": choice(
                "consensus; vote: ends once decided; union: all that anyone said; escalate: two "
                "first, more if they disagree",
                ("consensus", "vote", "union", "escalate"),
            ),
            "choices": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 2,
                "description": "the possible answers",
            },
            "swap": flag("synthesize in both orders and tell if that changes it"),
            "quorum": count("how many must answer (default 2)", minimum=1),
            "seed": count("draws seats and orders", minimum=0),
            "max_turns": count("turns at most", minimum=1),
            **TURNS,
        },
        ("prompt",),
    ),
    output_schema=STRATEGY_RESULT,
    annotations={"title": "Ask several CLIs the same question", **ANNOTATIONS},
    module="aimux.tools._consensus",
    task_support="optional",
    aliases={
        "topic": "prompt",
        "question": "prompt",
        "judge_cli": "judge",
        "min_success": "quorum",
        "timeout": "timeout_seconds",
        "timeout_per_turn": "timeout_per_turn_seconds",
    },
)
