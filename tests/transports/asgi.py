"""A toy server behind the network's ASGI application, and a client without sockets."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import orjson
import trio

from aimux.protocol import Json
from aimux.server import serve_session
from aimux.testing import EventReader, ServerSent
from aimux.tools import App, Client, Payload, ToolCall
from aimux.tools._open_tools import OpenTools
from aimux.transports.network import ListenAddress, Site

TOKEN = "correct-horse"
CLIENT = Client(key="test", cwd=Path("/"), env={})
ADDRESS = ListenAddress(
    host="127.0.0.1",
    port=0,
    token=TOKEN,
    hosts=frozenset({"localhost", "127.0.0.1", "::1"}),
    is_public=False,
)
BOTH = "application/json, text/event-stream"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


# toys take the names of real tools, which the server knows by name
TOYS = {"echo": "status", "count": "sessions", "hold": "exec"}


class ToyApp(App):
    """Tools that do what a test asks for: `echo`, `count` (progress), `hold`."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__(cast(Any, None), nursery)
        self.held = trio.Event()  # a `hold` has begun
        self.go = trio.Event()  # lets it end
        self.ended: list[str] = []  # how each `hold` ended

    async def ready(self) -> OpenTools:
        """Never: there is no engine, so whoever follows what it does hears nothing."""
        await trio.sleep_forever()

    def answer_nowait(self, call: ToolCall, *, is_task: bool = False) -> Payload | None:
        is_echo = call.name == TOYS["echo"]
        return Payload({"said": call.arguments.get("text")}) if is_echo else None

    async def call(self, call: ToolCall) -> Payload:
        if call.name == TOYS["count"]:
            for number in range(3):
                call.caller.progress(f"step {number}")
                await trio.sleep(0.1)
            return Payload({"counted": 3})
        outcome = "cancelled"
        self.held.set()
        try:
            await self.go.wait()
            outcome = "done"
        finally:
            self.ended.append(outcome)
        return Payload({"held": True})


@attrs.define(eq=False)
class Answer:
    """A response while it arrives."""

    gone: trio.Event = attrs.field(factory=trio.Event)
    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytearray = attrs.field(factory=bytearray)
    is_over: bool = False
    _news: trio.Event = attrs.field(factory=trio.Event)
    _reader: EventReader = attrs.field(factory=EventReader)
    _fresh: list[ServerSent] = attrs.field(factory=list)

    def hang_up(self) -> None:
        """Close the connection, as a client would."""
        self.gone.set()

    async def take(self, message: Mapping[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        if self.gone.is_set():
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self._fresh += self._reader.feed(message.get("body", b""))
            self.is_over = not message.get("more_body", False)
        self._news.set()
        self._news = trio.Event()

    async def wait_begun(self) -> None:
        while not self.status:
            await self._news.wait()

    async def wait_over(self) -> "Answer":
        while not self.is_over:
            await self._news.wait()
        return self

    async def next_event(self) -> ServerSent | None:
        """The next event; None at the end of the stream."""
        while not self._fresh:
            if self.is_over:
                return None
            await self._news.wait()
        return self._fresh.pop(0)

    async def messages(self) -> list[Json]:
        """What the whole response says: the messages of a stream, or the one JSON text."""
        await self.wait_over()
        if "event-stream" in self.headers.get("content-type", ""):
            return [orjson.loads(each.data) for each in self._fresh if each.data]
        return [orjson.loads(self.body)] if self.body else []

    async def message(self) -> Json:
        """The last of them."""
        return (await self.messages())[-1]


@attrs.define(eq=False)
class Browser:
    """Sends requests to a site."""

    site: Site
    app: ToyApp
    nursery: trio.Nursery
    session_id: str | None = None
    version: str | None = None

    async def send(
        self,
        method: str,
        path: str = "/mcp",
        body: bytes | object = b"",
        headers: Mapping[str, str | None] | None = None,
        chunks: Sequence[bytes] | None = None,
        *,
        raw_headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Answer:
        """Begin a request; the answer arrives while others are sent."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        wanted: dict[str, str | None] = {
            "host": "localhost",
            "authorization": f"Bearer {TOKEN}",
            "accept": BOTH,
            **({"content-type": "application/json"} if method == "POST" else {}),
            **({"mcp-session-id": self.session_id} if self.session_id else {}),
            **({"mcp-protocol-version": self.version} if self.version else {}),
            **(headers or {}),
        }
        plain, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": plain,
            "raw_path": plain.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (name.encode(), value.encode()) for name, value in wanted.items() if value
            ] + list(raw_headers),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }  # fmt: skip
        parts = list(chunks) if chunks is not None else [data]
        pending = [
            {"type": "http.request", "body": part, "more_body": at < len(parts) - 1}
            for at, part in enumerate(parts)
        ]
        if chunks is not None:
            pending[-1]["more_body"] = True  # such a body never ends
        answer = Answer()

        async def receive() -> dict[str, object]:
            await trio.lowlevel.checkpoint()
            if pending:
                return pending.pop(0)
            await answer.gone.wait()
            return {"type": "http.disconnect"}

        self.nursery.start_soon(self.site, scope, receive, answer.take)
        return answer

    async def post(self, message: object, **headers: str | None) -> Answer:
        """POST one message to the endpoint."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.send("POST", body=message, headers=named)

    async def get(self, **headers: str | None) -> Answer:
        """GET the endpoint."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.send("GET", headers=named)

    async def shake_hands(self, version: str = "2025-11-25") -> Json:
        """Open a handshake session; the result of initialize."""
        answer = await self.post(initialize(version))
        await answer.wait_over()
        self.session_id = answer.headers["mcp-session-id"]
        await (await self.post(note("notifications/initialized"))).wait_over()
        self.version = version
        return cast(Json, (await answer.message())["result"])


def initialize(version: str = "2025-11-25") -> Json:
    params: Json = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    }
    return request("initialize", params, 0)


def request(method: str, params: Mapping[str, object] | None = None, at: object = 1) -> Json:
    return {"jsonrpc": "2.0", "id": at, "method": method, "params": dict(params or {})}


def note(method: str, params: Mapping[str, object] | None = None) -> Json:
    return {"jsonrpc": "2.0", "method": method, "params": dict(params or {})}


def call(name: str, at: object = 1, token: object = None, **arguments: object) -> Json:
    meta = {} if token is None else {"_meta": {"progressToken": token}}
    return request("tools/call", {"name": TOYS[name], "arguments": arguments, **meta}, at)


def modern(message: Json, **meta: object) -> tuple[Json, dict[str, str]]:
    """A message with an envelope, and the headers that must agree with it."""
    params = cast(Json, message["params"])
    own = cast(Json, params.get("_meta", {}))
    params = {**params, "_meta": {**ENVELOPE, **own, **meta}}
    headers = {"mcp_protocol_version": "2026-07-28", "mcp_method": str(message["method"])}
    if "name" in params:
        headers["mcp_name"] = str(params["name"])
    return {**message, "params": params}, headers


@asynccontextmanager
async def open_browser(
    address: ListenAddress = ADDRESS, figures: str | None = "up 1\n"
) -> AsyncIterator[Browser]:
    """A site and its client; leaving ends both. `figures` is what `/metrics` says."""
    async with trio.open_nursery() as nursery:
        app = ToyApp(nursery)

        async def serve(wire: Any, client: Client) -> None:
            await serve_session(wire, app, client, strict=True)

        site = Site(address, "/mcp", serve, CLIENT, nursery, metrics=lambda: figures)
        yield Browser(site, app, nursery)
        nursery.cancel_scope.cancel(reason="test over")
