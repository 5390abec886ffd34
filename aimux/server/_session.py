"""One client: its messages in, answers and notifications out, a cancel scope for every open call.

Theory of operation. The reader takes what one read brought, hands each message to the peer and
deals with the events in order: what can be answered at once is answered in the reader's own task,
the rest gets a task and a scope of its own. Everything written goes through one outbox. The reader
flushes it after each batch; a task that adds to it while the reader waits wakes the writer.

End of input is a stop request: what is computed is flushed, calls in flight get `EOF_GRACE_S`, then
their scopes are cancelled, which ends their synchronous jobs. Asynchronous jobs go on.
"""

import logging
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
import trio

from aimux.protocol import (
    Answered,
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
from aimux.tools import PROMPTS, App, Client
from aimux.waiting import Broadcast

from ._caller import ClientLink
from ._dispatch import Answer, Dispatcher, InputRequiredResult, Result
from ._input_requests import InputRequests
from ._outbox import FLUSH_S, Outbox
from ._roots import ClientRoots
from ._watch import Watches

EOF_GRACE_S: Final = 0.25  # hosts kill half a second after the end of input
SUBSCRIBING: Final = frozenset({"resources/subscribe", "resources/unsubscribe"})

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
        """Take what concerns the transport out of the events of this message.

        Replies are delivered and calls are noted; the session deals with what is returned.
        """
        ...


class Wire(Protocol):
    """Messages from and to one client; where they come from is a transport's business.

    Cancelling a method may lose the messages it is at: whoever cancels one is done with the wire.
    """

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
    outbox: Outbox
    input_requests: InputRequests
    dispatcher: Dispatcher
    roots: ClientRoots
    _scopes: dict[CallId, trio.CancelScope] = attrs.field(factory=dict)
    _ended: Broadcast = attrs.field(factory=Broadcast)  # a call has
    _listens: dict[CallId, Listening] = attrs.field(factory=dict)
    _watches: Watches | None = None
    _has_prompts: bool = False  # it has had their list

    def __repr__(self) -> str:
        return f"<Session: {self.client.name or 'unnamed'}, {len(self._scopes)} running>"

    def statistics(self) -> SessionStatistics:
        """Counts of this moment."""
        return SessionStatistics(
            client=self.client.name,
            running=len(self._scopes),
            buffered=len(self.outbox),
            dropped=self.outbox.dropped,
        )

    async def run(self) -> None:
        """Serve until the client's end of input. Cancelling it cancels every open call."""
        try:
            async with trio.open_nursery() as work:
                work.start_soon(self.outbox.run_writer)
                self._watches = Watches(
                    self.app, work, self._notify, self._can_be_asked, self._client_of
                )
                async with trio.open_nursery() as calls:
                    await self._read(calls)
                    await self._drain(calls)
                await self.outbox.flush_rest()
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
        outbox = self.outbox
        while True:
            messages = await self.wire.receive()
            if messages is None:
                return
            outbox.is_held = True
            for message in messages:
                for event in self._events_of(message):
                    self._handle(event, calls)
            outbox.is_held = False
            await outbox.flush()
            if outbox.is_full:
                raise trio.BrokenResourceError

    def _events_of(self, message: bytes | Oversize | Arrival) -> Sequence[Event]:
        if isinstance(message, bytes):
            return self.peer.receive(message)
        if isinstance(message, Oversize):
            return self.peer.refuse_oversize(message)
        return message.claim(self.peer.receive(message.data, via_http=message.facts))

    async def _drain(self, calls: trio.Nursery) -> None:
        if self._scopes:
            with trio.move_on_after(EOF_GRACE_S):
                while self._scopes:
                    await self._ended.wait()
        for call_id in self._listens:  # the end of a stream is said
            self.outbox.push(self.peer.answer(call_id, {}))
        calls.cancel_scope.cancel(reason="end of input")

    async def _last_words(self) -> None:
        try:
            await self.outbox.flush()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            log.debug("client %s left before its last answer", self.client.name)

    def _handle(self, event: Event, calls: trio.Nursery) -> None:
        match event:
            case Called():
                answer = self.dispatcher.answer_nowait(self.client, event)
                if answer is not None:
                    self.outbox.push(self._render(event.call_id, answer))
                else:
                    scope = self._scopes[event.call_id] = trio.CancelScope()
                    calls.start_soon(self._work, event, scope)
            case Reply():
                self.outbox.push(event.outgoing)
            case CallCancelled():
                if self._listens.pop(event.call_id, None) is not None:
                    self._rewatch()
                if event.call_id in self._scopes:
                    self._scopes[event.call_id].cancel(reason="cancelled by the client")
                else:
                    self.outbox.push(self.peer.release(event.call_id))
            case Notified():
                self._notice(event)
            case Answered():
                self.input_requests.settle(event)
            case Listening():
                self._listens[event.call_id] = event
                self._rewatch()

    def _rewatch(self) -> None:
        """Follow what the client watches now."""
        if self._watches is None:
            return
        filters = [event.filter for event in self._listens.values()]
        task_ids = frozenset[str]().union(*(each.task_ids for each in filters))
        kinds = frozenset[str]().union(*(each.kinds for each in filters))
        is_handshake = self.peer.phase is Phase.READY
        # to follow what else files decide opens the engine, which nobody needs for prompts alone;
        # the list of prompts is files that are looked at: only for those who have it
        is_on = is_handshake and self.app.engine is not None
        has_files = is_on or any(
            each.uris or each.kinds - {"promptsListChanged"} for each in filters
        )
        files = self.app.source_names - {PROMPTS} if has_files else frozenset[str]()
        if "promptsListChanged" in kinds or (is_handshake and self._has_prompts):
            files |= {PROMPTS}
        self._watches.follow(
            self.peer.watched_uris,
            task_ids,
            lists="resourcesListChanged" in kinds or is_on,
            files=files,
        )

    def _client_of(self, source: str) -> Client:
        """The client in the directory that counts: its prompts are those of its project."""
        return self.roots.placed(self.client) if source == PROMPTS else self.client

    def _notify(self, method: str, params: dict[str, object]) -> None:
        for outgoing in self.peer.notify(method, params):
            self.outbox.push_droppable(outgoing)

    def _can_be_asked(self, task_id: str) -> bool:
        """Whether everybody who listens for a task has said that they can be asked."""
        return all(
            event.client.accepts("elicitation/create")
            for event in self._listens.values()
            if task_id in event.filter.task_ids
        )

    def _notice(self, event: Notified) -> None:
        if event.method == "notifications/roots/list_changed":
            self.roots.forget()
            if self._has_prompts:  # those of its project: which that is, its next call tells
                self._notify("notifications/prompts/list_changed", {})
        elif event.method == "notifications/initialized":
            info = self.peer.client.info
            name = info.get("name")
            self.client = attrs.evolve(self.client, name=name if isinstance(name, str) else "")
            self.app.on_open(self._rewatch)

    async def _work(self, event: Called, scope: trio.CancelScope) -> None:
        answer: Answer | None = None
        try:
            with scope:
                answer = await self.dispatcher.answer(self.client, event)
        finally:
            del self._scopes[event.call_id]
            self._ended.notify()
            if answer is None:
                self.outbox.push(self.peer.release(event.call_id))
        if answer is not None:
            self.outbox.push(self._render(event.call_id, answer))
            if event.method in SUBSCRIBING:
                self._rewatch()
            elif event.method == "prompts/list" and isinstance(answer, Result):
                self._has_prompts = True
                if self._watches is not None:
                    self._watches.had(PROMPTS, answer.body["prompts"])
                self._rewatch()

    def _render(self, call_id: CallId, answer: Answer) -> Outgoing | None:
        if isinstance(answer, Fault):
            return self.peer.fail_with(call_id, answer)
        if isinstance(answer, InputRequiredResult):
            return self.peer.require_input(call_id, answer.requests, answer.state)
        return self.peer.answer(
            call_id, answer.body, ttl_ms=answer.ttl_ms, cache_scope=answer.cache_scope
        )


async def serve_session(wire: Wire, app: App, client: Client, *, strict: bool = False) -> None:
    """Serve one client on `wire` until its end of input.

    Cancelling it ends the client's synchronous calls and writes what was answered already.
    """
    peer = Peer(
        server=app.server_info, offer=app.offer, instructions=lambda: app.instructions(client)
    )
    outbox = Outbox(wire.send)
    input_requests = InputRequests(peer, outbox.push)
    link = ClientLink(peer, outbox, input_requests)
    session = Session(
        wire=wire,
        app=app,
        client=client,
        peer=peer,
        outbox=outbox,
        input_requests=input_requests,
        dispatcher=Dispatcher(app, link, strict=strict),
        roots=link.roots,
    )
    with app.attached(session.client):
        await session.run()
