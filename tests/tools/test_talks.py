"""`dialog` and `debate` as tools: who is seated, what settings do, what goes on."""

import json
import pathlib
from typing import Any

import attrs
import pytest

from aimux.drivers import ProcessSpec
from aimux.model import DebateSettings, DialogSettings
from aimux.testing import Turn

from ..engine.house import BETA, House, answers, fails, make_profile, open_house
from .calls import Clock, ask, fault

FINE = json.dumps({"blocking": []})
SPEECH = json.dumps({"text": "It is so."})
RULING = json.dumps({"winner": "draw", "confidence": 0.5, "recommendation": "Wait."})


def settle(house: House, **sections: object) -> None:
    """The house's settings with other sections."""
    snapshot = house.loader.snapshot
    settings = attrs.evolve(snapshot.settings, **sections)  # type: ignore[arg-type]
    house.loader.snapshot = attrs.evolve(snapshot, settings=settings)


def speaks(spec: ProcessSpec) -> Turn:
    """What a CLI of these tests says, by what it is asked."""
    prompt = bytes(spec.stdin).decode()
    for mark, said in (("critic: say", FINE), ("opening in JSON", SPEECH), ("judge them", RULING)):
        if mark in prompt:
            return answers(said, native="n")
    return answers("A plan.", native="n")


