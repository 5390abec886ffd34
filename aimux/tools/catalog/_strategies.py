"""What the tools that ask several seats have in common, as clients see it."""

from collections.abc import Mapping
from typing import Final

from ._schemas import MAX_CHARS, RESULT, TURN_LIMIT, Schema, count, flag, seconds, string

CLIS: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "maxItems": 12,
    "description": "members: cli, cli:model or cli:model:effort; one may come twice",
}

RUNNING: Final[Mapping[str, Schema]] = {
    "cwd": string("absolute path they work in; default as for exec"),
    "async": flag("return a job_id at once"),
    "wait_seconds": seconds("wait so long before a running job is handed over", minimum=0),
    "timeout_seconds": seconds("deadline of the whole", minimum=0.1),
    "max_tokens": count("stop asking once so many tokens are used", minimum=1),
    "max_chars": MAX_CHARS,
    "dry_run": flag("return seats and turns; start nothing"),
}

TURNS: Final[Mapping[str, Schema]] = {"timeout_per_turn_seconds": TURN_LIMIT, **RUNNING}

ANNOTATIONS: Final[Mapping[str, object]] = {
    "readOnlyHint": True,
    "idempotentHint": False,
    "openWorldHint": True,
}

STRATEGY_RESULT: Final[Schema] = RESULT
