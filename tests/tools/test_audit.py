"""`audit` as a tool: who is seated, what each setting and parameter does."""

import json
import pathlib
import shutil
import subprocess
from typing import Any

import attrs

from aimux.drivers import ProcessSpec
from aimux.files.shipped import shipped
from aimux.model import AuditSettings, Role
from aimux.testing import Turn

from ..engine.house import ALPHA, BETA, GAMMA, ROLES, House, answers, open_house
from .calls import Clock, ask, fault

VENDORS = [
    attrs.evolve(profile, vendor=vendor)
    for profile, vendor in ((ALPHA, "x"), (BETA, "y"), (GAMMA, "z"))
]
AUDITORS = {
    **ROLES,
    "codereview": Role(name="codereview", text="You review."),
    "analyze": Role(name="analyze", text="You analyze."),
    "secaudit": Role(name="secaudit", text="You look for holes."),
}
BAD = "import os\nos.system('ls ' + input())\n"
FOUND = {
    "category": "correctness", "severity": "high", "path": "bad.py", "line": 2,
    "quote": "os.system('ls ' + input())", "title": "ends badly", "scenario": "always",
}  # fmt: skip


def speaks(spec: ProcessSpec) -> Turn:
    """What a CLI of these tests says, by what it is asked."""
    prompt = bytes(spec.stdin or b"").decode()
    if "Try to refute" in prompt:
        verdict = {"finding": 1, "state": "stands", "why": "looked"}
        return answers(json.dumps({"verdicts": [verdict]}))
    if "Investigate this" in prompt:
        check = {"command": ["sh", "-c", "exit 42"], "exit_code": 42}
        return answers(json.dumps({"report": "The root.", "check": check}))
    return answers(json.dumps({"findings": [FOUND]}))


def settle(house: House, **keys: Any) -> None:
    """The house's settings with these for audits."""
    snapshot = house.loader.snapshot
    settings = attrs.evolve(snapshot.settings, audit=AuditSettings(**keys))
    house.loader.snapshot = attrs.evolve(snapshot, settings=settings)


def bad(house: House, *names: str) -> None:
    for name in names or ("bad.py",):
        path = house.work / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(BAD, encoding="utf-8")


def commit(house: House) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=house.work, check=True)


def seen(body: dict[str, Any]) -> int:
    count: int = body["data"]["coverage"]["files_seen"]
    return count


async def plan(house: House, **arguments: Any) -> dict[str, Any]:
    """What a call would do."""
    found: dict[str, Any] = (await house.ask("audit", dry_run=True, **arguments))["plan"]
    return found


def limits(body: dict[str, Any]) -> dict[str, float]:
    return {each["name"]: each["limit_seconds"] for each in body["data"]["phases"]}


