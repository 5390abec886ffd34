"""The network server on real sockets: what ASGI does not show. Loopback, free ports, bounded."""

import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
import trio
from trio_websocket import open_websocket_url

from aimux.errors import SetupFault
from aimux.model import TransportSettings
from aimux.server import serve_session
from aimux.tools import Client
from aimux.transports import _connections, _http
from aimux.transports.network import Listening, choose_address, serve_http

from .asgi import CLIENT, TOKEN, ToyApp, call, initialize, modern, request

LIMIT_S = 20
ME = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
JSON = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"


class RunningServer:
    """A server on a free port."""

    def __init__(self, url: str, app: ToyApp, nursery: trio.Nursery) -> None:
        self.url = url
        self.app = app
        self.nursery = nursery
        self.accepting: trio.CancelScope = trio.CancelScope()
        self.listening: Listening | None = None
        self.port = int(url.rpartition(":")[2].partition("/")[0])

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, text: str, body: bytes = b"") -> tuple[int, bytes]:
        """One request on a connection of its own: status and everything after the head."""
        stream = await self.connect()
        async with stream:
            await stream.send_all(text.encode() + body)
            data = b""
            while True:
                try:
                    more = await stream.receive_some(65_536)
                except trio.BrokenResourceError:
                    break
                data += more
                if not more:
                    break
        head, _, rest = data.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]) if head else 0, rest

    async def post(self, message: object, more: str = ME) -> tuple[int, bytes]:
        body = orjson.dumps(message)
        head = f"POST /mcp HTTP/1.1\r\n{more}{JSON}Connection: close\r\n"
        return await self.ask(f"{head}Content-Length: {len(body)}\r\n\r\n", body)

    async def is_well(self) -> bool:
        status, _ = await self.post(initialize())
        return status == 200


@asynccontextmanager
async def open_server(transport: TransportSettings | None = None) -> AsyncIterator[RunningServer]:
    address = choose_address(("127.0.0.1", 0), token=TOKEN, env={})
    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            app = ToyApp(nursery)

            async def serve(wire: Any, client: Client) -> None:
                await serve_session(wire, app, client, strict=True)

            scope = trio.CancelScope()

            async def run(*, task_status: trio.TaskStatus[Listening]) -> None:
                with scope:
                    await serve_http(
                        address, transport or TransportSettings(), serve, CLIENT,
                        nursery=nursery, task_status=task_status,
                    )  # fmt: skip

            listening = cast(Listening, await nursery.start(run))
            server = RunningServer(listening.url, app, nursery)
            server.accepting, server.listening = scope, listening
            yield server
            nursery.cancel_scope.cancel(reason="test over")


async def test_session_and_keep_alive_on_one_connection() -> None:
    async with open_server() as server:
        stream = await server.connect()
        async with stream:
            for number in range(3):
                body = orjson.dumps(initialize())
                head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}Content-Length: {len(body)}\r\n\r\n"
                await stream.send_all(head.encode() + body)
                data = b""
                while not data.endswith(b"}"):
                    data += await stream.receive_some()
                assert data.startswith(b"HTTP/1.1 200"), number

        assert server.url == f"http://127.0.0.1:{server.port}/mcp"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Host: localhost\r\n", 401),
        ("Host: localhost\r\nAuthorization: Bearer wrong\r\n", 401),
        (f"{ME}Origin: https://evil.example\r\n", 403),
        (f"Host: evil.example\r\nAuthorization: Bearer {TOKEN}\r\n", 421),
    ],
)
async def test_who_may_not_come_in(headers: str, status: int) -> None:
    async with open_server() as server:
        refused, _ = await server.post(initialize(), headers)

        assert refused == status
        assert await server.is_well()


