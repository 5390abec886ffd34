"""`sessions`: list, info, cancel, kill, gc."""

import pathlib
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from aimux.errors import NotFound
from aimux.model import SessionId
from aimux.testing import Say, Turn

from ..engine.house import House, answers, fails, open_house, record
from .calls import HANG, Clock, ask, fault, route


async def three(house: House) -> list[str]:
    """A completed session, a failed one and one at work, oldest first; their ids."""
    one = await house.run("one", route=route(cli="beta"))
    two = await house.run("two", route=route(cli="alpha"))
    handle = await house.begin(house.request("three"))
    await trio.testing.wait_all_tasks_blocked()
    return [one.session_id, two.session_id, handle.session.id]


SCRIPT = [answers(native="n"), fails("context overflow"), HANG]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [2, 1, 0]),
        ({"status": "all"}, [2, 1, 0]),
        ({"status": "active"}, [2]),
        ({"status": "finished"}, [1, 0]),
        ({"status": "completed"}, [0]),
        ({"status": "failed"}, [1]),
        ({"status": "queued"}, []),
        ({"cli": "beta"}, [0]),
        ({"cli": "gamma"}, []),
    ],
)
async def test_sessions_are_listed_and_filtered(
    tmp_path: pathlib.Path, autojump_clock: Clock, filters: dict[str, Any], found: list[int]
) -> None:
    """Latest first, by state and CLI; what runs is shown as running."""
    async with open_house(tmp_path, list(SCRIPT)) as house:
        ids = await three(house)
        body = await ask(house, "sessions", action="list", **filters)

    assert [row["id"] for row in body["sessions"]] == [ids[index] for index in found]
    assert body["count"] == len(found)
    assert [row["status"] for row in body["sessions"] if row["id"] == ids[2]] in (["running"], [])


