"""A job in the background: how its client hears of it once the call is answered."""

import pathlib

import trio
import trio.testing

from aimux.testing import Say, Turn

from ..engine.house import open_house, record
from .wire import attach

Clock = trio.testing.MockClock


async def test_progress_comes_by_the_resource_and_never_by_the_token(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A token is over with its response; who subscribed hears until the end, and lists show it."""
    steps = [Say(record(answer=f"step {n}"), after_s=2.0) for n in range(3)]
    turn = Turn(says=[*steps, Say(record(type="end"), after_s=2.0)])
    async with open_house(tmp_path, [turn]) as house, attach(house.app, house) as peer:
        await peer.open()
        call = {"name": "background", "arguments": {"prompt": "x", "cli": "alpha"}}
        answer = await peer.result("tools/call", {**call, "_meta": {"progressToken": "p"}})
        body = answer["structuredContent"]
        uri = f"aimux://jobs/{body['job_id']}"
        await peer.result("resources/subscribe", {"uri": uri})
        listed = await peer.result("resources/read", {"uri": "aimux://jobs"})
        seen = len(peer.told("notifications/progress"))
        await trio.sleep(3.0)
        await peer.settle()
        during = len(peer.told("notifications/resources/updated"))
        events = await peer.tool("status", job_id=body["job_id"], events_after=0)
        await trio.sleep(30.0)
        await peer.settle()
        later = await peer.tool("status", job_id=body["job_id"])

    assert body["job_id"] in listed["contents"][0]["text"]
    assert during >= 1
    assert len(peer.told("notifications/resources/updated")) > during
    assert {each["uri"] for each in peer.told("notifications/resources/updated")} == {uri}
    assert len(peer.told("notifications/progress")) == seen == 0
    assert [each["seq"] for each in events["events_list"]][:2] == [1, 2]
    assert later["status"] == "completed"
