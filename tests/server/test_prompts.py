"""Prompts over the protocol: listed, got, completed, and changes told."""

import pathlib
from typing import Any

import pytest
import trio
import trio.testing

from .wire import META, MODERN, Peer, open_pair

Clock = trio.testing.MockClock
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


async def begin(peer: Peer, revision: str) -> dict[str, Any]:
    """Speak this revision; gives what each call's parameters hold."""
    if revision == MODERN:
        return {"_meta": META}
    await peer.open(revision)
    return {}


def put(work: pathlib.Path, name: str, text: str = "do it") -> None:
    """A skill of the project."""
    file = work / ".aimux" / "skills.d" / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\ndescription: {name} it\n---\n{text}\n", encoding="utf-8")


@pytest.mark.requirement("prompts:protocol")
@pytest.mark.parametrize("revision", [*HANDSHAKES, MODERN])
async def test_every_revision_lists_gets_and_completes(
    revision: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Thirteen with what the revision knows; a text of the user; values."""
    async with open_pair(tmp_path) as (_, peer):
        meta = await begin(peer, revision)
        listed = (await peer.result("prompts/list", dict(meta)))["prompts"]
        wanted = {"name": "debug", "arguments": {"error": "it hangs"}, **meta}
        got = await peer.result("prompts/get", wanted)
        asked = {
            "ref": {"type": "ref/prompt", "name": "review"},
            "argument": {"name": "scope", "value": "sta"},
            **meta,
        }
        completed = await peer.result("completion/complete", asked)

    assert len(listed) == 13
    assert ("title" in listed[0]) == (revision >= "2025-06-18")
    assert all(each["description"] for each in listed)
    assert got["messages"][0]["role"] == "user"
    assert "> it hangs" in got["messages"][0]["content"]["text"]
    assert completed["completion"] == {
        "values": ["staged", "unstaged"],
        "total": 2,
        "hasMore": False,
    }


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("prompts/get", {"name": "debgu"}, "did you mean debug"),
        ("prompts/get", {"name": "tdd"}, "argument feature is missing"),
        ("prompts/get", {"name": "tdd", "arguments": {"feature": ["x"]}}, "is no text"),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/prompt", "name": "nobody"},
                "argument": {"name": "x", "value": ""},
            },
            "unknown prompt 'nobody'",
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "tdd"}, "argument": {"name": "x", "value": ""}},
            "it takes feature",
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt"}, "argument": {"name": "x", "value": ""}},
            "needs ref",
        ),
    ],
)
async def test_a_request_for_what_is_not_there_is_refused_by_name(
    method: str, params: object, said: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """As bad parameters, and the session goes on."""
    async with open_pair(tmp_path) as (_, peer):
        await peer.open()
        error = (await peer.call(method, params))["error"]
        assert await peer.result("ping") == {}

    assert error["code"] == -32602
    assert said in error["message"]


async def test_a_template_with_a_fault_is_told_with_its_place(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """As an error of this server's files, not as bad parameters."""
    async with open_pair(tmp_path) as (house, peer):
        put(house.work, "broken", "fine\n{{ nothing }}")
        await peer.open()
        error = (await peer.call("prompts/get", {"name": "broken"}))["error"]

    assert error["code"] == -32603
    assert "'nothing' is undefined" in error["message"]
    assert "broken.md:5" in error["message"]


async def wait_told(peer: Peer) -> None:
    """Return once a change was told: files are looked at in a thread, which this clock outruns."""
    while not peer.told("notifications/prompts/list_changed"):
        message = await peer.hear()
        assert message is not None, "the server has left"
        peer.notices.append(message)


@pytest.mark.requirement("prompts:changed")
async def test_a_client_with_the_list_hears_of_a_change(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Within five seconds, once per change; one that never asked hears nothing."""
    async with open_pair(tmp_path) as (house, peer):
        await peer.open()
        put(house.work, "early")
        await trio.sleep(20)
        await peer.settle()
        assert peer.told("notifications/prompts/list_changed") == []

        listed = await peer.result("prompts/list")
        put(house.work, "late")
        await wait_told(peer)
        assert peer.told("notifications/prompts/list_changed") == [{}]
        again = await peer.result("prompts/list")
        await trio.sleep(20)
        await peer.settle()
        assert peer.told("notifications/prompts/list_changed") == [{}]

    assert len(listed["prompts"]) == 14
    assert {each["name"] for each in again["prompts"]} >= {"early", "late"}


@pytest.mark.requirement("prompts:changed")
async def test_a_modern_client_hears_of_a_change_that_it_listens_for(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """On its stream, with the tag."""
    async with open_pair(tmp_path) as (house, peer):
        wanted = {"notifications": {"promptsListChanged": True}, "_meta": META}
        await peer.result("prompts/list", {"_meta": META})
        await peer.begin("subscriptions/listen", wanted, call_id="ear")
        put(house.work, "late")
        await wait_told(peer)
        (told,) = peer.told("notifications/prompts/list_changed")

    assert told["_meta"]["io.modelcontextprotocol/subscriptionId"] == "ear"
