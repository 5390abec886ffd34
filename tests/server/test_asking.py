"""A child on a terminal asks: the question goes to the client in the way of its revision."""

import datetime
import pathlib
from collections.abc import Sequence
from typing import Any, cast

import attrs
import pytest
import trio
import trio.testing

from aimux.engine.turns._terminal import QUESTION_S
from aimux.model import JobStatus, OutputRule
from aimux.server import _states, serve_session
from aimux.testing import Say, Turn
from aimux.transports.network import Site

from ..engine.house import ALPHA, House, open_house
from ..transports.asgi import ADDRESS, Browser, modern, request
from .wire import META, TASKS, Peer, attach, open_pair

Clock = trio.testing.MockClock
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
ASKABLE = META | {CAPABILITIES: {"elicitation": {}}}
TASKED = META | {CAPABILITIES: {"elicitation": {"form": {}}, "extensions": {TASKS: {}}}}
YES = {"action": "accept", "content": {"answer": "yes"}}
TEXT = attrs.evolve(ALPHA, output=OutputRule(dialect="text"))
ASKS = Say(b"Welcome\nTrust it? [y/n] ")
THANKS = Say(b"\na fine answer\n", after_s=1, when_typed=True)
ONCE = Turn(says=[ASKS, THANKS])
STUCK = Turn(says=[ASKS], hangs=True)
TWICE = Turn(says=[ASKS, Say(b"\nSure? [y/n] ", when_typed=True), THANKS])


def pair(root: pathlib.Path, turns: Sequence[Turn], **more: Any) -> Any:
    """A house whose CLI prints text, and one client."""
    return open_pair(root, turns, profiles=[TEXT], **more)


def call_of(meta: object = ASKABLE, /, **more: Any) -> dict[str, Any]:
    """Parameters of a call of exec on a terminal."""
    return {"name": "exec", "arguments": {"prompt": "x", "tty": True, **more}, "_meta": meta}


def back(call: dict[str, Any], asked: dict[str, Any], response: object = YES) -> dict[str, Any]:
    """The same call with an answer to what was asked."""
    (key,) = asked["inputRequests"]
    return {**call, "requestState": asked["requestState"], "inputResponses": {key: response}}


def codes(result: dict[str, Any]) -> list[str]:
    """The codes of a result's warnings."""
    return [each["code"] for each in result["structuredContent"]["warnings"]]


async def jobs(house: House) -> list[JobStatus]:
    """How each job there ever was stands."""
    return [job.status for job in (await house.store.jobs()).jobs]


# ------------------------------------------------------------------------- the question as a result


