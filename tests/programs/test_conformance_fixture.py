"""The fixture does what the suite asks for, seen from a client, in both eras."""

import itertools
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from aimux.protocol import Json

from ..conformance.catalogue import PROMPTS, TOOLS
from ..conformance.fixture import Fixture
from .mount import Mount, open_mount

EVERYTHING: Json = {
    "elicitation": {},
    "sampling": {},
    "roots": {},
    "extensions": {"io.modelcontextprotocol/tasks": {}},
}
NAMES = [str(tool["name"]) for tool in TOOLS]


def modern(capabilities: Json | None = None, **params: object) -> Json:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": EVERYTHING
        if capabilities is None
        else capabilities,
    }
    return {**params, "_meta": meta}


async def shake_hands(mount: Mount, version: str = "2025-11-25") -> None:
    params = {"protocolVersion": version, "capabilities": EVERYTHING, "clientInfo": {}}
    await mount.call("initialize", params)
    await mount.hear({"method": "notifications/initialized"})


def result(response: Json) -> Json:
    return cast(Json, response["result"])


def said(response: Json) -> str:
    content = cast(list[Json], result(response)["content"])
    return str(content[0]["text"])


def code(response: Json) -> object:
    return cast(Json, response["error"])["code"]


def tool(name: str, capabilities: Json | None = None, **more: object) -> Json:
    return modern(capabilities, name=name, **more)


@pytest.mark.parametrize("name", NAMES)
async def test_every_listed_tool_answers_in_the_modern_era(
    autojump_clock: MockClock, name: str
) -> None:
    async with open_mount() as mount:
        kind = result(await mount.call("tools/call", tool(name)))["resultType"]

    asks_first = name.startswith("test_input_required") or name == "test_tool_with_task"
    is_job = not asks_first and name in (*NAMES[-6:-1],)
    assert kind == ("input_required" if asks_first else "task" if is_job else "complete")


@pytest.mark.parametrize("name", NAMES)
async def test_every_listed_tool_answers_after_a_handshake(
    autojump_clock: MockClock, name: str
) -> None:
    """A call ends with a result or with an error that names the reason."""
    async with open_mount() as mount:
        await shake_hands(mount)
        with trio.fail_after(30):
            mount.nursery.start_soon(_answer_asks, mount)
            response = await mount.call("tools/call", {"name": name})

    if name.startswith("test_input_required_result") and name != (
        "test_input_required_result_capabilities"
    ):
        assert code(response) == -32602
    elif name in {"failing_job", "protocol_error_job", "confirm_delete", "multi_input"} | {
        "test_tool_with_task"
    }:
        assert code(response) == -32601
    elif name != "test_input_required_result_capabilities":
        assert result(response)["content"]


async def _answer_asks(mount: Mount) -> None:
    """Be a client that accepts whatever it is asked."""
    for seen in itertools.count():
        await mount.wait_until(lambda seen=seen: len(mount.written) > seen)
        message = mount.written[seen]
        if "method" in message and "id" in message:
            answer = {"action": "accept", "content": {"confirm": True}, "model": "m", "role": "x"}
            await mount.hear({"id": message["id"], "result": answer})


async def test_input_is_asked_for_until_it_is_good(autojump_clock: MockClock) -> None:
    """F-15, F-17: numbers and unknown keys are no answers."""
    name = "test_input_required_result_elicitation"
    async with open_mount() as mount:
        for responses in (
            {},
            {"user_name": 7},
            {"other": {}},
            {"user_name": {"action": "decline"}},
        ):
            response = await mount.call("tools/call", tool(name, inputResponses=responses))
            assert result(response)["resultType"] == "input_required"
        good = {"user_name": {"action": "accept", "content": {"name": "Ada"}}, "other": {}}
        response = await mount.call("tools/call", tool(name, inputResponses=good))

    assert said(response) == "Hello, Ada!"


