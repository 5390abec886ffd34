"""`exec` with a pair: who sits where, what is refused before anything runs, and the landing."""

import json
import pathlib
import subprocess
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from aimux.drivers import ProcessSpec
from aimux.model import Mode, PairSettings, Role
from aimux.testing import Turn

from ..engine.house import ALPHA, BETA, GAMMA, ROLES, House, answers, open_house
from .calls import Clock, ask, fault

PAIRED = {**ROLES, "codereview": Role(name="codereview", text="You are a reviewer.")}
VENDORS = [
    attrs.evolve(profile, vendor=vendor)
    for profile, vendor in ((ALPHA, "x"), (BETA, "x"), (GAMMA, "y"))
]
APPROVED = json.dumps({"hunks": [{"hunk": 0, "verdict": "approved"}]})


def turns(wrote: str = "new\n") -> Callable[[ProcessSpec], Turn]:
    """Whoever may write writes a file where it stands; whoever reads approves."""

    def turn(spec: ProcessSpec) -> Turn:
        if "--write" in spec.argv:
            (pathlib.Path(spec.cwd) / "f.txt").write_text(wrote, encoding="utf-8")
            return answers("done")
        return answers(APPROVED)

    return turn


def set_pair(house: House, **more: Any) -> None:
    before = house.loader.snapshot
    settings = attrs.evolve(before.settings, pair=PairSettings(**more))
    house.loader.snapshot = attrs.evolve(before, settings=settings)


