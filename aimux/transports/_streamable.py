"""Streamable HTTP: handshake sessions and modern one-shot requests on one endpoint.

Theory of operation. `judge_post` says which era a POST belongs to. A modern one gets a peer of its
own for as long as it lives; when its client leaves, its work is cancelled (T-8). A handshake one is
handed to the session that its id names, and a lost connection changes nothing there (L-7): the
answer waits in its stream. A session ends by DELETE, by idleness, or with the server.
"""

import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs
import trio

from aimux.protocol import HttpFacts, Rejection, judge_post, read_accept, status_of
from aimux.tools import Client

from ._request import Header, HttpRequest
from ._response import OneShotWire, Posted, ResponseStream, Serve, SessionWire

MAX_SESSIONS: Final = 256
IDLE_S: Final = 1_800.0  # a session without a connection or a running call
SPARE_S: Final = 60.0  # when there are too many, one that was idle this long makes room
SWITCH_S: Final = 2.0  # without an answer a response becomes events, so that it can say it lives
SIDE: Final = "s"  # name of a session's own stream

SchemaOf = Callable[[str], Mapping[str, object] | None]


@attrs.define(eq=False)
class HttpSession:
    """A handshake client between its requests."""

    session_id: str
    principal: str
    wire: SessionWire
    scope: trio.CancelScope
    is_watched: bool = False  # its own stream is open
    used_at: float = 0.0  # loop clock
    _requests: int = 0
    _counter: "itertools.count[int]" = attrs.field(factory=itertools.count)

    @property
    def is_idle(self) -> bool:
        """Whether neither a connection nor a call needs it."""
        return self._requests == 0 and not self.wire.is_busy

    def stream(self) -> ResponseStream:
        """A new stream of this session."""
        stream = ResponseStream(f"{next(self._counter)}")
        self.wire.begin(stream)
        return stream

    async def visited(self, work: Awaitable[None]) -> None:
        """Run one request of the session; it is not idle meanwhile.

        Cancelling it cancels the request; the session stays.
        """
        self._requests += 1
        self.scope.deadline = float("inf")
        try:
            await work
        finally:
            self._requests -= 1
            self.rest()

    def rest(self) -> None:
        """Count as idle from now on, unless something needs the session."""
        self.used_at = trio.current_time()
        if self.is_idle:
            self.scope.deadline = self.used_at + IDLE_S


