"""`data` of the other jobs, what `agents` tells without one, and the actions of `sessions`."""

from typing import Final

from aimux.engine import CliState
from aimux.model import JobStatus, ResearchProvider
from aimux.rules import BreakerState, Wellness
from aimux.rules.agents import AgentEnd
from aimux.tools.catalog import Schema

from ._notes import THOUGHT, WHOLE_THOUGHT
from ._results import FAILURE, GUIDANCE, MODE, STATUS, WARNINGS
from ._shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    closed,
    list_of,
    map_of,
    of_class,
    open_object,
    optional,
    texts,
    word,
)

_NAME: Final = optional(TEXT)
_WORDS: Final = {"id": TEXT, "score": NUMBER, "words": texts()}


# ------------------------------------------------------------------------------------ agents

AGENT_ROW: Final = {
    "id": TEXT,
    "description": TEXT,
    "role": _NAME,
    "mode": optional(MODE),
    "domain": _NAME,
    "source": TEXT,
    "host": TEXT,
}


def selection() -> Schema:
    """How an agent was chosen; null where it was named."""
    return optional(
        closed(
            {
                "chosen": TEXT,
                "why": TEXT,
                "fallback": FLAG,
                "runner_up": _NAME,
                "ranked": list_of(closed(_WORDS)),
            }
        )
    )


def agent_data() -> Schema:
    """What a run of an agent came to."""
    return closed(
        {
            "agent": closed({"id": TEXT, "source": TEXT, "host": TEXT, "origin": TEXT}),
            "selection": selection(),
            "stopped_by": word(AgentEnd),
            "turns_used": COUNT,
            "max_turns": COUNT,
        }
    )


def agents_shown() -> Schema:
    """What `list`, `find` and `info` tell: nobody was run."""
    problems = {"problems": texts()}
    whole = closed(
        {
            **AGENT_ROW,
            "name": TEXT,
            "when": _NAME,
            "keywords": texts(),
            "cli": _NAME,
            "model": _NAME,
            "effort": _NAME,
            "tools": texts(),
            "max_turns": optional(COUNT),
            "timeout_seconds": optional(NUMBER),
            "origin": TEXT,
            "replaces": texts(),
            "instructions": TEXT,
        }
    )
    listed = closed({"agents": list_of(closed(AGENT_ROW)), "count": COUNT, **problems})
    found = closed(
        {
            "query": TEXT,
            "matches": list_of(closed({**AGENT_ROW, **_WORDS})),
            "count": COUNT,
            "would_run": _NAME,
            **problems,
        }
    )
    return closed(
        {
            "job_id": NULL,
            "session_id": NULL,
            "status": {"const": "completed"},
            "content": TEXT,
            "data": {"anyOf": [listed, found, closed({"agent": whole, **problems})]},
            "content_length": COUNT,
            "truncated": FLAG,
            "warnings": WARNINGS,
            "error": NULL,
            "guidance": GUIDANCE,
        }
    )


# ------------------------------------------------------------------------------------ other jobs


def background_data() -> Schema:
    """Where a job in the background stands and how to ask for it."""
    return closed(
        {
            "role": _NAME,
            "role_inferred": FLAG,
            "why": _NAME,
            "position": optional(COUNT),
            "status": closed(
                {
                    "tool": {"const": "status"},
                    "arguments": closed({"job_id": TEXT, "wait_seconds": NUMBER}),
                }
            ),
        }
    )


def research_data() -> Schema:
    """A report with its sources, and where it is from."""
    return closed(
        {
            "report": TEXT,
            "sources": list_of(
                closed({"title": TEXT, "url": TEXT, "cited_at": list_of(list_of(COUNT))})
            ),
            "queries": texts(),
            "grounded": FLAG,
            "cached": FLAG,
            "cache_key": TEXT,
            "provider": word(ResearchProvider),
            "model": _NAME,
            "files": list_of(closed({"path": TEXT, "mime": TEXT, "bytes": COUNT, "sha256": TEXT})),
            "interaction_id": _NAME,
            "made_at": TEXT,
            "age_seconds": COUNT,
        },
        {"fallback_cli": _NAME, "json": ANYTHING},
    )


def workflow_data() -> Schema:
    """The steps, what became of each, and where it can be resumed."""
    output = closed({"content": TEXT, "truncated": FLAG, "data": ANYTHING})
    step = closed(
        {
            "id": TEXT,
            "tool": TEXT,
            "needs": texts(),
            "status": word(("completed", "partial", "failed", "skipped", "cancelled")),
            "why": _NAME,
            "attempts": COUNT,
            "job_id": _NAME,
            "duration_ms": COUNT,
            "reused": FLAG,
            "output": output,
        }
    )
    return closed(
        {
            "name": TEXT,
            "steps": list_of(step),
            "plan": list_of(texts()),
            "output": _NAME,
            "resumable_from": _NAME,
        }
    )


# ------------------------------------------------------------------------------------ sessions

_SESSION: Final = closed(
    {
        "id": TEXT,
        "status": word(JobStatus),
        "cli": TEXT,
        "kind": TEXT,
        "model": _NAME,
        "mode": MODE,
        "role": _NAME,
        "cwd": TEXT,
        "turns": COUNT,
        "resumable": FLAG,
        "native_id": _NAME,
        "client": _NAME,
        "created_at": TEXT,
        "last_active_at": TEXT,
    },
    {"seats": map_of(open_object("CLI, own session and turns of a seat"))},
)
_JOB_ROW: Final = closed(
    {
        "id": TEXT,
        "parent_id": _NAME,
        "status": STATUS,
        "tool": TEXT,
        "role": _NAME,
        "cli": _NAME,
        "model": _NAME,
        "mode": MODE,
        "prompt_preview": TEXT,
        "content_length": COUNT,
        "error": optional(FAILURE),
        "created_at": TEXT,
        "finished_at": _NAME,
        "duration_ms": optional(COUNT),
    }
)


