"""What is listed: schemas, aliases, and the parameters that the code behind them reads."""

import importlib
import inspect
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jsonschema

from aimux.errors import AimuxError
from aimux.model import Role
from aimux.tools import TOOLS, ToolCall
from aimux.tools._context import ToolModule
from aimux.tools.catalog import listed, templates

from ..engine.house import ROLES, Heard, House, answers, open_house
from .calls import Clock


def test_the_list_is_what_the_catalogue_says() -> None:
    """Names, schemas, annotations; schemas are valid and within what hosts take."""
    for tool in listed():
        assert tool["name"] in TOOLS
        for key in ("inputSchema", "outputSchema"):
            jsonschema.Draft202012Validator.check_schema(tool[key])  # type: ignore[arg-type]
            text = json.dumps(tool[key])
            assert not any(word in text for word in ("$ref", "oneOf", "anyOf", "allOf"))
        schema = tool["inputSchema"]
        is_open = schema["additionalProperties"]  # type: ignore[index]
        assert is_open is (tool["name"] == "think")  # its patterns check their fields
        assert tool["annotations"]["title"] == tool["title"]  # type: ignore[index]
    assert templates()[0]["uriTemplate"] == "aimux://jobs/{id}"


def test_the_list_costs_what_it_may() -> None:
    """At most 60 kB on the wire, whatever is told of each tool."""
    assert len(json.dumps(listed(), separators=(",", ":"), ensure_ascii=False).encode()) < 60_000


def test_aliases_lead_to_parameters_and_hide_none() -> None:
    """An alias is no parameter of its own and means one that exists."""
    for tool in TOOLS.values():
        properties = tool.input_schema["properties"]
        assert isinstance(properties, dict)
        assert set(tool.aliases.values()) <= properties.keys()
        assert properties.keys().isdisjoint(tool.aliases)


def test_every_tool_has_a_module_that_states_both_ways_to_answer() -> None:
    """`answer` waits; `answer_nowait` does not, and is None where a tool always waits."""
    for tool in TOOLS.values():
        module = importlib.import_module(tool.module)
        assert isinstance(module, ToolModule)
        both = [each for each in (module.answer, module.answer_nowait) if each is not None]

        assert inspect.iscoroutinefunction(module.answer)
        assert not inspect.iscoroutinefunction(module.answer_nowait)
        assert all(list(inspect.signature(each).parameters) == ["context", "call"] for each in both)


STEP = {"tool": "status", "arguments": {"job_id": "job_0"}}


class TrackedArguments(dict[str, object]):
    """Arguments that remember which of them were read."""

    def __init__(self, given: Mapping[str, object]) -> None:
        super().__init__(given)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> Any:
        self.read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)


async def reads(house: House, tool: str, **arguments: object) -> set[str]:
    """The arguments that a tool's own code reads."""
    context = (await house.app.ready()).context
    given = TrackedArguments(arguments)
    call = ToolCall(name=tool, arguments=given, client=house.client, caller=Heard())
    module = importlib.import_module(TOOLS[tool].module)
    assert isinstance(module, ToolModule)
    try:
        if module.answer_nowait is not None:
            module.answer_nowait(context, call)
        await module.answer(context, call)
    except AimuxError:
        pass
    return given.read


async def test_every_declared_parameter_is_read_and_no_other(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The schemas and the code behind them name the same parameters."""
    roles = {**ROLES, "analyze": Role(name="analyze"), "research": Role(name="research")}
    async with open_house(tmp_path, lambda _: answers(), roles=roles) as house:
        job = await house.run()
        seen = {
            "exec": await reads(house, "exec", prompt="p"),
            "status": await reads(house, "status", job_id=job.id),
            "sessions": set[str](),
            "consensus": await reads(house, "consensus", prompt="p", cwd=str(tmp_path)),
            "deepresearch": await reads(house, "deepresearch", topic="t"),
            "audit": await reads(house, "audit", rules_only=False),
            "workflow": await reads(house, "workflow", steps=[STEP]),
            "think": await reads(house, "think", pattern="think", thought="t"),
            "dialog": await reads(house, "dialog", prompt="p"),
            "debate": await reads(house, "debate", topic="p"),
            "agents": await reads(house, "agents", action="run", prompt="p", cwd=str(tmp_path)),
            "background": await reads(house, "background", prompt="p", cwd=str(tmp_path)),
        }
        # what it passes on is read by the tool it stands on
        seen["background"] |= seen["exec"] & TOOLS["background"].input_schema["properties"].keys()  # type: ignore[attr-defined]
        for action in ("list", "info", "answer", "retry", "cancel", "kill", "gc", "health"):
            seen["sessions"] |= await reads(house, "sessions", action=action)
        own = {"session_id": job.session_id, "job_id": job.id}
        for action in ("info", "answer", "retry"):
            seen["sessions"] |= await reads(house, "sessions", action=action, **own)

        begun = await house.ask("investigate", question="why?")
        inv = begun["result"]["session_id"]
        said: dict[str, object] = {"session_id": inv, "description": "so it is", "source": "seen"}
        seen["investigate"] = await reads(house, "investigate", question="why?")
        for action in ("finding", "note", "assess", "report", "status", "list", "recall", "auto"):
            call = {"action": action, "question": "why?", "cwd": str(tmp_path), **said}
            seen["investigate"] |= await reads(house, "investigate", **call)

    for name, tool in TOOLS.items():
        properties = tool.input_schema["properties"]
        assert isinstance(properties, dict)
        where = {"cwd", "session_id"}  # where to work is found in one way for all
        assert seen[name] | where == properties.keys() | where, name
