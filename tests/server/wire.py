"""A client at the other end of a memory wire."""

import pathlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import orjson
import trio
import trio.testing

from aimux.server import serve_session
from aimux.tools import App
from aimux.transports import LineWire

from ..engine.house import House, open_house

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TASKS = "io.modelcontextprotocol/tasks"


@attrs.define(eq=False)
class Peer:
    """Speaks JSON lines; notifications that come between are kept in `notices`."""

    stream: trio.StapledStream[Any, Any]
    notices: list[dict[str, Any]] = attrs.field(factory=list)
    answers: dict[object, dict[str, Any]] = attrs.field(factory=dict)
    raw: list[bytes] = attrs.field(factory=list)
    asked: list[dict[str, Any]] = attrs.field(factory=list)
    _rest: bytes = b""
    _count: int = 0

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.stream.send_all(orjson.dumps({"jsonrpc": "2.0", **message}) + b"\n")

    async def begin(self, method: str, params: object = None, call_id: object = None) -> object:
        """Send a call and return its id."""
        self._count += 1
        call_id = self._count if call_id is None else call_id
        await self.say(id=call_id, method=method, params=params or {})
        return call_id

    async def hear(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        while b"\n" not in self._rest:
            data = await self.stream.receive_some(65_536)
            if not data:
                assert self._rest == b"", "a torn frame"
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        self.raw.append(line)
        return dict(orjson.loads(line))

    async def answer(self, call_id: object) -> dict[str, Any]:
        """The answer of a call, whatever comes before it."""
        with trio.fail_after(10_000):
            while call_id not in self.answers:
                message = await self.hear()
                assert message is not None, "the server has left"
                if "id" not in message:
                    self.notices.append(message)
                elif "method" in message:
                    self.asked.append(message)
                else:
                    assert message["id"] not in self.answers, "two answers"
                    self.answers[message["id"]] = message
        return self.answers[call_id]

    async def call(self, method: str, params: object = None) -> dict[str, Any]:
        """A call's answer, result or error."""
        return await self.answer(await self.begin(method, params))

    async def result(self, method: str, params: object = None) -> Any:
        """A call's result."""
        answer = await self.call(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    async def tool(self, name: str, **arguments: Any) -> Any:
        """The structured content of a tool's answer; the text block must be the same."""
        result = await self.result("tools/call", {"name": name, "arguments": arguments})
        assert orjson.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]

    async def open(self, version: str = "2025-11-25", **capabilities: Any) -> Any:
        """The handshake."""
        client = {"name": "tester", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": client}
        result = await self.result("initialize", params)
        await self.say(method="notifications/initialized")
        return result

    async def settle(self) -> None:
        """Take in what has been said until the server waits for us."""
        with trio.move_on_after(0.01):
            while True:
                message = await self.hear()
                if message is None:
                    return
                if "id" not in message:
                    self.notices.append(message)
                elif "method" in message:
                    self.asked.append(message)
                else:
                    self.answers[message["id"]] = message

    def told(self, method: str) -> list[dict[str, Any]]:
        """Parameters of the notifications of a method."""
        return [each.get("params", {}) for each in self.notices if each["method"] == method]


@asynccontextmanager
async def attach(
    app: App, house: House, *, strict: bool = True, max_bytes: int = 1_000_000
) -> AsyncIterator[Peer]:
    """A client on a session of its own. Leaving it is the client's end of input."""
    ours, theirs = trio.testing.memory_stream_pair()
    wire = LineWire(theirs, theirs, max_bytes=max_bytes)
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_session(wire, app, house.client, strict=strict)
            await theirs.aclose()

        nursery.start_soon(serve)
        yield Peer(ours)
        if ours.send_stream._outgoing._closed is False:  # type: ignore[attr-defined]
            await ours.send_eof()


@asynccontextmanager
async def open_pair(
    root: pathlib.Path, turns: Any = (), *, strict: bool = True, **more: Any
) -> AsyncIterator[tuple[House, Peer]]:
    """A house and one client of it, the handshake not said yet."""
    async with (
        open_house(root, turns, **more) as house,
        attach(house.app, house, strict=strict) as peer,
    ):
        yield house, peer


Made = Callable[..., Any]
