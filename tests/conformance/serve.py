"""The fixture behind the real transports: what the suite's client talks to."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import trio

from aimux.model import TransportSettings
from aimux.protocol import (
    Answered,
    AskId,
    CallCancelled,
    Called,
    CallId,
    Fault,
    Json,
    Outgoing,
    Peer,
)
from aimux.tools import Client
from aimux.transports.network import OneShotWire, SessionWire, choose_address, serve_http

from .fixture import Fixture
from .steps import Steps, conclude

NOBODY = Client(key="conformance", cwd=Path("/"), env={})


@attrs.define(eq=False)
class Host:
    """All clients of one fixture."""

    fixture: Fixture
    nursery: trio.Nursery
    sessions: set["Served"] = attrs.field(factory=set)
    _news: trio.Event = attrs.field(factory=trio.Event)

    async def serve(self, wire: SessionWire | OneShotWire, client: Client) -> None:
        """Serve one client until its end of input."""
        del client
        session = Served(self, wire, self.fixture.peer())
        self.sessions.add(session)
        try:
            async with trio.open_nursery() as calls:
                await session.read(calls)
                calls.cancel_scope.cancel(reason="end of input")
        finally:
            self.sessions.discard(session)

    def changed(self, method: str, params: Mapping[str, object]) -> None:
        """Tell every client that asked, and wake who waits for a condition."""
        for session in self.sessions:
            for outgoing in session.peer.notify(method, params):
                session.write(outgoing)
        self._news.set()
        self._news = trio.Event()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; it is tried again after each change."""
        while not condition():
            await self._news.wait()


@attrs.define(eq=False)
class Served:
    """One client."""

    host: Host
    wire: SessionWire | OneShotWire
    peer: Peer
    scopes: dict[CallId, trio.CancelScope] = attrs.field(factory=dict)
    asks: dict[AskId, trio.MemorySendChannel[Answered]] = attrs.field(factory=dict)

    def write(self, outgoing: Outgoing | None) -> None:
        """Put a message where it belongs."""
        if outgoing is not None:
            self.wire.deliver(outgoing)

    async def read(self, calls: trio.Nursery) -> None:
        """Take messages until the end of input."""
        while (messages := await self.wire.receive()) is not None:
            for posted in messages:
                events = self.peer.receive(posted.data, via_http=posted.facts)
                for event in posted.claim(events):
                    match event:
                        case Called():
                            scope = self.scopes[event.call_id] = trio.CancelScope()
                            calls.start_soon(self._work, event, scope)
                        case CallCancelled():
                            if event.call_id in self.scopes:
                                self.scopes[event.call_id].cancel(reason="cancelled")
                        case Answered() if event.ask_id in self.asks:
                            self.asks.pop(event.ask_id).send_nowait(event)
                        case _:
                            pass

    async def _work(self, called: Called, scope: trio.CancelScope) -> None:
        try:
            with scope:
                steps = CallSteps(self, called.call_id)
                outcome = await self.host.fixture.serve(called, steps)
                self.write(conclude(self.peer, called, outcome))
        finally:
            del self.scopes[called.call_id]
            self.peer.release(called.call_id)


@attrs.define(eq=False)
class CallSteps:
    """What a handler can do while its call is open; beside a call, `call_id` is None."""

    session: Served
    call_id: CallId | None

    async def progress(self, progress: float, total: float) -> None:
        """Send progress of the call."""
        if self.call_id is not None:
            self.session.write(self.session.peer.progress(self.call_id, progress, total))

    async def log(self, level: str, data: object) -> None:
        """Send a log message."""
        self.session.write(self.session.peer.log(level, data, call_id=self.call_id))

    async def ask(self, method: str, params: Mapping[str, object]) -> Json | Fault | None:
        """Ask the client and wait for what it says."""
        asked = self.session.peer.ask(method, params, self.call_id)
        if asked is None:
            return None
        ask_id, outgoing = asked
        into, out = trio.open_memory_channel[Answered](1)
        self.session.asks[ask_id] = into
        self.session.write(outgoing)
        answer = await out.receive()
        return answer.result if answer.error is None else answer.error

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        await self.session.host.wait_until(condition)

    async def drop_stream(self) -> None:
        """Close the connection of the call: the client comes back for the rest."""
        if self.call_id is not None:
            self.session.wire.hang_up(self.call_id)

    def changed(self, method: str, params: Mapping[str, object]) -> None:
        """Tell every client."""
        self.session.host.changed(method, params)

    def spawn(self, work: Callable[[Steps], Awaitable[None]]) -> None:
        """Run something that outlives the call."""
        self.session.host.nursery.start_soon(work, CallSteps(self.session, None))

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """Return an id that cannot be guessed."""
        return f"job_{secrets.token_urlsafe(16)}"


@asynccontextmanager
async def _open_fixture():  # noqa: ANN202 - see open_fixture
    """Serve the fixture on a free loopback port; gives the URL of its endpoint."""
    address = choose_address(("127.0.0.1", 0), token=None, env={})
    async with trio.open_nursery() as nursery:
        host = Host(Fixture(secrets.token_bytes(32)), nursery)
        start = partial(serve_http, nursery=nursery, schema_of=Fixture.schema_of)
        settings = TransportSettings()
        listening = await nursery.start(start, address, settings, host.serve, NOBODY)
        yield listening.url
        nursery.cancel_scope.cancel(reason="done")


def open_fixture() -> AbstractAsyncContextManager[str]:
    """Serve the fixture on a free loopback port; gives the URL of its endpoint."""
    return _open_fixture()
