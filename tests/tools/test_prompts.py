"""The shipped prompts: what each promises, and that every call in them can be sent."""

import functools
import json
import pathlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import jsonschema
import pytest

from aimux.config import ClientContext, Loader, Snapshot
from aimux.errors import InvalidArguments, NotFound
from aimux.think import choices, schema_for
from aimux.tools import TOOLS
from aimux.tools.catalog import PROMPTS

from ..engine.house import House, open_house
from ..packaging.make_prompts import made_rows
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
    prompts = await (await house.app.ready()).prompts()
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


def test_the_list_says_what_the_files_say() -> None:
    """It is made of them; made again it is the same. Thirteen, with a text for each argument."""
    assert made_rows() == PROMPTS
    assert len(PROMPTS) == 13
    for prompt in PROMPTS:
        assert prompt["title"]
        assert prompt["description"]
        listed: Any = prompt.get("arguments", [])
        assert all(each["description"] for each in listed)


PROMISES: Final[Mapping[str, list[str]]] = {
    "debug": ["Phase 1: Reproduce", "Phase 2: Investigate", "Phase 3: Root cause", "Phase 4: Fix",
              "Phase 5: Verify", "What counts as proof"],
    "review": ["Phase 1: Gather the diff", "Phase 2: Review", "Phase 3: Question", "Phase 4: Mend",
               "Correctness, security, performance, maintainability, tests, error handling"],
    "audit": ["Scan", "Triage", "Route", "| P0 |", "| P1 |", "| P2 |", "| P3 |"],
    "security": ["Secrets", "Input validation", "SQL injection", "Authentication", "XSS", "CSRF",
                 "Rate limiting", "Data exposure", "Dependencies", "Custom", "| 10 |"],
    "research": ["Phase 1: Literature", "Phase 2: Comparison", "Phase 3: Adversarial",
                 "Phase 4: Synthesis", "Rules for sources"],
    "consensus": ["Agreement is not correctness", "Phase 3: Test it"],
    "investigate": ["Domain: **performance**", "by the words", "Phase 2: Gather", "Do not:"],
    "delegate": ["Whom to give it to", "TASK, CONTEXT", "DONE WHEN", "Phase 4: Validate"],
    "tdd": ["Phase 1: RED", "Phase 2: GREEN", "Phase 3: IMPROVE", "Phase 4: COVERAGE",
            "it fails by an assertion", "80 %"],
    "workflow": ['"id": "cause"', "dry_run"],
    "agent-exec": ["an agent before `exec`", "| tester |", "**tester**"],
    "guide": ["| `deepresearch` |", "| coding |", "Do not"],
    "background": ['"tool": "background"', "Role: **", "status"],
}  # fmt: skip


