"""The daemon's network side as a person starts it: addresses, tokens, settings, stopping."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import orjson
import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from .. import needs
from ..surroundings import kept

pytestmark = [
    pytest.mark.slow,
    needs.sockets,
]

LIMIT_S = 60
SERVING = re.compile(rb"serving (https?)://(\S+):(\d+)(/\S*)\n")


@pytest.fixture
def tmp_path(short_path: Path) -> Path:
    """The daemon's socket lies below it."""
    return short_path


def environment(root: Path) -> dict[str, str]:
    for name in ("state", "run"):
        (root / name).mkdir(mode=0o700, exist_ok=True)
    return {
        "HOME": str(root),
        "PATH": os.environ["PATH"],
        "AIMUX_STATE_DIR": str(root / "state"),
        "AIMUX_RUNTIME_DIR": str(root / "run"),
        "AIMUX_CACHE_DIR": str(root / "cache"),
        "AIMUX_CONFIG_DIR": str(root / "config"),
        **kept(),
    }


@attrs.define(eq=False)
class Started:
    process: trio.Process
    host: str
    port: int
    path: str
    said: bytes  # on stderr, up to the address

    async def status(self, token: str | None, path: str | None = None) -> int:
        """The status of an initialize, with a token or without one."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t"},
        }})  # fmt: skip
        given = f"Authorization: Bearer {token}\r\n" if token else ""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream:
            await stream.send_all(
                f"POST {path or self.path} HTTP/1.1\r\nHost: localhost\r\n{given}"
                "Content-Type: application/json\r\nAccept: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            data = b"".join([bytes(chunk) async for chunk in stream])
        return int(data.split(b" ")[1])


@asynccontextmanager
async def start(root: Path, *words: str, **env: str) -> AsyncIterator[Started]:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "aimux", *words],
        env={**environment(root), **env}, cwd=root, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        with trio.fail_after(LIMIT_S):
            said = b""
            while not (found := SERVING.search(said)):
                more = await process.stderr.receive_some()
                assert more, said
                said += more
            host, port, path = found[2].decode(), int(found[3]), found[4].decode()
            yield Started(process, host, port, path, said)
    finally:
        with trio.move_on_after(20, shield=True):
            process.terminate()
            await process.wait()
        await process.stderr.aclose()


async def refused(root: Path, *words: str, **env: Mapping[str, str] | str) -> str:
    """What a server that does not start says."""
    with trio.fail_after(LIMIT_S):
        done = await trio.run_process(
            [sys.executable, "-m", "aimux", *words],
            env={**environment(root), **env}, cwd=root,
            check=False, capture_stderr=True, capture_stdout=True, stdin=b"",
        )  # fmt: skip
    assert done.returncode == 1
    return str(done.stderr.decode())


@pytest.mark.parametrize("kind", ["http", "sse", "streamablehttp"])
async def test_environment_starts_a_network_server(tmp_path: Path, kind: str) -> None:
    """`MCP_TRANSPORT=http PORT=:8080 aimux`, with a token made for it."""
    async with start(tmp_path, MCP_TRANSPORT=kind, PORT=":0") as started:
        path = tmp_path / "state" / "http-token"
        token = path.read_text(encoding="utf-8").strip()
        statuses = [await started.status(each) for each in (None, "wrong", token)]

    assert (started.host, started.path) == ("127.0.0.1", "/mcp")
    assert statuses == [401, 401, 200]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert started.process.returncode == 0


async def test_wildcard_stays_on_loopback(tmp_path: Path) -> None:
    async with start(tmp_path, "daemon", "run", "--http", "0.0.0.0:0") as started:
        assert started.host == "127.0.0.1"


@pytest.mark.parametrize(
    "env",
    [{}, {"AIMUX_ALLOW_UNAUTHENTICATED_HTTP": "1"}],
)
async def test_public_bind_without_a_token_is_refused_at_start(
    tmp_path: Path, env: Mapping[str, str]
) -> None:
    words = ("daemon", "run", "--http", "0.0.0.0:0", "--bind-public")
    said = await refused(tmp_path, *words, **env)
    again = await refused(tmp_path, MCP_TRANSPORT="http", PORT="0.0.0.0:0", AIMUX_BIND_PUBLIC="1",
                          **env)  # fmt: skip

    assert "needs a token" in said
    assert "needs a token" in again
    assert not (tmp_path / "state" / "http-token").exists()


async def test_a_container_is_reached_by_every_address_with_a_token_shown_once(
    tmp_path: Path,
) -> None:
    """Nobody can look into the file; a second start has the same token and does not show it."""
    env = {"AIMUX_CONTAINER": "1", "MCP_TRANSPORT": "sse", "PORT": "0"}
    async with start(tmp_path, **env) as started:
        token = (tmp_path / "state" / "http-token").read_text(encoding="utf-8").strip()
        statuses = [await started.status(each) for each in (None, token)]
    async with start(tmp_path, **env) as again:
        statuses.append(await again.status(token))

    assert (started.host, statuses) == ("0.0.0.0", [401, 200, 200])
    assert started.said.decode().count(token) == 1
    assert token not in again.said.decode()


async def test_a_container_without_any_token_is_refused(tmp_path: Path) -> None:
    """There all the network would be let in."""
    said = await refused(
        tmp_path, AIMUX_CONTAINER="1", MCP_TRANSPORT="http", AIMUX_ALLOW_UNAUTHENTICATED_HTTP="1"
    )

    assert "needs a token" in said


async def test_nonsense_for_an_address_is_refused(tmp_path: Path) -> None:
    assert "server.transport" in await refused(tmp_path, MCP_TRANSPORT="http", PORT="80:80:80")
    assert "server.transport" in await refused(tmp_path, "daemon", "run", "--http", "what?")
    assert "server.transport" in await refused(tmp_path, MCP_TRANSPORT="carrier-pigeon")


async def test_loopback_without_a_token_must_be_asked_for(tmp_path: Path) -> None:
    env = {"AIMUX_ALLOW_UNAUTHENTICATED_HTTP": "1"}
    async with start(tmp_path, "daemon", "run", "--http", ":0", **env) as started:
        assert await started.status(None) == 200


async def test_settings_open_the_network_side_of_any_daemon(tmp_path: Path) -> None:
    """`server.transport.*` and the token's order: environment, file, YAML."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "default.yaml").write_text(
        "server:\n  auth_token: from-yaml\n  transport:\n    type: http\n"
        "    port: ':0'\n    endpoint: /here\n",
        encoding="utf-8",
    )
    async with start(tmp_path, "daemon", "run") as started:
        yaml = [await started.status(each) for each in ("from-yaml", "other")]
        elsewhere = await started.status("from-yaml", "/mcp")
    async with start(tmp_path, "daemon", "run", AIMUX_AUTH_TOKEN="from-env") as started:
        environ = [await started.status(each) for each in ("from-yaml", "from-env")]

    assert started.path == "/here"
    assert (yaml, elsewhere, environ) == ([200, 401], 404, [401, 200])


