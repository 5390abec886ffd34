"""The resources as clients see them."""

from typing import Final

SCHEME: Final = "aimux://"  # of every resource

_JSON_TYPE: Final = "application/json"
TEMPLATES: Final = (
    ("aimux://jobs/{id}", "job", "A job's result, as status gives it", _JSON_TYPE),
    ("aimux://jobs/{id}/output", "job-output", "The whole answer of a job", "text/plain"),
    ("aimux://jobs/{id}/events", "job-events", "What a job did, event by event", _JSON_TYPE),
    ("aimux://jobs/{id}/raw", "job-raw", "What the CLIs of a job printed", "text/plain"),
    ("aimux://jobs/{id}/why", "job-why", "Which rules ended a job, step by step", _JSON_TYPE),
    (
        "aimux://jobs/{id}/replay",
        "job-replay",
        "Whether what the CLIs of a job printed reads today as it was kept",
        _JSON_TYPE,
    ),
    ("aimux://jobs/{id}/audit.md", "audit-report", "What an audit found", "text/markdown"),
    (
        "aimux://jobs/{id}/audit.sarif",
        "audit-sarif",
        "What an audit found, as SARIF 2.1.0",
        "application/sarif+json",
    ),
    ("aimux://sessions/{id}", "session", "A conversation and its jobs", _JSON_TYPE),
    (
        "aimux://investigations/{id}",
        "investigation",
        "An investigation as a page: its report as it stands",
        "text/markdown",
    ),
    (
        "aimux://clis/{name}",
        "cli",
        "One CLI: state, version, how hard its read mode is",
        _JSON_TYPE,
    ),
    ("aimux://roles/{name}", "role", "One role: route, mode and instructions", _JSON_TYPE),
    ("aimux://usage/{since}", "usage-since", "What turns have used since a day", _JSON_TYPE),
    ("aimux://ended/{since}", "ended", "The jobs that have ended since a time", _JSON_TYPE),
    ("aimux://schemas/{tool}", "schema", "What a tool takes and answers, in full", _JSON_TYPE),
)


def templates() -> list[dict[str, object]]:
    """The resource templates as `resources/templates/list` shows them."""
    return [
        {"uriTemplate": uri, "name": name, "description": said, "mimeType": kind}
        for uri, name, said, kind in TEMPLATES
    ]
