"""Sessions of thinking as clients find them again: by `think` and by `sessions`."""

import pathlib
from typing import Any

from ..engine.house import House, answers, open_house
from .calls import Clock, ask, fault


async def begun(house: House) -> list[str]:
    """A session of two patterns and one of reasoning under watch, in this order; their ids."""
    first = await ask(house, "think", pattern="sequential", thought="The cache is slow")
    session_id = str(first["session_id"])
    await ask(
        house, "think", pattern="argument_map", session_id=session_id, topic="tabs",
        argument_type="claim", argument_text="tabs are better",
    )  # fmt: skip
    watched = await ask(house, "think", action="start", task="which car", context_summary="two")
    return [session_id, str(watched["session_id"])]


async def test_they_are_listed_looked_at_and_deleted(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The latest first, with what each is about; what is next can be sent as it stands."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        first, second = await begun(house)
        listed = await ask(house, "think", action="list")
        got = await ask(house, "think", action="get", session_id=first)
        on = got["guidance"]["next"][0]
        went_on = await ask(house, on["tool"], **on["arguments"])
        gone = await ask(house, "think", action="delete", session_id=first)
        again = await fault(house, "think", action="delete", session_id=first)
        left = await ask(house, "think", **gone["guidance"]["next"][0]["arguments"])

    rows = listed["data"]["sessions"]
    assert [row["id"] for row in rows] == [second, first]
    assert rows[0]["summary"] == "which car"
    assert (rows[0]["pattern"], rows[0]["patterns"]) == (None, ["harness"])
    assert rows[1]["patterns"] == ["sequential_thinking", "structured_argumentation"]
    assert rows[1]["steps"] == 2
    assert (listed["data"]["total_sessions"], listed["data"]["next_cursor"]) == (2, None)
    assert f"- {first}: sequential_thinking, structured_argumentation" in listed["content"]
    states = got["data"]["session"]["states"]
    assert states["sequential_thinking"]["thoughts"][0]["text"] == "The cache is slow"
    assert went_on["session_id"] == first
    assert again.code == "session_not_found"
    assert [row["id"] for row in left["data"]["sessions"]] == [second]


async def test_sessions_shows_them_too(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """By kind and page, by id, and in what is cleared away."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        first, second = await begun(house)
        page = await ask(house, "sessions", action="list", kind="think", limit=1)
        rest = await ask(house, "sessions", **page["guidance"]["next"][0]["arguments"])
        info = await ask(house, "sessions", action="info", session_id=first)
        jobs = await ask(house, "sessions", action="list")
        dry = await ask(house, "sessions", action="gc", older_than_hours=0, dry_run=True)
        done = await ask(house, "sessions", action="gc", older_than_hours=0)
        none = await ask(house, "think", action="list")

    assert [row["id"] for row in page["sessions"] + rest["sessions"]] == [second, first]
    assert (page["total_sessions"], rest["next_cursor"]) == (2, None)
    assert info["session"]["states"].keys() == set(info["session"]["patterns"])
    assert jobs["sessions"] == []
    assert (dry["removed_think_sessions"], done["removed_think_sessions"]) == (2, 2)
    assert none["data"]["sessions"] == []


async def test_what_an_action_does_not_take_is_refused(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """By name, with what it takes."""
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("think", {"action": "list", "pattern": "swot"}, "pattern"),
        ("think", {"action": "list", "session_id": "thk_1"}, "session_id"),
        ("think", {"action": "get", "session_id": "thk_1", "clis": ["codex"]}, "clis"),
        ("think", {"action": "get"}, "session_id"),
        ("sessions", {"action": "list", "kind": "think", "status": "failed"}, "status"),
        ("sessions", {"action": "list", "kind": "think", "cli": "codex"}, "cli"),
    ]
    async with open_house(tmp_path, lambda _: answers()) as house:
        said = [(await fault(house, tool, **given)).message for tool, given, _ in cases]

    assert [name in told for (_, _, name), told in zip(cases, said, strict=True)] == [True] * 6