async def test_stopping_lets_every_kind_of_client_go(tmp_path: Path) -> None:
    """An open stream and an open socket do not hold the daemon up."""
    token = "t" * 20
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "default.yaml").write_text(
        "server: {drain_seconds: 600}\n", encoding="utf-8"
    )
    async with start(tmp_path, "daemon", "run", "--http", ":0", AIMUX_AUTH_TOKEN=token) as started:
        stream = await trio.open_tcp_stream("127.0.0.1", started.port)
        head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        await stream.send_all(f"GET /sse HTTP/1.1\r\n{head}".encode())
        await stream.receive_some()
        url = f"ws://localhost:{started.port}/ws"
        headers = [(b"Authorization", f"Bearer {token}".encode())]
        async with open_websocket_url(url, extra_headers=headers) as socket:
            await socket.send_message('{"jsonrpc":"2.0","id":1,"method":"ping"}')
            await socket.get_message()
            started.process.send_signal(signal.SIGTERM)
            with trio.fail_after(LIMIT_S), pytest.raises(ConnectionClosed):
                await socket.get_message()
            await socket._stream.aclose()  # trio-websocket leaves it open when the peer closed
        with trio.fail_after(LIMIT_S):
            rest = b"".join([bytes(chunk) async for chunk in stream])
            await stream.aclose()
            await started.process.wait()

    assert rest.endswith(b"0\r\n\r\n")  # the stream was ended, not cut
    assert started.process.returncode == 0


async def test_second_server_of_the_same_state_is_refused(tmp_path: Path) -> None:
    async with start(tmp_path, "daemon", "run", "--http", ":0"):
        said = await refused(tmp_path, MCP_TRANSPORT="http", PORT=":0")

    assert "serves" in said
