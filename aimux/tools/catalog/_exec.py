"""`exec` as clients see it."""

from typing import Final

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
from ._tool import Tool

EXEC: Final = Tool(
    name="exec",
    title="Run a prompt on an AI coding CLI",
    description=(
        "Run one prompt on one AI coding CLI and return its answer. Give a role (codereview, "
        "debug, "
        "planner, coding, …) and the CLI, model and effort are chosen for you; or name a cli. "
        "Waits for the answer; if that takes longer than wait_seconds, returns status `running` "
        "with a "
        "job_id: continue with status(job_id). Pass session_id to continue an earlier "
        "conversation. "
        "Runs read-only unless the role writes or mode=write is given."
    ),
    input_schema=object_schema(
        {
            "prompt": string("what the CLI is to do, byte for byte", minLength=1),
            "role": string("kind of work; chooses CLI, model, effort, mode and instructions"),
            "cli": string("CLI to use instead of the role's (see sessions action=health)"),
            "model": string("model name as the CLI knows it"),
            "effort": choice(
                "reasoning effort; clamped to what the CLI knows",
                ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
            ),
            "mode": choice(
                "what the CLI may do to the working directory; default is the role's stance",
                ("read", "write", "danger"),
            ),
            "cwd": string(
                "absolute path of the working directory; default is the client's first root, else "
                "where it was started"
            ),
            "session_id": string("continue this session through the CLI's own resume"),
            "async": flag("return a job_id at once instead of waiting"),
            "timeout_seconds": seconds("deadline of the whole call", minimum=0.1),
            "wait_seconds": seconds(
                "how long to wait before a running job is handed over (default 45)", minimum=0
            ),
            "max_chars": MAX_CHARS,
            "fallback": flag(
                "on failure try other CLIs; default true with a role, false with a cli"
            ),
            "schema": open_schema(
                "JSON Schema the answer must fit; the parsed answer comes as data"
            ),
            "style": string("form of the answer: concise, detailed, json (checked), or your own"),
            "pair": flag(
                "a driver works in a copy, a CLI of another vendor reviews each hunk; the change "
                "lands as a whole once it is approved and verified. For roles that write"
            ),
            "verify": {
                "type": "array",
                "items": {"type": ["string", "array"], "items": {"type": "string"}},
                "description": "pair: commands that must pass (no shell runs them)",
            },
            "reviewer": string("pair: who reviews (cli or cli:model)"),
            "best_of": count("pair: so many drivers make a first draft", minimum=1, maximum=6),
            "max_rounds": count("pair: rounds at most (default 3)", minimum=1, maximum=10),
            "timeout_per_turn_seconds": {**TURN_LIMIT, "description": "pair: limit of each turn"},
            "dirty": flag("pair: carry uncommitted changes along instead of refusing"),
            "tty": flag("give the CLI a terminal instead of pipes"),
            "dry_run": flag("return the plan (argv, environment names, deadlines); start nothing"),
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
