"""Why a job ended, and what turns have used, as resources."""

import json
import pathlib
from typing import Any

import pytest

from aimux.drivers import ProcessSpec
from aimux.errors import InvalidArguments
from aimux.model import HookSettings
from aimux.testing import Say, Turn
from aimux.tools._past import time_of

from ..engine.house import House, answers, fails, open_house
from .calls import Clock


async def read(house: House, uri: str) -> Any:
    content = await (await house.app.ready()).resources.read(house.client, uri)
    return json.loads(str(content["text"]))


async def test_why_tells_the_attempts_of_a_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each with the rule that judged it and the row of the table that followed."""
    async with open_house(tmp_path, [fails("out of quota"), answers("fine")]) as house:
        job = await house.run()
        why = await read(house, f"aimux://jobs/{job.id}/why")

    assert why["rule"] == "answer"
    assert why["status"] == "completed"
    assert [each["rule"] for each in why["steps"] if each["rule"] != "warning"] == [
        *("route", "child", "class", "retry"), *("route", "child"),
        *("validator", "job"),
    ]  # fmt: skip


async def test_why_names_the_hook_and_the_contract_that_ended_a_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """By the codes that such ends have, not by codes that nothing gives."""

    def played(spec: ProcessSpec) -> Turn:
        if spec.argv[0] == "hook":
            asked = json.loads(spec.stdin or b"")
            action = "block" if "BLOCK" in asked["prompt"] else "proceed"
            return Turn(says=[Say(json.dumps({"action": action}).encode())])
        return answers("no JSON at all")

    hooks = {"h": HookSettings(command=["hook"])}
    async with open_house(tmp_path, played, hooks=hooks) as house:
        await house.ask("exec", prompt="BLOCK this")
        await house.ask("exec", prompt="yes", schema={"type": "object"})
        jobs = (await house.store.jobs()).jobs
        rules = [(await read(house, f"aimux://jobs/{job.id}/why"))["rule"] for job in jobs]

    assert sorted(rules) == ["contract", "hook"]


async def test_usage_and_ended_jobs_are_read_from_a_time_on(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Without a time everything counts; a word that is none is refused with the way out."""
    async with open_house(tmp_path, [answers("fine")]) as house:
        job = await house.run()
        rows = (await read(house, "aimux://usage"))["rows"]
        later = (await read(house, "aimux://usage/2999-01-01"))["rows"]
        ended = (await read(house, "aimux://ended/2000-01-01T00:00:00Z"))["jobs"]
        with pytest.raises(InvalidArguments, match="'yesterday' is not a day like 2026-03-01"):
            await read(house, "aimux://usage/yesterday")

    assert [(row["cli"], row["turns"], row["input_tokens"]) for row in rows] == [("alpha", 1, 10)]
    assert later == []
    assert [row["id"] for row in ended] == [job.id]


def test_a_time_without_a_zone_is_utc() -> None:
    """And one with a zone is that moment."""
    assert time_of("2026-03-01").isoformat() == "2026-03-01T00:00:00+00:00"
    assert time_of("2026-03-01T02:00:00+02:00").isoformat() == "2026-03-01T00:00:00+00:00"