class Streamable:
    """The MCP endpoint. `nursery` keeps the sessions between requests."""

    def __init__(
        self,
        serve: Serve,
        client: Client,
        nursery: trio.Nursery,
        *,
        schema_of: SchemaOf | None = None,
    ) -> None:
        self._serve = serve
        self._client = client
        self._nursery = nursery
        self._schema_of = schema_of
        self._sessions: dict[str, HttpSession] = {}
        self._calls: set[OneShotWire] = set()  # modern ones

    def __repr__(self) -> str:
        return f"<Streamable: {len(self._sessions)} sessions>"

    async def handle(self, request: HttpRequest) -> None:
        """Answer one request.

        Cancelling it cuts the response off; the session that it belongs to stays.
        """
        match request.method:
            case "POST":
                await self._post(request)
            case "GET":
                await self._get(request)
            case "DELETE":
                await self._delete(request)
            case _:
                await request.refuse(405, "not served here", [(b"allow", b"POST, GET, DELETE")])

    def end(self) -> None:
        """End every client's input; what is computed is still answered."""
        for session in list(self._sessions.values()):
            self._drop(session)
        for wire in self._calls:
            wire.close()

    # ------------------------------------------------------------------ POST

    async def _post(self, request: HttpRequest) -> None:
        body = await request.body()
        if body is None:
            return
        facts = judge_post(request.headers, body, self._schema_of)
        if isinstance(facts, Rejection):
            await request.answer(facts.status, facts.data)
        elif facts.is_request and not any(read_accept(request.headers)):
            await request.refuse(406, "accept application/json and text/event-stream")
        elif facts.is_modern:
            await self._post_modern(request, body, facts)
        elif facts.is_initialize and facts.is_request:
            session = await self._open(request)
            if session is not None:
                await session.visited(self._post_to(request, session, body, facts))
        else:
            session = await self._named(request)
            if session is not None:
                await session.visited(self._post_to(request, session, body, facts))

    async def _post_modern(self, request: HttpRequest, body: bytes, facts: HttpFacts) -> None:
        if not facts.is_request:
            await request.answer(202)
            return
        stream = ResponseStream("0")
        wire = OneShotWire()
        wire.begin(stream)
        wire.posted = Posted(body, facts, stream, wire)
        client = attrs.evolve(self._client, key=f"http-{request.principal}", transport="http")

        async def call() -> None:
            async with trio.open_nursery() as serving:
                serving.start_soon(self._serve_call, wire, client)
                await self._reply(request, stream, is_modern=True)
                serving.cancel_scope.cancel(reason="answered")

        self._calls.add(wire)
        try:
            await request.while_here(call())
        finally:
            self._calls.discard(wire)

    async def _serve_call(self, wire: OneShotWire, client: Client) -> None:
        await self._serve(wire, client)
        wire.end()  # without an answer there will be none

    async def _post_to(
        self, request: HttpRequest, session: HttpSession, body: bytes, facts: HttpFacts
    ) -> None:
        stream = session.stream() if facts.is_request else ResponseStream("-")
        try:
            await session.wire.post(Posted(body, facts, stream, session.wire))
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            await request.refuse(404, "session ended")
            return
        if not facts.is_request:
            await request.answer(202)
            return
        headers: list[Header] = []
        if facts.is_initialize:
            while not stream.is_over:
                await stream.wait_news()
            if stream.final is None or stream.final.error_code is not None:
                self._drop(session)
            else:
                headers = [(b"mcp-session-id", session.session_id.encode())]
        await request.while_here(self._reply(request, stream, headers=headers))

    async def _reply(
        self,
        request: HttpRequest,
        stream: ResponseStream,
        *,
        headers: list[Header] | None = None,
        is_modern: bool = False,
    ) -> None:
        """Answer with one JSON text if that comes soon and alone, else with events (T-6)."""
        accepts = read_accept(request.headers)
        limit_s = SWITCH_S if accepts.stream else float("inf")
        with trio.move_on_after(limit_s):
            while not stream.is_over and not (
                stream.is_listening
                or (accepts.stream and (stream.is_worth_resuming or stream.since(0)))
            ):
                await stream.wait_news()
        final = stream.final
        if stream.is_listening and not accepts.stream:
            await request.refuse(406, "this needs a client that accepts text/event-stream")
        elif stream.is_over and final is None:
            await request.refuse(404, "session ended")
        elif final is not None and (not accepts.stream or (stream.is_plain and accepts.json)):
            status = status_of(final.error_code, is_modern=is_modern)
            await request.answer(status, final.data, headers or ())
        else:
            await request.stream(stream, 0, headers or (), is_new=True)

    # ------------------------------------------------------------------ GET and DELETE

    async def _get(self, request: HttpRequest) -> None:
        if not read_accept(request.headers).stream:
            allow: list[Header] = [(b"allow", b"POST, DELETE")]
            await request.refuse(405, "a stream needs accept: text/event-stream", allow)
            return
        session = await self._named(request)
        if session is None:
            return
        last = request.headers.get("last-event-id")
        if last is None:
            await self._watch(request, session)
            return
        name, _, number = last.rpartition("-")
        stream = session.wire.find(name)
        if stream is None or not number.isdecimal() or len(number) > 9:
            await request.refuse(400, "no such event to resume from")
            return
        if stream.name == SIDE:
            await self._watch(request, session, int(number))
            return
        stream.hang_up()  # of two readers the later one is the client as it is now
        await session.visited(request.while_here(request.stream(stream, int(number), is_new=False)))

    async def _watch(
        self, request: HttpRequest, session: HttpSession, after: int | None = None
    ) -> None:
        """The session's own stream, one at a time (L-4)."""
        if session.is_watched:
            await request.refuse(409, "this session has a stream already")
            return
        side = session.wire.side
        assert side is not None
        side.revision = session.wire.revision
        session.is_watched = True
        try:
            start = side.written if after is None else after
            work = request.stream(side, start, is_new=after is None)
            await session.visited(request.while_here(work))
        finally:
            session.is_watched = False

    async def _delete(self, request: HttpRequest) -> None:
        session = await self._named(request)
        if session is not None:
            self._drop(session)
            await request.answer(204)

    # ------------------------------------------------------------------ sessions

    async def _named(self, request: HttpRequest) -> HttpSession | None:
        """The session a request names; None: it was refused."""
        session_id = request.headers.get("mcp-session-id")
        if session_id is None:
            await request.refuse(400, "mcp-session-id is missing")
            return None
        session = self._sessions.get(session_id)
        if session is None or not secrets.compare_digest(session.principal, request.principal):
            await request.refuse(404, "unknown session")
            return None
        return session

    async def _open(self, request: HttpRequest) -> HttpSession | None:
        """A new session; None: there are too many, and it was refused."""
        if len(self._sessions) >= MAX_SESSIONS and not self._make_place():
            await request.refuse(503, "too many sessions", [(b"retry-after", b"60")])
            return None
        session_id = secrets.token_urlsafe(24)
        session = HttpSession(
            session_id=session_id,
            principal=request.principal,
            wire=SessionWire(ResponseStream(SIDE)),
            scope=trio.CancelScope(),
            used_at=trio.current_time(),
        )
        session.wire.on_quiet = session.rest
        self._sessions[session_id] = session
        self._nursery.start_soon(self._run, session)
        return session

    def _make_place(self) -> bool:
        limit = trio.current_time() - SPARE_S
        spare = [each for each in self._sessions.values() if each.is_idle and each.used_at <= limit]
        if spare:
            self._drop(min(spare, key=lambda session: session.used_at))
        return bool(spare)

    def _drop(self, session: HttpSession) -> None:
        self._sessions.pop(session.session_id, None)
        session.wire.close()

    async def _run(self, session: HttpSession) -> None:
        key = f"http-{session.session_id[:8]}"
        client = attrs.evolve(self._client, key=key, transport="http")
        try:
            with session.scope:
                await self._serve(session.wire, client)
        finally:
            self._drop(session)
            session.wire.end()