@pytest.mark.requirement("asking:by_result")
async def test_a_modern_call_ends_with_the_question_and_goes_on_with_the_answer(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The repeated call goes on with the same job; what was said is typed."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)

        assert asked["resultType"] == "input_required"
        assert "structuredContent" not in asked
        (request,) = asked["inputRequests"].values()
        assert request["method"] == "elicitation/create"
        assert request["params"]["message"] == "alpha asks: Trust it? [y/n]"
        assert request["params"]["requestedSchema"]["required"] == ["answer"]
        assert trio.current_time() == QUESTION_S
        await trio.sleep(100)
        assert await jobs(house) == [JobStatus.RUNNING]

        result = await peer.result("tools/call", back(call, asked))
        assert result["resultType"] == "complete"
        assert result["structuredContent"]["status"] == "completed"
        assert "a fine answer" in result["structuredContent"]["content"]
        assert codes(result) == []
        assert house.driver.typed == [b"yes\n"]
        assert await jobs(house) == [JobStatus.COMPLETED]


async def test_one_question_after_the_other(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Each has a key of its own; the rounds end with the job's answer."""
    async with pair(tmp_path, [TWICE]) as (house, peer):
        call = call_of()
        first = await peer.result("tools/call", call)
        second = await peer.result("tools/call", back(call, first))
        result = await peer.result("tools/call", back(call, second))

        assert first["inputRequests"].keys().isdisjoint(second["inputRequests"])
        assert first["requestState"] != second["requestState"]
        assert result["structuredContent"]["status"] == "completed"
        assert house.driver.typed == [b"yes\n", b"yes\n"]
        assert len(await jobs(house)) == 1


async def test_another_connection_may_bring_the_answer(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A modern request is bound to no connection, and its job to none either."""
    async with open_house(tmp_path, [ONCE], profiles=[TEXT]) as house:
        call = call_of()
        async with attach(house.app, house) as peer:
            asked = await peer.result("tools/call", call)
        house.client = attrs.evolve(house.client, key="another connection")
        async with attach(house.app, house) as peer:
            result = await peer.result("tools/call", back(call, asked))

    assert result["structuredContent"]["status"] == "completed"


@pytest.mark.requirement("asking:refused")
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_who_will_not_answer_waits_on(
    tmp_path: pathlib.Path, autojump_clock: Clock, action: str
) -> None:
    """Nothing is typed, it is told, and the CLI decides what becomes of it."""
    turn = Turn(says=[ASKS, Say(b"\nthen without\n", after_s=60)])
    async with pair(tmp_path, [turn]) as (house, peer):
        call = call_of(wait_seconds=100)
        asked = await peer.result("tools/call", call)
        result = await peer.result("tools/call", back(call, asked, {"action": action}))

        assert result["structuredContent"]["status"] == "completed"
        assert codes(result) == ["waiting_for_input"]
        keyboard = house.driver.specs[0].keyboard
        assert keyboard is not None
        assert keyboard.statistics().current_buffer_used == 0


@pytest.mark.parametrize(
    "responses",
    [
        {},
        {"question_1": None},
        {"question_1": 7},
        {"question_1": {"action": "accept"}},
        {"question_1": {"action": "accept", "content": {"answer": 7}}},
        {"question_2": YES},
    ],
)
async def test_an_answer_that_is_none_is_asked_for_again(
    tmp_path: pathlib.Path, autojump_clock: Clock, responses: object
) -> None:
    """Missing, malformed, for another question: never taken for a word of the person."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)
        params = {**call, "requestState": asked["requestState"], "inputResponses": responses}
        again = await peer.result("tools/call", params)

        assert again["inputRequests"] == asked["inputRequests"]
        assert house.driver.typed == []
        result = await peer.result("tools/call", back(call, again))
        assert result["structuredContent"]["status"] == "completed"


async def test_waiting_by_status_is_asked_too(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A job in the background whose question nobody took is answered by who waits for it later."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        began = await peer.result("tools/call", call_of({**ASKABLE}, **{"async": True}))
        job_id = began["structuredContent"]["job_id"]
        await trio.sleep(10)
        look = {"name": "status", "arguments": {"job_id": job_id}, "_meta": ASKABLE}
        seen = await peer.result("tools/call", look)
        assert seen["structuredContent"]["question"] == "Trust it? [y/n]"
        assert codes(seen) == ["waiting_for_input"]
        wait = {**look, "arguments": {"job_id": job_id, "wait_seconds": 60}}
        asked = await peer.result("tools/call", wait)
        assert asked["resultType"] == "input_required"
        assert trio.current_time() == 10
        result = await peer.result("tools/call", back(wait, asked))

        assert result["structuredContent"]["status"] == "completed"
        assert "question" not in result["structuredContent"]
        assert house.driver.typed == [b"yes\n"]


@pytest.mark.requirement("asking:late")
@pytest.mark.parametrize("tool", ["exec", "status"])
@pytest.mark.parametrize("ends", [True, False])
async def test_an_answer_that_comes_too_late_gets_the_state_of_now(
    tmp_path: pathlib.Path, autojump_clock: Clock, tool: str, ends: bool
) -> None:
    """The child went on by itself, or its job has ended: a warning, nothing typed, no new job."""
    goes_on = [ASKS, Say(b"\nthen without\n", after_s=20)]
    async with pair(tmp_path, [Turn(says=goes_on, hangs=not ends)]) as (house, peer):
        call = call_of()
        if tool == "status":
            began = await peer.result("tools/call", call_of(**{"async": True}))
            job_id = began["structuredContent"]["job_id"]
            arguments = {"job_id": job_id, "wait_seconds": 60}
            call = {"name": "status", "arguments": arguments, "_meta": ASKABLE}
        asked = await peer.result("tools/call", call)
        await trio.sleep(30)
        before = trio.current_time()
        result = await peer.result("tools/call", back(call, asked))

        assert trio.current_time() == before
        assert "isError" not in result
        status = "completed" if ends else "running"
        assert result["structuredContent"]["status"] == status
        assert codes(result)[-1] == "answer_too_late"
        assert "question_unanswered" in codes(result)
        assert house.driver.typed == []
        assert len(await jobs(house)) == 1


@pytest.mark.requirement("asking:not_for_ever")
async def test_a_question_that_nobody_answers_ends_with_its_turn(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The job outlives the call, and silence ends it as ever."""
    async with pair(tmp_path, [STUCK]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)
        await trio.sleep(500)
        assert await jobs(house) == [JobStatus.RUNNING]
        await trio.sleep(500)
        assert await jobs(house) == [JobStatus.TIMED_OUT]
        (job,) = (await house.store.jobs()).jobs
        late = {"name": "status", "arguments": {"job_id": job.id}, "_meta": ASKABLE}
        body = (await peer.result("tools/call", late))["structuredContent"]

        assert "question_unanswered" in [each["code"] for each in body["warnings"]]
        result = await peer.result("tools/call", back(call, asked))
        assert codes(result)[-1] == "answer_too_late"


async def test_cancelling_the_repeated_call_ends_the_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It waits for the job as the first one did."""
    async with pair(tmp_path, [STUCK]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)
        again = await peer.begin("tools/call", back(call, asked))
        await trio.sleep(1)
        await peer.say(method="notifications/cancelled", params={"requestId": again})
        await house.engine.supervisor.wait_empty()
        assert await jobs(house) == [JobStatus.CANCELLED]


async def test_a_client_that_cannot_be_asked_is_not(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What a request does not declare is not asked of it, whatever another one declared."""
    async with pair(tmp_path, [STUCK]) as (house, peer):
        asked = await peer.result("tools/call", call_of())
        assert asked["resultType"] == "input_required"
        (handle,) = house.engine.supervisor.open_handles()
        arguments = {"job_id": handle.id, "wait_seconds": 5}
        look = {"name": "status", "arguments": arguments, "_meta": META}
        seen = await peer.result("tools/call", look)

        assert seen["resultType"] == "complete"
        assert seen["structuredContent"]["question"] == "Trust it? [y/n]"


async def test_over_http_each_round_is_a_request_of_its_own(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """One JSON text each, no connection kept; a forged state is a bad request."""
    async with (
        open_house(tmp_path, [ONCE], profiles=[TEXT]) as house,
        trio.open_nursery() as nursery,
    ):

        async def serve(wire: Any, client: Any) -> None:
            await serve_session(wire, house.app, client, strict=True)

        site = Site(ADDRESS, "/mcp", serve, house.client, nursery)
        browser = Browser(site, cast(Any, house.app), nursery)

        async def post(params: dict[str, Any]) -> tuple[int, Any]:
            message, headers = modern(request("tools/call", params))
            message["params"]["_meta"] = ASKABLE  # type: ignore[index]
            answer = await browser.post(message, **headers)
            return (await answer.wait_over()).status, await answer.message()

        call = call_of()
        status, asked = await post(call)
        assert (status, asked["result"]["resultType"]) == (200, "input_required")
        assert house.driver.running == 1
        status, refused = await post(back(call, asked["result"]) | {"requestState": "x.y"})
        assert (status, refused["error"]["code"]) == (400, -32602)
        status, done = await post(back(call, asked["result"]))
        assert (status, done["result"]["structuredContent"]["status"]) == (200, "completed")
        nursery.cancel_scope.cancel(reason="test over")


# ----------------------------------------------------------------------------------- the state


@pytest.mark.requirement("asking:sealed")
@pytest.mark.parametrize("how", ["forged", "made up", "expired", "foreign", "other call", "none"])
async def test_a_state_that_is_not_the_callers_is_refused(
    tmp_path: pathlib.Path, autojump_clock: Clock, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the protocol; nothing is typed, nothing begun, and the right one still works."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)
        params = back(call, asked)
        wrong = dict(params)
        match how:
            case "forged":
                wrong["requestState"] = "A" + params["requestState"][1:]
            case "made up":
                wrong["requestState"] = "eyJqb2IiOjF9"
            case "other call":
                wrong["arguments"] = {**params["arguments"], "prompt": "y"}
            case "none":
                del wrong["requestState"]
            case _:
                pass
        with monkeypatch.context() as patched:
            if how == "expired":
                later = _states.utc_now() + datetime.timedelta(seconds=601)
                patched.setattr(_states, "utc_now", lambda: later)
            if how == "foreign":
                house.client = attrs.evolve(house.client, transport="http")
                async with attach(house.app, house) as stranger:
                    refused = await stranger.call("tools/call", wrong)
            else:
                refused = await peer.call("tools/call", wrong)

        assert refused["error"]["code"] == -32602
        assert house.driver.typed == []
        result = await peer.result("tools/call", params)
        assert result["structuredContent"]["status"] == "completed"
        assert len(await jobs(house)) == 1


# ----------------------------------------------------------------------------- the handshake era


async def ask_of(peer: Peer, number: int = 1) -> dict[str, Any]:
    """The client's `number`th request from the server."""
    with trio.fail_after(1_000):
        while len(peer.asked) < number:
            await peer.settle()
            await trio.sleep(0.5)
    return peer.asked[number - 1]


@pytest.mark.requirement("asking:by_request")
@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_a_handshake_client_is_asked_in_the_course_of_any_wait(
    tmp_path: pathlib.Path, autojump_clock: Clock, version: str
) -> None:
    """exec and status alike; a look without waiting asks nobody."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        await peer.open(version, elicitation={})
        call = {"prompt": "x", "tty": True, "async": True}
        job_id = (await peer.tool("exec", **call))["job_id"]
        await trio.sleep(10)
        await peer.tool("status", job_id=job_id)
        assert peer.asked == []
        arguments = {"job_id": job_id, "wait_seconds": 60}
        wait = await peer.begin("tools/call", {"name": "status", "arguments": arguments})
        question = await ask_of(peer)
        assert question["params"]["message"] == "alpha asks: Trust it? [y/n]"
        await peer.say(id=question["id"], result=YES)
        result = (await peer.answer(wait))["result"]

        assert result["structuredContent"]["status"] == "completed"
        assert house.driver.typed == [b"yes\n"]


async def test_a_question_that_is_over_is_taken_back(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A client need not show a question any more that nobody waits for."""
    turn = Turn(says=[ASKS, Say(b"\nthen without\n", after_s=20), Say(b"bye\n", after_s=20)])
    async with pair(tmp_path, [turn]) as (house, peer):
        await peer.open(elicitation={})
        call = call_of({})
        begun = await peer.begin("tools/call", call)
        question = await ask_of(peer)
        await trio.sleep(25)
        await peer.settle()
        told = peer.told("notifications/cancelled")
        assert [each["requestId"] for each in told] == [question["id"]]
        await peer.say(id=question["id"], result=YES)
        result = (await peer.answer(begun))["result"]

        assert codes(result) == ["question_unanswered"]
        assert house.driver.typed == []


async def test_the_first_of_two_answers_counts(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Two that wait for one job are both asked; the other's question is taken back."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        await peer.open(elicitation={})
        first = await peer.begin("tools/call", call_of({}))
        await trio.sleep(1)
        (handle,) = house.engine.supervisor.open_handles()
        arguments = {"job_id": handle.id, "wait_seconds": 60}
        second = await peer.begin("tools/call", {"name": "status", "arguments": arguments})
        await ask_of(peer, 2)
        await peer.say(id=peer.asked[1]["id"], result=YES)
        await peer.answer(first)
        await peer.answer(second)

        told = peer.told("notifications/cancelled")
        assert [each["requestId"] for each in told] == [peer.asked[0]["id"]]
        assert house.driver.typed == [b"yes\n"]


@pytest.mark.requirement("asking:no_secrets")
@pytest.mark.parametrize("is_modern", [True, False])
async def test_secrets_are_not_asked_of_a_client(
    tmp_path: pathlib.Path, autojump_clock: Clock, is_modern: bool
) -> None:
    """No form asks for a password; that the CLI waits for one is told."""
    turn = Turn(says=[Say(b"Password: "), Say(b"\nthen without\n", after_s=30)])
    async with pair(tmp_path, [turn]) as (_, peer):
        if not is_modern:
            await peer.open(elicitation={})
        result = await peer.result("tools/call", call_of(ASKABLE if is_modern else {}))

        assert result["structuredContent"]["status"] == "completed"
        assert codes(result) == ["waiting_for_input"]
        assert peer.asked == []


# ------------------------------------------------------------------------------------------- tasks


@pytest.mark.requirement("asking:task")
async def test_a_task_of_the_extension_shows_its_question_and_takes_the_answer(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Shown to who can be asked; answers to other keys and malformed ones are passed over."""
    async with pair(tmp_path, [TWICE]) as (house, peer):
        task_id = (await peer.result("tools/call", call_of(TASKED)))["taskId"]
        params = {"notifications": {"taskIds": [task_id]}, "_meta": TASKED}
        await peer.say(id="sub", method="subscriptions/listen", params=params)
        await trio.sleep(10)
        get = {"taskId": task_id, "_meta": TASKED}
        task = await peer.result("tasks/get", get)
        assert (task["status"], task["resultType"]) == ("input_required", "complete")
        ((key, request),) = task["inputRequests"].items()
        assert request["params"]["message"] == "alpha asks: Trust it? [y/n]"
        mute = META | {CAPABILITIES: {"extensions": {TASKS: {}}}}
        other = await peer.result("tasks/get", {**get, "_meta": mute})
        assert (other["status"], "inputRequests" in other) == ("working", False)
        for responses in ({"nobody": YES}, {key: 7}, {key: None}):
            assert await peer.result("tasks/update", {**get, "inputResponses": responses})
        assert (await peer.result("tasks/get", get))["inputRequests"] == {key: request}

        await peer.result("tasks/update", {**get, "inputResponses": {key: YES}})
        await trio.sleep(1)
        assert (await peer.result("tasks/get", get))["status"] == "working"
        await trio.sleep(10)
        second = (await peer.result("tasks/get", get))["inputRequests"]
        assert key not in second
        late = {key: YES, **dict.fromkeys(second, YES)}
        await peer.result("tasks/update", {**get, "inputResponses": late})
        await trio.sleep(10)
        done = await peer.result("tasks/get", get)
        assert done["status"] == "completed"
        assert codes(done["result"]) == []
        assert house.driver.typed == [b"yes\n", b"yes\n"]
        told = [each["status"] for each in peer.told("notifications/tasks")]
        steps = ["working", "input_required", "working", "input_required", "working", "completed"]
        assert told == steps
        asked = [each["inputRequests"] for each in peer.told("notifications/tasks")[1:4:2]]
        assert asked == [{key: request}, second]


async def test_a_task_of_2025_asks_on_the_stream_of_its_result(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The status says that there is a question; who waits for the result is asked."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        await peer.open(elicitation={})
        created = await peer.result("tools/call", call_of({}) | {"task": {}})
        task_id = created["task"]["taskId"]
        await trio.sleep(10)
        assert peer.asked == []
        task = await peer.result("tasks/get", {"taskId": task_id})
        assert task["status"] == "input_required"
        assert "inputRequests" not in task
        waiting = await peer.begin("tasks/result", {"taskId": task_id})
        question = await ask_of(peer)
        related = question["params"]["_meta"]["io.modelcontextprotocol/related-task"]
        assert related == {"taskId": task_id}
        await peer.say(id=question["id"], result=YES)
        result = (await peer.answer(waiting))["result"]

        assert result["structuredContent"]["status"] == "completed"
        assert codes(result) == []
        assert house.driver.typed == [b"yes\n"]
        assert (await peer.result("tasks/get", {"taskId": task_id}))["status"] == "completed"


async def test_a_repeated_call_never_becomes_a_task(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Whatever it declares now: its job was begun as a call."""
    async with pair(tmp_path, [ONCE]) as (house, peer):
        call = call_of()
        asked = await peer.result("tools/call", call)
        result = await peer.result("tools/call", {**back(call, asked), "_meta": TASKED})

        assert result["structuredContent"]["status"] == "completed"
        assert len(await jobs(house)) == 1
