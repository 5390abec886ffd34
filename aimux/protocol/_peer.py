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

The peer does no I/O and knows no time. It suits any transport: a stream of messages feeds one peer
for its whole life, handshake HTTP one peer per session, modern HTTP a throw-away peer per POST.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

import orjson

from aimux.protocol._answers import Answers
from aimux.protocol._asks import Asks
from aimux.protocol._calls import (
    NOTICES,
    Batch,
    OpenCall,
    is_wanted,
    notice,
    read_filter,
    show_filter,
    tagged,
)
from aimux.protocol._envelope import is_envelope, read_envelope
from aimux.protocol._errors import Code, Fault, missing_capability
from aimux.protocol._events import (
    AskId,
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
from aimux.protocol._host import Host, no_version
from aimux.protocol._http import HttpFacts
from aimux.protocol._lines import MAX_LINE_BYTES, LineReader, Oversize
from aimux.protocol._methods import (
    TASKS_EXTENSION,
    Offer,
    Route,
    routes_for,
)
from aimux.protocol._revisions import (
    ASSUMED_OVER_HTTP,
    LATEST_HANDSHAKE,
    MODERN,
    REVISIONS,
    Revision,
    negotiate,
)
from aimux.protocol._shapes import (
    LOG_LEVEL_KEY,
    Json,
    ServerInfo,
    rank_of,
)

MAX_OPEN_CALLS: Final = 4096  # of one client, listeners and unfinished cancelled calls included
DEFAULT_LOG_LEVEL: Final = "info"  # until a handshake client sets one


class Phase(enum.StrEnum):
    """How far the handshake has come."""

    FRESH = "fresh"  # nothing said yet, or nothing but bare and modern requests
    NEGOTIATING = "negotiating"  # initialize answered, client has not confirmed
    READY = "ready"


NEXT: Final[Mapping[Phase, Mapping[str, Phase]]] = {
    Phase.FRESH: {"initialize": Phase.NEGOTIATING},
    Phase.NEGOTIATING: {"notifications/initialized": Phase.READY},
    Phase.READY: {},
}

_NOBODY: Final = Client({}, {})
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


class Peer(Answers):
    """One client, seen from the server."""

    __slots__ = (
        "_asks",
        "_client",
        "_counted",
        "_faults",
        "_lines",
        "_log_level",
        "_offer",
        "_phase",
        "_revision",
        "_routes",
    )

    def __init__(
        self,
        *,
        server: ServerInfo,
        offer: Offer,
        instructions: str | Callable[[], str] = "",
        max_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        super().__init__(Host(server, offer, instructions))
        self._offer = offer
        self._routes = routes_for(offer)
        self._lines = LineReader(max_bytes=max_bytes)
        self._phase = Phase.FRESH
        self._revision = REVISIONS[LATEST_HANDSHAKE]
        self._client = _NOBODY
        self._log_level = rank_of(DEFAULT_LOG_LEVEL)
        self._asks = Asks()
        self._counted = 0
        self._faults = 0

    def __repr__(self) -> str:
        """Show as a status line."""
        said = self.statistics()
        return (
            f"<Peer: {said.phase} {said.version}, {said.open_calls} open calls, "
            f"{said.listeners} listeners, {said.pending_asks} asks>"
        )

    @property
    def phase(self) -> Phase:
        """How far the handshake has come."""
        return self._phase

    @property
    def revision(self) -> Revision:
        """The revision of the handshake session (the latest until there is one)."""
        return self._revision

    @property
    def client(self) -> Client:
        """What the client said in ``initialize``; empty before it and in the modern era."""
        return self._client

    @property
    def watched_uris(self) -> frozenset[str]:
        """The resources a handshake client subscribed to or a modern one listens for."""
        listened = (
            listener.event.filter.uris
            for listener in self._listeners.values()
            if isinstance(listener.event, Listening)
        )
        return frozenset(self._watched).union(*listened)

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
                events += self.refuse_oversize(line.limit_bytes)
        return events

    def refuse_oversize(self, limit_bytes: int) -> list[Event]:
        """Return the refusal of a message that the transport threw away for its size."""
        text = f"message larger than {limit_bytes} bytes"
        return self._refuse(None, Fault(Code.INVALID_REQUEST, text))

    def receive(self, raw: bytes, *, via_http: HttpFacts | None = None) -> list[Event]:
        """Return what one message means: never raises for what a client sent.

        Over HTTP ``via_http`` is what ``judge_post`` made of the same body.
        """
        revision = self._revision
        if via_http is None:
            try:
                message = orjson.loads(raw)
            except orjson.JSONDecodeError as fault:
                return self._refuse(None, Fault(Code.PARSE_ERROR, f"not JSON: {fault}"))
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
            return self._refuse(None, Fault(Code.INVALID_REQUEST, why))
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
            return self._refuse(None, Fault(Code.INVALID_REQUEST, text), batch)
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
        request_id = message.get("id")
        if type(request_id) is not int and type(request_id) is not str:
            request_id = None
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

    # what the peer answers by itself

    def _refuse(self, request_id: object, fault: Fault, batch: Batch | None = None) -> list[Event]:
        self._faults += 1
        data = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": fault.body()})
        if batch is not None:
            batch.answers.append(data)
            return []
        return [Reply(Outgoing(data, None, True, int(fault.code)))]

    def _answer_own(
        self, request_id: int | str, method: str, params: Json, batch: Batch | None
    ) -> list[Event]:
        told: Json | Fault
        match method:
            case "initialize":
                told = self._initialize(params, batch)
            case "logging/setLevel":
                told = self._set_level(params)
            case "server/discover":
                told = self._host.discover()
            case _:
                told = {}  # ping
        if isinstance(told, Fault):
            return self._refuse(request_id, told, batch)
        data = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "result": told})
        if batch is not None:
            batch.answers.append(data)
            return []
        return [Reply(Outgoing(data, None, True))]

    def _initialize(self, params: Json, batch: Batch | None) -> Json | Fault:
        if batch is not None:
            return Fault(Code.INVALID_REQUEST, "initialize cannot be part of a batch")
        following = NEXT[self._phase].get("initialize")
        if following is None:
            text = f"already initialized as {self._revision.version}"
            return Fault(Code.INVALID_REQUEST, text)
        requested = params.get("protocolVersion")
        if not isinstance(requested, str):
            return no_version(requested)
        capabilities, info = params.get("capabilities"), params.get("clientInfo")
        self._phase = following
        self._revision = revision = negotiate(requested)
        self._client = Client(
            capabilities if isinstance(capabilities, dict) else {},
            info if isinstance(info, dict) else {},
        )
        return self._host.initialize(revision)

    def _set_level(self, params: Json) -> Json | Fault:
        try:
            self._log_level = rank_of(str(params.get("level")))
        except ValueError as fault:
            return Fault(Code.INVALID_PARAMS, str(fault))
        return {}

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

    def log(
        self, level: str, data: object, logger: str | None = None, call_id: CallId | None = None
    ) -> Outgoing | None:
        """Return a log message for the client, on a call's stream or on the session's.

        None: logging is not offered, the level is below what the client wants, the call is over,
        or (modern) its request did not ask for log messages.

        Raises:
            ValueError: unknown level.
        """
        rank = rank_of(level)
        if not self._offer.logging:
            return None
        wanted: int | None = None if self._phase is Phase.FRESH else self._log_level
        if call_id is not None:
            call = self._running(call_id)
            if call is None:
                return None
            if call.revision.is_modern:
                named = call.meta.get(LOG_LEVEL_KEY)
                wanted = None if named is None else rank_of(cast(str, named))
        if wanted is None or rank < wanted:
            return None
        params: Json = {"level": level, "data": data}
        if logger is not None:
            params["logger"] = logger
        return Outgoing(notice("notifications/message", params), call_id)

    # what the server says unasked

    def notify(self, method: str, params: Mapping[str, object] | None = None) -> list[Outgoing]:
        """Return a change of the server's as this client wants to hear of it.

        A ready handshake client gets it once, if its revision has it and (for a resource) it
        subscribed; every modern listener whose filter names it gets a tagged copy on its own
        stream. An empty list: nobody asked.
        """
        params = params or {}
        told = [
            Outgoing(notice(method, tagged(params, listener.event.request_id)), call_id)
            for call_id, listener in self._listeners.items()
            if isinstance(listener.event, Listening)
            and is_wanted(listener.event.filter, method, params)
        ]
        if self._phase is Phase.READY and self._is_told(method, params):
            told.append(Outgoing(notice(method, params)))
        return told

    def _is_told(self, method: str, params: Mapping[str, object]) -> bool:
        """Tell whether the handshake session hears of a change."""
        kind, key, feature = NOTICES.get(method, ("", None, "handshake"))
        if not self._revision.has(feature):
            return False
        if key == "uri":
            return params.get("uri") in self._watched
        return not kind or kind in self._offer.subscription_kinds

    def ask(
        self, method: str, params: Mapping[str, object] | None = None, call_id: CallId | None = None
    ) -> tuple[AskId, Outgoing] | None:
        """Return a request of ours to a handshake client, and the id its ``Answered`` will carry.

        It travels on the stream of ``call_id``. None: the client is not ready, did not declare
        that it can be asked, its revision has no such request, or the call is over.
        """
        params = params or {}
        if call_id is not None:
            call = self._running(call_id)
            if call is None or call.revision.is_modern:
                return None
        is_early = self._phase is not Phase.READY and not (
            method == "ping" and self._phase is Phase.NEGOTIATING
        )
        if is_early:
            return None
        return self._asks.make(method, params, call_id, self._revision, self._client)

    def withdraw(self, ask_id: AskId, reason: str | None = None) -> Outgoing | None:
        """Return what tells the client that an answer is not wanted any more.

        None: it was answered or withdrawn already.
        """
        return self._asks.withdraw(ask_id, reason)
