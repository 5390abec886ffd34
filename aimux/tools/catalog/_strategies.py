"""What the tools that ask several seats have in common, as clients see it."""

from collections.abc import Mapping
from typing import Final

from ._schemas import RESULT, SHOWN_CHARS, TURN_LIMIT, Schema, count, flag, seconds, string

CLIS: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "maxItems": 12,
    "description": "members: cli, cli:model or cli:model:effort; one may come twice",
}

RUNNING: Final[Mapping[str, Schema]] = {
    "cwd": string("as for exec"),
    "async": flag("hand over at once"),
    "wait_seconds": seconds("before handing over", minimum=0),
    "timeout_seconds": seconds("of the whole", minimum=0.1),
    "max_tokens": count("stop after so many", minimum=1),
    "max_chars": SHOWN_CHARS,
    "dry_run": flag("only tell the plan"),
}

TURNS: Final[Mapping[str, Schema]] = {"timeout_per_turn_seconds": TURN_LIMIT, **RUNNING}

ANNOTATIONS: Final[Mapping[str, object]] = {
    "readOnlyHint": True,
    "idempotentHint": False,
    "openWorldHint": True,
}

STRATEGY_RESULT: Final[Schema] = RESULT
