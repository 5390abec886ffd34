"""Every state in which an answer can leave its caller, by tool: the one table.

A policy takes its `state` from here. `status` shows jobs of other tools and says their states; what
it has of its own is the view of one turn. `step_N` stands for every number.
"""

from collections.abc import Mapping
from typing import Final

_LIVE: Final[Mapping[str, str]] = {
    "queued": "it waits for a slot",
    "running": "it is at work and was handed over",
    "asks": "a CLI of it waits for an answer",
}
_ENDED: Final[Mapping[str, str]] = {
    "completed": "it did what was wanted",
    "partial": "some of it is there, and something failed",
    "failed": "it came to nothing",
    "cancelled": "somebody ended it",
    "aborted": "the server died under it",
}
_PLANNED: Final[Mapping[str, str]] = {"planned": "dry_run: nothing was started"}
_REFUSED: Final[Mapping[str, str]] = {"refused": "the call was not served: see error"}
# a strategy tells its end before its time is over; what is one conversation is cut off
_LATE: Final[Mapping[str, str]] = {"timed_out": "its time was over"}
_SEATED: Final = {**_LIVE, **_ENDED, **_PLANNED, **_REFUSED}
_OFFERS: Final[Mapping[str, str]] = {"offers_changes": "it may only read and would make changes"}


def _without(states: Mapping[str, str], *names: str) -> Mapping[str, str]:
    return {state: told for state, told in states.items() if state not in names}


STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "exec": {
        **_SEATED,
        **_LATE,
        **_OFFERS,
        "landed": "the change of a pair is in the files",
        "not_landed": "there is a change, and it is not in the files",
    },
    "background": {**_without(_SEATED, "planned"), **_LATE, **_OFFERS},
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
        "verifying": "logins are being tried, and some have not answered yet",
        **_REFUSED,
    },
    "consensus": {
        **_without(_SEATED, "failed"),
        "synthesis_lost": "the answers are there, the text that puts them together is not",
        "no_quorum": "too few answered",
    },
    "audit": _SEATED,
    "dialog": _SEATED,
    "debate": _SEATED,
    "workflow": _without(_SEATED, "asks"),  # its steps are jobs of their own, and ask
    "think": {
        "complete": "nothing is left to do",
        "needs_input": "fields are missing: data.needs says which",
        "blocked": "what the step stands on is missing",
        "session_started": "the first step of a session is taken",
        "step_N": "the Nth step of a session is taken",
        "list": "sessions of thinking are listed",
        "get": "one of them is shown, with its steps",
        "delete": "one of them is gone",
        **_without(_SEATED, "failed"),  # thinking alone is there whatever becomes of CLIs
    },
    "investigate": {
        "notebook_ready": "it is open: areas may be looked at",
        "report_ready": "the report is final",
        "report_preliminary": "the report has gaps",
        "report_incomplete_forced": "the report was wanted although it has gaps",
        "report_blocked": "there is nothing to report",
        "delegate_running": "CLIs look into it",
        "asks": "one of them waits for an answer",
        "delegate_completed": "CLIs have looked into it",
        "delegate_failed": "CLIs could not look into it",
        "delegate_cancelled": "somebody ended their looking",
        "list": "investigations are listed",
        "recall": "earlier ones were searched",
        **_REFUSED,
    },
    "deepresearch": {
        **_without(_SEATED, "planned"),
        **_LATE,
        "cached": "a kept answer was given again",
        "fallback": "a CLI answered of what it knows",
    },
    "agents": {
        **_SEATED,
        **_LATE,
        "listed": "who there is",
        "found": "who fits a task",
        "shown": "one of them",
    },
}
