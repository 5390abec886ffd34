"""The client's roots: asked for when they are needed, kept until they change."""

import os
import pathlib
from typing import Any

import pytest
import trio
import trio.testing

from aimux.model import ServerSettings
from aimux.server._roots import ANSWER_S

from ..engine.house import answers
from .wire import META, TASKS, Peer, open_pair

Clock = trio.testing.MockClock
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
ROOTED = META | {CAPABILITIES: {"roots": {}}}
EXEC = {"name": "exec", "arguments": {"prompt": "x", "dry_run": True}}


def make(root: pathlib.Path, name: str) -> str:
    """A directory."""
    (root / name).mkdir()
    return str(root / name)


def told(*paths: str) -> dict[str, Any]:
    """The answer to roots/list."""
    return {"roots": [{"uri": pathlib.Path(path).as_uri()} for path in paths]}


async def asked_of(peer: Peer, count: int) -> dict[str, Any]:
    """The newest of so many requests of the server's."""
    while len(peer.asked) < count:
        message = await peer.hear()
        assert message is not None
        if "method" in message and "id" in message:
            peer.asked.append(message)
        elif "id" in message:
            peer.answers[message["id"]] = message
        else:
            peer.notices.append(message)
    return peer.asked[-1]


def plan_of(answer: dict[str, Any]) -> tuple[str, list[str]]:
    """Directory and codes of the warnings of a plan."""
    body = answer["result"]["structuredContent"]
    return body["plan"]["cwd"], [each["code"] for each in body["warnings"]]