async def test_hundred_megabytes_are_refused_and_others_served() -> None:
    """413 before they were sent, and after: chunked bodies do not tell their length."""
    async with open_server() as server:
        head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}"
        told, _ = await server.ask(f"{head}Content-Length: 104857600\r\n\r\n", b"x" * 100_000)

        stream = await server.connect()
        got: list[bytes] = []
        async with stream, trio.open_nursery() as both:

            async def upload() -> None:
                chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
                try:
                    await stream.send_all(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
                    for _ in range(1_600):
                        await stream.send_all(chunk)
                except trio.BrokenResourceError:
                    return

            both.start_soon(upload)
            assert await server.is_well()
            got.append(bytes(await stream.receive_some()))
            both.cancel_scope.cancel()

        assert told == 413
        assert got[0].startswith(b"HTTP/1.1 413")


async def test_ten_thousand_headers_are_refused() -> None:
    many = "".join(f"X-{number}: y\r\n" for number in range(10_000))
    async with open_server() as server:
        status, _ = await server.post(initialize(), ME + many)

        assert status in {400, 431}
        assert await server.is_well()


async def test_half_open_requests_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that never ends, and a connection that says nothing."""
    monkeypatch.setattr(_http, "IDLE_S", 0.3)
    async with open_server() as server:
        for said in (b"POST /mcp HTTP/1.1\r\nHost: local", b""):
            stream = await server.connect()
            async with stream:
                if said:
                    await stream.send_all(said)
                data = b"x"
                while data:  # until it is closed
                    try:
                        data = await stream.receive_some()
                    except trio.BrokenResourceError:
                        break

        assert await server.is_well()


@pytest.mark.slow
async def test_five_hundred_idle_connections_hinder_nobody() -> None:
    async with open_server() as server:
        idle = [await server.connect() for _ in range(500)]
        well = [await server.is_well() for _ in range(5)]
        for stream in idle:
            await trio.aclose_forcefully(stream)

        assert well == [True] * 5


async def _ended(stream: trio.SocketStream) -> bool:
    """Wait until the server has closed it, whatever it says before."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass
    return True


async def _asked(stream: trio.SocketStream) -> bool:
    """One request of ours on a connection that is kept; whether it was answered."""
    body = orjson.dumps(initialize())
    head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}Content-Length: {len(body)}\r\n\r\n"
    await stream.send_all(head.encode() + body)
    data = b""
    while not data.endswith(b"}"):
        more = await stream.receive_some()
        data += more
        if not more:
            break
    return data.startswith(b"HTTP/1.1 200")


async def test_connections_over_the_limit_are_closed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where each of the others is at work."""
    monkeypatch.setattr(_connections, "MAX_CONNECTIONS", 2)
    head = f"GET /sse HTTP/1.1\r\n{ME}\r\n".encode()
    async with open_server() as server:
        kept = [await server.connect() for _ in range(2)]
        for stream in kept:
            await stream.send_all(head)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        third = await server.connect()
        assert await _ended(third)

        for stream in [*kept, third]:
            await trio.aclose_forcefully(stream)


async def test_idle_strangers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has been idle longest goes first; a client between two requests only after them."""
    monkeypatch.setattr(_connections, "MAX_CONNECTIONS", 3)
    async with open_server() as server:
        client = await server.connect()
        assert await _asked(client)
        strangers = [await server.connect() for _ in range(2)]
        await strangers[1].send_all(b"GET / HTTP/1.1\r\nHost: local")
        assert await server.is_well()
        assert await _ended(strangers[0])
        third = await server.connect()
        assert await _asked(client)

        for stream in [client, *strangers, third]:
            await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("when", ["before a request", "after one", "during one"])
