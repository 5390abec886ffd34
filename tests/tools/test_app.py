"""What all clients share: the engine, who is there, what a failure looks like."""

import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from aimux.errors import PeerFault, Refusal, StoreUnavailable
from aimux.model import Mode
from aimux.tools import Payload, ToolCall, error_json, open_app

from ..engine.house import Heard, open_house
from .calls import Clock


async def test_the_engine_opens_once_and_on_demand(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Asking for it does not open it; many calls at once open one; who waits for it is told."""
    opened: list[str] = []
    async with open_house(tmp_path) as house:

        @asynccontextmanager
        async def make() -> AsyncIterator[Any]:
            opened.append("try")
            if len(opened) == 1:
                raise StoreUnavailable("locked by another server")
            await trio.sleep(1)
            yield house.engine

        async with open_app(make) as app:
            told: list[str] = []
            app.on_open(lambda: told.append("early"))
            assert (app.engine, opened) == (None, [])
            call = ToolCall(
                name="sessions", arguments={"action": "list"}, client=house.client, caller=Heard()
            )
            assert app.answer_nowait(call) is None
            assert repr(app) == "<App: 0 clients, None>"
            with pytest.raises(StoreUnavailable):
                await app.call(call)
            bodies: list[Payload] = []

            async def ask_it() -> None:
                bodies.append(await app.call(call))

            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask_it)
            assert len(opened) == 2
            assert told == ["early"]
            app.on_open(lambda: told.append("late"))
            assert told == ["early", "late"]
            assert app.engine is house.engine
            assert len(bodies) == 5


async def test_clients_are_counted(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Per transport, while they are connected; who waits for a change is woken."""
    async with open_house(tmp_path) as house:
        moves: list[dict[str, int]] = []

        async def watch() -> None:
            while True:
                await house.app.wait_moved()
                moves.append(house.app.clients())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            with house.app.attached(house.client):
                await trio.testing.wait_all_tasks_blocked()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

        assert moves == [{"stdio": 1}, {}]
        assert house.app.unknown_tool("exec") is None
        assert "tools: exec, status, sessions" in (house.app.unknown_tool("nope") or "")
        assert "- exec: " in house.app.instructions(house.client)


def test_failures_say_whether_to_try_again() -> None:
    """A refusal that passes may be repeated, a fault of the caller's may not."""
    assert error_json(Refusal("full", data={"n": 1})) == {
        "code": "refused",
        "class": "refusal",
        "message": "full",
        "retryable": True,
        "hint": None,
        "n": 1,
    }
    assert error_json(PeerFault("bad"))["retryable"] is False
    assert Mode("read") is Mode.READ
