"""The result shape that all tools have: of a job, of a turn, of a plan, of a refusal."""

from collections.abc import Mapping
from typing import Final

from aimux.model import Attempt, FailureClass, JobStatus, Mode, Usage, Warned
from aimux.tools.catalog import TOOLS, Schema

from ._shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    closed,
    list_of,
    of_class,
    open_object,
    optional,
    texts,
    word,
)

STATUS: Final = word(JobStatus)
MODE: Final = word(Mode)
USAGE: Final = optional(of_class(Usage))
ATTEMPTS: Final = list_of(of_class(Attempt, sparse=True))
PLAIN_WARNING: Final = of_class(Warned)
WARNINGS: Final = list_of(closed({"code": TEXT, "message": TEXT}, {"times": COUNT}))
CALL: Final = closed({"tool": word(TOOLS), "arguments": open_object("of that tool")})
STEP: Final = closed({"tool": word(TOOLS), "arguments": open_object("of that tool"), "when": TEXT})
GUIDANCE: Final = closed({"state": TEXT, "next": list_of(STEP), "do_not": texts()})
_ERROR: Final[Mapping[str, Schema]] = {
    "code": TEXT,
    "class": TEXT,
    "message": TEXT,
    "retryable": FLAG,
    "hint": optional(TEXT),
}
FAILURE: Final = closed({**_ERROR, "class": word(FailureClass)}, {"excerpt": TEXT})
ERROR: Final[Schema] = {  # of a call: with the facts that belong to its code
    "type": "object",
    "properties": dict(_ERROR),
    "required": list(_ERROR),
}
_ID: Final = optional(TEXT)

TURN_ROW: Final = closed(
    {
        "turn": COUNT,
        "seat": TEXT,
        "cli": _ID,
        "model": _ID,
        "mode": MODE,
        "status": STATUS,
        "duration_ms": optional(COUNT),
        "usage": USAGE,
        "attempts": ATTEMPTS,
        "content_length": COUNT,
        "error": optional(FAILURE),
    }
)
_PART: Final[Mapping[str, Schema]] = {
    "content": TEXT,
    "content_length": COUNT,
    "offset": COUNT,
    "next_offset": optional(COUNT),
    "truncated": FLAG,
}
_FIGURES: Final[Mapping[str, Schema]] = {
    "status": STATUS,
    "role": _ID,
    "cli": _ID,
    "model": _ID,
    "effort": _ID,
    "mode": MODE,
    "usage": USAGE,
    "duration_ms": optional(COUNT),
    "exit_code": optional({"type": "integer"}),
    "attempts": ATTEMPTS,
    "warnings": WARNINGS,
    "error": optional(FAILURE),
    "guidance": GUIDANCE,
}
_RUNNING: Final[Mapping[str, Schema]] = {
    "position": optional(COUNT),
    "turn": COUNT,
    "tool_steps": COUNT,
    "last_event": _ID,
    "last_event_age_ms": COUNT,
    "events": COUNT,
    "elapsed_ms": COUNT,
    "question": TEXT,
}
_MORE: Final[Mapping[str, Schema]] = {"stderr_tail": TEXT, "hint": TEXT, "parent_id": TEXT}


def job(data: Schema, more: Mapping[str, Schema] | None = None) -> Schema:
    """A job, whether it is at work or has ended; `data` is what its tool computes."""
    return closed(
        {
            "job_id": TEXT,
            "session_id": _ID,
            **_FIGURES,
            **_PART,
            "data": data,
            "turns": list_of(TURN_ROW),
            "created_at": TEXT,
            "started_at": optional(TEXT),
            "finished_at": optional(TEXT),
        },
        {**_RUNNING, **_MORE, **(more or {})},
    )


def turn() -> Schema:
    """One turn of a job."""
    return closed(
        {
            "job_id": TEXT,
            "session_id": _ID,
            "turn": COUNT,
            "seat": TEXT,
            "job_status": STATUS,
            **_FIGURES,
            **_PART,
            "data": ANYTHING,
        },
        {**_MORE, "events_list": EVENTS},
    )


def planned(plan: Schema) -> Schema:
    """What `dry_run` answers: nothing was started."""
    return closed(
        {
            "job_id": NULL,
            "session_id": _ID,
            "status": {"const": "planned"},
            "mode": optional(MODE),
            "content": TEXT,
            "plan": plan,
            "warnings": WARNINGS,
            "error": NULL,
            "guidance": GUIDANCE,
        },
        {"role": _ID, "cli": _ID, "model": _ID},
    )


def refused() -> Schema:
    """A call that failed before or beside a job."""
    return closed(
        {
            "status": {"const": "failed"},
            "content": TEXT,
            "error": ERROR,
            "guidance": GUIDANCE,
        },
        {"warnings": WARNINGS},
    )


EVENTS: Final = list_of(
    closed({"seq": COUNT, "at": TEXT, "kind": TEXT, "turn": COUNT, "line": optional(TEXT)})
)
SEATS_PLAN: Final[Mapping[str, Schema]] = {
    "seats": list_of(closed({"seat": TEXT, "cli": TEXT, "model": _ID, "mode": MODE})),
    "phases": texts(),
    "turns": COUNT,
    "budget": closed({"turns": optional(COUNT), "tokens": optional(COUNT)}),
    "cwd": TEXT,
    "deadline_seconds": NUMBER,
    "configuration": TEXT,
}
PHASE: Final = closed(
    {"name": TEXT, "limit_seconds": optional(NUMBER), "took_seconds": NUMBER}, {"seat": TEXT}
)