async def test_state_survives_two_rounds_and_no_tampering(autojump_clock: MockClock) -> None:
    name = "test_input_required_result_multi_round"
    async with open_mount() as mount:
        first = result(await mount.call("tools/call", tool(name)))
        named = {"step1": {"action": "accept", "content": {"name": "Ada"}}}
        second = result(
            await mount.call(
                "tools/call",
                tool(name, inputResponses=named, requestState=first["requestState"]),
            )
        )
        coloured = {"step2": {"action": "accept", "content": {"color": "red"}}}
        state = str(second["requestState"])
        forged = await mount.call(
            "tools/call", tool(name, inputResponses=coloured, requestState=state + "-TAMPERED")
        )
        done = await mount.call(
            "tools/call", tool(name, inputResponses=coloured, requestState=state)
        )

    assert first["requestState"] != second["requestState"]
    assert code(forged) == -32602
    assert said(done) == "Ada likes red"


async def test_job_lives_as_a_modern_task(autojump_clock: MockClock) -> None:
    """12.1: created before it is answered, told to listeners, final once over."""
    async with open_mount() as mount:
        created = result(
            await mount.call("tools/call", tool("slow_compute", arguments={"seconds": 60}))
        )
        task_id = created["taskId"]
        listen = modern(notifications={"taskIds": [task_id]})
        await mount.hear({"id": 0, "method": "subscriptions/listen", "params": listen})
        working = result(await mount.call("tasks/get", modern(taskId=task_id)))
        await mount.wait_until(lambda: bool(mount.found(method="notifications/tasks")))
        done = result(await mount.call("tasks/get", modern(taskId=task_id)))
        again = result(await mount.call("tasks/cancel", modern(taskId=task_id)))
        notice = cast(Json, next(iter(mount.found(method="notifications/tasks")))["params"])

    assert (created["resultType"], working["status"]) == ("task", "working")
    assert (done["status"], done["resultType"]) == ("completed", "complete")
    assert notice["taskId"] == task_id
    assert cast(Json, notice["_meta"])["io.modelcontextprotocol/subscriptionId"] == 0
    assert "taskId" not in again


async def test_job_asks_through_its_task(autojump_clock: MockClock) -> None:
    async with open_mount() as mount:
        created = result(await mount.call("tools/call", tool("multi_input")))
        task_id = created["taskId"]
        await trio.testing.wait_all_tasks_blocked()
        asking = result(await mount.call("tasks/get", modern(taskId=task_id)))
        for key in ("first", "second"):
            answer = {key: {"action": "accept", "content": {}}, "unknown": {}}
            await mount.call("tasks/update", modern(taskId=task_id, inputResponses=answer))
        done = result(await mount.call("tasks/get", modern(taskId=task_id)))

    assert sorted(cast(Json, asking["inputRequests"])) == ["first", "second"]
    assert done["status"] == "completed"


async def test_job_without_the_extension_is_refused_or_run_here(autojump_clock: MockClock) -> None:
    async with open_mount() as mount:
        refused = await mount.call("tools/call", tool("failing_job", {}))
        here = await mount.call(
            "tools/call", tool("slow_compute", {}, arguments={"seconds": 1, "label": "w"})
        )
        unknown = await mount.call("tasks/get", modern(taskId="nobody"))

    assert code(refused) == -32021
    assert said(here) == "w took 1 s"
    assert code(unknown) == -32602


async def test_job_lives_as_a_core_task(autojump_clock: MockClock) -> None:
    """2025-11-25: nested, polled, and its result waits."""
    async with open_mount() as mount:
        await shake_hands(mount)
        response = await mount.call("tools/call", {"name": "failing_job", "task": {"ttl": 1}})
        task = cast(Json, result(response)["task"])
        params: Json = {"taskId": task["taskId"]}
        waited = result(await mount.call("tasks/result", params))
        listed = result(await mount.call("tasks/list", {}))
        late = await mount.call("tasks/cancel", params)
        other = await mount.call("tools/call", {"name": "slow_compute", "task": {}})
        slow = cast(Json, result(other)["task"])

    assert task["status"] == "working"
    assert waited["isError"] is True
    assert waited["_meta"] == {"io.modelcontextprotocol/related-task": {"taskId": task["taskId"]}}
    assert [one["status"] for one in cast(list[Json], listed["tasks"])] == ["failed"]
    assert code(late) == -32602
    assert slow["taskId"] != task["taskId"]


