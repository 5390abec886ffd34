"""Every state in which an answer can leave its caller, by tool: the one table.

A policy takes its `state` from here. `status` shows jobs of other tools and says their states; what
it has of its own is the view of one turn. `step_N` stands for every number.
"""

from collections.abc import Mapping
from typing import Final

_JOB: Final[Mapping[str, str]] = {
    "queued": "it waits for a slot",
    "running": "it is at work and was handed over",
    "asks": "a CLI of it waits for an answer",
    "completed": "it did what was wanted",
    "partial": "some of it is there, and something failed",
    "failed": "it came to nothing",
    "cancelled": "somebody ended it",
    "timed_out": "its time was over",
    "aborted": "the server died under it",
}
_PLANNED: Final[Mapping[str, str]] = {"planned": "dry_run: nothing was started"}
_REFUSED: Final[Mapping[str, str]] = {"refused": "the call was not served: see error"}
_SEATED: Final = {**_JOB, **_PLANNED, **_REFUSED}

STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "exec": {
        **_SEATED,
        "offers_changes": "it may only read and would make changes",
        "landed": "the change of a pair is in the files",
        "not_landed": "there is a change, and it is not in the files",
    },
    "background": {**_JOB, **_REFUSED, "offers_changes": "it may only read and would write"},
    "status": {"turn": "one turn of a job is shown", **_REFUSED},
    "sessions": {
        "list": "sessions are listed",
        "info": "one session is shown, with its jobs",
        "answer": "a question was answered",
        "cancel": "a job was ended, or had ended",
        "kill": "a session's job was ended at once, or there was none",
        "gc": "old ones were removed, or counted",
        "reset": "a CLI is asked again",
        "health": "somebody is ready",
        "no_cli": "nobody is ready",
        **_REFUSED,
    },
    "consensus": {
        **_SEATED,
        "synthesis_lost": "the answers are there, the text that puts them together is not",
        "no_quorum": "too few answered",
    },
    "audit": _SEATED,
    "dialog": _SEATED,
    "debate": _SEATED,
    "workflow": _SEATED,
    "think": {
        "complete": "nothing is left to do",
        "needs_input": "fields are missing: data.needs says which",
        "blocked": "what the step stands on is missing",
        "session_started": "the first step of a session is taken",
        "step_N": "the Nth step of a session is taken",
        **_SEATED,
    },
    "investigate": {
        "notebook_ready": "it is open: areas may be looked at",
        "report_ready": "the report is final",
        "report_preliminary": "the report has gaps",
        "report_incomplete_forced": "the report was wanted although it has gaps",
        "report_blocked": "there is nothing to report",
        "delegate_running": "CLIs look into it",
        "delegate_completed": "CLIs have looked into it",
        "delegate_failed": "CLIs could not look into it",
        "delegate_cancelled": "somebody ended their looking",
        "list": "investigations are listed",
        "recall": "earlier ones were searched",
        **_REFUSED,
    },
    "deepresearch": {
        **_JOB,
        **_REFUSED,
        "cached": "a kept answer was given again",
        "fallback": "a CLI answered of what it knows",
    },
    "agents": {
        **_SEATED,
        "listed": "who there is",
        "found": "who fits a task",
        "shown": "one of them",
    },
}
