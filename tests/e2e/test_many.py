"""Many calls at once: all finish, the queue is seen, and nothing is left."""

from pathlib import Path

import pytest
import trio

from ._host import Host, Json, payload
from ._stand import CLIS, Stand, make_stand

CALLS = 20
SLOTS = 4


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """Four slots, and a queue that holds the rest and one more."""
    return make_stand(module_dir / "machine", max_concurrent_jobs=SLOTS, max_queued_jobs=17)


async def _post(host: Host, prompt: str, cli: str) -> int:
    host.server.last_id += 1
    call_id = host.server.last_id
    arguments = {"prompt": prompt, "cli": cli, "wait_seconds": 60}
    params = {"name": "exec", "arguments": arguments, "_meta": {"progressToken": call_id}}
    await host.say({"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params})
    return call_id


@pytest.mark.requirement("many:all_finish")
@pytest.mark.requirement("many:queue_positions")
@pytest.mark.requirement("many:nothing_left")
async def test_twenty_calls_at_once_all_finish(host: Host, stand: Stand) -> None:
    """Each gets its own answer; those that wait know their number; then all is as it was."""
    await _twenty(host)  # opens what a busy server keeps open: readers of the store, log, threads
    descriptors = host.server.descriptors()
    calls, _ = await _twenty(host)
    waits = [
        message
        for call_id in calls
        for params in host.told(call_id)
        if "waiting for a slot" in (message := str(params["message"]))
    ]

    assert {"waiting for a slot: number 1", "waiting for a slot: number 9"} <= set(waits)
    assert host.server.children() == {}
    assert stand.survivors() == {}
    assert host.server.descriptors() == descriptors


async def _twenty(host: Host) -> tuple[list[int], list[Json]]:
    """The ids and the answers of twenty calls, each of which got its own."""
    clis = [CLIS[number % len(CLIS)] for number in range(CALLS)]
    with trio.fail_after(120):
        calls = [await _post(host, f"call WORD{number}END", cli) for number, cli in enumerate(clis)]
        busiest = await host.call("sessions", action="health")
        bodies = [payload(await host.answer(call_id)) for call_id in calls]
    strays = [n for n, body in enumerate(bodies) if f"WORD{n}END" not in str(body["content"])]

    assert [body["status"] for body in bodies] == ["completed"] * CALLS
    assert [body["cli"] for body in bodies] == clis
    assert strays == []
    assert busiest["jobs"]["running"] <= SLOTS  # type: ignore[index]
    return calls, bodies


@pytest.mark.requirement("many:refused_when_full")
async def test_a_full_queue_refuses_and_leaves_nothing(host: Host) -> None:
    """Beyond slots and queue a call is refused: no job, no session; the others are killed."""
    before = await _total(host)
    sleepers = [
        await host.call("exec", **{"prompt": "[[sleep 100]]", "cli": "goose", "async": True})
        for _ in range(SLOTS + 17)
    ]
    position = sleepers[-1]["position"]
    refused = await host.exec("one more", cli="goose")
    for body in sleepers:
        await host.call("sessions", action="kill", job_id=body["job_id"])
    after = await _total(host)

    assert position == 17
    assert refused["status"] == "failed"
    assert refused["error"]["code"] == "too_many_jobs"  # type: ignore[index]
    assert refused["error"]["retryable"] is True  # type: ignore[index]
    assert after - before == len(sleepers)
    assert host.server.children() == {}


async def _total(host: Host) -> int:
    health: Json = await host.call("sessions", action="health")
    return int(str(health["total_sessions"]))