async def test_core_task_asks_by_a_request_that_names_it(autojump_clock: MockClock) -> None:
    async with open_mount() as mount:
        await shake_hands(mount)
        response = await mount.call("tools/call", {"name": "confirm_delete", "task": {}})
        task_id = cast(Json, result(response)["task"])["taskId"]
        await mount.wait_until(lambda: bool(mount.found(method="elicitation/create")))
        asked = next(iter(mount.found(method="elicitation/create")))
        state = result(await mount.call("tasks/get", {"taskId": task_id}))
        await mount.hear({"id": asked["id"], "result": {"action": "accept", "content": {}}})
        done = result(await mount.call("tasks/result", {"taskId": task_id}))

    meta = cast(Json, cast(Json, asked["params"])["_meta"])
    assert meta["io.modelcontextprotocol/related-task"] == {"taskId": task_id}
    assert state["status"] == "input_required"
    assert cast(list[Json], done["content"])[0]["text"] == "answered: confirm"


async def test_cancelled_call_says_nothing_more(autojump_clock: MockClock) -> None:
    """S-4: progress comes, then silence."""
    async with open_mount() as mount:
        params = {"name": "slow_compute", "arguments": {"seconds": 60}}
        await mount.hear({"id": 0, "method": "tools/call", "params": params})
        await trio.testing.wait_all_tasks_blocked()
        await mount.hear({"method": "notifications/cancelled", "params": {"requestId": 0}})
        await trio.sleep(120)
        assert mount.written == []
        assert mount.peer.statistics().cancelled_calls == 0


async def test_notifications_of_a_call_arrive_before_its_answer(autojump_clock: MockClock) -> None:
    async with open_mount() as mount:
        await shake_hands(mount)
        token = {"_meta": {"progressToken": 0}}
        await mount.call("tools/call", {"name": "test_tool_with_progress", **token}, 1)
        await mount.call("tools/call", {"name": "test_tool_with_logging"}, 2)
        told = [one.get("method", one.get("id")) for one in mount.written[1:]]

    assert told == ["notifications/progress"] * 3 + [1] + ["notifications/message"] * 3 + [2]


@pytest.mark.parametrize("name", [str(prompt["name"]) for prompt in PROMPTS])
async def test_every_listed_prompt_is_served(autojump_clock: MockClock, name: str) -> None:
    arguments = {"arg1": "a", "arg2": "b", "resourceUri": "test://r"}
    answers = {"user_context": {"action": "accept", "content": {"context": "c"}}}
    async with open_mount() as mount:
        params = modern(name=name, arguments=arguments, inputResponses=answers)
        assert result(await mount.call("prompts/get", params))["messages"]
        bare = await mount.call("prompts/get", modern(name=name))
        unknown = await mount.call("prompts/get", modern(name=f"{name}?"))

    assert code(unknown) == -32602
    if name == "test_prompt_with_arguments":
        assert code(bare) == -32602


async def test_resources_templates_and_lists(autojump_clock: MockClock) -> None:
    async with open_mount() as mount:
        listed = result(await mount.call("resources/list", modern()))
        for resource in cast(list[Json], listed["resources"]):
            read = result(await mount.call("resources/read", modern(uri=resource["uri"])))
            assert cast(list[Json], read["contents"])[0]["uri"] == resource["uri"]
            assert (read["ttlMs"], read["cacheScope"]) == (0, "private")
        templates = result(await mount.call("resources/templates/list", modern()))
        made = result(await mount.call("resources/read", modern(uri="test://template/7/data")))
        missing = await mount.call("resources/read", modern(uri="test://no"))
        completed = result(
            await mount.call("completion/complete", modern(ref={}, argument={"name": "arg1"}))
        )
        tools = result(await mount.call("tools/list", modern()))
        unknown = await mount.call("tools/call", tool("nobody"))

    assert len(cast(list[Json], templates["resourceTemplates"])) == 1
    assert '"id":"7"' in str(cast(list[Json], made["contents"])[0]["text"])
    assert code(missing) == -32602
    assert cast(Json, completed["completion"])["values"]
    assert tools["cacheScope"] == "public"
    assert cast(list[Json], tools["tools"])[0]["name"] == "test_simple_text"
    assert code(unknown) == -32602


def test_schemas_are_found_by_tool() -> None:
    schema = Fixture.schema_of("test_x_mcp_header")
    assert schema is not None
    assert "x-mcp-header" in str(schema)
    assert Fixture.schema_of("nobody") is None
