"""The shipped prompts: what each promises, and that every call in them can be sent."""

import functools
import json
import pathlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import jsonschema
import pytest

from aimux.config import ClientContext, Loader, Snapshot
from aimux.think import choices, schema_for
from aimux.tools import TOOLS
from aimux.tools.catalog import PROMPTS

from ..engine.house import House, open_house
from .calls import Clock

CALL: Final = re.compile(r"^```json\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
RICH: Final = (
    'it\'s "broken": {{ args }} {% for %}\n```json\n{"tool": "exec"}\n```\n'
    "C:\\temp\\new | ünïcödé 😀 \x1b[31m $(rm -rf /) <b>"
)
TYPICAL: Final[Mapping[str, str]] = {
    "error": "TypeError: 'NoneType' object is not subscriptable",
    "scope": "staged",
    "cwd": "src",
    "topic": "Why does the query get slow under load?",
    "question": "Should we use SQLite or Postgres?",
    "task": "Write tests for the parser",
    "feature": "a retry with backoff",
    "goal": "fix the crash at start",
    "task_description": "review the login for vulnerabilities",
}
KINDS: Final = (
    *("audit for vulnerabilities", "review the quality", "refactor the store"),
    *("compare the queues", "look around"),
)
CLIS: Final = {"none": [], "one": ["codex"], "all": None}


@functools.cache
def shipped() -> Snapshot:
    """The shipped configuration, profiles and roles."""
    return Loader().load(ClientContext(cwd=pathlib.Path("/nowhere"), env={"HOME": "/nowhere"}))


@asynccontextmanager
async def machine(tmp_path: pathlib.Path, clis: str = "all") -> AsyncIterator[House]:
    """A machine with none of the CLIs, one or all."""
    profiles = list(shipped().profiles.values())
    installed = CLIS[clis]
    async with open_house(
        tmp_path, profiles=profiles, installed=installed, roles=shipped().roles
    ) as house:
        yield house


async def get(house: House, name: str, **arguments: str) -> str:
    """The text of a prompt."""
    prompts = (await house.app.ready()).prompts
    found: Any = await prompts.get(house.client, name, arguments)
    (message,) = found["messages"]
    assert message["role"] == "user"
    text = message["content"]["text"]
    assert isinstance(text, str)
    return text


def calls_in(text: str) -> list[dict[str, Any]]:
    """Every call that a prompt says to make."""
    return [json.loads(each) for each in CALL.findall(text)]


def check_call(call: Mapping[str, Any]) -> None:
    """A call holds the schema of its tool, and of its pattern or its steps."""
    assert set(call) == {"tool", "arguments"}
    tool, arguments = TOOLS[call["tool"]], call["arguments"]
    jsonschema.Draft202012Validator(tool.input_schema).validate(arguments)
    if tool.name == "think":
        pattern = choices()[arguments["pattern"]]
        fields = {key: value for key, value in arguments.items() if key != "pattern"}
        fields.pop("prompt", None)
        jsonschema.Draft202012Validator(schema_for(pattern)).validate(fields)
    if tool.name == "workflow":
        for step in arguments["steps"]:
            assert step["tool"] in TOOLS
            schema = TOOLS[step["tool"]].input_schema
            jsonschema.Draft202012Validator(schema).validate(step["arguments"])


def arguments_of(prompt: Mapping[str, Any], data: str) -> list[dict[str, str]]:
    """Sets of arguments: only what is required, usual ones, strange ones."""
    listed = prompt.get("arguments", [])
    plain = [each["name"] for each in listed if each["name"] in TYPICAL]
    match data:
        case "empty":
            return [{each["name"]: "x" for each in listed if each["required"]}]
        case "typical":
            usual = {name: TYPICAL[name] for name in plain}
            kinds = KINDS if {"goal", "question"} & set(plain) else ()
            return [usual, *({**usual, plain[0]: kind} for kind in kinds)]
        case _:
            return [dict.fromkeys(plain, RICH), dict.fromkeys(plain, "y" * 16_384)]


@pytest.mark.requirement("prompts:calls")
@pytest.mark.parametrize("clis", CLIS)
async def test_every_call_in_every_prompt_holds_its_schema(
    clis: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """With whatever arguments, and with no CLI, one or all of them."""
    counted = 0
    async with machine(tmp_path, clis) as house:
        for prompt in PROMPTS:
            for data in ("empty", "typical", "rich"):
                for arguments in arguments_of(prompt, data):
                    text = await get(house, str(prompt["name"]), **arguments)
                    calls = calls_in(text)
                    for call in calls:
                        check_call(call)
                    counted += len(calls)
                    assert "\x1b" not in text
                    if data != "rich":
                        assert "{{ " not in text
                        assert "{%" not in text

    assert counted > 100
