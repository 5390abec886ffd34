"""The server's view of one client: raw messages in, events out, bytes to write back.

Theory of operation. Three machines, each seeing its own part of a message:

- *Phase* (``NEXT``) follows the handshake: fresh, negotiating, ready. It never stops a request from
  being answered, so a bare ``tools/list`` as the first message works (it is read as the latest
  handshake revision); it decides what the server may send unasked, and refuses a second handshake.
- *Era* is decided for each request: an envelope in ``params._meta`` makes it modern, whatever the
  phase. The tables of ``_revisions`` and ``_methods`` then say whether the method exists, which
  parameters it needs and what its result may carry. Modern requests leave nothing behind.
- *Calls*. An accepted request is open until it is answered, failed or released. A cancelled one
  stays known until then, but all that is written for it is swallowed. Ids of the client are free
  again when their call is closed or cancelled; a ``CallId`` never comes again.

The order of rules when a request is wrong: not JSON, not a request, bad envelope, unsupported
version, id already open, unknown method, missing capability, bad parameters, too many open calls;
the first wins.

One object, written in four layers: ``_answers`` (open calls and their ends), ``_handshake`` (what
was agreed), ``_notices`` (what is said unasked) and this one, which reads what the client says.

The peer does no I/O and knows no time. It suits any transport: a stream of messages feeds one peer
for its whole life, handshake HTTP one peer per session, modern HTTP a throw-away peer per POST.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import orjson

from aimux.protocol._calls import (
    Batch,
    OpenCall,
    notice,
    read_filter,
    show_filter,
    tagged,
)
from aimux.protocol._envelope import is_envelope, read_envelope
from aimux.protocol._errors import Code, Fault, missing_capability
from aimux.protocol._events import (
    CallCancelled,
    Called,
    CallId,
    Client,
    Event,
    Listening,
    Notified,
    Outgoing,
    Reply,
)
from aimux.protocol._handshake import NEXT, Phase
from aimux.protocol._http import HttpFacts
from aimux.protocol._lines import MAX_LINE_BYTES, LineReader, Oversize, oversize_fault
from aimux.protocol._methods import (
    TASKS_EXTENSION,
    Offer,
    Route,
    routes_for,
)
from aimux.protocol._notices import Notices
from aimux.protocol._revisions import (
    ASSUMED_OVER_HTTP,
    MODERN,
    REVISIONS,
    Revision,
)
from aimux.protocol._shapes import (
    Json,
    ServerInfo,
)
from aimux.protocol._unread import find_unread, known_id, unread_in

MAX_OPEN_CALLS: Final = 4096  # of one client, listeners and unfinished cancelled calls included

_TASKS: Final[Json] = {"extensions": {TASKS_EXTENSION: {}}}


class PeerStatistics(NamedTuple):
    """The state of a peer, counted."""

    phase: Phase
    version: str  # of the handshake session, or what a bare request is read as
    open_calls: int
    cancelled_calls: int  # of which the handler has not ended yet
    listeners: int
    pending_asks: int
    calls: int  # ever
    faults: int  # requests refused by the protocol, ever


class Peer(Notices):
    """One client, seen from the server: what it says becomes events here."""

    __slots__ = ("_counted", "_lines", "_routes")

    def __init__(
        self,
        *,
        server: ServerInfo,
        offer: Offer,
        instructions: str | Callable[[], str] = "",
        max_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        super().__init__(server, offer, instructions)
        self._routes = routes_for(offer)
        self._lines = LineReader(max_bytes=max_bytes)
        self._counted = 0

    def __repr__(self) -> str:
        """Show as a status line."""
        said = self.statistics()
        return (
            f"<Peer: {said.phase} {said.version}, {said.open_calls} open calls, "
            f"{said.listeners} listeners, {said.pending_asks} asks>"
        )

    def statistics(self) -> PeerStatistics:
        """Return what is open and what was counted."""
        return PeerStatistics(
            phase=self._phase,
            version=self._revision.version,
            open_calls=len(self._open) - len(self._listeners),
            cancelled_calls=len(self._calls) - len(self._open),
            listeners=len(self._listeners),
            pending_asks=len(self._asks),
            calls=self._counted,
            faults=self._faults,
        )

    # what the client says

    def feed(self, data: bytes) -> list[Event]:
        """Return what happened on a stream of lines; ``b""`` ends it.

        A line over the limit is refused and the stream goes on after it.
        """
        events: list[Event] = []
        for line in self._lines.feed(data):
            if type(line) is bytes:
                events += self.receive(line)
            else:
                assert isinstance(line, Oversize)
                events += self.refuse_oversize(line)
        return events

    def refuse_oversize(self, found: Oversize) -> list[Event]:
        """Return the refusal of a message that the transport threw away for its size."""
        return self._refuse_unread(found.unread, oversize_fault(found))

    def receive(self, raw: bytes, *, via_http: HttpFacts | None = None) -> list[Event]:
        """Return what one message means: never raises for what a client sent.

        Over HTTP ``via_http`` is what ``judge_post`` made of the same body.
        """
        revision = self._revision
        if via_http is None:
            try:
                message = orjson.loads(raw)
            except orjson.JSONDecodeError as fault:
                unreadable = Fault(Code.PARSE_ERROR, f"not JSON: {fault}")
                return self._refuse_unread(find_unread(raw), unreadable)
        else:
            message = via_http.message
            if self._phase is Phase.FRESH:
                revision = REVISIONS[via_http.version or ASSUMED_OVER_HTTP]
        if type(message) is dict:
            return self._take(message, revision, None)
        if type(message) is not list:
            return self._refuse(None, Fault(Code.INVALID_REQUEST, "a message must be an object"))
        if not message or not revision.has("batches"):
            why = "empty batch" if not message else f"no batches in {revision.version}"
            unwanted = Fault(Code.INVALID_REQUEST, why)
            return self._refuse_unread(unread_in(message), unwanted)
        return self._take_batch(message, revision)

    def _take_batch(self, messages: list[object], revision: Revision) -> list[Event]:
        batch = Batch()
        events: list[Event] = []
        for message in messages:
            if type(message) is dict:
                events += self._take(message, revision, batch)
            else:
                fault = Fault(Code.INVALID_REQUEST, "a message must be an object")
                self._refuse(None, fault, batch)
        gathered = batch.settle(None)
        if gathered is not None:
            events.append(Reply(Outgoing(gathered, None, True)))
        return events

    def _take(self, message: Json, revision: Revision, batch: Batch | None) -> list[Event]:
        """Route one JSON object; the checks come in the order the module's head promises."""
        method = message.get("method")
        if type(method) is not str or message.get("jsonrpc") != "2.0":
            return self._take_odd(message, batch)
        if "id" not in message:
            return self._take_notification(method, message.get("params"), revision)
        request_id = message["id"]
        if type(request_id) is not int and type(request_id) is not str:
            text = "id must be a string or an integer"
            return self._refuse(known_id(request_id), Fault(Code.INVALID_REQUEST, text), batch)
        params = message.get("params")
        if type(params) is not dict:
            if params is not None:
                text = "params must be an object"
                return self._refuse(request_id, Fault(Code.INVALID_PARAMS, text), batch)
            params = {}
        meta = params.get("_meta")
        client = self._client
        if type(meta) is not dict:
            if meta is not None:
                text = "_meta must be an object"
                return self._refuse(request_id, Fault(Code.INVALID_PARAMS, text), batch)
            meta = {}
        elif is_envelope(meta):
            declared = read_envelope(meta)
            if batch is not None:
                declared = Fault(Code.INVALID_REQUEST, "an envelope cannot be part of a batch")
            if isinstance(declared, Fault):
                return self._refuse(request_id, declared, batch)
            revision, client = declared
        if request_id in self._open:
            text = f"id {request_id!r} is still open"
            return self._refuse(request_id, Fault(Code.INVALID_REQUEST, text), batch)
        route = self._routes[revision.version].get(method)
        if route is None:
            is_fresh = self._phase is Phase.FRESH
            unknown = self._host.unknown(method, revision, is_fresh=is_fresh)
            return self._refuse(request_id, unknown, batch)
        if route.needs_tasks and not client.has_extension(TASKS_EXTENSION):
            return self._refuse(request_id, missing_capability(_TASKS), batch)
        for param in route.params:
            if type(params.get(param.name)) is not param.kind:
                fault = param.fault(params)
                if fault is not None:
                    return self._refuse(request_id, Fault(Code.INVALID_PARAMS, fault), batch)
        if route.is_own and method != "subscriptions/listen":
            return self._answer_own(request_id, method, params, batch)
        if len(self._calls) >= MAX_OPEN_CALLS:
            text = f"more than {MAX_OPEN_CALLS} calls are open"
            return self._refuse(request_id, Fault(Code.INTERNAL_ERROR, text), batch)
        if route.is_own:
            return self._listen(request_id, route, params, client)
        self._counted = counted = self._counted + 1
        event = Called(CallId(counted), request_id, method, params, meta, revision, client)
        self._calls[event.call_id] = self._open[request_id] = OpenCall(event, route, batch)
        if batch is not None:
            batch.missing += 1
        return [event]

    def _take_odd(self, message: Json, batch: Batch | None) -> list[Event]:
        """Deal with what is not a well-formed request or notification."""
        request_id = known_id(message.get("id"))
        if "method" not in message and ("result" in message or "error" in message):
            answered = self._asks.match(message)
            return [] if answered is None else [answered]
        if "id" not in message and "method" in message:
            self._faults += 1  # a notification, if anything: those are never answered
            return []
        text = 'a request needs "jsonrpc": "2.0" and a method'
        return self._refuse(request_id, Fault(Code.INVALID_REQUEST, text), batch)

    def _take_notification(self, method: str, params: object, revision: Revision) -> list[Event]:
        if type(params) is not dict:
            params = {}
        if method != "notifications/cancelled":
            self._phase = NEXT[self._phase].get(method, self._phase)
            return [Notified(method, params, revision)]
        request_id = params.get("requestId")
        if type(request_id) is not int and type(request_id) is not str:
            return []
        call = self._open.pop(request_id, None)
        if call is None:
            return []
        reason = params.get("reason")
        call.is_cancelled = True
        call_id = call.event.call_id
        self._listeners.pop(call_id, None)
        told = CallCancelled(call_id, request_id, reason if isinstance(reason, str) else None)
        rest = call.final(None)
        return [told] if rest is None else [told, Reply(rest)]

    def _listen(
        self, request_id: int | str, route: Route, params: Json, client: Client
    ) -> list[Event]:
        honoured = read_filter(params.get("notifications"), self._offer.subscription_kinds)
        if isinstance(honoured, str):
            return self._refuse(request_id, Fault(Code.INVALID_PARAMS, honoured))
        if honoured.task_ids and not client.has_extension(TASKS_EXTENSION):
            return self._refuse(request_id, missing_capability(_TASKS))
        self._counted += 1
        revision = REVISIONS[MODERN]
        event = Listening(CallId(self._counted), request_id, honoured, revision, client)
        call = OpenCall(event, route, None)
        self._calls[event.call_id] = self._open[request_id] = call
        self._listeners[event.call_id] = call
        acknowledged = notice(
            "notifications/subscriptions/acknowledged",
            tagged({"notifications": show_filter(honoured)}, request_id),
        )
        return [Reply(Outgoing(acknowledged, event.call_id)), event]