@pytest.mark.requirement("prompts:promises")
async def test_each_prompt_holds_what_is_promised_of_it(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Phases, gates, categories, priorities, the tree, and the table of what is installed."""
    async with machine(tmp_path) as house:
        for prompt in PROMPTS:
            name = str(prompt["name"])
            (arguments, *_) = arguments_of(prompt, "typical")
            text = await get(house, name, **arguments)
            lacking = [each for each in PROMISES[name] if each not in text]
            assert lacking == [], name
            assert "12 CLIs are installed" in text or name == "investigate"
            assert "You are" not in text


async def test_debug_has_five_phases_with_a_gate_each(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """And tdd four."""
    async with machine(tmp_path) as house:
        debug, tdd = await get(house, "debug"), await get(house, "tdd", feature="x")

    assert (debug.count("\n## Phase"), debug.count("**Gate")) == (5, 5)
    assert (tdd.count("\n## Phase"), tdd.count("**Gate")) == (4, 4)


@pytest.mark.requirement("prompts:without")
@pytest.mark.parametrize(
    ("clis", "said"),
    [("none", r"No (AI )?CLI is installed"), ("one", r"[Oo]ne CLI|codex")],
)
async def test_each_prompt_says_what_to_do_with_one_cli_or_none(
    clis: str, said: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It does not send to a tool that would be refused."""
    needs_many = {"consensus", "debate", "dialog"}
    needs_one = {"exec", "background", *needs_many}
    async with machine(tmp_path, clis) as house:
        for prompt in PROMPTS:
            (arguments, *_) = arguments_of(prompt, "typical")
            text = await get(house, str(prompt["name"]), **arguments)
            called = {call["tool"] for call in calls_in(text)}
            actions = [each["arguments"].get("action") for each in calls_in(text)]
            assert re.search(said, text), prompt["name"]
            assert not called & (needs_one if clis == "none" else needs_many), prompt["name"]
            assert clis != "none" or not {"auto", "run"} & set(actions)


async def test_a_workflow_of_a_prompt_can_be_checked_by_its_tool(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each kind of goal, as it stands: the steps are read and told in waves."""
    async with machine(tmp_path) as house:
        for goal in ("fix the crash", *KINDS):
            (call,) = calls_in(await get(house, "workflow", goal=goal))[:1]
            body = await house.ask("workflow", **call["arguments"])
            assert body["status"] == "planned", goal


async def test_thinking_of_a_prompt_is_answered(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Calls of patterns are not refused for what they lack."""
    async with machine(tmp_path, "none") as house:
        for prompt in PROMPTS:
            (arguments, *_) = arguments_of(prompt, "typical")
            for call in calls_in(await get(house, str(prompt["name"]), **arguments)):
                if call["tool"] == "think":
                    body = await house.ask("think", **call["arguments"])
                    assert body["status"] == "completed", call


async def test_what_is_wrong_with_a_request_is_named(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The prompt, the argument, and the way out."""
    async with machine(tmp_path) as house:
        with pytest.raises(
            NotFound, match=r"unknown prompt 'debgu': known are .*did you mean debug"
        ):
            await get(house, "debgu")
        with pytest.raises(InvalidArguments, match="argument question is missing"):
            await get(house, "consensus", question="  ")
        with pytest.raises(InvalidArguments, match=r"unknown argument eror .*did you mean error"):
            await get(house, "debug", eror="x")
        with pytest.raises(InvalidArguments, match=r"no cli of that name .*did you mean codex"):
            await get(house, "delegate", task="x", cli="codx")
        with pytest.raises(InvalidArguments, match="at most 16384"):
            await get(house, "debug", error="x" * 20_000)
        prompts = await (await house.app.ready()).prompts()
        with pytest.raises(InvalidArguments, match="argument error is no text"):
            await prompts.get(house.client, "debug", {"error": 7})


@pytest.mark.requirement("prompts:completion")
async def test_arguments_complete_to_what_is_there(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """CLIs, roles, agents, domains, words of a list, and paths below the client's directory."""
    async with machine(tmp_path) as house:
        (house.work / "src").mkdir()
        (house.work / "src" / "main.py").touch()
        (house.work / "out").symlink_to(tmp_path)

        async def complete(prompt: str, argument: str, typed: str = "") -> list[str]:
            prompts = await (await house.app.ready()).prompts()
            found = await prompts.complete(house.client, prompt, argument, typed)
            assert found.total == len(found.values)
            return list(found.values)

        assert await complete("delegate", "cli", "co") == ["codex", "continue", "opencode"]
        assert "secaudit" in await complete("background", "role", "SEC")
        assert await complete("agent-exec", "agent", "tes") == ["tester"]
        assert "security" in await complete("investigate", "domain")
        assert await complete("debug", "error", "x") == []
        assert await complete("audit", "cwd", "s") == ["src/"]
        assert await complete("audit", "cwd", "src/") == ["src/main.py"]
        assert await complete("audit", "cwd", "out/") == []
        assert await complete("audit", "cwd", "../") == []
        with pytest.raises(NotFound, match="prompt debug takes no argument 'topic'"):
            await complete("debug", "topic")


async def test_a_client_is_not_shown_what_it_keeps_itself(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Claude Code has its skills already; whoever else asks is shown them."""
    file = tmp_path / ".claude" / "skills" / "tides" / "SKILL.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\ndescription: tells of tides\n---\nLook.\n", encoding="utf-8")
    async with machine(tmp_path, "none") as house:
        claude = attrs.evolve(house.client, name="claude-code")
        shown = {str(each["name"]) for each in await house.app.prompts(house.client)}
        own = {str(each["name"]) for each in await house.app.prompts(claude)}

    assert shown - own == {"tides"}
    assert len(own) == 13
