"""The tools as a client sees them: names, schemas and texts, as plain data.

This module is on the path to the first answer, so it imports nothing heavy; the code of a tool is
imported when it is first called. Schemas keep to the portable subset of JSON Schema (no `$ref`, no
`oneOf`) because some hosts reject the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

Schema = dict[str, object]

SCHEME: Final = "aimux://"  # of every resource

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


def _string(description: str, **more: object) -> Schema:
    return {"type": "string", "description": description, **more}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _count(description: str, **more: object) -> Schema:
    return {"type": "integer", "description": description, **more}


def _seconds(description: str, **more: object) -> Schema:
    return {"type": "number", "description": description, **more}


def _choice(description: str, values: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(values), "description": description}


def _object(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _open(description: str) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": True}


def _nullable(kind: str, description: str = "") -> Schema:
    schema: Schema = {"type": [kind, "null"]}
    return schema | ({"description": description} if description else {})


GUIDANCE: Final[Schema] = {
    "type": "object",
    "description": "what to do next; every entry of next is a call that can be sent as it stands",
    "properties": {
        "state": {"type": "string"},
        "next": {
            "type": "array",
            "items": _object({"tool": {"type": "string"}, "arguments": {"type": "object"}}),
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
        "hint": _nullable("string"),
    },
}

RESULT: Final[Schema] = {
    "type": "object",
    "properties": {
        "job_id": _nullable("string"),
        "session_id": _nullable("string"),
        "status": {"type": "string"},
        "role": _nullable("string"),
        "cli": _nullable("string"),
        "model": _nullable("string"),
        "effort": _nullable("string"),
        "mode": _nullable("string"),
        "content": {"type": "string", "description": "the answer, or what there is of it"},
        "data": {"description": "the answer as JSON, where a schema was given"},
        "content_length": {"type": "integer"},
        "offset": {"type": "integer"},
        "next_offset": _nullable("integer"),
        "truncated": {
            "type": "boolean",
            "description": "content is not all of it; an answer is kept up to 1,048,576 characters",
        },
        "usage": _nullable("object"),
        "duration_ms": _nullable("integer"),
        "exit_code": _nullable("integer"),
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


_PAGE: Final[Mapping[str, Schema]] = {
    "max_chars": _count("characters of content in this answer (default 16384)", minimum=1),
}


@attrs.frozen(kw_only=True)
class Tool:
    """One tool. `module` is where its code is; `aliases` maps other names users know to ours."""

    name: str
    title: str
    description: str
    input_schema: Schema
    output_schema: Schema
    annotations: Mapping[str, object]
    module: str
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    task_support: str = "forbidden"  # optional: the client may have the call as a task


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
    input_schema=_object(
        {
            "prompt": _string("what the CLI is to do, byte for byte", minLength=1),
            "role": _string("kind of work; chooses CLI, model, effort, mode and instructions"),
            "cli": _string("CLI to use instead of the role's (see sessions action=health)"),
            "model": _string("model name as the CLI knows it"),
            "effort": _choice(
                "reasoning effort; clamped to what the CLI knows",
                ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
            ),
            "mode": _choice(
                "what the CLI may do to the working directory; default is the role's stance",
                ("read", "write", "danger"),
            ),
            "cwd": _string(
                "absolute path of the working directory; default is the client's first root, else "
                "where it was started"
            ),
            "session_id": _string("continue this session through the CLI's own resume"),
            "async": _flag("return a job_id at once instead of waiting"),
            "timeout_seconds": _seconds("deadline of the whole call", minimum=0.1),
            "wait_seconds": _seconds(
                "how long to wait before a running job is handed over (default 45)", minimum=0
            ),
            "max_chars": _PAGE["max_chars"],
            "fallback": _flag(
                "on failure try other CLIs; default true with a role, false with a cli"
            ),
            "schema": _open("JSON Schema the answer must fit; the parsed answer comes as data"),
            "tty": _flag("give the CLI a terminal instead of pipes"),
            "dry_run": _flag("return the plan (argv, environment names, deadlines); start nothing"),
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
    aliases={"reasoning_effort": "effort", "read_only": "mode", "timeout": "timeout_seconds"},
)

STATUS: Final = Tool(
    name="status",
    title="Look at a job",
    description=(
        "State, progress and answer of a job. wait_seconds waits until the job ends or the time "
        "is up, so "
        "there is no need to poll. offset and tail page through long content; events_after lists "
        "what the CLI did since that sequence number."
    ),
    input_schema=_object(
        {
            "job_id": _string("the job to look at"),
            "wait_seconds": _seconds(
                "wait this long for the end; with events_after, for the next event",
                minimum=0,
                maximum=3600,
            ),
            "turn": _count("show this turn of the job instead of the whole", minimum=1),
            "offset": _count("first character of content to return", minimum=0),
            "tail": _count("return the last so many characters instead", minimum=1),
            "include_content": _flag("return the whole content, whatever its length"),
            "max_chars": _PAGE["max_chars"],
            "events_after": _count("also list events after this sequence number", minimum=0),
        },
        ("job_id",),
    ),
    output_schema=RESULT,
    annotations={
        "title": "Look at a job",
        "readOnlyHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    },
    module="aimux.tools._status",
)

SESSIONS: Final = Tool(
    name="sessions",
    title="Sessions and jobs",
    description=(
        "list: sessions, latest first (status: active, completed, failed, all). info: one session "
        "with its jobs. cancel: end one job politely. kill: end the job of a session at once. "
        "gc: remove old finished sessions and jobs. health: which CLIs are ready, what is "
        "running, limits, breakers."
    ),
    input_schema=_object(
        {
            "action": _choice("what to do", ("list", "info", "cancel", "kill", "gc", "health")),
            "session_id": _string("for info and kill"),
            "job_id": _string("for cancel and info"),
            "status": _choice("for list", ("active", "all", "finished", *STATUSES)),
            "cli": _string("for list: only sessions of this CLI"),
            "limit": _count(
                "for list and info: at most so many (default 20)", minimum=1, maximum=100
            ),
            "cursor": _string("for list and info: next_cursor of the page before"),
            "older_than_hours": _seconds(
                "for gc: default is the configured session_ttl_hours", minimum=0
            ),
            "dry_run": _flag("for gc: only count"),
            "refresh": _flag("for health: look for the CLIs again"),
            "verify": _flag(
                "for health: run one tiny prompt on each CLI, so that its login is known"
            ),
        },
        ("action",),
    ),
    output_schema={
        "type": "object",
        "properties": {
            "action": {"type": "string"},
            "sessions": {"type": "array", "items": {"type": "object"}},
            "session": _nullable("object"),
            "jobs": {
                "type": ["array", "object"],
                "description": "info: the session's jobs, newest first; health: counts",
            },
            "count": {"type": "integer"},
            "next_cursor": _nullable("string"),
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

TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in (EXEC, STATUS, SESSIONS)}


def listed() -> list[dict[str, object]]:
    """The tools as `tools/list` shows them to the newest revision, in a fixed order."""
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "outputSchema": tool.output_schema,
            "annotations": dict(tool.annotations),
            "execution": {"taskSupport": tool.task_support},
        }
        for tool in TOOLS.values()
    ]


_JSON_TYPE: Final = "application/json"
TEMPLATES: Final = (
    ("aimux://jobs/{id}", "job", "A job's result, as status gives it", _JSON_TYPE),
    ("aimux://jobs/{id}/output", "job-output", "The whole answer of a job", "text/plain"),
    ("aimux://jobs/{id}/events", "job-events", "What a job did, event by event", _JSON_TYPE),
    ("aimux://jobs/{id}/raw", "job-raw", "What the CLIs of a job printed", "text/plain"),
    ("aimux://sessions/{id}", "session", "A conversation and its jobs", _JSON_TYPE),
    (
        "aimux://clis/{name}",
        "cli",
        "One CLI: state, version, how hard its read mode is",
        _JSON_TYPE,
    ),
    ("aimux://roles/{name}", "role", "One role: route, mode and instructions", _JSON_TYPE),
)


def templates() -> list[dict[str, object]]:
    """The resource templates as `resources/templates/list` shows them."""
    return [
        {"uriTemplate": uri, "name": name, "description": said, "mimeType": kind}
        for uri, name, said, kind in TEMPLATES
    ]
