"""`audit` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import choice, count, flag, object_schema, string
from ._strategies import ANNOTATIONS, CLIS, STRATEGY_RESULT, TURNS
from ._tool import Tool

AUDIT: Final = Tool(
    name="audit",
    title="Look for defects in a tree",
    description=describe("audit"),
    input_schema=object_schema(
        {
            "path": string("absolute path of the directory; default as cwd of exec"),
            "mode": choice("how far to go (default standard)", ("quick", "standard", "deep")),
            "focus": string("categories (security, correctness, …) or path patterns, by blanks"),
            "scope": choice("changed: what differs from the last commit", ("full", "changed")),
            "changed_since": string("only files that differ from this commit, branch or tag"),
            "thoroughness": choice(
                "exhaustive asks for small things too", ("normal", "exhaustive")
            ),
            "clis": {**CLIS, "description": "scanners: cli, cli:model or cli:model:effort"},
            "rules_only": flag("ask no CLI"),
            "max_turns": count("turns at most", minimum=1),
            **{name: schema for name, schema in TURNS.items() if name != "cwd"},
        }
    ),
    output_schema=STRATEGY_RESULT,
    annotations={"title": "Look for defects in a tree", **ANNOTATIONS},
    module="aimux.tools._audit",
    task_support="optional",
    aliases={
        "cwd": "path",
        "timeout": "timeout_seconds",
        "timeout_per_turn": "timeout_per_turn_seconds",
    },
)
