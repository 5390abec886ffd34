"""`aimux connect` goes on with another connection when one is lost."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import pytest
import trio
from trio.testing import memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketRequest, WebSocketServer, serve_websocket

from aimux.console import _bridge
from aimux.errors import Refusal
from aimux.transports import LineWire

HOST: Final = "127.0.0.1"
HELLO: Final = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"who": "me"}}
READY: Final = {"jsonrpc": "2.0", "method": "notifications/initialized"}
Message = dict[str, Any]


@attrs.define(eq=False)
class Far:
    """A server elsewhere. It answers what it is not told to leave open, and hangs up on `drop`."""

    heard: list[list[Message]] = attrs.field(factory=list)  # by connection
    port: int = 0
    refuses: bool = False
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def serve(self, request: WebSocketRequest) -> None:
        if self.refuses:
            await request.reject(401)
            return
        heard: list[Message] = []
        self.heard.append(heard)
        async with await request.accept() as socket:
            while True:
                try:
                    message = json.loads(await socket.get_message())
                except ConnectionClosed:
                    return
                heard.append(message)
                method = message.get("method")
                if method == "drop":
                    return
                if "id" in message and method != "open":
                    said = {"jsonrpc": "2.0", "id": message["id"], "result": {"n": len(self.heard)}}
                    await socket.send_message(json.dumps(said))

    async def listen(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until `scope` is cancelled: then nobody is there any more."""
        with self.scope:
            async with trio.open_nursery() as nursery:
                server: WebSocketServer = await nursery.start(
                    serve_websocket, self.serve, HOST, 0, None
                )
                self.port = int(server.port)
                task_status.started()


@attrs.define(eq=False)
class Near:
    """The client at this end."""

    stream: trio.StapledStream[Any, Any]
    codes: list[int | Refusal] = attrs.field(factory=list)
    over: trio.Event = attrs.field(factory=trio.Event)
    _held: bytes = b""

    async def say(self, *messages: Message) -> None:
        data = b"".join(json.dumps(each).encode() + b"\n" for each in messages)
        await self.stream.send_all(data)

    async def hear(self) -> Message:
        while b"\n" not in self._held:
            data = await self.stream.receive_some()
            assert data, "the other end has left"
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        found: Message = json.loads(line)
        return found


@asynccontextmanager
async def bridged(far: Far) -> AsyncIterator[Near]:
    """A client whose bridge leads to a server, for as long as the body runs."""
    near, inner = memory_stream_pair()
    client = Near(near)

    async def bridge() -> None:
        try:
            code = await _bridge.run_bridge(LineWire(inner, inner), f"ws://{HOST}:{far.port}", None)
        except Refusal as refused:
            client.codes.append(refused)
        else:
            client.codes.append(code)
        client.over.set()

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(far.listen)
            nursery.start_soon(bridge)
            yield client
            nursery.cancel_scope.cancel(reason="seen")


def call(call_id: int, method: str = "tools/list") -> Message:
    return {"jsonrpc": "2.0", "id": call_id, "method": method, "params": {}}


async def test_a_lost_connection_is_made_again_and_the_client_goes_on() -> None:
    """Its open call ends, its handshake is told privately, its next call is answered."""
    far = Far()
    async with bridged(far) as client:
        await client.say(HELLO, READY)
        hello = await client.hear()
        await client.say(call(1, "open"), call(2, "drop"))
        lost = [await client.hear(), await client.hear()]
        changed = await client.hear()
        await client.say(call(3))
        answered = await client.hear()

    assert hello["result"] == {"n": 1}
    assert [each["id"] for each in lost] == [1, 2]
    assert {each["error"]["data"]["code"] for each in lost} == {"connection_lost"}
    assert changed["method"] == "notifications/tools/list_changed"
    assert (answered["id"], answered["result"]) == (3, {"n": 2})
    assert far.heard[1] == [HELLO, READY, call(3)]


async def test_what_the_client_said_is_noted_however_much_it_is() -> None:
    """The ledger reads its copies now and then, and knows what is open all the same."""
    far = Far()
    async with bridged(far) as client:
        await client.say(HELLO, READY)
        await client.hear()
        await client.say(call(1, "open"))
        for number in range(2, 12):
            await client.say({**call(number), "params": {"text": "x" * 10_000}})
            assert (await client.hear())["id"] == number
        await client.say({"jsonrpc": "2.0", "method": "drop"})
        lost = await client.hear()
        changed = await client.hear()

    assert (lost["id"], lost["error"]["data"]["code"]) == (1, "connection_lost")
    assert changed["method"] == "notifications/tools/list_changed"


async def give_up(far: Far, stop: Callable[[], None]) -> tuple[list[Message], Near]:
    """What a client hears that has two calls under way when the server is gone for good."""
    async with bridged(far) as client:
        await client.say(HELLO)
        await client.hear()
        await client.say(call(1, "open"))
        await client.say(call(2))
        await client.hear()
        stop()
        first = await client.hear()
        await client.say(call(3))
        second = await client.hear()
        await client.over.wait()
    return [first, second], client


async def test_where_no_other_connection_can_be_had_every_call_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that were open and those that waited for it; then we leave with 1."""
    monkeypatch.setattr(_bridge, "RECONNECT_S", 0.5)
    far = Far()
    told, client = await give_up(far, far.scope.cancel)

    assert [each["id"] for each in told] == [1, 3]
    codes = [each["error"]["data"]["code"] for each in told]
    assert codes == ["connection_lost", "server_unreachable"]
    assert client.codes == [1]


async def test_a_token_that_is_refused_is_not_tried_again() -> None:
    """Another try would change nothing."""
    far = Far()
    async with bridged(far) as client:
        await client.say(HELLO)
        await client.hear()
        far.refuses = True
        await client.say(call(1, "drop"))
        lost = await client.hear()
        await client.over.wait()

    assert lost["error"]["data"]["code"] == "connection_lost"
    assert client.codes == [1]


async def test_a_server_that_hangs_up_at_once_is_not_tried_for_ever() -> None:
    far = Far()
    async with bridged(far) as client:
        await client.say(HELLO)
        await client.hear()
        for number in range(1, 7):
            await client.say(call(number, "drop"))
            said = await client.hear()
            assert said["id"] == number
        await client.over.wait()

    assert client.codes == [1]
    assert len(far.heard) == 6


async def test_the_first_connection_is_made_or_refused() -> None:
    """Nobody waits half a minute for a name that was mistyped."""
    far = Far(refuses=True)
    async with bridged(far) as client:
        await client.over.wait()

    (refused,) = client.codes
    assert isinstance(refused, Refusal)
    assert refused.code == "token_refused"


async def test_a_client_that_leaves_ends_it() -> None:
    """With its answers, and with 0."""
    far = Far()
    async with bridged(far) as client:
        await client.say(HELLO)
        await client.stream.send_eof()
        hello = await client.hear()
        await client.over.wait()

    assert hello["id"] == 0
    assert client.codes == [0]
