"""The layer of a peer that says what no call of the client asked for: logs, changes, requests."""

from collections.abc import Mapping
from typing import cast

from aimux.protocol._calls import NOTICES, is_wanted, notice, tagged
from aimux.protocol._events import AskId, CallId, Listening, Outgoing
from aimux.protocol._handshake import Handshake, Phase
from aimux.protocol._shapes import LOG_LEVEL_KEY, Json, rank_of


class Notices(Handshake):
    """What the server says unasked, as far as this client wants to hear of it."""

    __slots__ = ()

    @property
    def watched_uris(self) -> frozenset[str]:
        """The resources a handshake client subscribed to or a modern one listens for."""
        listened = (
            listener.event.filter.uris
            for listener in self._listeners.values()
            if isinstance(listener.event, Listening)
        )
        return frozenset(self._watched).union(*listened)

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
