"""A CLI asks while its job belongs to the daemon: its question outlives the client it went to."""

import pytest

from ..e2e._host import codes, payload
from ..e2e.test_asking import YES, converse, part, request
from ._world import World, open_host


@pytest.mark.requirement("asking:by_result")
async def test_a_modern_client_of_the_daemon_answers(world: World) -> None:
    """Through the shim as without it."""
    async with open_host(world) as host:
        body = await converse(host, request("codex", 2), 2)

    assert body["status"] == "completed"
    assert "Typed: yes please, yes please" in str(body["content"])


async def test_an_answer_may_come_from_the_next_client(world: World) -> None:
    """The one that was asked has left; its state is good for another of the same user."""
    call = request("claude")
    async with open_host(world) as host:
        asked = part(await host.answer(await host.post("tools/call", call)), "result")
    (key,) = part(asked, "inputRequests")
    again = {**call, "inputResponses": {key: YES}, "requestState": asked["requestState"]}
    async with open_host(world) as host:
        body = payload(await host.answer(await host.post("tools/call", again)))
        late = payload(await host.answer(await host.post("tools/call", again)))

    assert body["status"] == late["status"] == "completed"
    assert body["job_id"] == late["job_id"]
    assert "Typed: yes please" in str(body["content"])
    assert codes(late) == {"answer_too_late"}