async def test_a_change_lands_and_the_reviewer_is_of_another_vendor(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The usual order would give the one of the same vendor."""
    async with open_house(tmp_path, turns(), profiles=VENDORS, roles=PAIRED) as house:
        body = await ask(house, "exec", prompt="p", role="coding", pair=True)
        ran = {pathlib.Path(spec.argv[0]).name: spec for spec in house.driver.specs}

    assert body["status"] == "completed", body
    assert (body["data"]["driver"], body["data"]["reviewer"]) == ("alpha", "gamma")
    assert (house.work / "f.txt").read_text(encoding="utf-8") == "new\n"
    assert {str(spec.cwd) for spec in ran.values()} == {body["data"]["copy"]["path"]}
    assert list((tmp_path / "state" / "copies").iterdir()) == []
    assert "--read" in ran["gamma"].argv


async def test_a_plan_says_who_would_sit_where(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """And starts nothing."""
    async with open_house(tmp_path, [], profiles=VENDORS, roles=PAIRED) as house:
        body = await ask(
            house, "exec", prompt="p", pair=True, best_of=3, reviewer="beta", dry_run=True
        )

    assert (body["status"], body["mode"]) == ("planned", "write")
    assert [(each["seat"], each["cli"], each["mode"]) for each in body["plan"]["seats"]] == [
        ("driver", "alpha", "write"),
        ("driver-2", "gamma", "write"),
        ("driver-3", "beta", "write"),
        ("reviewer", "beta", "read"),
    ]
    assert body["plan"]["turns"] == 8
    assert list(house.work.iterdir()) == []


async def test_a_reviewer_that_is_named_is_looked_for_at_once(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """One that was installed a moment ago is known, though the others were looked for before."""
    given = {"prompt": "p", "pair": True, "dry_run": True}
    installed = ["alpha", "beta"]
    async with open_house(
        tmp_path, [], profiles=VENDORS, roles=PAIRED, installed=installed
    ) as house:
        await ask(house, "exec", **given)
        program = tmp_path / "bin" / "gamma"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        body = await ask(house, "exec", reviewer="gamma", **given)

    assert body["plan"]["seats"][-1]["cli"] == "gamma"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"verify": ["make"]}, "contradictory_arguments"),
        ({"pair": False, "dirty": True}, "contradictory_arguments"),
        ({"pair": True, "mode": "read"}, "contradictory_arguments"),
        ({"pair": True, "tty": True}, "contradictory_arguments"),
        ({"pair": True, "schema": {"type": "object"}}, "contradictory_arguments"),
        ({"pair": True, "role": "review"}, "contradictory_arguments"),
        ({"pair": True, "role": "codin"}, "role_unknown"),
        ({"pair": True, "verify": ["a && b"]}, "invalid_arguments"),
        ({"pair": True, "verify": [[]]}, "invalid_arguments"),
        ({"pair": True, "reviewer": "nobody"}, "invalid_arguments"),
        ({"pair": True, "cli": "nobody"}, "cli_unknown"),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_anything_runs(
    given: dict[str, Any], code: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each with its code."""
    async with open_house(tmp_path, [], roles=PAIRED) as house:
        error = await fault(house, "exec", prompt="p", **given)

    assert error.code == code


async def test_configuration_makes_a_pair_of_the_drivers_role(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Not of a call that reads, and not where the call says no."""
    async with open_house(tmp_path, turns(), roles=PAIRED) as house:
        set_pair(house, default=True, max_rounds=1)
        paired = await ask(house, "exec", prompt="p", role="coding")
        (house.work / "f.txt").unlink()
        reading = await ask(house, "exec", prompt="p", role="coding", mode="read")
        plain = await ask(house, "exec", prompt="p", role="coding", pair=False)
        other = await ask(house, "exec", prompt="p", role="review")

    assert paired["data"]["landed"] is True
    assert [each["data"] for each in (reading, plain, other)] == [None, None, None]


async def test_configured_commands_count_where_the_call_names_none(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The fake child of a command is none that passes."""
    async with open_house(tmp_path, turns(), roles=PAIRED) as house:
        set_pair(house, verify=["no-such-command --all"], max_rounds=1)
        body = await ask(house, "exec", prompt="p", pair=True)
        without = await ask(house, "exec", prompt="p", pair=True, verify=[])

    assert [each["command"] for each in body["data"]["rounds"][0]["verify"]] == [
        "no-such-command --all"
    ]
    assert without["data"]["rounds"][0]["verify"] == []


async def test_time_for_a_turn_is_a_setting(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Of the driver, of the reviewer and of a command, and a parameter for turns that wins."""
    async with open_house(tmp_path, turns(), roles=PAIRED) as house:
        times = {"driver": 33, "reviewer": 22}
        more = {f"{name}_timeout_seconds": limit for name, limit in times.items()}
        set_pair(house, **more, check_timeout_seconds=11)
        body = await ask(house, "exec", prompt="p", pair=True, verify=["true"])
        (house.work / "f.txt").unlink(missing_ok=True)
        told = await ask(house, "exec", prompt="p", pair=True, timeout_per_turn=5)

    def limits(found: dict[str, Any]) -> dict[str, float]:
        return {each["name"]: each["limit_seconds"] for each in found["data"]["phases"]}

    assert (limits(body)["driver"], limits(body)["verify"]) == (33.0, 11.0)
    assert limits(told) == {"driver": 5.0, "review": 5.0}


async def test_a_role_of_the_configuration_that_is_none_is_named(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It would look as if nobody could review."""
    async with open_house(tmp_path, [], roles=PAIRED) as house:
        set_pair(house, reviewer_role="critic")
        error = await fault(house, "exec", prompt="p", pair=True)

    assert error.code == "config_invalid"
    assert "critic" in error.message


@pytest.fixture
def dirty(tmp_path: pathlib.Path) -> pathlib.Path:
    """A committed file that was changed since."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "g.txt").write_text("one\n", encoding="utf-8")
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false")
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *words], cwd=work, check=True)
    (work / "g.txt").write_text("two\n", encoding="utf-8")
    return work


@pytest.mark.slow
@pytest.mark.requirement("pair:base")
async def test_a_dirty_base_is_refused_unless_it_is_carried_along(
    tmp_path: pathlib.Path, dirty: pathlib.Path, autojump_clock: Clock
) -> None:
    """The files are named; carried along they stay as they are."""
    async with open_house(tmp_path, turns(), roles=PAIRED) as house:
        error = await fault(house, "exec", prompt="p", pair=True)
        body = await ask(house, "exec", prompt="p", pair=True, dirty=True)

    assert (error.code, error.data["changed"]) == ("dirty_base", ["g.txt"])
    assert body["data"]["files"] == ["f.txt"]
    assert (dirty / "g.txt").read_text(encoding="utf-8") == "two\n"
    assert body["mode"] == Mode.WRITE
