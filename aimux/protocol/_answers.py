"""The layer of a peer that ends calls: answers, errors, progress, and the state they need.

Theory of operation. A call is open (known by ``CallId`` and by the client's id), cancelled (known
by ``CallId`` only, until its handler has ended) or gone. Every ending looks here first: gone is the
server's bug, cancelled swallows what is said, open writes it once.
"""

from collections.abc import Mapping
from typing import Final, cast

import orjson

from aimux.protocol._calls import OpenCall, notice
from aimux.protocol._errors import Fault, code_for, missing_capability
from aimux.protocol._events import Called, CallId, Outgoing
from aimux.protocol._host import Host
from aimux.protocol._methods import RETRIABLE
from aimux.protocol._shapes import Json, input_required

_SUBSCRIBE: Final = "resources/subscribe"
_SUBSCRIBING: Final = frozenset({_SUBSCRIBE, "resources/unsubscribe"})


class Answers:
    """Open calls and what the server says about them."""

    __slots__ = ("_calls", "_host", "_listeners", "_open", "_watched")

    def __init__(self, host: Host) -> None:
        self._host = host
        self._calls: dict[CallId, OpenCall] = {}
        self._open: dict[object, OpenCall] = {}  # by the client's id; cancelled ones are gone
        self._listeners: dict[CallId, OpenCall] = {}
        self._watched: set[str] = set()

    def answer(
        self,
        call_id: CallId,
        result: Mapping[str, object],
        *,
        ttl_ms: int | None = None,
        cache_scope: str | None = None,
    ) -> Outgoing | None:
        """End a call with a result and return what to write.

        ``result`` has the newest shape; what the client's revision does not have is dropped or
        turned into text. ``ttl_ms`` and ``cache_scope`` ("public", "private") reach modern clients
        of cacheable methods; without them the result is not to be kept. None: the call was
        cancelled, or its batch waits for others.

        Raises:
            LookupError: not open: answered, failed or released already.
            ValueError: a ``resultType`` that the client's revision does not have.
            TypeError: the result is not JSON; the call stays open.
        """
        call = self._known(call_id)
        if call.is_cancelled:
            del self._calls[call_id]
            return None
        shape = result if type(result) is dict else dict(result)
        body = self._host.finished(call, shape, ttl_ms, cache_scope)
        event = call.event
        data = orjson.dumps({"jsonrpc": "2.0", "id": event.request_id, "result": body})
        if call.route.method in _SUBSCRIBING and type(event) is Called:
            change = self._watched.add if event.method == _SUBSCRIBE else self._watched.discard
            change(cast(str, event.params["uri"]))
        self._close(call)
        return call.final(data)

    def _known(self, call_id: CallId) -> OpenCall:
        call = self._calls.get(call_id)
        if call is None:
            raise LookupError(f"call {call_id} is not open")
        return call

    def _running(self, call_id: CallId) -> Called | None:
        """Return the call if there is still something to say about it."""
        call = self._calls.get(call_id)
        if call is None or call.is_cancelled or not isinstance(call.event, Called):
            return None
        return call.event

    def require_input(
        self,
        call_id: CallId,
        requests: Mapping[str, Mapping[str, object]],
        request_state: str | None = None,
    ) -> Outgoing | None:
        """End a modern call by asking for input; the client repeats it with the answers.

        ``requests`` maps keys to ``{"method", "params"}``. A client that did not declare what one
        of them needs gets the error that says so, instead. None: the call was cancelled.

        Raises:
            LookupError: not open.
            ValueError: the revision or the method has no input_required, or nothing is asked.
        """
        event = self._known(call_id).event
        if (
            not isinstance(event, Called)
            or not event.revision.has("input_required")
            or event.method not in RETRIABLE
        ):
            raise ValueError("this call cannot ask for input by its result")
        asked: dict[str, Mapping[str, object]] = {}
        for key, request in requests.items():
            params = cast(Mapping[str, object], request.get("params") or {})
            lacking = event.client.lacking(cast(str, request["method"]), params)
            if lacking is not None:
                return self.fail_with(call_id, missing_capability(lacking))
            params = {name: value for name, value in params.items() if name != "elicitationId"}
            asked[key] = {"method": request["method"], "params": params}
        return self.answer(call_id, input_required(asked, request_state))

    def fail(
        self, call_id: CallId, code: int, message: str, data: object = None
    ) -> Outgoing | None:
        """End a call with an error and return what to write; None as in ``answer``.

        A code that the client's revision does not have is replaced by the one it has instead.

        Raises:
            LookupError: not open.
            TypeError: the data is not JSON; the call stays open.
        """
        call = self._known(call_id)
        if call.is_cancelled:
            del self._calls[call_id]
            return None
        event = call.event
        code = int(code_for(code, event.revision))
        body = Fault(code, message, data).body()
        written = orjson.dumps({"jsonrpc": "2.0", "id": event.request_id, "error": body})
        self._close(call)
        return call.final(written, code)

    def fail_with(self, call_id: CallId, fault: Fault) -> Outgoing | None:
        """End a call with an error that is a value already, as ``fail`` does."""
        return self.fail(call_id, fault.code, fault.message, fault.data)

    def release(self, call_id: CallId) -> Outgoing | None:
        """Forget a call that will not be answered: cancelled, or its stream is gone.

        Idempotent. Returns the rest of its batch when that waited for nothing else.
        """
        call = self._calls.get(call_id)
        if call is None:
            return None
        if call.is_cancelled:
            del self._calls[call_id]
            return None
        self._close(call)
        return call.final(None)

    def _close(self, call: OpenCall) -> None:
        call_id = call.event.call_id
        del self._calls[call_id]
        del self._open[call.event.request_id]
        self._listeners.pop(call_id, None)

    def progress(
        self,
        call_id: CallId,
        progress: float,
        total: float | None = None,
        message: str | None = None,
    ) -> Outgoing | None:
        """Return a progress notification for a running call.

        None: no token came with the call, it is over, or ``progress`` did not grow.
        """
        call = self._calls.get(call_id)
        if call is None or call.is_cancelled or not isinstance(call.event, Called):
            return None
        token = call.event.progress_token
        if token is None or (call.progress is not None and progress <= call.progress):
            return None
        call.progress = progress
        params: Json = {"progressToken": token, "progress": progress}
        if total is not None:
            params["total"] = total
        if message is not None and call.event.revision.has("progress.message"):
            params["message"] = message
        return Outgoing(notice("notifications/progress", params), call_id)
