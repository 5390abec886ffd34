"""One HTTP request and its response, over ASGI.

One task drains what the client sends for as long as the request lives: that is how a body is read
within its limits, how a lost connection is noticed, and why a refused upload cannot clog the
connection it came on.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import orjson
import trio

from aimux.protocol import Headers, encode_comment, encode_event, oversize_body, unread_of
from aimux.skim import Skimmer

from ._response import ResponseStream

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

BODY_BYTES: Final = 4 * 1024 * 1024  # as the reference SDKs limit it
SKIMMED_BYTES: Final = 16 * 1024 * 1024  # of a larger one, for the id of who asks
BODY_S: Final = 30.0  # for a whole body to arrive
LINGER_S: Final = 2.0  # a refused upload is read on: a reset would swallow the refusal
PING_S: Final = 15.0  # between comments on a quiet stream
RETRY_MS: Final = 1_000  # a client comes back after this when its stream was closed
JSON: Final = b"application/json"

_STREAM_HEADERS: Final[Sequence[Header]] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


def problem(message: str) -> bytes:
    """The body of a refusal: a JSON-RPC error without an id."""
    return orjson.dumps({"jsonrpc": "2.0", "error": {"code": -32600, "message": message}})


class HttpRequest:
    """One request on its way to a response. Made by `serve_request`.

    Cancelling a wait for the client loses nothing of what it has sent; cancelling a method that
    writes leaves the response cut off there.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers = Headers(scope["headers"])
        self.principal = ""  # whose credential it carries; set by the gate
        self.is_begun = False
        self._receive = receive
        self._send = send
        self._chunks: list[bytes] = []
        self._size = 0
        self._has_body = trio.Event()
        self._is_over_limit = False
        self._skimmer = Skimmer()  # of a body over the limit: who asks in it
        self._is_read = trio.Event()  # that is known, or the body has ended
        self._gone = trio.Event()
        self._is_answered = False

    def query(self, name: str) -> str | None:
        """The value of a query parameter that is given once."""
        raw: bytes = self.scope.get("query_string", b"")
        values = parse_qs(raw.decode("latin-1"), keep_blank_values=True).get(name, [])
        return values[0] if len(values) == 1 else None

    # ------------------------------------------------------------------ what the client sends

    async def drain(self) -> None:
        """Read all that comes, until the client is gone."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                # hypercorn says it too while it still sends the end of an answer
                if not self._is_answered:
                    self._gone.set()
                    self._has_body.set()
                    self._is_read.set()
                return
            chunk = message.get("body", b"")
            self._size += len(chunk)
            self._chunks.append(chunk)
            if self._size > BODY_BYTES:
                self._skim()
            if not message.get("more_body", False):
                self._has_body.set()
                self._is_read.set()

    def _skim(self) -> None:
        """Keep nothing of a body over the limit but who asks in it."""
        self._is_over_limit = True
        self._has_body.set()
        for chunk in self._chunks:
            self._skimmer.feed(chunk)
        self._chunks.clear()
        if self._skimmer.is_over or self._size > SKIMMED_BYTES:
            self._is_read.set()

    async def body(self) -> bytes | None:
        """The whole body. None: it was refused (415, 413, 408) or its sender left."""
        kind = (self.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            await self.refuse(415, "content-type must be application/json")
            return None
        length = self.headers.get("content-length") or ""
        if length.isdigit() and int(length) > BODY_BYTES:
            self._is_over_limit = True
        else:
            with trio.move_on_after(BODY_S) as patience:
                await self._has_body.wait()
            if patience.cancelled_caught:
                await self.refuse(408, "the body did not come")
                return None
        if self._is_over_limit:
            await self._refuse_upload()
            return None
        return None if self._gone.is_set() else b"".join(self._chunks)

    @property
    def is_gone(self) -> bool:
        """Whether the client has closed the connection."""
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        """Wait until the client has closed the connection."""
        await self._gone.wait()

    async def while_here(self, work: Awaitable[None]) -> None:
        """Do the work, or as much of it as can be done until the client leaves."""
        async with trio.open_nursery() as here:

            async def leave_with_the_client() -> None:
                await self._gone.wait()
                here.cancel_scope.cancel(reason="the client closed the connection")

            here.start_soon(leave_with_the_client)
            await work
            here.cancel_scope.cancel(reason="done")

    # ------------------------------------------------------------------ what it is answered

    async def answer(
        self, status: int, body: bytes = b"", headers: Iterable[Header] = (), *, kind: bytes = JSON
    ) -> None:
        """Send a whole response."""
        typed = [(b"content-type", kind)] if body else []
        length = [(b"content-length", b"%d" % len(body))]
        await self._begin(status, [*typed, *length, *headers])
        self._is_answered = True
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, message: str, headers: Iterable[Header] = ()) -> None:
        """Send an error response with a JSON-RPC error as its body."""
        await self.answer(status, problem(message), headers)

    async def _refuse_upload(self) -> None:
        with trio.move_on_after(LINGER_S):
            await self._is_read.wait()
        self._skim()
        body = oversize_body(unread_of(self._skimmer), f"body larger than {BODY_BYTES} bytes")
        length = (b"content-length", b"%d" % len(body))
        await self._begin(413, [(b"content-type", JSON), length, (b"connection", b"close")])
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        with trio.move_on_after(LINGER_S):
            await self._gone.wait()
        await self._send({"type": "http.response.body", "body": b""})

    async def begin_events(self, headers: Iterable[Header] = ()) -> None:
        """Begin a response that is a stream of events."""
        await self._begin(200, [*_STREAM_HEADERS, *headers])

    async def _begin(self, status: int, headers: list[Header]) -> None:
        self.is_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Write a piece of a stream that was begun; nothing if the client is gone."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """End a stream that was begun."""
        self._is_answered = True
        await self._send({"type": "http.response.body", "body": b""})

    async def stream(
        self, stream: ResponseStream, after: int, headers: Iterable[Header] = (), *, is_new: bool
    ) -> None:
        """Answer with the messages of a response stream after a number, until it is over.

        A new resumable one begins with a priming event. Ends early when it is told to hang up.
        """
        has_ids = stream.is_resumable
        hangups = 0 if is_new else stream.hangups  # a new one may be told to leave at once
        await self.begin_events(headers)
        if is_new and has_ids:
            prime = encode_event(b"", event_id=f"{stream.name}-{after}", retry_ms=RETRY_MS)
            await self.write(prime)
        while True:
            has_ids = stream.is_resumable
            fresh = stream.since(after)
            if fresh:
                after = stream.written = fresh[-1][0]
                frames = [
                    encode_event(data, event_id=f"{stream.name}-{number}" if has_ids else None)
                    for number, data in fresh
                ]
                await self.write(b"".join(frames))
            elif stream.is_over or stream.hangups != hangups:
                break
            else:
                with trio.move_on_after(PING_S) as quiet:
                    await stream.wait_news()
                if quiet.cancelled_caught:
                    await self.write(encode_comment())
        await self.end()


async def serve_request(
    request: HttpRequest, handle: Callable[[HttpRequest], Awaitable[None]]
) -> None:
    """Handle a request while reading what its client sends.

    Cancelling it cancels both.
    """
    async with trio.open_nursery() as life:
        life.start_soon(request.drain)
        await handle(request)
        life.cancel_scope.cancel(reason="answered")
