"""Every step that any answer proposes can be sent: through the schema and the tool's own checks."""

import pathlib
import re
from typing import Any, Final

import pytest

from aimux.errors import AimuxError, NotFound
from aimux.guidance import STATES
from aimux.tools import TOOLS

from ..engine.house import House, answers, open_house
from .samples import CASES, guided
from .test_policies import sendable

# where one step, or none, is all that there is to do: the reason
FEW: Final[dict[tuple[str, str], str]] = {
    ("exec", "planned"): "an exec never repeats its prompt",
    ("sessions", "list"): "one of them is looked at, or the next page",
    ("sessions", "answer"): "the job goes on; it is waited for",
    ("sessions", "reset"): "nothing was asked of anybody",
    ("sessions", "no_cli"): "nobody can be asked before somebody is installed",
    ("agents", "listed"): "who fits is told by the task, which only the caller has",
    ("agents", "shown"): "the task is the caller's",
    ("think", "complete"): "nothing is left to do; CLIs may be asked",
    ("think", "needs_input"): "what is missing only the caller or CLIs can say",
    ("think", "list"): "one of them is looked at, or the next page",
    ("think", "delete"): "what is left is looked at",
    ("think", "blocked"): "the message says what it stands on",
    **{(tool, "planned"): "the plan is carried out or not" for tool in STATES},
    **{(tool, "refused"): "the way out is in the error" for tool in STATES},
}
PLACEHOLDER: Final = re.compile(r"<[^>]*>|\.\.\.|…|\byour\b|\bTODO\b|\{\{", re.IGNORECASE)


@pytest.mark.parametrize(("tool", "state"), CASES)
def test_every_state_of_every_tool_is_guided(tmp_path: pathlib.Path, tool: str, state: str) -> None:
    """By its own name, with steps that say when, and with more than one where there is more."""
    found = list(guided(tool, state, str(tmp_path)))

    assert found
    for guidance in found:
        assert re.fullmatch(state.replace("N", "[0-9]+"), guidance["state"])
        assert sendable(guidance)
        assert len(guidance["next"]) >= (0 if (tool, state) in FEW else 2), guidance
        for step in guidance["next"]:
            assert not PLACEHOLDER.search(str(step["arguments"])), step
            assert all(each != "" for each in step["arguments"].values()), step


def test_the_guide_tells_of_every_state() -> None:
    """Each word of the table is explained where people read."""
    page = (pathlib.Path(__file__).parents[2] / "docs/guide/next-steps.md").read_text("utf-8")
    words = {state for states in STATES.values() for state in states}

    assert sorted(word for word in words if f"`{word}`" not in page) == []


def test_the_table_names_the_tools() -> None:
    """All of them, and no state that the policies do not know."""
    assert STATES.keys() == TOOLS.keys()
    assert FEW.keys() <= {(tool, state) for tool in TOOLS for state in [*STATES[tool], "planned"]}


async def refusal(house: House, step: dict[str, Any]) -> object:
    """Why a step is refused; None if it is not. What can be planned is not started."""
    tool, arguments = step["tool"], step["arguments"]
    properties = TOOLS[tool].input_schema["properties"]
    assert isinstance(properties, dict)
    is_plan = "dry_run" in properties and tool not in ("sessions", "think")
    try:
        body = await house.ask(tool, **arguments, **({"dry_run": True} if is_plan else {}))
    except NotFound:  # the ids are made up
        return None
    except AimuxError as error:
        return error
    return (body.get("error") or {}).get("problems")


@pytest.mark.parametrize("tool", STATES)
async def test_what_is_proposed_passes_the_checks_of_its_tool(
    tmp_path: pathlib.Path, autojump_clock: object, tool: str
) -> None:
    """Sent to the tools themselves, nothing is refused but ids that are not there."""
    sent: dict[str, object] = {}
    async with open_house(tmp_path, lambda spec: answers("It is so.", native="n")) as house:
        for state in STATES[tool]:
            for guidance in guided(tool, state, str(house.work)):
                for step in guidance["next"]:
                    if str(step) not in sent:
                        sent[str(step)] = await refusal(house, step)

    assert sent
    assert {step: why for step, why in sent.items() if why is not None} == {}
