"""The state of a peer: open calls, batches that gather answers, and who listens for what."""

from collections.abc import Mapping
from typing import Final, cast

import orjson

from aimux.protocol._events import Called, Filter, Listening, Outgoing, RequestId
from aimux.protocol._methods import Route
from aimux.protocol._shapes import SUBSCRIPTION_KEY, Json

# notification -> (kind in a listen filter, parameter that must have been named, table feature
# without which a handshake client cannot read it)
NOTICES: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "notifications/tools/list_changed": ("toolsListChanged", None, "handshake"),
    "notifications/prompts/list_changed": ("promptsListChanged", None, "handshake"),
    "notifications/resources/list_changed": ("resourcesListChanged", None, "handshake"),
    "notifications/resources/updated": ("resourceSubscriptions", "uri", "handshake"),
    "notifications/tasks/status": ("", None, "tasks.core"),
    "notifications/elicitation/complete": ("", None, "elicitation.id"),
    "notifications/tasks": ("taskIds", "taskId", "tasks.extension"),
}


class Batch:
    """The answers to one 2025-03-26 array, gathered until none is missing."""

    __slots__ = ("answers", "missing")

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.missing = 1  # the reading of the array itself

    def settle(self, answer: bytes | None) -> bytes | None:
        """Count one member as done and return the array once it is complete and not empty."""
        if answer is not None:
            self.answers.append(answer)
        self.missing -= 1
        return b"[" + b",".join(self.answers) + b"]" if not self.missing and self.answers else None


class OpenCall:
    """A call that has not been answered, with what the peer must remember to answer it."""

    __slots__ = ("batch", "event", "is_cancelled", "progress", "route")

    def __init__(self, event: Called | Listening, route: Route, batch: Batch | None) -> None:
        self.event = event
        self.route = route
        self.batch = batch
        self.is_cancelled = False
        self.progress: float | None = None

    def final(self, data: bytes | None, error_code: int | None = None) -> Outgoing | None:
        """Return the last message of the call, or None while its batch waits for others."""
        call_id = self.event.call_id
        if self.batch is not None:
            data, error_code = self.batch.settle(data), None
        return None if data is None else Outgoing(data, call_id, True, error_code)


def read_filter(wanted: object, kinds: frozenset[str]) -> Filter | str:
    """Return the part of a listen filter that is among ``kinds``, or what is wrong with it."""
    if not isinstance(wanted, dict):
        return "parameter notifications must be an object"
    named: dict[str, frozenset[str]] = {}
    for key in ("resourceSubscriptions", "taskIds"):
        values = wanted.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            return f"notifications.{key} must be an array of strings"
        named[key] = frozenset(values) if key in kinds else frozenset()
    flags = frozenset(
        key for key, value in wanted.items() if value is True and key in kinds - named.keys()
    )
    return Filter(flags, named["resourceSubscriptions"], named["taskIds"])


def show_filter(honoured: Filter) -> dict[str, object]:
    """Return a filter as the acknowledgement tells it."""
    shape: dict[str, object] = dict.fromkeys(sorted(honoured.kinds), True)
    if honoured.uris:
        shape["resourceSubscriptions"] = sorted(honoured.uris)
    if honoured.task_ids:
        shape["taskIds"] = sorted(honoured.task_ids)
    return shape


def is_wanted(honoured: Filter, method: str, params: Mapping[str, object]) -> bool:
    """Tell whether a listener asked for this notification."""
    notice = NOTICES.get(method)
    if notice is None:
        return False
    kind, key, _ = notice
    if key is None:
        return kind in honoured.kinds
    return params.get(key) in (honoured.uris if key == "uri" else honoured.task_ids)


def notice(method: str, params: Mapping[str, object]) -> bytes:
    """Return a notification as one JSON text."""
    body: Json = {"jsonrpc": "2.0", "method": method}
    if params:
        body["params"] = params
    return orjson.dumps(body)


def tagged(params: Mapping[str, object], request_id: RequestId) -> Json:
    """Return parameters that say which listen request they belong to."""
    meta = cast(Json, params.get("_meta") or {})
    return {**params, "_meta": {**meta, SUBSCRIPTION_KEY: request_id}}
