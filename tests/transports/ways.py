"""Every way to a server, as a client that says a message and hears what comes for it.

Each way has a world of its own, so that all begin with an empty store. Two kinds of notifications
are left out, as they come or do not. Announcements that lists have changed belong to no request,
and over Streamable HTTP have a stream of their own. The progress that a turn has been answered
is overtaken by the answer unless the disk is slow.
"""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final

import attrs
import orjson
import trio
from trio_websocket import open_websocket_url

from aimux.protocol import Json
from aimux.testing import EventReader

from ..daemon._world import World

TOKEN: Final = "correct-horse"
ACCEPTED: Final = "application/json, text/event-stream"
SERVES: Final = re.compile(rb"serving http://127\.0\.0\.1:(\d+)/mcp\n")
NAMED_BY: Final = ("name", "uri", "taskId")  # what Mcp-Name repeats
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"

Hear = Callable[[], Awaitable[bytes]]
# what comes for a request, its answer last; nothing for a notification
Say = Callable[[Json], Awaitable[list[bytes]]]
Way = Callable[[World], AbstractAsyncContextManager[Say]]


async def until_answer(message: Json, hear: Hear) -> list[bytes]:
    """What comes for a request, in order."""
    said: list[bytes] = []
    while "id" in message:
        raw = await hear()
        heard = orjson.loads(raw)
        if not is_accidental(heard):
            said.append(raw)
        if "method" not in heard and heard.get("id") == message["id"]:
            break
    return said


def is_accidental(message: Json) -> bool:
    """Whether the message may come or not."""
    method, params = str(message.get("method")), message.get("params", {})
    is_last_word = method == "notifications/progress" and params["message"] == "answered"
    return is_last_word or method.endswith("/list_changed")


@asynccontextmanager
async def open_process(
    world: World, *words: str, stderr: int | None = None
) -> AsyncIterator[trio.Process]:
    """An `aimux` process with pipes. It must leave with code 0 when its input ends."""
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(
                trio.run_process,
                [sys.executable, "-m", "aimux", *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                env={**world.env, "AIMUX_AUTH_TOKEN": TOKEN},
                cwd=world.stand.project(),
            )
        )  # fmt: skip
        yield process
        assert process.stdin is not None
        await process.stdin.aclose()


@asynccontextmanager
async def over_lines(world: World, *words: str) -> AsyncIterator[Say]:
    """Standard streams of an `aimux` command."""
    async with open_process(world, *words) as process:
        source, sink = process.stdout, process.stdin
        assert source is not None
        assert sink is not None
        held = b""

        async def hear() -> bytes:
            nonlocal held
            while b"\n" not in held:
                more = bytes(await source.receive_some())
                assert more, "the server has left"
                held += more
            line, _, held = held.partition(b"\n")
            return line

        async def say(message: Json) -> list[bytes]:
            await sink.send_all(orjson.dumps(message) + b"\n")
            return await until_answer(message, hear)

        yield say


@asynccontextmanager
async def open_network(world: World) -> AsyncIterator[int]:
    """A daemon that listens on a port of 127.0.0.1, which is returned."""
    words = ("daemon", "run", "--http", "127.0.0.1:0")
    async with (
        open_process(world, *words, stderr=subprocess.PIPE) as process,
        trio.open_nursery() as draining,
    ):
        assert process.stderr is not None
        told = b""
        while not (found := SERVES.search(told)):
            more = await process.stderr.receive_some()
            assert more, told
            told += more
        draining.start_soon(_drain, process.stderr)
        yield int(found[1])
        process.terminate()


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    async for _ in stream:
        pass


@asynccontextmanager
async def over_bridge(world: World, scheme: str, path: str) -> AsyncIterator[Say]:
    """`aimux connect`, which makes a network transport into standard streams."""
    async with open_network(world) as port:
        url = f"{scheme}://127.0.0.1:{port}{path}"
        async with over_lines(world, "connect", url) as say:
            yield say


# ------------------------------------------------------------------ HTTP


