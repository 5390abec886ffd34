"""The network server: every HTTP transport on one port, over hypercorn's Trio worker.

Imported only when a network transport was chosen: hypercorn and starlette cost 0.1 s.
"""

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, cast

import attrs
import trio
from hypercorn.config import Config
from hypercorn.typing import Framework
from hypercorn.utils import wrap_app
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from aimux.errors import SetupFault
from aimux.model import TransportSettings
from aimux.protocol import Headers
from aimux.tools import Client

from ._bind import ListenAddress
from ._connections import Connections, admitted
from ._gate import Gate, Refused
from ._request import BODY_BYTES, HttpRequest, Receive, Scope, Send, serve_request
from ._response import Serve
from ._sse import LegacySse
from ._streamable import SchemaOf, Streamable
from ._websocket import WebSockets

IDLE_S: Final = 60.0  # for the headers of a request to come, and between requests
HANDSHAKE_S: Final = 10.0  # TLS
HEADER_BYTES: Final = 32_768  # request line and headers
PING_S: Final = 20.0  # WebSocket
LEAVE: Final = (b"connection", b"close")  # a stranger keeps no connection
SSE_PATH: Final = "/sse"
POST_PATH: Final = "/message"
SOCKET_PATH: Final = "/ws"
METRICS_PATH: Final = "/metrics"
METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

ReadMetrics = Callable[[], str | None]  # None: there is nothing to read yet
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("aimux.http")


class _Endpoint:
    """An ASGI application of one path: gate, then handler. (A class, for Starlette's sake.)"""

    def __init__(self, gate: Gate, handle: Callable[[HttpRequest], Awaitable[None]]) -> None:
        self._gate = gate
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive, send)
        await serve_request(request, self._enter)

    async def _enter(self, request: HttpRequest) -> None:
        try:
            request.principal = self._gate.admit(request.scope, request.headers)
        except Refused as refused:
            await request.answer(refused.status, refused.body, (*refused.headers, LEAVE))
            return
        admitted(request.scope.get("state"))
        await self._handle(request)


class _SocketEndpoint:
    """The same for WebSockets."""

    def __init__(self, gate: Gate, sockets: WebSockets) -> None:
        self._gate = gate
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._gate.admit(scope, Headers(scope["headers"]))
        except Refused as refused:
            await _turn_away(refused, scope, send)
            return
        admitted(scope.get("state"))
        await self._sockets.handle(scope, receive, send)


class _Open:
    """A path that needs no credential: what it shows is nobody's."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Guarded:
    """A path of an annex, behind the gate."""

    def __init__(self, gate: Gate, app: Asgi) -> None:
        self._gate = gate
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._gate.admit(scope, Headers(scope["headers"]))
        except Refused as refused:
            await _turn_away(refused, scope, send)
            return
        admitted(scope.get("state"))
        await self._app(scope, receive, send)


class _Source:
    """Nothing is answered to a foreign page or name, not even what exists here."""

    def __init__(self, app: Asgi, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._gate.judge_source(scope, Headers(scope["headers"]))
        except Refused as refused:
            await _turn_away(refused, scope, send)
            return
        await self._app(scope, receive, send)


async def _turn_away(refused: Refused, scope: Scope, send: Send) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(refused.body)),
        *refused.headers,
        *([] if scope["type"] == "websocket" else [LEAVE]),
    ]
    if scope["type"] == "websocket" and kind not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": f"{kind}.start", "status": refused.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": refused.body})


@attrs.frozen(kw_only=True)
class Annex:
    """Further paths on the same port: `pages` for everybody, `guarded` for who has a credential.

    `knows` says whom a credential beside the server's token stands for, None for nobody; it is
    good on every path.
    """

    pages: Mapping[str, Asgi]
    guarded: Mapping[str, Asgi]
    knows: Callable[[str], str | None]


class Site:
    """The ASGI application of every network transport; sessions live in `nursery`."""

    def __init__(
        self,
        address: ListenAddress,
        endpoint: str,
        serve: Serve,
        client: Client,
        nursery: trio.Nursery,
        *,
        schema_of: SchemaOf | None = None,
        metrics: ReadMetrics | None = None,
        annex: Annex | None = None,
    ) -> None:
        gate = Gate(address, None if annex is None else annex.knows)
        self._metrics = metrics
        self._streamable = Streamable(serve, client, nursery, schema_of=schema_of)
        self._legacy = LegacySse(serve, client, post_path=POST_PATH)
        self._sockets = WebSockets(serve, client)
        sockets = _SocketEndpoint(gate, self._sockets)
        app = Starlette(
            routes=[
                Route(endpoint, _Endpoint(gate, self._streamable.handle)),
                Route(SSE_PATH, _Endpoint(gate, self._legacy.open)),
                Route(POST_PATH, _Endpoint(gate, self._legacy.post)),
                *([Route(METRICS_PATH, _Endpoint(gate, self._scrape))] if metrics else []),
                WebSocketRoute(endpoint, sockets),
                WebSocketRoute(SOCKET_PATH, sockets),
                *([] if annex is None else _routes(annex, gate)),
            ]
        )
        app.router.redirect_slashes = False  # a redirect would send the token elsewhere
        self._app = _Source(cast(Asgi, app), gate)

    def __repr__(self) -> str:
        return f"<Site: {self._streamable!r}, {self._legacy!r}, {self._sockets!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one socket."""
        await self._app(scope, receive, send)

    async def _scrape(self, request: HttpRequest) -> None:
        """Answer with all figures as text."""
        assert self._metrics is not None
        if request.method != "GET":
            await request.refuse(405, "not served here", [(b"allow", b"GET")])
            return
        text = self._metrics()
        if text is None:
            headers = [(b"retry-after", b"1")]
            await request.refuse(503, "nothing was asked of this server yet", headers)
            return
        await request.answer(200, text.encode(), kind=METRICS_TYPE)

    def end(self) -> None:
        """End the input of every client; what is computed is still answered."""
        self._streamable.end()
        self._legacy.end()
        self._sockets.end()


