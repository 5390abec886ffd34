"""The layer of a peer that follows the handshake and answers what needs no handler.

Theory of operation. ``NEXT`` is the machine of the handshake; what the client said in it (revision,
capabilities, log level) is kept here and read by the layers above.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from aimux.protocol._answers import Answers
from aimux.protocol._asks import Asks
from aimux.protocol._calls import Batch
from aimux.protocol._errors import Code, Fault
from aimux.protocol._events import Client, Event, Outgoing, Reply
from aimux.protocol._host import Host, no_version
from aimux.protocol._methods import Offer
from aimux.protocol._revisions import LATEST_HANDSHAKE, REVISIONS, Revision, negotiate
from aimux.protocol._shapes import Json, ServerInfo, rank_of
from aimux.protocol._unread import Unread, error_data, errors_data

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


class Handshake(Answers):
    """What was agreed with one client, and the answers that follow from it."""

    __slots__ = ("_asks", "_client", "_faults", "_log_level", "_offer", "_phase", "_revision")

    def __init__(
        self, server: ServerInfo, offer: Offer, instructions: str | Callable[[], str]
    ) -> None:
        super().__init__(Host(server, offer, instructions))
        self._offer = offer
        self._phase = Phase.FRESH
        self._revision = REVISIONS[LATEST_HANDSHAKE]
        self._client = _NOBODY
        self._log_level = rank_of(DEFAULT_LOG_LEVEL)
        self._asks = Asks()
        self._faults = 0

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

    def _refuse(self, request_id: object, fault: Fault, batch: Batch | None = None) -> list[Event]:
        self._faults += 1
        data = error_data(fault, request_id)
        if batch is not None:
            batch.answers.append(data)
            return []
        return [Reply(Outgoing(data, None, True, int(fault.code)))]

    def _refuse_unread(self, found: Unread, fault: Fault) -> list[Event]:
        """Refuse every request of a message that was not read, and end what it answers.

        An id of the client says whom to refuse; one of ours, which question stays unanswered.
        """
        self._faults += 1
        error = {"code": int(fault.code), "message": fault.message}
        matched = [self._asks.match({"id": each, "error": error}) for each in found.answered]
        events: list[Event] = [each for each in matched if each is not None]
        if found.asked or not events:
            data = errors_data(fault, found.asked, is_batch=found.is_batch)
            events.append(Reply(Outgoing(data, None, True, int(fault.code))))
        return events

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
        level = params.get("level")
        try:
            self._log_level = rank_of(level if isinstance(level, str) else "")
        except ValueError as fault:
            return Fault(Code.INVALID_PARAMS, str(fault))
        return {}
