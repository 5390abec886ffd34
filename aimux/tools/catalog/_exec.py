"""`exec` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import (
    MAX_CHARS,
    RESULT,
    TURN_LIMIT,
    choice,
    count,
    flag,
    object_schema,
    open_schema,
    seconds,
    string,
)
from ._strategies import RUNNING
from ._tool import Tool

EXEC: Final = Tool(
    name="exec",
    title="Run a prompt on an AI coding CLI",
    description=describe("exec"),
    input_schema=object_schema(
        {
            "prompt": string("what the CLI is to do, byte for byte", minLength=1),
            "role": string("kind of work: codereview, debug, planner, coding, …"),
            "cli": string("instead of the role's"),
            "model": string("as the CLI knows it"),
            "effort": choice(
                "clamped to what the CLI knows",
                ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
            ),
            "mode": choice(
                "what it may change; default is the role's stance",
                ("read", "write", "danger"),
            ),
            "cwd": string(
                "absolute path; default is the client's first root, else where it was started"
            ),
            "session_id": string("continue this session"),
            "async": RUNNING["async"],
            "timeout_seconds": seconds("deadline of the whole", minimum=0.1),
            "wait_seconds": seconds("before it is handed over (default 45)", minimum=0),
            "max_chars": MAX_CHARS,
            "fallback": flag(
                "on failure try other CLIs; default true with a role, false with a cli"
            ),
            "schema": open_schema(
                "JSON Schema the answer must fit; the parsed answer comes as data"
            ),
            "style": string("form of the answer: concise, detailed, json (checked), or your own"),
            "pair": flag(
                "a driver works in a copy, another vendor's CLI reviews each hunk; the change "
                "lands whole, once approved and verified. For roles that write"
            ),
            "verify": {
                "type": "array",
                "items": {"type": ["string", "array"], "items": {"type": "string"}},
                "description": "pair: commands that must pass (no shell runs them)",
            },
            "reviewer": string("pair: who reviews (cli or cli:model)"),
            "best_of": count("pair: so many drivers make a first draft", minimum=1, maximum=6),
            "max_rounds": count("pair: rounds at most (default 3)", minimum=1, maximum=10),
            "timeout_per_turn_seconds": {**TURN_LIMIT, "description": "pair: of each turn"},
            "dirty": flag("pair: carry uncommitted changes along instead of refusing"),
            "tty": flag("a terminal instead of pipes"),
            "dry_run": flag("tell the plan (argv, environment names, deadlines)"),
        },
        ("prompt",),
    ),
    output_schema=RESULT,
    annotations={
        "title": "Run a prompt on an AI coding CLI",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    module="aimux.tools._exec",
    task_support="optional",
    aliases={
        "reasoning_effort": "effort",
        "read_only": "mode",
        "timeout": "timeout_seconds",
        "timeout_per_turn": "timeout_per_turn_seconds",
    },
)
