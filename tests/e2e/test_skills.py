"""Prompts over stdio from a real server: listed, filled in with what is installed, and changed."""

from pathlib import Path
from typing import Any

import pytest

from ._host import Host
from ._stand import Stand, make_stand


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine with two CLIs."""
    stand = make_stand(module_dir / "machine")
    stand.emulate(["codex", "gemini"])
    return stand


async def result(host: Host, method: str, **params: object) -> Any:
    """The result of a request."""
    answer = await host.answer(await host.post(method, params))
    assert "result" in answer, answer
    return answer["result"]


@pytest.mark.requirement("prompts:protocol")
async def test_thirteen_prompts_and_the_text_of_one(host: Host) -> None:
    """With the CLIs of this machine in it; its first call can be sent as it stands."""
    listed = await result(host, "prompts/list")
    asked = {"name": "audit", "arguments": {}}
    got = await result(host, "prompts/get", **asked)
    text = got["messages"][0]["content"]["text"]
    directory = text.split("Directory: ")[1].split("\n")[0]
    body = await host.call("audit", path=directory, rules_only=True)

    assert len(listed["prompts"]) == 13
    assert "2 CLIs are installed" in text
    assert "| codex | " in text
    assert "| gemini | analyze" in text
    assert body["status"] == "completed"


@pytest.mark.requirement("prompts:changed")
async def test_a_saved_skill_is_told_of_and_served(host: Host, stand: Stand) -> None:
    """Within five seconds, without a restart."""
    await result(host, "prompts/list")
    file = stand.project() / ".aimux" / "skills.d" / "greet" / "SKILL.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\nname: greet\ndescription: greets\n---\nSay hello.\n", encoding="utf-8")
    told = await host.notice("notifications/prompts/list_changed")
    got = await result(host, "prompts/get", name="greet", arguments={"task": "to Ann"})
    text = got["messages"][0]["content"]["text"]

    assert told == {}
    assert text.startswith("Say hello.")
    assert text.endswith("# Task\n\nto Ann")
    assert str(file.parent) in text
