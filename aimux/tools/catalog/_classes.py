"""The class of each action, compiled from profiles/tool-classes.yaml by make_classes.

It is on the path to the first answer, where no YAML is read. The engine compares the
two when it opens.
"""

from collections.abc import Mapping
from typing import Final

DIGEST: Final = "609f1edbb3804d57"  # of the file
CLASSES: Final[Mapping[str, Mapping[str, str]]] = {
    "exec": {
        "run": "async_mandatory",
        "pair": "async_mandatory",
        "plan": "sync_ok",
    },
    "status": {
        "run": "sync_ok",
    },
    "sessions": {
        "list": "sync_ok",
        "info": "sync_ok",
        "answer": "sync_ok",
        "retry": "async_mandatory",
        "cancel": "sync_ok",
        "kill": "sync_ok",
        "gc": "sync_ok",
        "reset": "sync_ok",
        "health": "sync_ok",
    },
    "consensus": {
        "run": "async_mandatory",
        "plan": "sync_ok",
    },
    "audit": {
        "run": "async_mandatory",
        "plan": "sync_ok",
    },
    "dialog": {
        "run": "async_mandatory",
        "plan": "sync_ok",
    },
    "debate": {
        "run": "async_mandatory",
        "plan": "sync_ok",
    },
    "workflow": {
        "run": "async_mandatory",
        "plan": "sync_ok",
    },
    "think": {
        "solo": "sync_ok",
        "consensus": "async_mandatory",
        "auto": "async_mandatory",
        "start": "sync_ok",
        "step": "sync_ok",
        "finalize": "sync_ok",
        "list": "sync_ok",
        "get": "sync_ok",
        "delete": "sync_ok",
        "plan": "sync_ok",
    },
    "investigate": {
        "start": "sync_ok",
        "finding": "sync_ok",
        "note": "sync_ok",
        "assess": "sync_ok",
        "report": "sync_ok",
        "status": "sync_ok",
        "list": "sync_ok",
        "recall": "sync_ok",
        "auto": "async_mandatory",
    },
    "deepresearch": {
        "run": "async_mandatory",
    },
    "agents": {
        "run": "async_mandatory",
        "find": "sync_ok",
        "list": "sync_ok",
        "info": "sync_ok",
        "plan": "sync_ok",
    },
    "background": {
        "run": "async_mandatory",
    },
}
