"""One scripted session over every way in: the same requests, the same JSON."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import orjson
import pytest
import trio
from trio_websocket import open_websocket_url

from aimux.protocol import EventReader, Json

TOKEN = "correct-horse"
BOTH = "application/json, text/event-stream"
LIMIT_S = 90
VERSION = "2025-11-25"

# every kind of answer: own, listed, quick, refused by protocol, schema and tool
SCRIPT: list[Json] = [
    {"method": "ping"},
    {"method": "tools/list"},
    {"method": "resources/templates/list"},
    {"method": "nobody/knows"},
    {"method": "logging/setLevel", "params": {"level": "loud"}},
    {"method": "resources/read", "params": {"uri": "aimux://nothing/here"}},
    {"method": "tools/call", "params": {"name": "nobody", "arguments": {}}},
    {"method": "tools/call", "params": {"name": "exec", "arguments": {"promt": "?"}}},
    {"method": "tools/call", "params": {"name": "status", "arguments": {"job_id": "job_0"}}},
    {"method": "tools/call", "params": {"name": "sessions", "arguments": {"action": "list"}}},
    {
        "method": "tools/call",
        "params": {
            "name": "exec",
            "arguments": {"prompt": "hello", "cli": "codex", "dry_run": True},
            "_meta": {"progressToken": 0},
        },
    },
]
INITIALIZE: Json = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {
        "protocolVersion": VERSION,
        "capabilities": {},
        "clientInfo": {"name": "same", "version": "1"},
    },
}
READY: Json = {"jsonrpc": "2.0", "method": "notifications/initialized"}

Ask = Callable[[Json], Awaitable[bytes]]


@attrs.frozen
class Machine:
    """A daemon with everything open."""

    env: Mapping[str, str]
    cwd: Path
    port: int


async def play(ask: Ask, tell: Callable[[Json], Awaitable[None]]) -> list[bytes]:
    """The bytes of every answer; what a run cannot repeat is masked."""
    answers = [await ask(INITIALIZE)]
    await tell(READY)
    for number, step in enumerate(SCRIPT):
        answers.append(await ask({"jsonrpc": "2.0", "id": number, **step}))
    return [re.sub(rb'"(job|ses)_[0-9A-Z]{26}"', b'"<id>"', answer) for answer in answers]


@asynccontextmanager
async def open_machine(tmp_path: Path) -> AsyncIterator[Machine]:
    for name in ("state", "run", "work"):
        (tmp_path / name).mkdir(mode=0o700)
    env = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "AIMUX_STATE_DIR": str(tmp_path / "state"),
        "AIMUX_RUNTIME_DIR": str(tmp_path / "run"),
        "AIMUX_CACHE_DIR": str(tmp_path / "cache"),
        "AIMUX_AUTH_TOKEN": TOKEN,
    }
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "aimux", "daemon", "run", "--http", "127.0.0.1:0"],
        env=env, cwd=tmp_path / "work", stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = b""
        while not (found := re.search(rb"serving http://127\.0\.0\.1:(\d+)/mcp\n", said)):
            more = await process.stderr.receive_some()
            assert more, said
            said += more
        async with trio.open_nursery() as draining:
            draining.start_soon(_drain, process.stderr)
            yield Machine(env, tmp_path / "work", int(found[1]))
            draining.cancel_scope.cancel()
    finally:
        with trio.move_on_after(20, shield=True):
            process.terminate()
            await process.wait()
        await process.stderr.aclose()
    assert process.returncode == 0


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    async for _ in stream:
        pass


async def over_stdio(machine: Machine, *words: str, **env: str) -> list[bytes]:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "aimux", *words],
        env={**machine.env, **env}, cwd=machine.cwd,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    source, sink = process.stdout, process.stdin
    held = b""

    async def tell(message: Json) -> None:
        await sink.send_all(orjson.dumps(message) + b"\n")

    async def ask(message: Json) -> bytes:
        nonlocal held
        await tell(message)
        while True:
            while b"\n" not in held:
                more = bytes(await source.receive_some())
                assert more
                held += more
            line, _, held = held.partition(b"\n")
            if orjson.loads(line).get("id") == message["id"]:
                return line

    answers = await play(ask, tell)
    await sink.aclose()
    assert await process.wait() == 0
    await source.aclose()
    return answers


async def exchange(
    machine: Machine, message: Json, path: str, headers: Mapping[str, str]
) -> tuple[bytes, dict[str, str]]:
    """One POST on a connection of its own: body and headers."""
    body = orjson.dumps(message)
    wanted = {
        "Host": "localhost", "Authorization": f"Bearer {TOKEN}", "Accept": BOTH,
        "Content-Type": "application/json", "Content-Length": str(len(body)),
        "Connection": "close", **headers,
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
    stream = await trio.open_tcp_stream("127.0.0.1", machine.port)
    async with stream:
        await stream.send_all(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        data = b"".join([bytes(chunk) async for chunk in stream])
    head_bytes, _, rest = data.partition(b"\r\n\r\n")
    _, *lines = head_bytes.decode().split("\r\n")
    got = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
    return (_dechunked(rest) if "transfer-encoding" in got else rest), got


def _dechunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        whole += data[:length]
        data = data[length + 2 :]
    return whole


async def over_http(machine: Machine) -> list[bytes]:
    headers: dict[str, str] = {}

    async def ask(message: Json) -> bytes:
        body, got = await exchange(machine, message, "/mcp", headers)
        if "mcp-session-id" in got:
            headers["Mcp-Session-Id"] = got["mcp-session-id"]
            headers["MCP-Protocol-Version"] = VERSION
        if got["content-type"] != "text/event-stream":
            return body
        events = EventReader().feed(body)
        found = [each.data for each in events if each.data]
        return next(
            each for each in found if orjson.loads(each).get("id") == message["id"]
        ).encode()

    async def tell(message: Json) -> None:
        await exchange(machine, message, "/mcp", headers)

    return await play(ask, tell)


async def over_sse(machine: Machine) -> list[bytes]:
    stream = await trio.open_tcp_stream("127.0.0.1", machine.port)
    reader, events = EventReader(), []
    async with stream:
        head = f"GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        await stream.send_all(head.encode())
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += await stream.receive_some()
        raw = raw.partition(b"\r\n\r\n")[2]

        async def next_data() -> str:
            nonlocal raw
            while not events:
                size, mark, rest = raw.partition(b"\r\n")
                if mark and len(rest) >= int(size, 16) + 2:
                    length = int(size, 16)
                    events.extend(reader.feed(rest[:length]))
                    raw = rest[length + 2 :]
                else:
                    raw += await stream.receive_some()
            return events.pop(0).data

        path = await next_data()

        async def tell(message: Json) -> None:
            await exchange(machine, message, path, {})

        async def ask(message: Json) -> bytes:
            await tell(message)
            while orjson.loads(data := await next_data()).get("id") != message["id"]:
                pass
            return data.encode()

        return await play(ask, tell)


async def over_websocket(machine: Machine) -> list[bytes]:
    token = [(b"Authorization", f"Bearer {TOKEN}".encode())]
    async with open_websocket_url(
        f"ws://localhost:{machine.port}/ws", subprotocols=["mcp"], extra_headers=token
    ) as connection:

        async def tell(message: Json) -> None:
            await connection.send_message(orjson.dumps(message).decode())

        async def ask(message: Json) -> bytes:
            await tell(message)
            while True:
                text = await connection.get_message()
                if orjson.loads(text).get("id") == message["id"]:
                    return str(text).encode()

        return await play(ask, tell)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the daemon's socket is a Unix socket")
async def test_same_session_over_every_transport(tmp_path: Path) -> None:
    """Byte for byte, but for ids of jobs."""
    with trio.fail_after(LIMIT_S):
        async with open_machine(tmp_path) as machine:
            said = {
                "unix socket": await over_stdio(machine),
                "streamable http": await over_http(machine),
                "sse": await over_sse(machine),
                "websocket": await over_websocket(machine),
                "connect ws": await over_stdio(
                    machine, "connect", f"ws://127.0.0.1:{machine.port}/ws"
                ),
                "connect http": await over_stdio(
                    machine, "connect", f"http://127.0.0.1:{machine.port}/mcp"
                ),
            }
            other = tmp_path / "other"
            other.mkdir()
            said["stdio"] = await over_stdio(machine, "--in-process", AIMUX_STATE_DIR=str(other))

    first = said["stdio"]
    assert len(first) == len(SCRIPT) + 1
    kinds = ["error" if b'"error":{"code":-' in answer else "result" for answer in first]
    assert kinds == ["result"] * 4 + ["error"] * 4 + ["result"] * 4
    for way, answers in said.items():
        for expected, answer in zip(first, answers, strict=True):
            assert answer.decode() == expected.decode(), way


@pytest.mark.slow
async def test_bridge_says_why_it_is_not_let_in(tmp_path: Path) -> None:
    async with open_machine(tmp_path) as machine:
        done = await trio.run_process(
            [sys.executable, "-m", "aimux", "connect", f"ws://127.0.0.1:{machine.port}/ws"],
            env={**machine.env, "AIMUX_AUTH_TOKEN": "wrong"},
            check=False, capture_stderr=True, stdin=b"",
        )  # fmt: skip

    assert done.returncode == 2
    assert b"wants another token" in done.stderr
