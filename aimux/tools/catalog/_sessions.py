"""`sessions` as clients see it."""

from typing import Final

from aimux.times import MAX_AGE_HOURS

from ._about import describe
from ._schemas import (
    GUIDANCE,
    STATUSES,
    choice,
    count,
    flag,
    nullable,
    object_schema,
    seconds,
    string,
)
from ._tool import Tool

ACTIONS: Final = (
    "list", "info", "answer", "retry", "cancel", "kill", "gc", "reset", "health",
)  # fmt: skip

SESSIONS: Final = Tool(
    name="sessions",
    title="Sessions and jobs",
    description=describe("sessions"),
    input_schema=object_schema(
        {
            "action": choice("what to do", ACTIONS),
            "session_id": string("for info, retry and kill"),
            "job_id": string("for cancel, answer, retry and info"),
            "text": string("for answer: what is typed"),
            "kind": choice("for list: those of think instead", ("think",)),
            "status": choice("for list", ("active", "all", "finished", *STATUSES)),
            "cli": string("for list: only sessions of this CLI; for reset and retry: which"),
            "limit": count(
                "for list and info: at most so many (default 20)", minimum=1, maximum=100
            ),
            "cursor": string("for list and info: next_cursor of the page before"),
            "older_than_hours": seconds(
                "for gc: default is the configured session_ttl_hours",
                minimum=0,
                maximum=MAX_AGE_HOURS,
            ),
            "dry_run": flag("for gc: only count"),
            "refresh": flag("for health: look for the CLIs again"),
            "verify": flag("for health: try each login with a tiny prompt; slow ones go on"),
        },
        ("action",),
    ),
    output_schema={
        "type": "object",
        "properties": {
            "action": {"type": "string"},
            "sessions": {"type": "array", "items": {"type": "object"}},
            "session": nullable("object"),
            "jobs": {
                "type": ["array", "object"],
                "description": "info: the session's jobs, newest first; health: counts",
            },
            "count": {"type": "integer"},
            "next_cursor": nullable("string"),
            "warnings": {"type": "array", "items": {"type": "object"}},
            "guidance": GUIDANCE,
        },
        "required": ["guidance"],
    },
    annotations={
        "title": "Sessions and jobs",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    },
    module="aimux.tools._sessions",
)