async def test_a_connection_that_its_client_closed_is_over_at_once(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when the time of an idle one is up."""
    monkeypatch.setattr(_connections, "STRANGER_S", 60.0)
    message, headers = modern(call("hold"))
    named = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    body = orjson.dumps(message)
    head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}{named}Content-Length: {len(body)}\r\n\r\n"
    async with open_server() as server, await server.connect() as stream:
        if when == "after one":
            assert await _asked(stream)
        if when == "during one":
            await stream.send_all(head.encode() + body)
            await server.app.held.wait()
        await stream.send_eof()

        assert await _ended(stream)


async def test_a_stranger_keeps_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, its connection is over; silent, soon; a client's own is kept."""
    monkeypatch.setattr(_connections, "STRANGER_S", 0.2)
    async with open_server() as server:
        client, refused, silent = [await server.connect() for _ in range(3)]
        assert await _asked(client)
        await refused.send_all(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await refused.receive_some()).startswith(b"HTTP/1.1 401")
        assert await _ended(refused)
        assert await _ended(silent)
        assert await _asked(client)

        for stream in (client, refused, silent):
            await trio.aclose_forcefully(stream)


async def test_client_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream ends; the server does not wait for it, and its call is cancelled."""
    monkeypatch.setattr(_connections, "STALL_S", 0.3)
    message, headers = modern(call("echo", text="x" * 3_900_000))
    named = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    body = orjson.dumps(message)
    async with open_server() as server:
        stream = await server.connect()
        await stream.send_all(
            f"POST /mcp HTTP/1.1\r\n{ME}{JSON}{named}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        while server.app.clients():
            await server.app.wait_moved()
        assert await server.is_well()
        await trio.aclose_forcefully(stream)


async def test_lost_connection_cancels_a_modern_call() -> None:
    """T-8, as the operating system tells it."""
    message, headers = modern(call("hold"))
    named = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    body = orjson.dumps(message)
    async with open_server() as server:
        stream = await server.connect()
        head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}{named}Content-Length: {len(body)}\r\n\r\n"
        await stream.send_all(head.encode() + body)
        await server.app.held.wait()
        await stream.aclose()
        while not server.app.ended:
            await trio.testing.wait_all_tasks_blocked(0.01)

        assert server.app.ended == ["cancelled"]


async def test_listener_that_stops_lets_its_clients_finish() -> None:
    """Nobody new comes in, a running call gets its answer, idle connections close."""
    message, headers = modern(call("hold"))
    named = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
    answers: list[tuple[int, bytes]] = []
    async with open_server() as server:
        idle = await server.connect()

        async def hold() -> None:
            answers.append(await server.post(message, ME + named))

        async with trio.open_nursery() as clients:
            clients.start_soon(hold)
            await server.app.held.wait()
            server.accepting.cancel()
            try:
                ended = await idle.receive_some() == b""
            except trio.BrokenResourceError:
                ended = True
            with pytest.raises(OSError, match="all attempts"):
                await server.connect()
            server.app.go.set()
        await idle.aclose()

        assert ended
        assert answers[0][0] == 200
        assert b'"held":true' in answers[0][1]


async def test_websocket_over_a_socket() -> None:
    async with open_server() as server:
        url = f"ws://localhost:{server.port}/ws"
        token = [("Authorization", f"Bearer {TOKEN}")]
        async with open_websocket_url(url, subprotocols=["mcp"], extra_headers=token) as socket:
            await socket.send_message(orjson.dumps(request("ping")).decode())
            said = orjson.loads(await socket.get_message())
            chosen = socket.subprotocol
        refused, _ = await server.ask(
            "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )

        assert refused == 401
        assert (said, chosen) == ({"jsonrpc": "2.0", "id": 1, "result": {}}, "mcp")


async def test_port_that_is_taken_is_told() -> None:
    async with open_server() as server:
        address = choose_address(("127.0.0.1", server.port), token=TOKEN, env={})

        async def serve(wire: object, client: Client) -> None: ...

        with pytest.raises(SetupFault, match="cannot listen on"):
            await serve_http(address, TransportSettings(), serve, CLIENT, nursery=server.nursery)


def certificate(directory: Path) -> tuple[str, str]:
    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    made = subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-keyout", key, "-out", cert, "-days", "1", "-nodes", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    return cert, key


@pytest.mark.slow
async def test_tls_by_certificate_and_key(tmp_path: Path) -> None:
    cert, key = await trio.to_thread.run_sync(certificate, tmp_path)
    context = ssl.create_default_context(cafile=cert)
    async with open_server(TransportSettings(tls_cert=cert, tls_key=key)) as server:
        stream = await trio.open_ssl_over_tcp_stream(
            "localhost", server.port, ssl_context=context, https_compatible=True
        )
        body = orjson.dumps(initialize())
        head = f"POST /mcp HTTP/1.1\r\n{ME}{JSON}Content-Length: {len(body)}\r\n\r\n"
        await stream.send_all(head.encode() + body)
        said = bytes(await stream.receive_some())
        await trio.aclose_forcefully(stream)
        plain, _ = await server.ask(f"GET /mcp HTTP/1.1\r\n{ME}\r\n")

        assert server.url.startswith("https://")
    assert said.startswith(b"HTTP/1.1 200")
    assert plain == 0


@pytest.mark.parametrize("files", [("cert.pem", ""), ("", "key.pem"), ("cert.pem", "key.pem")])
async def test_tls_files_that_cannot_be_used_are_told(tmp_path: Path, files: Sequence[str]) -> None:
    (tmp_path / "cert.pem").write_text("no certificate", encoding="utf-8")
    cert, key = (str(tmp_path / name) if name else "" for name in files)
    with pytest.RaisesGroup(SetupFault, flatten_subgroups=True):
        async with open_server(TransportSettings(tls_cert=cert, tls_key=key)):
            pass
