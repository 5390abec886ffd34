"""WebSocket: one JSON text a frame."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import orjson
import pytest
import trio
from trio.testing import MockClock

from aimux.protocol import Json
from aimux.transports import _websocket

from .asgi import TOKEN, Browser, call, initialize, modern, note, open_browser, request


@attrs.define(eq=False)
class Socket:
    """A client's end, on ASGI."""

    into: trio.MemorySendChannel[dict[str, object]]
    out: trio.MemoryReceiveChannel[dict[str, Any]]

    async def say(self, message: object) -> None:
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        await self.into.send({"type": "websocket.receive", "text": text})

    async def hear(self) -> Json:
        sent = await self.out.receive()
        assert sent["type"] == "websocket.send"
        message = orjson.loads(sent["text"])
        assert isinstance(message, dict)
        return message


@asynccontextmanager
async def open_socket(
    browser: Browser, path: str = "/ws", **headers: str | None
) -> AsyncIterator[Socket]:
    wanted = {"host": "localhost", "authorization": f"Bearer {TOKEN}", **headers}
    scope = {
        "type": "websocket",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in wanted.items() if value],
        "subprotocols": ["other", "mcp"],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {"websocket.http.response": {}},
    }
    into, receive = trio.open_memory_channel[Any](100)
    send, out = trio.open_memory_channel[Any](100)
    await into.send({"type": "websocket.connect"})
    browser.nursery.start_soon(browser.site, scope, receive.receive, send.send)
    yield Socket(into, out)
    await into.send({"type": "websocket.disconnect", "code": 1000})


@pytest.mark.parametrize("path", ["/ws", "/mcp"])
async def test_session_over_frames(autojump_clock: MockClock, path: str) -> None:
    """S-6."""
    async with open_browser() as browser, open_socket(browser, path) as socket:
        accepted = await socket.out.receive()
        await socket.say(initialize())
        hello = await socket.hear()
        await socket.say(note("notifications/initialized"))
        await socket.say(call("count", 1, token=0))
        told = [await socket.hear() for _ in range(4)]
        message, _ = modern(call("echo", "m", text="x"))
        await socket.say(message)
        other = await socket.hear()

    assert accepted == {"type": "websocket.accept", "subprotocol": "mcp"}
    assert hello["id"] == 0
    assert [each.get("method") for each in told] == ["notifications/progress"] * 3 + [None]
    assert other["id"] == "m"


async def test_closing_the_socket_ends_its_calls(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        async with open_socket(browser) as socket:
            await socket.say(call("hold"))
            await browser.app.held.wait()
        await trio.sleep(1)

        assert "0 open" in repr(browser.site)
    assert browser.app.ended == ["cancelled"]


async def test_binary_frame_closes_the_socket(autojump_clock: MockClock) -> None:
    async with open_browser() as browser, open_socket(browser) as socket:
        await socket.out.receive()
        await socket.into.send({"type": "websocket.receive", "bytes": b"{}"})
        closed = await socket.out.receive()

    assert (closed["type"], closed["code"]) == ("websocket.close", 1003)


async def test_junk_frame_is_answered_and_the_socket_stays(autojump_clock: MockClock) -> None:
    async with open_browser() as browser, open_socket(browser) as socket:
        await socket.out.receive()
        await socket.say("{")
        junk = await socket.hear()
        await socket.say(request("ping", at=3))
        fine = await socket.hear()

    assert junk["error"]["code"] == -32700  # type: ignore[index]
    assert fine == {"jsonrpc": "2.0", "id": 3, "result": {}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"origin": "http://evil.example"}, 403),
        ({"host": "evil.example"}, 421),
    ],
)
async def test_gate_stands_before_the_handshake(
    autojump_clock: MockClock, headers: dict[str, str | None], status: int
) -> None:
    """A page may open a socket anywhere: nothing else protects it."""
    async with open_browser() as browser, open_socket(browser, **headers) as socket:
        first = await socket.out.receive()

    assert (first["type"], first["status"]) == ("websocket.http.response.start", status)


async def test_end_of_the_server_closes_sockets(autojump_clock: MockClock) -> None:
    async with open_browser() as browser, open_socket(browser) as socket:
        await socket.out.receive()
        await socket.say(request("ping"))
        await socket.hear()
        browser.site.end()
        closed = await socket.out.receive()

    assert (closed["type"], closed["code"]) == ("websocket.close", 1001)


async def test_too_many_sockets_are_told_to_come_later(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_websocket, "MAX_SOCKETS", 1)
    async with open_browser() as browser, open_socket(browser) as first:
        await first.out.receive()
        await first.say(request("ping"))
        await first.hear()
        async with open_socket(browser) as second:
            await second.out.receive()
            closed = await second.out.receive()

    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