def _routes(annex: Annex, gate: Gate) -> list[Route]:
    guarded = [Route(path, _Guarded(gate, app)) for path, app in annex.guarded.items()]
    return [*guarded, *(Route(path, _Open(app)) for path, app in annex.pages.items())]


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("aimux.http")
    config.alpn_protocols = ["http/1.1"]
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_S
    config.ssl_handshake_timeout = HANDSHAKE_S
    config.h11_max_incomplete_size = HEADER_BYTES
    config.websocket_max_message_size = BODY_BYTES
    config.websocket_ping_interval = PING_S
    return config


def _tls(settings: TransportSettings) -> ssl.SSLContext | None:
    """The TLS context of certificate and key; None without both.

    Raises:
        SetupFault: one is missing, or they cannot be used.
    """
    if not settings.tls_cert and not settings.tls_key:
        return None
    if not settings.tls_cert or not settings.tls_key:
        raise SetupFault("server.transport.tls_cert and tls_key go together: one is missing")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SetupFault(
            f"server.transport.tls_cert {settings.tls_cert} cannot be used: {error}"
        ) from error
    return context


@attrs.frozen
class Listening:
    """A network server at work: the URL of its MCP endpoint, and how to end its clients' input."""

    url: str
    end: Callable[[], None]


async def serve_http(
    address: ListenAddress,
    settings: TransportSettings,
    serve: Serve,
    client: Client,
    *,
    nursery: trio.Nursery,
    schema_of: SchemaOf | None = None,
    metrics: ReadMetrics | None = None,
    annex: Annex | None = None,
    task_status: trio.TaskStatus[Listening] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take clients of Streamable HTTP, legacy SSE and WebSocket on one port until cancelled.

    Each client is handed to `serve` in `nursery`, with a copy of `client` that says which transport
    it came by. `/metrics` is what `metrics` gives. After the cancellation nobody new is taken;
    connections close with their answer, and `Listening.end` lets the clients go that are still
    there.

    Raises:
        SetupFault: the port is taken or may not be used, or the certificate is wrong.
    """
    context = _tls(settings)
    try:
        listeners = await trio.open_tcp_listeners(address.port, host=address.host)
    except OSError as error:
        raise SetupFault(f"cannot listen on {address.host}:{address.port}: {error}") from error
    port = listeners[0].socket.getsockname()[1]
    host = f"[{address.host}]" if ":" in address.host else address.host
    scheme = "http" if context is None else "https"
    url = f"{scheme}://{host}:{port}{settings.endpoint}"
    site = Site(
        address,
        settings.endpoint,
        serve,
        client,
        nursery,
        schema_of=schema_of,
        metrics=metrics,
        annex=annex,
    )
    connections = Connections(wrap_app(cast(Framework, site), 0, "asgi"), _config())
    secured: list[Any] = [*listeners]
    if context is not None:
        secured = [trio.SSLListener(each, context, https_compatible=True) for each in listeners]
    log.info("listening on %s", url)
    try:
        async with trio.open_nursery() as accepting:
            await accepting.start(
                partial(trio.serve_listeners, handler_nursery=nursery), connections.serve, secured
            )
            task_status.started(Listening(url, site.end))
    finally:  # sets an event and does not wait: idle connections close, others after their answer
        await connections.context.terminated.set()  # noqa: ASYNC102
