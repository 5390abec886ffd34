"""`aimux connect`: which address it dials, which token goes there, what is not passed on."""

import json
from pathlib import Path
from typing import Final

import pytest
import trio
from trio.testing import memory_stream_pair
from trio_websocket import WebSocketRequest, WebSocketServer, serve_websocket

from aimux.console._bridge import run_bridge
from aimux.console._connect import find_token, socket_url
from aimux.errors import SetupFault
from aimux.transports import LineWire

HOST: Final = "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("ws://host:1/ws", "ws://host:1/ws"),
        ("http://host:1/mcp", "ws://host:1/mcp"),
        ("https://host/mcp?x=1", "wss://host/mcp?x=1"),
        ("ws://host:1", "ws://host:1/ws"),
        ("ws://[::1]:1/ws", "ws://[::1]:1/ws"),
    ],
)
def test_address_is_that_of_the_socket(url: str, dialled: str) -> None:
    assert socket_url(url) == dialled


@pytest.mark.parametrize("url", ["", "host:1", "ftp://host", "ws://", "ws://host:x", "ws://["])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(SetupFault, match="is not a URL"):
        socket_url(url)


def test_own_token_stays_on_this_machine(tmp_path: Path) -> None:
    """A token file of the state directory opens this machine's CLIs: no other server may see it."""
    (tmp_path / "http-token").write_text("own\n", encoding="utf-8")
    env = {"AIMUX_STATE_DIR": str(tmp_path)}

    assert find_token("127.0.0.1", env) == "own"
    assert find_token("localhost", env) == "own"
    assert find_token("localhost.evil.example", env) is None
    assert find_token("127.0.0.1.evil.example", env) is None
    assert find_token("far.example", {**env, "AIMUX_AUTH_TOKEN": "given"}) == "given"


def test_named_token_file_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    env = {"AIMUX_AUTH_TOKEN_FILE": str(path), "AIMUX_STATE_DIR": str(tmp_path)}
    with pytest.raises(SetupFault, match="cannot be read"):
        find_token("far.example", env)
    path.write_text("named", encoding="utf-8")

    assert find_token("far.example", env) == "named"


async def test_a_message_too_large_to_pass_on_is_refused_by_its_id() -> None:
    """The request ends for the client, a question of the server's ends for the server."""
    heard: list[object] = []
    with_end = trio.Event()

    async def serve(request: WebSocketRequest) -> None:
        async with await request.accept() as socket:
            while True:
                message = json.loads(await socket.get_message())
                heard.append(message)
                if message.get("method") == "ping":
                    await socket.send_message(json.dumps({"id": message["id"], "result": {}}))
                    with_end.set()

    near, far = memory_stream_pair()
    wire = LineWire(far, far, max_bytes=1_000)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            server: WebSocketServer = await nursery.start(serve_websocket, serve, HOST, 0, None)
            nursery.start_soon(run_bridge, wire, f"ws://{HOST}:{server.port}/ws", None)
            for line in (
                {"params": {"text": "x" * 2_000}, "method": "tools/call", "id": "seven"},
                {"result": {"text": "x" * 2_000}, "id": 3},
                {"method": "ping", "id": 8},
            ):
                await near.send_all(json.dumps(line).encode() + b"\n")
            await with_end.wait()
            said = b""
            while said.count(b"\n") < 2:
                said += bytes(await near.receive_some())
            nursery.cancel_scope.cancel(reason="seen")
    refused, answered = [json.loads(line) for line in said.splitlines()]
    error = {"code": -32600, "message": "message larger than 1000 bytes"}

    assert refused == {"jsonrpc": "2.0", "id": "seven", "error": error}
    assert answered == {"id": 8, "result": {}}
    assert heard == [{"jsonrpc": "2.0", "id": 3, "error": error}, {"method": "ping", "id": 8}]
