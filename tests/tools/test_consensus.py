"""`consensus` as a tool: who is seated, and what each setting does."""

import json
import pathlib
from typing import Any

import attrs
import pytest

from aimux.drivers import ProcessSpec
from aimux.model import ConsensusSettings, PanelSettings
from aimux.testing import Turn

from ..engine.house import House, answers, open_house
from .calls import Clock, ask, fault

CLIS = ["alpha", "beta", "gamma"]


def settle(house: House, panels: Any = None, **keys: Any) -> None:
    """The house's settings with these for panels."""
    snapshot = house.loader.snapshot
    settings = attrs.evolve(
        snapshot.settings, consensus=ConsensusSettings(**keys), panels=panels or {}
    )
    house.loader.snapshot = attrs.evolve(snapshot, settings=settings)


def speaks(spec: ProcessSpec) -> Turn:
    """What a CLI of these tests says, by what it is asked."""
    prompt = bytes(spec.stdin).decode()
    if "independent answers" in prompt:
        return answers(json.dumps({"content": "Together.", "endorses": 1}), native="n")
    return answers(json.dumps({"position": "Yes.", "answer": "yes"}), native="n")


async def plan(house: House, **arguments: Any) -> dict[str, Any]:
    """What a call would do."""
    body = await house.ask("consensus", prompt="Is it?", dry_run=True, **arguments)
    found: dict[str, Any] = body["plan"]
    return found


async def test_settings_say_what_a_call_does_not(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """How many sit, whether blind, whether put together, turns at most; a call says otherwise."""
    async with open_house(tmp_path) as house:
        usual = await plan(house)
        settle(house, members=2, default_blinded=False, default_synthesize=True, max_turns=9)
        other = await plan(house)
        said = await plan(house, clis=CLIS, blinded=True, synthesize=False, max_turns=4)

    assert usual["phases"] == ["blind"]
    assert (len(usual["seats"]), usual["budget"]["turns"]) == (3, 16)
    assert other["phases"] == ["blind", "informed", "synthesis"]
    assert [each["seat"] for each in other["seats"]] == ["A", "B", "synthesis"]
    assert (other["turns"], other["budget"]["turns"]) == (5, 9)
    assert said["phases"] == ["blind"]
    assert (len(said["seats"]), said["budget"]["turns"]) == (3, 4)


async def test_time_for_a_turn_is_a_setting(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Of members and of who puts their answers together; the shares are told."""
    async with open_house(tmp_path, speaks) as house:
        settle(house, timeout_per_turn_seconds=33)
        given = {"prompt": "Is it?", "clis": CLIS[:2], "synthesize": True}
        body = await ask(house, "consensus", **given)
        told = await ask(house, "consensus", **given, timeout_per_turn=22)

    assert {each["limit_seconds"] for each in told["data"]["phases"]} == {22.0}
    assert [each["name"] for each in body["data"]["phases"]] == ["blind", "synthesis"]
    assert {each["limit_seconds"] for each in body["data"]["phases"]} == {33.0}


async def test_a_quorum_is_a_setting_and_waits_only_so_long(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Who has not answered by then is late; with more needed all are waited for."""

    def slow(spec: ProcessSpec) -> Turn:
        turn = speaks(spec)
        if "gamma" not in spec.argv[0]:
            return turn
        return attrs.evolve(turn, says=[attrs.evolve(each, after_s=50.0) for each in turn.says])

    async with open_house(tmp_path, slow) as house:
        settle(house, quorum=2, quorum_wait_seconds=5)
        early = await ask(house, "consensus", prompt="Is it?", clis=CLIS, wait_seconds=300)
        settle(house, quorum=3, quorum_wait_seconds=5)
        whole = await ask(house, "consensus", prompt="Is it?", clis=CLIS, wait_seconds=300)

    assert early["data"]["quorum"]["needed"] == 2
    assert len(early["data"]["quorum"]["late"]) == 1
    assert early["status"] == "completed"
    assert whole["data"]["quorum"] == {"needed": 3, "got": 3, "late": [], "lost": []}


async def test_a_panel_brings_its_judge_or_says_that_it_cannot(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Another sits then, with a warning; one that the call names must be there."""
    panels = {
        "odd": PanelSettings(members=["alpha", "beta"], judge="nobody"),
        "none": PanelSettings(members=["nobody"]),
    }
    async with open_house(tmp_path) as house:
        settle(house, panels)
        body = await house.ask(
            "consensus", prompt="Is it?", panel="odd", synthesize=True, dry_run=True
        )
        named = await fault(house, "consensus", prompt="p", clis=CLIS[:2], judge="nobody")
        empty = await fault(house, "consensus", prompt="p", panel="none")

    seats = {each["seat"]: each["cli"] for each in body["plan"]["seats"]}
    assert seats["synthesis"] == "gamma"
    assert "judge_unseated" in {each["code"] for each in body["warnings"]}
    assert "judge cannot be seated" in named.message
    assert "nobody of panel none can be seated" in empty.message


@pytest.mark.parametrize("seed", [0, 7])
async def test_a_seed_draws_the_letters(
    tmp_path: pathlib.Path, autojump_clock: Clock, seed: int
) -> None:
    """The same again for the same; a question has one of its own."""
    async with open_house(tmp_path) as house:
        first, again = [await plan(house, clis=CLIS, seed=seed) for _ in range(2)]
        others = [(await plan(house, clis=CLIS, seed=each))["seats"] for each in range(20)]

    assert first["seats"] == again["seats"]
    assert len({str(each) for each in others}) > 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("consensus", {"prompt": "Is it?", "clis": ["alpha", "gamma:m"]}),
        ("dialog", {"prompt": "Is it?", "cli_a": "alpha", "cli_b": "gamma"}),
        ("debate", {"topic": "Is it?", "judge_cli": "gamma"}),
    ],
)
async def test_a_cli_that_is_named_for_a_seat_is_looked_for_at_once(
    tmp_path: pathlib.Path, autojump_clock: Clock, tool: str, arguments: dict[str, Any]
) -> None:
    """Who installs what an answer misses does not wait until the others are looked for again."""
    async with open_house(tmp_path, installed=["alpha", "beta"]) as house:
        await plan(house)
        program = tmp_path / "bin" / "gamma"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        body = await house.ask(tool, dry_run=True, **arguments)

    assert "gamma" in [each["cli"] for each in body["plan"]["seats"]]