async def plan(house: House, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a call would do."""
    name = "topic" if tool == "debate" else "prompt"
    body = await house.ask(tool, **{name: "Cache it?", "dry_run": True, **arguments})
    found: dict[str, Any] = body["plan"]
    return found


def seated(found: dict[str, Any]) -> dict[str, str]:
    return {each["seat"]: each["cli"] for each in found["seats"]}


async def test_a_dialog_seats_who_is_named(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """`clis` is both in order; who is not named is another than the one who is."""
    async with open_house(tmp_path) as house:
        chosen = seated(await plan(house, "dialog"))
        named = seated(await plan(house, "dialog", cli_a="gamma", cli_b="beta"))
        both = seated(await plan(house, "dialog", clis=["beta", "alpha"]))
        critic = seated(await plan(house, "dialog", cli_b="alpha"))
        first = seated(await plan(house, "dialog", clis=["alpha"]))
        refused = await fault(house, "dialog", prompt="p", clis=["beta"], cli_a="alpha")
        unknown = await fault(house, "dialog", prompt="p", cli_b="delta")

    assert chosen == {"A": "alpha", "B": "beta"}
    assert named == {"A": "gamma", "B": "beta"}
    assert both == {"A": "beta", "B": "alpha"}
    assert critic == {"A": "beta", "B": "alpha"}
    assert first == {"A": "alpha", "B": "beta"}
    assert refused.code == "contradictory_arguments"
    assert unknown.code == "invalid_arguments"


@pytest.mark.parametrize(
    ("given", "turns"),
    [({}, 4), ({"max_turns": 3}, 3), ({"rounds": 5}, 10), ({"max_turns": 6, "rounds": 2}, 4)],
)
async def test_rounds_are_two_turns_and_settings_say_the_rest(
    tmp_path: pathlib.Path, autojump_clock: Clock, given: dict[str, int], turns: int
) -> None:
    """The least of both counts; `dialog.max_turns` where the call says nothing."""
    async with open_house(tmp_path) as house:
        settle(house, dialog=DialogSettings(max_turns=4))
        found = await plan(house, "dialog", **given)

    assert found["turns"] == turns
    assert found["budget"]["turns"] == turns


async def test_time_for_a_turn_is_a_setting(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Of both tools, and a parameter that wins; the shares are told."""
    async with open_house(tmp_path, speaks) as house:
        settle(
            house,
            dialog=DialogSettings(timeout_per_turn_seconds=33),
            debate=DebateSettings(timeout_per_turn_seconds=44, max_turns=2),
        )
        talk = await ask(house, "dialog", prompt="Plan it.")
        held = await ask(house, "debate", topic="Cache it?")
        told = await ask(house, "dialog", prompt="Plan it.", timeout_per_turn=22)
        short = await ask(house, "debate", topic="Cache it?", timeout_per_turn_seconds=11)

    assert {each["limit_seconds"] for each in talk["data"]["phases"]} == {33.0}
    assert [each["name"] for each in held["data"]["phases"]] == ["opening", "judge"]
    assert {each["limit_seconds"] for each in held["data"]["phases"]} == {44.0}
    assert {each["limit_seconds"] for each in told["data"]["phases"]} == {22.0}
    assert {each["limit_seconds"] for each in short["data"]["phases"]} == {11.0}


async def test_a_debate_seats_two_sides_and_who_is_neither(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Named sides are as named; those of `clis` are drawn by the seed."""
    async with open_house(tmp_path) as house:
        named = seated(await plan(house, "debate", pro_cli="gamma", con_cli="alpha"))
        one = seated(await plan(house, "debate", con_cli="alpha"))
        drawn = [
            seated(await plan(house, "debate", clis=["alpha", "beta"], seed=seed))
            for seed in range(8)
        ]
        alone = await plan(house, "debate", clis=["alpha"], synthesize=False)

    assert named == {"pro": "gamma", "con": "alpha", "judge": "beta", "judge-swapped": "beta"}
    assert (one["pro"], one["con"], one["judge"]) == ("beta", "alpha", "gamma")
    assert {each["pro"] for each in drawn} == {"alpha", "beta"}
    assert {each["judge"] for each in drawn} == {"gamma"}
    assert set(seated(alone)) == {"pro", "con"}
    assert alone["phases"] == ["opening", "rebuttal", "closing"]


async def test_a_jury_is_named_and_has_one_vote_each(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A judge is one of both kinds."""
    topic = {"topic": "Cache it?"}
    async with open_house(tmp_path) as house:
        found = await plan(house, "debate", jury=["gamma", "beta"])
        twice = await fault(house, "debate", **topic, jury=["gamma", "gamma"])
        both = await fault(house, "debate", **topic, jury=["gamma"], judge_cli="beta")
        absent = await fault(house, "debate", **topic, judge_cli="delta")

    assert found["turns"] == 10
    assert seated(found)["juror-2-swapped"] == "beta"
    assert (twice.code, both.code) == ("invalid_arguments", "contradictory_arguments")
    assert absent.code == "invalid_arguments"


async def test_whether_it_is_judged_is_a_setting(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The call may say otherwise, and naming a judge says so too."""
    async with open_house(tmp_path) as house:
        settle(house, debate=DebateSettings(default_synthesize=False, max_turns=4))
        silent = await plan(house, "debate")
        asked = await plan(house, "debate", synthesize=True)
        named = await plan(house, "debate", judge_cli="gamma")

    assert silent["phases"] == ["opening", "rebuttal"]
    assert asked["phases"] == named["phases"] == ["opening", "rebuttal", "judge"]


async def test_who_shares_a_vendor_is_warned_of(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """And one CLI twice."""
    kin = [make_profile(name, vendor="acme") for name in ("alpha", "gamma")]

    async def warned(house: House, tool: str, **arguments: Any) -> list[str]:
        name = "topic" if tool == "debate" else "prompt"
        body = await house.ask(tool, **{name: "p", "dry_run": True, **arguments})
        return [each["code"] for each in body["warnings"]]

    async with open_house(tmp_path, profiles=[*kin, BETA]) as house:
        for tool in ("dialog", "debate"):
            assert await warned(house, tool, clis=["alpha", "gamma"]) == ["shared_vendor"]
            assert await warned(house, tool, clis=["beta", "beta"]) == ["one_cli_twice"]
            assert await warned(house, tool, clis=["alpha", "beta"]) == []


@pytest.mark.requirement("dialog:goes_on")
async def test_a_job_without_a_draft_is_passed_over(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What goes on is the last draft there is, whatever came after it."""
    answered = [answers("A plan.", native="n"), answers(FINE, native="n")]
    turns = [*answered, fails("context overflow"), answers("B plan."), answers(FINE)]
    async with open_house(tmp_path, turns) as house:
        first = await ask(house, "dialog", prompt="Plan it.")
        again = {"prompt": "More.", "session_id": first["session_id"]}
        lost = await ask(house, "dialog", **again)
        third = await ask(house, "dialog", **again)
        prompt = bytes(house.driver.specs[3].stdin).decode()

    assert (lost["status"], lost["data"]["final"]) == ("failed", "A plan.")
    assert lost["data"]["drafts"] == []
    assert third["data"]["final"] == "B plan."
    assert "The draft as it stands:\n```\nA plan.\n```" in prompt


@pytest.mark.requirement("dialog:goes_on")
async def test_a_dialog_goes_on_with_who_sat_there(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """With its draft and its CLIs; a seat that is named anew begins anew."""
    async with open_house(tmp_path, speaks) as house:
        first = await ask(house, "dialog", prompt="Plan it.", cli_a="beta", cli_b="gamma")
        again = {"prompt": "More.", "session_id": first["session_id"]}
        second = await ask(house, "dialog", **again)
        third = await ask(house, "dialog", **again, cli_b="alpha")
        prompts = [bytes(spec.stdin).decode() for spec in house.driver.specs]
        argvs = [spec.argv for spec in house.driver.specs]

    assert [each["native_session"] for each in first["data"]["seats"]] == ["n", "n"]
    assert [each["cli"] for each in second["data"]["seats"]] == ["beta", "gamma"]
    assert [each["cli"] for each in third["data"]["seats"]] == ["beta", "alpha"]
    assert "This work began with this task:\n\nPlan it." in prompts[2]
    assert "What is asked now:\n\nMore." in prompts[2]
    assert "The draft as it stands:\n```\nA plan.\n```" in prompts[2]
    assert ["--resume" in argv for argv in argvs] == [False, False, True, True, True, False]
    assert second["session_id"] == first["session_id"]