async def test_sessions_of_a_cli_that_nobody_knows_are_not_none(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A slip would look like an empty history; one that is gone keeps what it had."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        had = (await house.run(route=route(cli="beta"))).session_id
        slip = await fault(house, "sessions", action="list", cli="alpa")
        snapshot = house.loader.snapshot
        left = {name: each for name, each in snapshot.profiles.items() if name != "beta"}
        house.loader.snapshot = attrs.evolve(snapshot, profiles=left)
        gone = await ask(house, "sessions", action="list", cli="beta")

    assert (slip.code, slip.hint) == ("cli_unknown", "did you mean alpha?")
    assert [each["id"] for each in gone["sessions"]] == [had]


async def test_pages_follow_with_the_same_filters(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What is to be called next can be sent as it stands and gives the rest, no more."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        mine = [(await house.run(route=route(cli="beta"))).session_id for _ in range(5)]
        for _ in range(2):
            await house.run(route=route(cli="alpha"))
        body = await ask(house, "sessions", action="list", cli="beta", limit=2, status="completed")
        listed_ids = [row["id"] for row in body["sessions"]]
        while body["next_cursor"]:
            step = body["guidance"]["next"][0]
            body = await ask(house, step["tool"], **step["arguments"])
            listed_ids += [row["id"] for row in body["sessions"]]
        wrong = await fault(house, "sessions", action="list", cursor="nonsense")

    assert listed_ids == mine[::-1]
    assert wrong.error_type == "peer"


async def test_a_session_shows_its_jobs(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """By its own id or by a job's; in pages; an unknown one is an error."""
    async with open_house(tmp_path, lambda _: answers(native="n")) as house:
        first = await house.run("first")
        for number in range(3):
            last = await house.run(f"again {number}", session_id=first.session_id)
        body = await ask(house, "sessions", action="info", job_id=last.id, limit=3)
        assert body["session"]["id"] == first.session_id
        assert (body["session"]["turns"], body["session"]["resumable"]) == (4, True)
        assert [row["prompt_preview"] for row in body["jobs"]] == ["again 2", "again 1", "again 0"]
        step = body["guidance"]["next"][0]
        rest = await ask(house, step["tool"], **step["arguments"])
        assert [row["prompt_preview"] for row in rest["jobs"]] == ["first"]

        assert (await fault(house, "sessions", action="info")).code == "invalid_arguments"
        unknown = await fault(house, "sessions", action="info", session_id="ses_nobody")
        assert unknown.code == "session_not_found"
        missing = await fault(house, "sessions", action="info", job_id="job_nobody")
        assert missing.code == "job_not_found"


async def test_a_job_is_cancelled_once(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Politely; it is over when the call answers; again is no error."""
    async with open_house(tmp_path, [HANG]) as house:
        job_id = (await house.ask("exec", prompt="x", wait_seconds=1))["job_id"]
        body = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (body["status"], body["cancelled"], body["already_terminal"]) == (
            "cancelled",
            True,
            False,
        )
        again = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (again["cancelled"], again["already_terminal"]) == (False, True)
        house.engine.supervisor.drop_recent([job_id])
        old = await ask(house, "sessions", action="cancel", job_id=job_id)
        assert (old["status"], old["cancelled"]) == ("cancelled", False)

        assert (await fault(house, "sessions", action="cancel")).code == "invalid_arguments"
        unknown = await fault(house, "sessions", action="cancel", job_id="job_nobody")
        assert unknown.code == "job_not_found"


@pytest.mark.parametrize("by", ["session", "job", "session_id_of_job"])
async def test_a_session_is_killed(tmp_path: pathlib.Path, autojump_clock: Clock, by: str) -> None:
    """At once, a stubborn child too; killing a quiet one is no error, an unknown one is."""
    stubborn = Turn(says=[Say(record(delta="x"))], hangs=True, stubborn=True)
    async with open_house(tmp_path, [stubborn]) as house:
        made = await house.ask("exec", prompt="x", wait_seconds=1)
        given = {
            "session": {"session_id": made["session_id"]},
            "job": {"job_id": made["job_id"]},
            "session_id_of_job": {"session_id": made["job_id"]},
        }[by]
        began = trio.current_time()
        body = await ask(house, "sessions", action="kill", **given)
        assert trio.current_time() == began
        assert (body["killed_jobs"], body["count"], body["killed"]) == ([made["job_id"]], 1, 1)
        again = await ask(house, "sessions", action="kill", **given)
        assert (again["killed_jobs"], again["already_terminal"]) == ([], True)
        assert again["killed"] == 0
        house.engine.supervisor.drop_recent([made["job_id"]])
        assert (await ask(house, "sessions", action="kill", **given))["count"] == 0

        for unknown in ({"session_id": "ses_nobody"}, {"job_id": "job_nobody"}):
            assert isinstance(await fault(house, "sessions", action="kill", **unknown), NotFound)
        assert (await fault(house, "sessions", action="kill")).code == "invalid_arguments"


async def test_old_work_is_cleared_away(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """`gc` counts or removes; what it removed is not found any more."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        job = await house.run()
        dry = await ask(house, "sessions", action="gc", older_than_hours=0, dry_run=True)
        assert (dry["removed_jobs"], dry["dry_run"], dry["collected"]) == (1, True, 0)
        kept = await ask(house, "sessions", action="gc")
        assert (kept["removed_jobs"], kept["older_than_hours"]) == (0, 24.0)
        ever = await ask(house, "sessions", action="gc", older_than_hours=1_000_000)
        assert (ever["removed_jobs"], ever["removed_sessions"]) == (0, 0)
        beyond = await fault(house, "sessions", action="gc", older_than_hours=1e12)
        assert "older_than_hours" in beyond.message
        assert "1000000" in beyond.message
        gone = await ask(house, "sessions", action="gc", older_than_hours=0)
        assert (gone["removed_jobs"], gone["removed_sessions"]) == (1, 1)
        assert gone["collected"] == 1

        assert (await fault(house, "status", job_id=job.id)).code == "job_not_found"
        with pytest.raises(NotFound):
            await house.store.session(SessionId(job.session_id))
