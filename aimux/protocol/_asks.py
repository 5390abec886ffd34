"""What we asked the client (handshake era only) and nobody has answered yet."""

from collections.abc import Mapping
from typing import cast

import orjson

from aimux.protocol._calls import notice
from aimux.protocol._errors import Code, Fault
from aimux.protocol._events import Answered, AskId, CallId, Client, Outgoing
from aimux.protocol._revisions import Revision
from aimux.protocol._shapes import Json


class Asks:
    """Requests of the server's: made, matched to their responses, withdrawn."""

    __slots__ = ("_made", "_pending")

    def __init__(self) -> None:
        self._made = 0
        self._pending: dict[object, CallId | None] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def make(
        self,
        method: str,
        params: Mapping[str, object],
        call_id: CallId | None,
        revision: Revision,
        client: Client,
    ) -> tuple[AskId, Outgoing] | None:
        """Return a new request, or None where revision or client do not have it."""
        if not client.accepts(method, params):
            return None
        if not revision.has("sampling.tools") and not {"tools", "toolChoice"}.isdisjoint(params):
            return None
        if method == "elicitation/create":
            is_url = params.get("mode") == "url"
            if not revision.has("elicitation.url" if is_url else "elicitation"):
                return None
            if not revision.has("elicitation.url"):
                params = {key: value for key, value in params.items() if key != "mode"}
        self._made += 1
        ask_id = AskId(self._made)
        self._pending[ask_id] = call_id
        body: Json = {"jsonrpc": "2.0", "id": ask_id, "method": method}
        if params:
            body["params"] = params
        return ask_id, Outgoing(orjson.dumps(body), call_id)

    def match(self, message: Json) -> Answered | None:
        """Return what a response answers; None when nobody waits for it."""
        ask_id = message.get("id")
        if type(ask_id) is not int or ask_id not in self._pending:
            return None
        call_id = self._pending.pop(ask_id)
        result, error = message.get("result"), message.get("error")
        fault: Fault | None = None
        match error:
            case {"code": int(code), "message": str(text), **rest} if "result" not in message:
                result, fault = None, Fault(code, text, rest.get("data"))
            case None if isinstance(result, dict):
                pass
            case _:  # whoever waits must not wait for ever
                result, fault = None, Fault(Code.INVALID_REQUEST, "malformed response")
        return Answered(AskId(ask_id), call_id, cast(Json | None, result), fault)

    def withdraw(self, ask_id: AskId, reason: str | None) -> Outgoing | None:
        """Return what tells the client that the answer is not wanted any more."""
        if ask_id not in self._pending:
            return None
        call_id = self._pending.pop(ask_id)
        params: Json = {"requestId": ask_id}
        if reason is not None:
            params["reason"] = reason
        return Outgoing(notice("notifications/cancelled", params), call_id)
