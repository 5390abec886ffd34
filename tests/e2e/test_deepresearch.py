"""`deepresearch` through MCP: over the stand-in of the vendor on loopback, and by a CLI without."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from emulators.model_server import ModelServer, serve_model

from ._host import Host, Json, attach, start_server
from ._stand import Stand

T = TypeVar("T")

KEY = "AIza-test-0123456789-abcdefghijklmnopqrs"


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    """The stand-in, which takes one key only."""
    with serve_model(key=KEY) as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path, vendor: ModelServer) -> Stand:
    """A machine with one CLI, whose research goes to the stand-in."""
    stand = Stand(root=tmp_path)
    stand.configure(
        server={"log_level": "debug"},
        roles={"research": {"cli": "codex"}},
        research={
            "base_url": vendor.url,
            "poll_seconds": 0.05,
            "request_timeout_seconds": 0.5,
        },
    )
    stand.home.mkdir()
    stand.emulate(["codex"])
    return stand


def play(stand: Stand, scene: Callable[[Host], Awaitable[T]], key: str = KEY) -> T:
    """One server and one client whose environment has the key."""

    async def attached() -> T:
        async with attach(server) as host:
            return await scene(host)

    env = {**stand.env, **({"GEMINI_API_KEY": key} if key else {})}
    with start_server(env, stand.project(), stand.root / "research.stderr") as server:
        return trio.run(attached)


def research(stand: Stand, *calls: Json, key: str = KEY) -> list[Any]:
    """What each of these calls is answered."""

    async def scene(host: Host) -> list[Any]:
        return [await host.call("deepresearch", wait_seconds=60, **call) for call in calls]

    return play(stand, scene, key)


def steps(vendor: ModelServer, what: str) -> list[dict[str, Any]]:
    return [each for each in vendor.requests if each.get("step") == what]


@pytest.mark.requirement("tools:deepresearch")
@pytest.mark.requirement("deepresearch:secret")
def test_a_report_comes_with_the_pages_it_cites(machine: Stand, vendor: ModelServer) -> None:
    """In the background at the vendor, with its queries and figures; the key is nowhere else."""
    body = research(machine, {"topic": "What do studies say of size?"})[0]

    data = body["data"]
    assert body["status"] == "completed", body["error"]
    assert data["report"] == "Größe zählt.\nTwo sources agree."
    assert [each["url"] for each in data["sources"]] == [
        "https://example.com/1",
        "https://example.com/2",
    ]
    start, end = data["sources"][0]["cited_at"][0]
    assert data["report"][start:end] == "Two sources agree."
    assert "1. [Source 1](https://example.com/1)" in body["content"]
    assert (data["provider"], data["grounded"], data["cached"]) == ("gemini", True, False)
    assert data["queries"] == ["first query"]
    assert body["usage"]["reasoning_tokens"] == 40
    assert [turn["cli"] for turn in body["turns"]] == ["gemini-api"]
    begun = steps(vendor, "begin")[0]
    assert begun["agent"] == "deep-research-preview-04-2026"
    assert begun["background"] is True
    assert begun["interaction"] == data["interaction_id"]
    kept = [each for each in machine.root.rglob("*") if each.is_file()]
    assert [each for each in kept if KEY.encode() in each.read_bytes()] == []
    assert KEY not in str(body)
