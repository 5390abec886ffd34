"""The tools in the order in which clients see them."""

from collections.abc import Mapping
from typing import Final

from ._agents import AGENTS
from ._audit import AUDIT
from ._background import BACKGROUND
from ._classes import CLASSES
from ._consensus import CONSENSUS
from ._debate import DEBATE
from ._deepresearch import DEEPRESEARCH
from ._dialog import DIALOG
from ._exec import EXEC
from ._investigate import INVESTIGATE
from ._sessions import SESSIONS
from ._status import STATUS
from ._think import THINK
from ._tool import Tool
from ._workflow import WORKFLOW

_ALL: Final = (
    EXEC,
    STATUS,
    SESSIONS,
    CONSENSUS,
    AUDIT,
    DIALOG,
    DEBATE,
    WORKFLOW,
    THINK,
    INVESTIGATE,
    DEEPRESEARCH,
    AGENTS,
    BACKGROUND,
)
TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in _ALL}
CLASSES_KEY: Final = "aimux/classes"  # in `_meta`: what each action does to its caller's time
LONG_RUNNING: Final = "longRunningHint"  # beside the protocol's own hints
# names that a call may bear and no list shows: the tool that is meant, and what the name says
CALL_NAMES: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "agent": ("agents", {"action": "run"}),
}


def meant(name: str, arguments: dict[str, object]) -> tuple[str, dict[str, object]]:
    """A call under the name that is listed, with what its own name said already."""
    tool, said = CALL_NAMES.get(name, (name, {}))
    return tool, {**said, **arguments}


def listed() -> list[dict[str, object]]:
    """The tools as `tools/list` shows them to the newest revision, in a fixed order."""
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "outputSchema": tool.output_schema,
            "annotations": {**tool.annotations, LONG_RUNNING: is_long_running(tool.name)},
            "execution": {"taskSupport": tool.task_support},
            "_meta": {CLASSES_KEY: dict(CLASSES[tool.name])},
        }
        for tool in TOOLS.values()
    ]


def is_long_running(tool: str) -> bool:
    """Whether a tool has an action that makes a job of CLI turns."""
    return "async_mandatory" in CLASSES[tool].values()