def health_fields() -> dict[str, Schema]:
    """How everything is: `sessions(action=health)`, and the resource without action."""
    cli = of_class(CliState)
    assert isinstance(cli["properties"], dict)
    known = closed({**cli["properties"], "verified": _NAME, "profile_fault": _NAME})
    breaker = closed(
        {"state": word(BreakerState), "failures": COUNT, "retry_after_seconds": NUMBER}
    )
    return {
        "status": word(Wellness),
        "reasons": texts(),
        "version": TEXT,
        "protocol_versions": texts(),
        "pid": COUNT,
        "started_at": TEXT,
        "uptime_seconds": NUMBER,
        "clis": list_of(known),
        "clis_ready": texts(),
        "breakers": map_of(breaker, "by CLI"),
        "cooldowns": list_of(
            closed({"cli": TEXT, "model": _NAME, "code": TEXT, "seconds_left": NUMBER})
        ),
        "jobs": closed(
            {
                "running": COUNT,
                "queued": COUNT,
                "capacity": COUNT,
                "refused": COUNT,
                "by_status": closed({}, {str(each): COUNT for each in JobStatus}),
            }
        ),
        "turns": closed({"running": COUNT, "waiting": COUNT, "capacity": COUNT}),
        "running_jobs": COUNT,
        "total_sessions": COUNT,
        "clients": map_of(COUNT, "by transport"),
        "store": closed(
            {
                "path": TEXT,
                "waiting": COUNT,
                "works": COUNT,
                "commits": COUNT,
                "biggest_batch": COUNT,
                "errors": COUNT,
                "lost_entries": COUNT,
                "is_failing": FLAG,
            }
        ),
        "traces": closed(
            {
                "is_on": FLAG,
                "sampler": _NAME,
                "problem": _NAME,
                "remedy": _NAME,
                "jobs": closed(
                    {"exported": COUNT, "failed": COUNT, "dropped": COUNT, "waiting": COUNT}
                ),
            }
        ),
        "problems": list_of(
            closed({"severity": TEXT, "where": TEXT, "message": TEXT, "suggestion": _NAME})
        ),
    }


_TRIALS: Final = closed(  # with verify
    {
        "tried": texts(),
        "running": list_of(closed({"cli": TEXT, "job_id": TEXT})),
        "left": texts(),
    }
)


def _action(name: str, fields: dict[str, Schema], more: dict[str, Schema] | None = None) -> Schema:
    whole: dict[str, Schema] = {"action": {"const": name}, **fields, "guidance": GUIDANCE}
    return closed(whole, {"warnings": WARNINGS, **(more or {})})


_FILTERS: Final = closed({}, {"status": TEXT, "cli": TEXT, "kind": TEXT, "limit": COUNT})


def _looks() -> list[Schema]:
    return [
        _action(
            "list",
            {
                "sessions": list_of(_SESSION),
                "count": COUNT,
                "total_sessions": COUNT,
                "totals": closed({}, {str(each): COUNT for each in JobStatus}),
                "running_jobs": COUNT,
                "next_cursor": _NAME,
                "filters": _FILTERS,
            },
        ),
        _action(
            "list",
            {
                "sessions": list_of(closed(THOUGHT)),
                "count": COUNT,
                "total_sessions": COUNT,
                "next_cursor": _NAME,
                "filters": _FILTERS,
            },
        ),
        _action(
            "info",
            {
                "session": {"anyOf": [_SESSION, WHOLE_THOUGHT, NULL]},
                "jobs": list_of(_JOB_ROW),
                "count": COUNT,
                "next_cursor": _NAME,
            },
        ),
    ]


def sessions(retried: Schema) -> list[Schema]:
    """The answer of each action; `retried` is the job that a retry started."""
    properties, required = retried["properties"], retried["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    needed = {name: properties[name] for name in required if name != "guidance"}
    may = {name: each for name, each in properties.items() if name not in required}
    return [
        *_looks(),
        _action(
            "answer",
            {
                "job_id": TEXT,
                "status": STATUS,
                "question": TEXT,
                "cli": TEXT,
                "turn": COUNT,
                "answered": FLAG,
                "open_questions": texts(),
            },
        ),
        _action("retry", {"retried": TEXT, **needed}, may),
        _action(
            "cancel",
            {"job_id": TEXT, "status": STATUS, "cancelled": FLAG, "already_terminal": FLAG},
        ),
        _action(
            "kill",
            {"killed_jobs": texts(), "killed": COUNT, "count": COUNT, "already_terminal": FLAG},
        ),
        _action(
            "gc",
            {
                "dry_run": FLAG,
                "older_than_hours": NUMBER,
                "removed_jobs": COUNT,
                "removed_sessions": COUNT,
                "removed_think_sessions": COUNT,
                "collected": COUNT,
            },
        ),
        _action(
            "reset",
            {
                "cli": TEXT,
                "breaker": word(BreakerState),
                "breaker_was": word(BreakerState),
                "failures_forgotten": COUNT,
                "cooldowns_ended": list_of(_NAME),
                "login_was_refused": _NAME,
            },
        ),
        _action("health", health_fields(), {"verification": _TRIALS}),
    ]
