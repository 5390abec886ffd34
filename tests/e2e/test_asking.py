"""A CLI on a real terminal asks, and is answered through the client in the way of its era."""

import contextlib
from typing import Final

import pytest
import trio

from ._each import each
from ._host import ANSWER_S, Host, Json, Server, attach, codes, payload, start_server
from ._stand import CLIS, Stand

ENVELOPE: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
}
TASKS: Final = "io.modelcontextprotocol/tasks"
TASKED: Final = ENVELOPE | {
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "extensions": {TASKS: {}}}
}
YES: Final = {"action": "accept", "content": {"answer": "yes please"}}


def request(cli: str, times: int = 1, meta: Json = ENVELOPE) -> Json:
    """A call of exec on a CLI that asks."""
    prompt = f"[[fault ask {times}]] [[say 20]]"
    arguments = {"prompt": prompt, "cli": cli, "tty": True, "wait_seconds": ANSWER_S}
    return {"name": "exec", "arguments": arguments, "_meta": meta}


def part(message: object, *names: str) -> Json:
    """An object in an object."""
    for name in names:
        assert isinstance(message, dict)
        message = message[name]
    assert isinstance(message, dict), message
    return message


async def converse(host: Host, call: Json, rounds: int) -> Json:
    """Answer what is asked so often; the call's last answer."""
    result = part(await host.answer(await host.post("tools/call", call)), "result")
    for number in range(1, rounds + 1):
        assert result["resultType"] == "input_required", result
        ((key, request),) = part(result, "inputRequests").items()
        assert f"May step {number} be taken? [y/n]" in str(request)
        again = {**call, "inputResponses": {key: YES}, "requestState": result["requestState"]}
        response = await host.answer(await host.post("tools/call", again))
        result = part(response, "result")
    assert result["resultType"] == "complete"
    return payload({"result": result})


@pytest.mark.requirement("asking:by_result")
async def test_each_cli_is_answered_by_a_modern_client(host: Host) -> None:
    """The call ends with the question; repeated with the answer it goes on with the same child."""

    async def one(cli: str) -> Json:
        return await converse(host, request(cli), 1)

    bodies = await each(one)

    assert {cli: body["status"] for cli, body in bodies.items()} == dict.fromkeys(CLIS, "completed")
    typed = {cli: str(body["content"]).count("Typed: yes please") for cli, body in bodies.items()}
    assert typed == dict.fromkeys(CLIS, 1)
    assert {cli: len(body["attempts"]) for cli, body in bodies.items()} == dict.fromkeys(CLIS, 1)  # type: ignore[arg-type]


async def test_rounds_follow_each_other_and_a_late_answer_is_told(host: Host) -> None:
    """Three questions, one job; the answer of a round that is over changes nothing."""
    call = request("codex", 3)
    first = part(await host.answer(await host.post("tools/call", call)), "result")
    (key,) = part(first, "inputRequests")
    again = {**call, "inputResponses": {key: YES}, "requestState": first["requestState"]}
    second = part(await host.answer(await host.post("tools/call", again)), "result")
    late = payload(await host.answer(await host.post("tools/call", again)))
    assert (late["status"], codes(late)) == ("running", {"answer_too_late"})

    (key,) = part(second, "inputRequests")
    again = {**call, "inputResponses": {key: YES}, "requestState": second["requestState"]}
    third = part(await host.answer(await host.post("tools/call", again)), "result")
    (key,) = part(third, "inputRequests")
    again = {**call, "inputResponses": {key: YES}, "requestState": third["requestState"]}
    body = payload(await host.answer(await host.post("tools/call", again)))

    assert body["status"] == "completed"
    assert "Typed: yes please, yes please, yes please" in str(body["content"])
    assert body["job_id"] == late["job_id"]


@pytest.mark.requirement("asking:task")
async def test_a_task_is_answered_by_its_update(host: Host) -> None:
    """The same question in the shape of a task."""
    call = request("claude", 1, TASKED)
    del part(call, "arguments")["wait_seconds"]
    created = part(await host.answer(await host.post("tools/call", call)), "result")
    about = {"taskId": created["taskId"], "_meta": TASKED}

    async def seen(status: str) -> Json:
        with trio.fail_after(ANSWER_S):
            while True:
                task = part(await host.answer(await host.post("tasks/get", about)), "result")
                if task["status"] == status:
                    return task
                await trio.sleep(0.1)

    asked = await seen("input_required")
    (key,) = part(asked, "inputRequests")
    update = {**about, "inputResponses": {key: YES}}
    assert "result" in await host.answer(await host.post("tasks/update", update))
    done = await seen("completed")

    assert "Typed: yes please" in str(part(done, "result", "structuredContent")["content"])


@pytest.mark.slow
@pytest.mark.requirement("asking:by_request")
def test_a_handshake_client_is_asked_during_the_call(stand: Stand) -> None:
    """By a request of the server's own, on the terminal of a real child."""
    with contextlib.ExitStack() as stack:
        env = {**stand.env, "AIMUX_STATE_DIR": str(stand.root / "state-asked")}
        server: Server = stack.enter_context(
            start_server(env, stand.project(), stand.root / "stderr-asked", {"elicitation": {}})
        )
        body = trio.run(_answered, server)

    assert body["status"] == "completed"
    assert "Typed: yes please" in str(body["content"])


async def _answered(server: Server) -> Json:
    async with attach(server) as host:
        call = request("gemini")
        del call["_meta"]
        call_id = await host.post("tools/call", call)
        question = await host.question()
        assert "May step 1 be taken? [y/n]" in str(question["params"])
        await host.say({"jsonrpc": "2.0", "id": question["id"], "result": YES})
        return payload(await host.answer(call_id))