async def test_roots_are_asked_for_once_and_again_when_they_changed(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    one, two = make(tmp_path, "one"), make(tmp_path, "two")
    async with open_pair(tmp_path, lambda _: answers()) as (_, peer):
        await peer.open(roots={"listChanged": True})
        await peer.result("tools/list")
        await peer.result("tools/call", {"name": "exec", "arguments": {
            "prompt": "x", "cwd": one, "dry_run": True}})  # fmt: skip
        assert peer.asked == []
        first, beside = [await peer.begin("tools/call", EXEC) for _ in range(2)]
        request = await asked_of(peer, 1)
        assert request["method"] == "roots/list"
        await peer.say(id=request["id"], result=told(one))
        plans = [plan_of(await peer.answer(each)) for each in (first, beside)]
        plans.append(plan_of(await peer.call("tools/call", EXEC)))
        assert len(peer.asked) == 1
        await peer.say(method="notifications/roots/list_changed")
        last = await peer.begin("tools/call", EXEC)
        request = await asked_of(peer, 2)
        await peer.say(id=request["id"], result=told(two, one))
        plans.append(plan_of(await peer.answer(last)))

    assert plans == [(one, []), (one, []), (one, []), (two, ["cwd_from_roots"])]


async def test_a_plan_in_a_root_that_is_not_utf_8_is_shown(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What JSON cannot carry of its name is replaced."""
    root = tmp_path / os.fsdecode(b"h\xe9")
    try:
        root.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    async with open_pair(tmp_path, lambda _: answers()) as (_, peer):
        await peer.open(roots={})
        call = await peer.begin("tools/call", EXEC)
        request = await asked_of(peer, 1)
        await peer.say(id=request["id"], result=told(str(root)))
        plan = plan_of(await peer.answer(call))

    assert plan == (str(tmp_path / "h\ufffd"), [])


async def test_roots_that_change_while_they_are_asked_for_are_asked_for_again(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    one, two = make(tmp_path, "one"), make(tmp_path, "two")
    async with open_pair(tmp_path) as (_, peer):
        await peer.open(roots={"listChanged": True})
        call = await peer.begin("tools/call", EXEC)
        request = await asked_of(peer, 1)
        await peer.say(method="notifications/roots/list_changed")
        await peer.say(id=request["id"], result=told(one))
        request = await asked_of(peer, 2)
        await peer.say(id=request["id"], result=told(two))

        assert plan_of(await peer.answer(call)) == (two, [])


@pytest.mark.parametrize("answer", [None, "error", "malformed"])
async def test_a_client_that_does_not_tell_its_roots_is_not_waited_for(
    tmp_path: pathlib.Path, autojump_clock: Clock, answer: str | None
) -> None:
    """Its start counts, with a warning; it is not asked again at each call."""
    async with open_pair(tmp_path) as (house, peer):
        await peer.open(roots={})
        call = await peer.begin("tools/call", EXEC)
        request = await asked_of(peer, 1)
        if answer == "error":
            await peer.say(id=request["id"], error={"code": -1, "message": "no"})
        if answer == "malformed":
            await peer.say(id=request["id"], result={"root": 7})
        plans = [plan_of(await peer.answer(call)), plan_of(await peer.call("tools/call", EXEC))]
        waited_s = trio.current_time()

    assert plans == [(str(house.work), ["roots_unanswered"])] * 2
    assert waited_s == (ANSWER_S if answer is None else 0)
    assert [each["method"] for each in peer.asked] == ["roots/list"]


async def test_a_client_without_roots_is_not_asked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    async with open_pair(tmp_path) as (house, peer):
        await peer.open()

        assert plan_of(await peer.call("tools/call", EXEC)) == (str(house.work), [])
        assert peer.asked == []


async def test_a_modern_call_ends_with_the_question_and_is_repeated_with_its_roots(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Nothing is begun before, no request is made, and one call counts once for its rate."""
    one = make(tmp_path, "one")
    server = ServerSettings(rate_limit_rps=1, rate_limit_burst=1)
    call: dict[str, Any] = {"name": "exec", "arguments": {"prompt": "x"}, "_meta": ROOTED}
    async with open_pair(tmp_path, [answers()], server=server) as (house, peer):
        asked = await peer.result("tools/call", call)
        assert asked["resultType"] == "input_required"
        assert asked["inputRequests"] == {"roots": {"method": "roots/list", "params": {}}}
        assert (await house.store.jobs()).jobs == []
        again = {**call, "requestState": asked["requestState"], "inputResponses": {"else": 1}}
        asked = await peer.result("tools/call", again)  # no answer: it is asked again
        assert asked["resultType"] == "input_required"
        again["requestState"] = asked["requestState"]
        again["inputResponses"] = {"roots": told(one)}
        done = await peer.result("tools/call", again)
        assert done["structuredContent"]["error"] is None
        assert [spec.cwd for spec in house.driver.specs] == [one]
        plain = {**call, "_meta": META}
        limited = (await peer.result("tools/call", plain))["structuredContent"]
        assert limited["error"]["code"] == "rate_limited"
        assert peer.asked == []


async def test_a_modern_call_becomes_a_task_once_its_roots_are_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    one = make(tmp_path, "one")
    meta = META | {CAPABILITIES: {"roots": {}, "extensions": {TASKS: {}}}}
    call: dict[str, Any] = {"name": "exec", "arguments": {"prompt": "x"}, "_meta": meta}
    async with open_pair(tmp_path, [answers()]) as (house, peer):
        asked = await peer.result("tools/call", call)
        again = {
            **call,
            "requestState": asked["requestState"],
            "inputResponses": {"roots": told(one)},
        }
        task = await peer.result("tools/call", again)

        assert task["resultType"] == "task"
        session = (await house.store.sessions()).sessions[0]
        assert session.cwd == one


async def test_a_session_is_continued_without_asking(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It works where it began."""
    async with open_pair(tmp_path, lambda _: answers(native="n1")) as (house, peer):
        await peer.open(roots={})
        job = await house.run()
        body = await peer.tool("exec", prompt="x", session_id=job.session_id)

        assert body["status"] == "completed"
        assert peer.asked == []


def put(project: str, name: str) -> None:
    """A skill of a project."""
    file = pathlib.Path(project) / ".aimux" / "skills.d" / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\ndescription: {name} it\n---\nDo {name}.\n", encoding="utf-8")


async def answered(peer: Peer, count: int, method: str, params: object, *roots: str) -> Any:
    """The result of a call in whose course the server asks for roots, its question number so."""
    call = await peer.begin(method, params)
    request = await asked_of(peer, count)
    await peer.say(id=request["id"], result=told(*roots))
    return (await peer.answer(call))["result"]


async def test_prompts_are_those_of_the_roots(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Listed, filled in and completed; where the roots change, so may the list."""
    one, two = make(tmp_path, "one"), make(tmp_path, "two")
    put(one, "first")
    put(two, "second")
    async with open_pair(tmp_path) as (_, peer):
        await peer.open(roots={"listChanged": True})
        listed = await answered(peer, 1, "prompts/list", {}, str(tmp_path / "gone"), one)
        got = await peer.result("prompts/get", {"name": "first"})
        reference = {"ref": {"type": "ref/prompt", "name": "nobody"}}
        unknown = await peer.call(
            "completion/complete", {**reference, "argument": {"name": "x", "value": ""}}
        )
        assert len(peer.asked) == 1
        await peer.say(method="notifications/roots/list_changed")
        await peer.settle()
        changes = peer.told("notifications/prompts/list_changed")
        again = await answered(peer, 2, "prompts/list", {}, two)
        put(two, "third")
        while len(peer.told("notifications/prompts/list_changed")) == len(changes):
            message = await peer.hear()
            assert message is not None
            peer.notices.append(message)

    names = [{each["name"] for each in shown["prompts"]} for shown in (listed, again)]
    assert [each & {"first", "second"} for each in names] == [{"first"}, {"second"}]
    assert "Do first." in got["messages"][0]["content"]["text"]
    assert "first" in unknown["error"]["message"]
    assert changes == [{}]


async def test_prompts_of_a_client_without_usable_roots_are_those_of_its_start(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    async with open_pair(tmp_path) as (house, peer):
        put(str(house.work), "mine")
        await peer.open(roots={})
        listed = await answered(peer, 1, "prompts/list", {}, str(tmp_path / "gone"))

    assert "mine" in {each["name"] for each in listed["prompts"]}
