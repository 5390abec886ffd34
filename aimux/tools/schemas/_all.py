"""Each tool's whole output schema: one of the answers that it can give."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from aimux.errors import NotFound
from aimux.tools.catalog import TOOLS, Schema

from ._notes import notebook, run_data, think_alone, think_data
from ._others import (
    AGENT_ROW,
    agent_data,
    agents_shown,
    background_data,
    research_data,
    selection,
    sessions,
    workflow_data,
)
from ._panels import audit, consensus, debate, dialog, pair
from ._results import EVENTS, SEATS_PLAN, job, planned, refused, turn
from ._shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    closed,
    list_of,
    open_object,
    optional,
    texts,
    word,
)

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def _exec() -> list[Schema]:
    candidate = closed(
        {"cli": TEXT, "model": optional(TEXT), "why": TEXT},
        {
            "argv": texts(),
            "env_names": texts(),
            "prompt_way": TEXT,
            "effort": optional(TEXT),
            "read_strength": TEXT,
            "terminal": FLAG,
            "stop": closed({"signal": TEXT, "grace_seconds": NUMBER}),
            "warnings": list_of(closed({"code": TEXT, "message": TEXT})),
            "error": open_object("why this one could not be run"),
        },
    )
    plan = closed(
        {
            "candidates": list_of(candidate),
            "skipped": list_of(closed({"cli": TEXT, "reason": TEXT})),
            "cwd": TEXT,
            "deadline_seconds": NUMBER,
            "prompt_bytes": COUNT,
            "platform": TEXT,
        }
    )
    own: Schema = {"description": "the answer as JSON where a schema was given, else null"}
    single = job(own)
    # a pair has no session, a run of one CLI has one
    single["properties"]["session_id"] = TEXT  # type: ignore[index]  # an object's
    paired = job(optional(pair()))
    paired["properties"]["session_id"] = NULL  # type: ignore[index]
    return [single, paired, planned(plan), planned(closed(SEATS_PLAN)), refused()]


def _seats(data: Schema) -> list[Schema]:
    return [job(optional(data)), planned(closed(SEATS_PLAN)), refused()]


def _status() -> list[Schema]:
    said: Schema = {"description": "as aimux://schemas of the tool that made the job says"}
    return [job(said, {"events_list": EVENTS}), turn(), refused()]


def _agents() -> list[Schema]:
    plan = closed({**SEATS_PLAN, "agent": closed(AGENT_ROW), "selection": selection()})
    return [job(optional(agent_data())), agents_shown(), planned(plan), refused()]


def _workflow() -> list[Schema]:
    plan = closed(
        {
            "waves": list_of(texts()),
            "steps": list_of(closed({"id": TEXT, "tool": TEXT, "needs": texts()})),
            "cwd": TEXT,
            "deadline_seconds": NUMBER,
        }
    )
    return [job(optional(workflow_data())), planned(plan), refused()]


def _think() -> list[Schema]:
    alone = closed(
        {
            "mode": word(("solo",)),
            "reason": TEXT,
            "seats": list_of(ANYTHING) | {"maxItems": 0},
            "phases": texts(),
            "turns": COUNT,
        }
    )
    asked = job(optional(think_data()))
    return [think_alone(), asked, planned(alone), planned(closed(SEATS_PLAN)), refused()]


def _investigate() -> list[Schema]:
    run = job(optional(run_data()))
    properties, required = run["properties"], run["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    del properties["guidance"]
    required.remove("guidance")
    return [*notebook(run), refused()]


_ANSWERS: Final[Mapping[str, Callable[[], list[Schema]]]] = {
    "exec": _exec,
    "status": _status,
    "sessions": lambda: [*sessions(job(ANYTHING)), refused()],
    "consensus": lambda: _seats(consensus()),
    "audit": lambda: _seats(audit()),
    "dialog": lambda: _seats(dialog()),
    "debate": lambda: _seats(debate()),
    "workflow": _workflow,
    "think": _think,
    "investigate": _investigate,
    "deepresearch": lambda: [job(optional(research_data())), refused()],
    "agents": _agents,
    "background": lambda: [job(background_data()), refused()],
}


@cache
def output_schema(tool: str) -> Schema:
    """What `structuredContent` of a tool can be.

    Raises:
        NotFound: there is no such tool.
    """
    answers = _ANSWERS.get(tool)
    if answers is None:
        raise NotFound(f"no tool {tool[:80]}; tools: {', '.join(TOOLS)}", code="tool_unknown")
    return {
        "$schema": DRAFT,
        "title": f"the answers of {tool}",
        "type": "object",
        "anyOf": answers(),
    }


def schemas_of(tool: str) -> dict[str, object]:
    """A tool's input schema and the whole schema of its output.

    Raises:
        NotFound: there is no such tool.
    """
    output = output_schema(tool)
    return {"tool": tool, "inputSchema": TOOLS[tool].input_schema, "outputSchema": output}
