"""One client: its messages in, answers and notifications out, a cancel scope for every open call.

Theory of operation. The reader takes what one read brought, hands each message to the peer and
deals
with the events in order: what can be answered at once is answered in the reader's own task, the
rest
gets a task and a scope of its own. Everything written goes through one buffer. The reader writes
the
buffer after each batch; a task that adds to it while the reader waits wakes the writer. A frame is
written by nobody whose scope a client can cancel, so it is never torn.

End of input is a stop request: what is computed is flushed, calls in flight get `EOF_GRACE_S`, then
their scopes are cancelled, which ends their synchronous jobs. Asynchronous jobs go on.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs
import trio

from aimux.protocol import (
    Answered,
    AskId,
    CallCancelled,
    Called,
    CallId,
    Event,
    Fault,
    HttpFacts,
    Listening,
    Notified,
    Outgoing,
    Oversize,
    Peer,
    Phase,
    Reply,
)
from aimux.tools import App, Client

from ._dispatch import Answer, Dispatcher, Wanted
from ._watch import Watches

EOF_GRACE_S: Final = 0.25  # hosts kill half a second after the end of input
FLUSH_S: Final = 1.0  # to write what is computed when the session ends
BUFFER_BYTES: Final = 64 * 1024 * 1024  # a client that reads nothing is let go
SUBSCRIBING: Final = frozenset({"resources/subscribe", "resources/unsubscribe"})
BUSY_MESSAGES: Final = 1_000  # above it, progress and log messages are dropped

log = logging.getLogger("aimux.session")


class Arrival(Protocol):
    """A message that came with an exchange of its own to answer on (an HTTP request)."""

    @property
    def data(self) -> bytes:
        """The message."""
        ...

    @property
    def facts(self) -> HttpFacts:
        """What `judge_post` made of it."""
        ...

    def claim(self, events: Sequence[Event]) -> Sequence[Event]:
        """Take what concerns the transport out of the events of this message: replies are
        delivered, calls are noted. The session deals with the rest.
        """
        ...


class Wire(Protocol):
    """Messages from and to one client; where they come from is a transport's business."""

    async def receive(self) -> Sequence[bytes | Oversize | Arrival] | None:
        """The next messages, at least one; None at the end."""
        ...

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write messages in order. Raises trio.BrokenResourceError: the client is gone."""
        ...


@attrs.frozen(kw_only=True)
class SessionStatistics:
    """What a session is doing."""

    client: str
    running: int
    buffered: int
    dropped: int


@attrs.define(eq=False)
class Session:
    """The server's side of one client while it is connected."""

    wire: Wire
    app: App
    client: Client
    peer: Peer
    dispatcher: Dispatcher
    dropped: int = 0
    _out: list[Outgoing] = attrs.field(factory=list)
    _out_bytes: int = 0
    _more: trio.Event = attrs.field(factory=trio.Event)
    _is_writing: bool = False
    _is_handling: bool = False  # the reader is at a batch, and writes when it is through
    _written: trio.Event = attrs.field(factory=trio.Event)
    _is_torn: bool = False  # a write ended in the middle: nothing may follow it
    _scopes: dict[CallId, trio.CancelScope] = attrs.field(factory=dict)
    _idle: trio.Event = attrs.field(factory=trio.Event)
    _listens: dict[CallId, Listening] = attrs.field(factory=dict)
    _watches: Watches | None = None
    _asks: dict[AskId, Callable[[Answered], None]] = attrs.field(factory=dict)

    def __repr__(self) -> str:
        return f"<Session: {self.client.name or 'unnamed'}, {len(self._scopes)} running>"

    def statistics(self) -> SessionStatistics:
        """Counts of this moment."""
        return SessionStatistics(
            client=self.client.name,
            running=len(self._scopes),
            buffered=len(self._out),
            dropped=self.dropped,
        )

    # ------------------------------------------------------------------ writing

    def push(self, outgoing: Outgoing | None) -> None:
        """Queue a message; the writer sends it. None is nothing to say."""
        if outgoing is None:
            return
        self._out.append(outgoing)
        self._out_bytes += len(outgoing.data)
        if not (self._is_writing or self._is_handling):
            self._more.set()

    def push_droppable(self, outgoing: Outgoing | None) -> bool:
        """Queue a message unless the client is behind; tell whether it was taken."""
        if outgoing is None or len(self._out) >= BUSY_MESSAGES:
            self.dropped += outgoing is not None
            return False
        self.push(outgoing)
        return True

    async def _flush(self) -> None:
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._out and not self._is_torn:
                batch, self._out, self._out_bytes = self._out, [], 0
                self._is_torn = True  # unless it is sent whole
                await self.wire.send(batch)
                self._is_torn = False
        finally:
            self._is_writing = False
            self._written.set()

    async def _write_rest(self) -> None:
        """Send what is left, after what the writer is at: cancelling it would lose that."""
        with trio.move_on_after(FLUSH_S):
            while self._is_writing:
                self._written = trio.Event()
                await self._written.wait()
            await self._flush()

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more = trio.Event()
            await self._flush()

    # ------------------------------------------------------------------ reading

    async def run(self) -> None:
        """Serve until the client's end of input. Cancelling it cancels every open call."""
        try:
            async with trio.open_nursery() as work:
                work.start_soon(self._write)
                self._watches = Watches(self, work)
                async with trio.open_nursery() as calls:
                    await self._read(calls)
                    await self._drain(calls)
                await self._write_rest()
                work.cancel_scope.cancel(reason="session over")
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            log.info("client %s is gone", self.client.name)
        finally:
            self._watches = None
            self.app.off_open(self._rewatch)
            for scope in self._scopes.values():
                scope.cancel(reason="session over")
            with trio.move_on_after(FLUSH_S, shield=True):
                await self._last_words()

    async def _read(self, calls: trio.Nursery) -> None:
        while True:
            messages = await self.wire.receive()
            if messages is None:
                return
            self._is_handling = True
            for message in messages:
                for event in self._events_of(message):
                    self._handle(event, calls)
            self._is_handling = False
            if self._out:
                await self._flush()
            if self._out_bytes > BUFFER_BYTES:
                raise trio.BrokenResourceError

    def _events_of(self, message: bytes | Oversize | Arrival) -> Sequence[Event]:
        if isinstance(message, bytes):
            return self.peer.receive(message)
        if isinstance(message, Oversize):
            return self.peer.refuse_oversize(message.limit_bytes)
        return message.claim(self.peer.receive(message.data, via_http=message.facts))

    async def _drain(self, calls: trio.Nursery) -> None:
        if self._scopes:
            with trio.move_on_after(EOF_GRACE_S):
                while self._scopes:
                    self._idle = trio.Event()
                    await self._idle.wait()
        for call_id in self._listens:  # the end of a stream is said
            self.push(self.peer.answer(call_id, {}))
        calls.cancel_scope.cancel(reason="end of input")

    async def _last_words(self) -> None:
        try:
            await self._flush()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            log.debug("client %s left before its last answer", self.client.name)

    def _handle(self, event: Event, calls: trio.Nursery) -> None:
        match event:
            case Called():
                answer = self.dispatcher.answer_nowait(self, event)
                if answer is not None:
                    self.push(self._render(event.call_id, answer))
                else:
                    scope = self._scopes[event.call_id] = trio.CancelScope()
                    calls.start_soon(self._work, event, scope)
            case Reply():
                self.push(event.outgoing)
            case CallCancelled():
                if self._listens.pop(event.call_id, None) is not None:
                    self._rewatch()
                if event.call_id in self._scopes:
                    self._scopes[event.call_id].cancel(reason="cancelled by the client")
                else:
                    self.push(self.peer.release(event.call_id))
            case Notified():
                self._notice(event)
            case Answered():
                waiter = self._asks.pop(event.ask_id, None)
                if waiter is not None:
                    waiter(event)
            case Listening():
                self._listens[event.call_id] = event
                self._rewatch()

    def _rewatch(self) -> None:
        """Follow what the client watches now."""
        if self._watches is None:
            return
        filters = [event.filter for event in self._listens.values()]
        task_ids = frozenset[str]().union(*(each.task_ids for each in filters))
        has_lists = any("resourcesListChanged" in each.kinds for each in filters)
        is_handshake = self.peer.phase is Phase.READY
        self._watches.follow(self.peer.watched_uris, task_ids, lists=has_lists or is_handshake)

    def can_all_be_asked(self, task_id: str) -> bool:
        """Whether everybody who listens for a task has said that they can be asked."""
        return all(
            event.client.accepts("elicitation/create")
            for event in self._listens.values()
            if task_id in event.filter.task_ids
        )

    def _notice(self, event: Notified) -> None:
        if event.method == "notifications/initialized":
            info = self.peer.client.info
            name = info.get("name")
            self.client = attrs.evolve(self.client, name=name if isinstance(name, str) else "")
            self.app.on_open(self._rewatch)

    async def _work(self, event: Called, scope: trio.CancelScope) -> None:
        answer: Answer | None = None
        try:
            with scope:
                answer = await self.dispatcher.answer(self, event)
        finally:
            del self._scopes[event.call_id]
            self._idle.set()
            if answer is None:
                self.push(self.peer.release(event.call_id))
        if answer is not None:
            self.push(self._render(event.call_id, answer))
            if event.method in SUBSCRIBING:
                self._rewatch()

    def _render(self, call_id: CallId, answer: Answer) -> Outgoing | None:
        if isinstance(answer, Fault):
            return self.peer.fail_with(call_id, answer)
        if isinstance(answer, Wanted):
            return self.peer.require_input(call_id, answer.requests, answer.state)
        return self.peer.answer(
            call_id, answer.body, ttl_ms=answer.ttl_ms, cache_scope=answer.cache_scope
        )

    # ------------------------------------------------------------------ asking the client

    async def ask(
        self, method: str, params: Mapping[str, object], call_id: CallId
    ) -> Answered | None:
        """Ask the client something in the course of a call; None if it may not be asked.

        Cancelling it takes the question back; a late answer is dropped.
        """
        asked = self.peer.ask(method, params, call_id)
        if asked is None:
            await trio.lowlevel.checkpoint()
            return None
        ask_id, outgoing = asked
        ready = trio.Event()
        answers: list[Answered] = []

        def take(answered: Answered) -> None:
            answers.append(answered)
            ready.set()

        self._asks[ask_id] = take
        self.push(outgoing)
        try:
            await ready.wait()
        finally:
            self._asks.pop(ask_id, None)
            if not answers:
                self.push(self.peer.withdraw(ask_id, "no answer is needed any more"))
        return answers[0]


async def serve_session(wire: Wire, app: App, client: Client, *, strict: bool = False) -> None:
    """Serve one client on `wire` until its end of input.

    Cancelling it ends the client's synchronous calls and writes what was answered already.
    """
    peer = Peer(
        server=app.server_info, offer=app.offer, instructions=lambda: app.instructions(client)
    )
    session = Session(
        wire=wire, app=app, client=client, peer=peer, dispatcher=Dispatcher(app, strict=strict)
    )
    with app.attached(session.client):
        await session.run()
