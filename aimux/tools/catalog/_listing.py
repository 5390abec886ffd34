"""The tools in the order in which clients see them."""

from collections.abc import Mapping
from typing import Final

from ._audit import AUDIT
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
)
TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in _ALL}


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
