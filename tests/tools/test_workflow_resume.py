"""`workflow(resume_from=…)` alone: what an earlier run kept is enough, or it is said why not."""

import pathlib
from typing import Any

from ..engine.house import answers, open_house
from .calls import Clock, ask, fault

STEPS = [
    {"id": "one", "tool": "exec", "arguments": {"prompt": "Look at {{input}}", "cli": "alpha"}},
]


async def test_an_earlier_run_is_gone_on_with_by_its_id(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """With its steps, its input, its name and its directory: nothing that is done runs again."""
    async with open_house(tmp_path, [answers("It is so.", native="n")]) as house:
        there = house.work / "there"
        there.mkdir()
        given: dict[str, Any] = {"steps": STEPS, "context": "it", "name": "looking"}
        first = await ask(house, "workflow", **given, cwd=str(there))
        again = await ask(house, "workflow", resume_from=first["job_id"])
        row = await house.stored(again["job_id"])

    assert (first["status"], again["status"]) == ("completed", "completed")
    assert again["data"]["name"] == "looking"
    assert [each["reused"] for each in again["data"]["steps"]] == [True]
    assert row.cwd == str(there)


async def test_what_is_not_kept_is_asked_for(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """No steps at all, a job that is no workflow, and one whose steps were too long to keep."""
    async with open_house(tmp_path, lambda _: answers("It is so.", native="n")) as house:
        done = await ask(house, "exec", prompt="x")
        long = await ask(house, "workflow", steps=STEPS, context="x" * 200_000)
        without = await fault(house, "workflow")
        other = await fault(house, "workflow", resume_from=done["job_id"])
        cut = await fault(house, "workflow", resume_from=long["job_id"])
        unknown = await fault(house, "workflow", resume_from="job_0")

    assert [each.code for each in (without, other, cut)] == ["invalid_arguments"] * 3
    assert "resume_from" in without.message
    assert "(exec) has not kept them" in other.message
    assert "has not kept them whole" in cut.message
    assert unknown.code == "job_not_found"
