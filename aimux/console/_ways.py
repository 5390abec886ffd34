"""What a server tells a client to call, as what a person at a terminal types."""

import re
from typing import Final

# the first that fits is taken at each place
_WAYS: Final = (
    (
        r"sessions\(action=list, status=all\) shows what there is",
        "aimux ps -a lists jobs, aimux sessions conversations",
    ),
    (r"sessions action=list status=active", "aimux ps"),
    (r"sessions\(action=info, session_id=…\) lists its jobs", "aimux show tells of its latest job"),
    (r"sessions\(action=health\)", "aimux doctor"),
    (r"sessions\(action=cancel\)", "aimux cancel"),
    (r"sessions\(action=reset, cli=([\w-]+)\); in a terminal: ", ""),
    (
        r"status\(job_id\) shows `question` while a CLI waits for an answer",
        "aimux answer JOB says what its CLI asks, if it does",
    ),
    (r"status\(job_id=(job_\w+), wait_seconds=\d+\)", r"aimux attach \1"),
    (r"status without turn lists them", "aimux show without --turn lists them"),
    (r"wait for it with status\b", "wait for it with aimux attach"),
    (r"status\(job_id=…\) tells of it, and of its session if it has one", "aimux show tells of it"),
    (r"think\(action=(\w+)\)", r"aimux think --action \1"),
    (r"think\(session_id=…\)", "aimux think -s"),
    (r"think\(pattern=(\w+)\)", r"aimux think \1"),
    (r"investigate\(action=list\)", "aimux investigate --list"),
    (r"investigate\(session_id=…\)", "aimux investigate -s"),
    (r"agents\(action=(\w+)\)", r"aimux agents \1"),
    (r"agents action=(\w+)", r"aimux agents \1"),
    (r"all_projects=true", "-a"),
    (r"\bpair=false\b", "aimux run"),
    (r"\b(pair|dirty|consensus)=true\b", r"--\1"),
    (r"\b(mode|role|cli|model|effort)=([\w-]+)", r"--\1 \2"),
)
_COMPILED: Final = tuple((re.compile(pattern), way) for pattern, way in _WAYS)


def at_a_terminal(said: str) -> str:
    """A hint of the server in the words of commands; anything else stays as it is."""
    for pattern, way in _COMPILED:
        said = pattern.sub(way, said)
    return said
