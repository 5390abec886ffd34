"""Jobs as tasks in both protocols, and notices to clients that asked for them."""

import pathlib
from typing import Any

import pytest
import trio
import trio.testing

from aimux.model import JobStatus, Noted, Role
from aimux.testing import Say, Turn

from ..engine.house import ROLES, answers, fails, record
from .wire import META, TASKS, Peer, open_pair

Clock = trio.testing.MockClock
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)
WITH_ANALYZE = {**ROLES, "analyze": Role(name="analyze")}
MODERN_META = META | {"io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}}}


def slow(seconds: float) -> Turn:
    return Turn(says=[Say(record(answer="at long last") + record(type="end"), after_s=seconds)])


# ------------------------------------------------------------------------------ tasks of 2025-11-25


def asked(**arguments: Any) -> dict[str, Any]:
    return {"name": "exec", "arguments": {"prompt": "x", **arguments}, "task": {"ttl": 60_000}}


async def test_a_task_from_its_creation_to_its_result(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Created at once, polled, waited for: the result is what the call would have answered."""
    async with open_pair(tmp_path, [slow(100)]) as (house, peer):
        await peer.open()
        created = await peer.result("tools/call", asked(wait_seconds=3))
        task = created["task"]
        assert trio.current_time() == 0
        assert task["status"] == "working"
        assert task["taskId"].startswith("job_")
        task_id = task["taskId"]
        polled = await peer.result("tasks/get", {"taskId": task_id})
        assert (polled["status"], polled["taskId"]) == ("working", task_id)

        result = await peer.result("tasks/result", {"taskId": task_id})
        assert trio.current_time() == 100
        assert result["structuredContent"]["content"] == "at long last"
        assert task_id in str(result["_meta"])
        assert (await peer.result("tasks/get", {"taskId": task_id}))["status"] == "completed"
        house.engine.supervisor.drop_recent([task_id])
        again = await peer.result("tasks/result", {"taskId": task_id})
        assert again["structuredContent"] == result["structuredContent"]


async def test_a_failed_job_is_a_failed_task(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Its result is there and says isError."""
    async with open_pair(tmp_path, [fails("context overflow")]) as (_, peer):
        await peer.open()
        task_id = (await peer.result("tools/call", asked()))["task"]["taskId"]
        result = await peer.result("tasks/result", {"taskId": task_id})
        assert result["isError"] is True
        assert (await peer.result("tasks/get", {"taskId": task_id}))["status"] == "failed"


async def test_a_task_is_cancelled(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The job ends with it; a second time is refused; the result says that there is none."""
    async with open_pair(tmp_path, [HANG]) as (house, peer):
        await peer.open()
        task_id = (await peer.result("tools/call", asked()))["task"]["taskId"]
        cancelled = await peer.result("tasks/cancel", {"taskId": task_id})
        assert cancelled["status"] == "cancelled"
        assert (await house.stored(task_id)).status is JobStatus.CANCELLED
        assert (await peer.call("tasks/cancel", {"taskId": task_id}))["error"]["code"] == -32602
        assert "error" in await peer.call("tasks/result", {"taskId": task_id})


async def test_what_cannot_be_a_task(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A tool without support is refused, where its answer is quick too; a plan is no task."""
    async with open_pair(tmp_path, [answers(), HANG]) as (house, peer):
        await peer.open()
        job = await house.run()
        call = {"name": "status", "arguments": {"job_id": job.id}, "task": {}}
        assert (await peer.call("tools/call", call))["error"]["code"] == -32601
        for dry_run in (True, "true"):
            plan = await peer.result("tools/call", asked(dry_run=dry_run))
            assert plan["structuredContent"]["status"] == "planned"
        real = await peer.result("tools/call", asked(dry_run="false"))
        await peer.result("tasks/cancel", {"taskId": real["task"]["taskId"]})
        refused = await peer.result("tools/call", asked(cwd="nowhere"))
        assert refused["isError"] is True
        assert len((await house.store.jobs()).jobs) == 2


async def test_a_task_outlives_its_client(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """It is an asynchronous job like any other."""
    async with open_pair(tmp_path, [HANG]) as (house, peer):
        await peer.open()
        task_id = (await peer.result("tools/call", asked()))["task"]["taskId"]
        await peer.stream.send_eof()
        await peer.settle()
        await trio.sleep(5)

        handle = house.engine.supervisor.find(task_id)
        assert handle is not None
        assert handle.job.status is JobStatus.RUNNING


# ------------------------------------------------------------------------ the extension, 2026-07-28


async def test_a_task_of_the_extension(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A client that can read tasks gets one; its end brings the result with it."""
    async with open_pair(tmp_path, [slow(100), HANG]) as (_, peer):
        params = {"name": "exec", "arguments": {"prompt": "x"}, "_meta": MODERN_META}
        created = await peer.result("tools/call", params)
        assert created["resultType"] == "task"
        task_id = created["taskId"]
        await trio.sleep(101)
        task = await peer.result("tasks/get", {"taskId": task_id, "_meta": MODERN_META})
        assert task["status"] == "completed"
        assert task["result"]["structuredContent"]["content"] == "at long last"

        other = (await peer.result("tools/call", params))["taskId"]
        update = {"taskId": other, "inputResponses": {}, "_meta": MODERN_META}
        assert "result" in await peer.call("tasks/update", update)
        await peer.result("tasks/cancel", {"taskId": other, "_meta": MODERN_META})
        ended = await peer.result("tasks/get", {"taskId": other, "_meta": MODERN_META})
        assert ended["status"] == "cancelled"
        nobody = await peer.call("tasks/get", {"taskId": "job_nobody", "_meta": MODERN_META})
        assert nobody["error"]["code"] == -32602


async def listen(peer: Peer, call_id: str, **wanted: Any) -> None:
    """Subscribe the modern way and take in the acknowledgement."""
    params = {"notifications": wanted, "_meta": MODERN_META}
    await peer.say(id=call_id, method="subscriptions/listen", params=params)
    await peer.settle()
    assert peer.told("notifications/subscriptions/acknowledged")


async def test_who_listens_to_a_task_is_told_of_its_end(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A notice per state, none after the last; an unknown task is silence."""
    async with open_pair(tmp_path, [slow(10)]) as (_, peer):
        params = {"name": "exec", "arguments": {"prompt": "x"}, "_meta": MODERN_META}
        task_id = (await peer.result("tools/call", params))["taskId"]
        await listen(peer, "sub", taskIds=[task_id, "job_nobody"])
        await trio.sleep(60)
        await peer.settle()

        told = peer.told("notifications/tasks")
        assert [(each["taskId"], each["status"]) for each in told] == [
            (task_id, "working"),
            (task_id, "completed"),
        ]
        await peer.stream.send_eof()
        assert "result" in await peer.answer("sub")


# ---------------------------------------------------------------------------------------- notices


async def test_a_burst_is_told_once_and_its_end_is_not_lost(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Updates of a watched job: at most two a second, one after the last change, one at the end."""
    async with open_pair(tmp_path, [HANG]) as (house, peer):
        await peer.open()
        job_id = (await peer.tool("exec", prompt="x", wait_seconds=1))["job_id"]
        uri = f"aimux://jobs/{job_id}"
        await peer.result("resources/subscribe", {"uri": uri})
        handle = house.engine.supervisor.find(job_id)
        assert handle is not None
        for number in range(20):
            handle.log.add(Noted(text=str(number)))
            await trio.sleep(0.05)
        await trio.sleep(10)
        await peer.settle()
        told = peer.told("notifications/resources/updated")
        assert 1 <= len(told) <= 3
        assert all(each == {"uri": uri} for each in told)

        before = len(told)
        handle.log.add(Noted(text="during"))
        await trio.sleep(0.4)
        handle.log.add(Noted(text="the end of the burst"))
        await trio.sleep(10)
        await peer.settle()
        assert len(peer.told("notifications/resources/updated")) == before + 1
        handle.cancel("enough")
        await trio.sleep(10)
        await peer.settle()
        assert len(peer.told("notifications/resources/updated")) >= before + 2
        after = len(peer.told("notifications/resources/updated"))
        await trio.sleep(10)
        await peer.settle()
        assert len(peer.told("notifications/resources/updated")) == after


async def test_who_unsubscribes_hears_no_more(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A watch ends with its subscription; other resources are watched as jobs come and go."""
    async with open_pair(tmp_path, lambda _: answers()) as (house, peer):
        await peer.open()
        await peer.result("resources/subscribe", {"uri": "aimux://metrics"})
        await peer.result("resources/subscribe", {"uri": "aimux://jobs/job_nobody"})
        await house.run()
        await trio.sleep(2)
        await peer.settle()
        assert peer.told("notifications/resources/updated") == [{"uri": "aimux://metrics"}]
        await peer.result("resources/unsubscribe", {"uri": "aimux://metrics"})
        await house.run()
        await trio.sleep(2)
        await peer.settle()
        assert len(peer.told("notifications/resources/updated")) == 1


@pytest.mark.parametrize("is_modern", [True, False])
async def test_a_changed_list_is_told(
    tmp_path: pathlib.Path, autojump_clock: Clock, is_modern: bool
) -> None:
    """Jobs are resources: who shook hands, or listens, learns that there are others now."""
    async with open_pair(tmp_path, lambda _: answers()) as (house, peer):
        if is_modern:
            await listen(peer, "sub", resourcesListChanged=True)
        else:
            await peer.open()
            await peer.settle()
        await house.run()
        await trio.sleep(2)
        await peer.settle()
        assert len(peer.told("notifications/resources/list_changed")) == 1
        if is_modern:
            await peer.say(method="notifications/cancelled", params={"requestId": "sub"})
            await trio.sleep(1)
            await house.run()
            await trio.sleep(2)
            await peer.settle()
            assert len(peer.told("notifications/resources/list_changed")) == 1


# ------------------------------------------------------------------- tools that do not always


THINKS = {"pattern": "critical_thinking", "issue": "is the cache too small?"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("think", {**THINKS, "consensus": True}), ("investigate", {"action": "auto"})],
)
async def test_what_asks_clis_only_sometimes_is_a_task_when_it_does(
    tmp_path: pathlib.Path, autojump_clock: Clock, name: str, arguments: dict[str, Any]
) -> None:
    """Created at once; its result is what the call would have answered."""
    async with open_pair(tmp_path, lambda _: slow(100), roles=WITH_ANALYZE) as (_, peer):
        await peer.open()
        if name == "investigate":
            call = {"name": name, "arguments": {"question": "why is it slow?"}}
            begun = await peer.result("tools/call", call)
            arguments["session_id"] = begun["structuredContent"]["result"]["session_id"]
        call = {"name": name, "arguments": arguments, "task": {"ttl": 60_000}}
        task = (await peer.result("tools/call", call))["task"]
        began = trio.current_time()
        result = await peer.result("tasks/result", {"taskId": task["taskId"]})

        assert task["status"] == "working"
        assert began == 0
        assert trio.current_time() >= 100
        assert result["structuredContent"]["job_id"] == task["taskId"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("think", THINKS),
        ("think", {**THINKS, "mode": "auto"}),
        ("think", {"action": "list"}),
        ("investigate", {"question": "why is it slow?"}),
    ],
)
async def test_what_makes_no_job_is_answered_though_a_task_was_wanted(
    tmp_path: pathlib.Path, autojump_clock: Clock, name: str, arguments: dict[str, Any]
) -> None:
    """In both protocols: there is nothing to wait for, and the answer is there."""
    async with open_pair(tmp_path, []) as (house, peer):
        await peer.open()
        asked_for = {"name": name, "arguments": arguments, "task": {"ttl": 60_000}}
        answered = await peer.result("tools/call", asked_for)
        modern = {"name": name, "arguments": arguments, "_meta": MODERN_META}
        again = await peer.result("tools/call", modern)

        for each in (answered, again):
            assert "task" not in each
            assert "isError" not in each
            assert each["structuredContent"]["guidance"]
        assert again["resultType"] == "complete"
        assert (await house.store.jobs()).jobs == []