@attrs.frozen
class Response:
    """An HTTP response: header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes


async def post(port: int, path: str, message: Json, headers: Mapping[str, str]) -> Response:
    """One POST on a connection of its own."""
    body = orjson.dumps(message)
    sent = {
        "Host": "localhost", "Authorization": f"Bearer {TOKEN}", "Accept": ACCEPTED,
        "Content-Type": "application/json", "Content-Length": str(len(body)),
        "Connection": "close", **headers,
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        data = b"".join([bytes(chunk) async for chunk in stream])
    told, _, rest = data.partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in told.decode().split("\r\n")[1:]]
    got = {name.lower(): value.strip() for name, _, value in pairs}
    return Response(got, b"".join(_chunks(rest)) if "transfer-encoding" in got else rest)


def _chunks(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        found.append(data[:length])
        data = data[length + 2 :]
    return found


@asynccontextmanager
async def over_streamable(world: World) -> AsyncIterator[Say]:
    """A POST for each message; one that brings its revision along also repeats it in headers."""
    async with open_network(world) as port:
        session: dict[str, str] = {}

        async def say(message: Json) -> list[bytes]:
            response = await post(port, "/mcp", message, {**session, **_repeated(message)})
            if "mcp-session-id" in response.headers:
                version = orjson.loads(response.body)["result"]["protocolVersion"]
                session["Mcp-Session-Id"] = response.headers["mcp-session-id"]
                session["MCP-Protocol-Version"] = version
            if response.headers.get("content-type") != "text/event-stream":
                return [response.body] if "id" in message else []
            events = [each.data.encode() for each in EventReader().feed(response.body) if each.data]
            said = iter(events)

            async def hear() -> bytes:
                return next(said)

            return await until_answer(message, hear)

        yield say


def _repeated(message: Json) -> dict[str, str]:
    params = message.get("params", {})
    version = params.get("_meta", {}).get(VERSION_KEY)
    if version is None:
        return {}
    name = next((params[key] for key in NAMED_BY if key in params), None)
    told = {"MCP-Protocol-Version": version, "Mcp-Method": message["method"]}
    return told if name is None else {**told, "Mcp-Name": name}


@asynccontextmanager
async def over_sse(world: World) -> AsyncIterator[Say]:
    """The event stream of HTTP+SSE, and a POST for each message."""
    async with (
        open_network(world) as port,
        await trio.open_tcp_stream("127.0.0.1", port) as stream,
    ):
        head = f"GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        await stream.send_all(head.encode())
        reader, events, raw = EventReader(), [], b""
        while b"\r\n\r\n" not in raw:
            raw += await stream.receive_some()
        raw = raw.partition(b"\r\n\r\n")[2]

        async def hear() -> bytes:
            nonlocal raw
            while not events:
                size, mark, rest = raw.partition(b"\r\n")
                length = int(size, 16) if mark else 0
                if mark and len(rest) >= length + 2:
                    events.extend(each.data for each in reader.feed(rest[:length]) if each.data)
                    raw = rest[length + 2 :]
                else:
                    raw += await stream.receive_some()
            return events.pop(0).encode()

        path = (await hear()).decode()

        async def say(message: Json) -> list[bytes]:
            await post(port, path, message, {})
            return await until_answer(message, hear)

        yield say


@asynccontextmanager
async def over_websocket(world: World) -> AsyncIterator[Say]:
    """A message in each frame."""
    token = [(b"Authorization", f"Bearer {TOKEN}".encode())]
    async with (
        open_network(world) as port,
        open_websocket_url(
            f"ws://localhost:{port}/ws", subprotocols=["mcp"], extra_headers=token
        ) as connection,
    ):

        async def hear() -> bytes:
            return str(await connection.get_message()).encode()

        async def say(message: Json) -> list[bytes]:
            await connection.send_message(orjson.dumps(message).decode())
            return await until_answer(message, hear)

        yield say


WAYS: Final[Mapping[str, Way]] = {
    "stdio": lambda world: over_lines(world, "--in-process"),
    "unix_socket": over_lines,
    "named_pipe": lambda world: over_lines(attrs.evolve(world, local="pipe")),
    "streamable_http": over_streamable,
    "sse": over_sse,
    "websocket": over_websocket,
    "connect_websocket": lambda world: over_bridge(world, "ws", "/ws"),
    "connect_http": lambda world: over_bridge(world, "http", "/mcp"),
}
