"""Calls that are refused before anything is started, and names that are taken for ours."""

import pathlib
from typing import Any

import pytest
import trio
import trio.testing

from aimux.errors import InvalidArguments
from aimux.model import ServerSettings

from ..engine.house import answers, open_house
from .calls import Clock, ask, fault


@pytest.mark.parametrize(
    ("tool", "arguments", "paths"),
    [
        ("exec", {}, ["prompt"]),
        ("exec", {"prompt": ""}, ["prompt"]),
        ("exec", {"prompt": 3, "async": "yes", "promt": "x"}, ["prompt", "async", "promt"]),
        ("exec", {"prompt": "x", "mode": "rwx"}, ["mode"]),
        ("exec", {"prompt": "x", "read_only": "yes"}, ["read_only"]),
        ("exec", {"prompt": "x", "timeout_seconds": 0}, ["timeout_seconds"]),
        ("status", {"job_id": "j", "tail": 0}, ["tail"]),
        ("sessions", {"action": "dance"}, ["action"]),
        ("sessions", {"action": "list", "limit": 101}, ["limit"]),
    ],
)
async def test_wrong_arguments_are_told_all_at_once(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    tool: str,
    arguments: dict[str, Any],
    paths: list[str],
) -> None:
    """One error with a stable code lists each problem; nothing is started."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, tool, **arguments)
        assert house.driver.specs == []

    assert isinstance(refused, InvalidArguments)
    assert refused.code == "invalid_arguments"
    assert {problem["path"] for problem in refused.problems} == set(paths)


async def test_a_near_miss_is_suggested(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A typo in a name is met with the name."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, "exec", prompt="x", promtp="y")

    assert "did you mean prompt?" in refused.message


async def test_a_client_may_not_call_without_measure(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Above its rate a client is refused with a time to wait; status is free."""
    server = ServerSettings(rate_limit_rps=1, rate_limit_burst=2)
    async with open_house(tmp_path, lambda _: answers(), server=server) as house:
        first = await house.ask("exec", prompt="one")
        await house.ask("exec", prompt="two")
        refused = await fault(house, "exec", prompt="three")
        assert (refused.code, refused.retryable) == ("rate_limited", True)
        assert refused.data == {"retry_after_ms": 1_000}
        for _ in range(10):
            await house.ask("status", job_id=first["job_id"])
        await trio.sleep(1)

        assert (await house.ask("exec", prompt="four"))["status"] == "completed"


async def test_other_names_of_arguments_are_taken_and_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Names users know work, ours win, and a warning says what ours are."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        body = await ask(
            house, "exec", prompt="x", read_only=False, timeout=30, reasoning_effort="low"
        )
        assert body["mode"] == "write"
        codes = [each["message"] for each in body["warnings"] if each["code"] == "alias"]
        assert codes == [
            "read_only is called mode here",
            "timeout is called timeout_seconds here",
            "reasoning_effort is called effort here",
        ]
        reading = await ask(house, "exec", prompt="x", read_only=True)
        assert reading["mode"] == "read"
        both = await ask(
            house,
            "exec",
            prompt="x",
            read_only=True,
            mode="write",
            timeout=5,
            timeout_seconds=7,
            dry_run=True,
        )
        assert (both["mode"], both["plan"]["deadline_seconds"]) == ("write", 7)