async def test_settings_say_how_far_and_with_how_many(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Unless the call does."""
    async with open_house(tmp_path, profiles=VENDORS, roles=AUDITORS) as house:
        usual = await plan(house)
        settle(house, default_mode="quick", parallel_scanners=2)
        other = await plan(house)
        said = await plan(house, mode="deep", clis=["gamma"])

    assert usual["phases"] == ["rules", "scan", "validate"]
    assert [each["seat"] for each in usual["seats"]][:3] == ["S1", "S2", "S3"]
    assert other["phases"] == ["rules", "scan"]
    assert [each["seat"] for each in other["seats"]] == ["S1", "S2"]
    assert said["phases"] == ["rules", "scan", "validate", "investigate"]
    assert (said["seats"][0]["seat"], said["seats"][0]["cli"]) == ("S1", "gamma")


async def test_roles_are_settings(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Their instructions go before what a scanner and a validator are asked."""
    async with open_house(tmp_path, speaks, profiles=VENDORS, roles=AUDITORS) as house:
        bad(house)
        await ask(house, "audit", clis=["alpha"])
        settle(house, scanner_role="secaudit", validator_role="review")
        await ask(house, "audit", clis=["alpha"])
        said = [(each.stdin or b"").decode().partition("\n")[0] for each in house.driver.specs]

    assert said == ["You review.", "You analyze.", "You look for holes.", "You are a reviewer."]


async def test_time_for_a_turn_is_a_setting(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Of scanners and of validators, and a parameter for both that wins."""
    async with open_house(tmp_path, speaks, profiles=VENDORS, roles=AUDITORS) as house:
        bad(house)
        settle(house, scanner_timeout_seconds=33, validator_timeout_seconds=22)
        body = await ask(house, "audit", clis=["alpha"], mode="deep")
        told = await ask(house, "audit", clis=["alpha"], timeout_per_turn=11)

    assert (limits(body)["scan"], limits(body)["validate"]) == (33.0, 22.0)
    assert limits(body)["investigate"] == 22.0
    assert (limits(told)["scan"], limits(told)["validate"]) == (11.0, 11.0)


async def test_files_are_limited_and_left_out_by_settings(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What was not looked at is told."""
    async with open_house(tmp_path) as house:
        bad(house, "a.py", "b.py", "gen/c.py")
        settle(house, ignore=["gen/*"])
        left = await ask(house, "audit", rules_only=True)
        settle(house, max_files=1)
        few = await ask(house, "audit", rules_only=True)

    assert (seen(left), seen(few)) == (2, 1)
    assert "more than 1 file:" in few["data"]["coverage"]["skipped"][0]["why"]


async def test_rules_alone_are_the_whole_of_it(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Who wants no CLI misses none: its phases are left out, and nobody is said to be asked."""
    async with open_house(tmp_path, profiles=VENDORS, roles=AUDITORS) as house:
        bad(house)
        own = house.loader.snapshot.paths.user / "audit-rules.d"
        own.mkdir(parents=True)
        shutil.copy(shipped("profiles") / "audit-rules" / "python" / "os-system.yaml", own)
        body = await ask(house, "audit", rules_only=True, mode="deep")
        planned = await house.ask("audit", rules_only=True, mode="deep", dry_run=True)

    assert (body["status"], body["error"]) == ("completed", None)
    assert len(body["data"]["findings"]) > 0
    assert [(each["name"], each["status"]) for each in body["data"]["phases"]] == [
        ("rules", "completed"),
        *((name, "skipped") for name in ("scan", "validate", "investigate")),
    ]
    assert {each["reason"] for each in body["data"]["phases"][1:]} == {"rules_only asks no CLI"}
    assert planned["plan"]["phases"] == ["rules"]
    assert planned["content"].startswith("would ask nobody in ")


async def test_a_plan_claims_no_bound_that_findings_may_cross(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each finding may want a validator; only a budget bounds that."""
    async with open_house(tmp_path, profiles=VENDORS, roles=AUDITORS) as house:
        usual = await house.ask("audit", dry_run=True)
        quick = await house.ask("audit", dry_run=True, mode="quick")
        bound = await house.ask("audit", dry_run=True, max_turns=1)

    assert usual["content"].endswith(", 3 turns, and more as what is found wants it")
    assert quick["content"].endswith(", at most 3 turns")
    assert bound["content"].endswith(", at most 1 turn")


async def test_rules_that_are_disabled_or_broken_are_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """No findings of theirs is not clean."""
    async with open_house(tmp_path) as house:
        own = house.loader.snapshot.paths.user / "audit-rules.d"
        (own / "python").mkdir(parents=True)
        (own / "python" / "eval.yaml").write_text("disabled: true\n", encoding="utf-8")
        (own / "broken.yaml").write_text("match: [\n", encoding="utf-8")
        body = await ask(house, "audit", rules_only=True)

    told = {each["code"]: each["message"] for each in body["warnings"]}
    assert told["rules_disabled"] == "1 rule disabled by the configuration: python/eval"
    assert f"{own}/broken.yaml:" in told["rule_problem"]


async def test_what_changed_since_the_last_commit_is_a_scope(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """`full` is all of it, and contradicts a commit."""
    async with open_house(tmp_path) as house:
        bad(house, "a.py")
        commit(house)
        bad(house, "b.py")
        changed = await ask(house, "audit", rules_only=True, scope="changed")
        full = await ask(house, "audit", rules_only=True, scope="full")
        refused = await fault(house, "audit", scope="full", changed_since="HEAD")

    assert (seen(changed), seen(full)) == (1, 2)
    assert changed["data"]["scope"]["changed_since"] == "HEAD"
    assert refused.code == "contradictory_arguments"


async def test_a_command_runs_only_if_settings_name_its_program(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """In a deep audit; without one nobody is asked for a command."""
    async with open_house(tmp_path, speaks, profiles=VENDORS, roles=AUDITORS) as house:
        bad(house)
        given = {"clis": ["alpha"], "mode": "deep", "focus": "correctness"}
        without = await ask(house, "audit", **given)
        settle(house, check_programs=["python3"], check_timeout_seconds=7)
        other = await ask(house, "audit", **given)
        asked = (house.driver.specs[-1].stdin or b"").decode()

    assert without["data"]["findings"][0]["check"] is None
    assert other["data"]["findings"][0]["check"]["exit_code"] is None
    assert "'sh' is not among" in other["data"]["findings"][0]["check"]["why"]
    assert "one of python3" in asked
    assert "within 7 s" in asked
