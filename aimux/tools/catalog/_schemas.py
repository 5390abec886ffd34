"""What the schemas of tools are written with, and the shapes that several of them have.

Schemas keep to the portable subset of JSON Schema (no `$ref`, no `oneOf`) because some hosts reject
the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Final

Schema = dict[str, object]

STATUSES: Final = (
    "queued",
    "running",
    "completed",
    "partial",
    "failed",
    "cancelled",
    "timed_out",
    "aborted",
)


def string(description: str, **more: object) -> Schema:
    """A text; `more` are further keywords."""
    return {"type": "string", "description": description, **more}


def flag(description: str) -> Schema:
    """A boolean."""
    return {"type": "boolean", "description": description}


def count(description: str, **more: object) -> Schema:
    """A whole number."""
    return {"type": "integer", "description": description, **more}


def seconds(description: str, **more: object) -> Schema:
    """A number of seconds."""
    return {"type": "number", "description": description, **more}


def choice(description: str, values: Sequence[str]) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(values), "description": description}


def object_schema(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def open_schema(description: str) -> Schema:
    """An object whose fields are the caller's."""
    return {"type": "object", "description": description, "additionalProperties": True}


def nullable(kind: str) -> Schema:
    """A JSON type, or null."""
    return {"type": [kind, "null"]}


GUIDANCE: Final[Schema] = {
    "type": "object",
    "description": "what to do next; every entry of next is a call that can be sent as it stands",
    "properties": {
        "state": {"type": "string"},
        "next": {
            "type": "array",
            "items": object_schema(
                {
                    "tool": {"type": "string"},
                    "arguments": {"type": "object"},
                    "when": {"type": "string"},
                },
                ("tool", "arguments", "when"),
            ),
        },
        "do_not": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["state", "next", "do_not"],
}

ERROR: Final[Schema] = {
    "type": ["object", "null"],
    "description": "what went wrong; partial content is kept beside it",
    "properties": {
        "code": {"type": "string"},
        "class": {"type": "string"},
        "message": {"type": "string"},
        "retryable": {"type": "boolean"},
        "hint": nullable("string"),
    },
}

RESULT: Final[Schema] = {
    "type": "object",
    "properties": {
        "job_id": nullable("string"),
        "session_id": nullable("string"),
        "status": {"type": "string"},
        "role": nullable("string"),
        "cli": nullable("string"),
        "model": nullable("string"),
        "effort": nullable("string"),
        "mode": nullable("string"),
        "content": {"type": "string", "description": "the answer, or what there is of it"},
        "data": {"description": "the answer as JSON, where a schema was given"},
        "content_length": {"type": "integer"},
        "offset": {"type": "integer"},
        "next_offset": nullable("integer"),
        "truncated": {
            "type": "boolean",
            "description": "content is not all of it; an answer is kept up to 1,048,576 characters",
        },
        "usage": nullable("object"),
        "duration_ms": nullable("integer"),
        "exit_code": nullable("integer"),
        "attempts": {"type": "array", "items": {"type": "object"}},
        "turns": {
            "type": "array",
            "items": {"type": "object"},
            "description": "each run of a CLI to its answer; status(turn=n) has its text",
        },
        "warnings": {"type": "array", "items": {"type": "object"}},
        "question": {
            "type": "string",
            "description": "while it runs: what the CLI waits for somebody to answer",
        },
        "error": ERROR,
        "guidance": GUIDANCE,
    },
    "required": ["status", "content", "guidance"],
}


TURN_LIMIT: Final = seconds("of each turn", minimum=0.1)
MAX_CHARS: Final = count("characters of content in this answer (default 16384)", minimum=1)
SHOWN_CHARS: Final = count("of content", minimum=1)
