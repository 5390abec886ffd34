"""Who serves a peer, and the bodies that depend on nothing else: openings and finished results."""

import functools
from collections.abc import Callable
from typing import Final

import attrs

from aimux.protocol._calls import OpenCall
from aimux.protocol._errors import Code, Fault
from aimux.protocol._events import Called, Listening
from aimux.protocol._methods import METHODS, MODERN_ONLY, Offer
from aimux.protocol._revisions import (
    HANDSHAKE_VERSIONS,
    MODERN,
    MODERN_VERSIONS,
    REVISIONS,
    Revision,
)
from aimux.protocol._shapes import SERVER_KEY, SUBSCRIPTION_KEY, Json, ServerInfo

DISCOVER_TTL_MS: Final = 60_000  # instructions follow the user's configuration


@functools.lru_cache(maxsize=32)
def _shape_of(server: ServerInfo, revision: Revision) -> Json:
    return server.shape(revision)


@functools.lru_cache(maxsize=32)
def _signature_of(server: ServerInfo) -> Json:
    """Return what every modern result says of the server: icons and prose only on discovery."""
    full = server.shape(REVISIONS[MODERN])
    return {key: full[key] for key in ("name", "version", "title") if key in full}


@attrs.frozen
class Host:
    """Name, offer and instructions of a server."""

    server: ServerInfo
    offer: Offer
    instructions: str | Callable[[], str]

    def initialize(self, revision: Revision) -> Json:
        """Return the result of ``initialize``."""
        told: Json = {
            "protocolVersion": revision.version,
            "capabilities": self.offer.capabilities(revision),
            "serverInfo": _shape_of(self.server, revision),
        }
        return told | self._instructed()

    def discover(self) -> Json:
        """Return the result of ``server/discover``."""
        revision = REVISIONS[MODERN]
        told: Json = {
            "resultType": "complete",
            "supportedVersions": list(MODERN_VERSIONS),
            "capabilities": self.offer.capabilities(revision),
            "ttlMs": DISCOVER_TTL_MS,
            "cacheScope": "private",
            "_meta": {SERVER_KEY: _shape_of(self.server, revision)},
        }
        return told | self._instructed()

    def _instructed(self) -> Json:
        told = self.instructions if isinstance(self.instructions, str) else self.instructions()
        return {"instructions": told} if told else {}

    def finished(self, call: OpenCall, result: Json, ttl_ms: int | None, scope: str | None) -> Json:
        """Return a result as the revision of its call has it.

        Raises:
            ValueError: a ``resultType`` that the revision does not have.
        """
        kind = result.get("resultType", "complete")
        if call.event.revision.is_modern:
            return self._modern(call, result, kind, ttl_ms, scope)
        if kind != "complete":
            raise ValueError(f"no result of type {kind} in {call.event.revision.version}")
        if "resultType" in result:
            result = {key: value for key, value in result.items() if key != "resultType"}
        adapt = call.route.adapt
        return result if adapt is None else adapt(result)

    def _modern(
        self, call: OpenCall, result: Json, kind: object, ttl_ms: int | None, scope: str | None
    ) -> Json:
        event = call.event
        given = result.get("_meta")
        meta: Json = {SERVER_KEY: _signature_of(self.server)}
        if isinstance(given, dict):
            meta |= given
        if isinstance(event, Listening):
            meta[SUBSCRIPTION_KEY] = event.request_id
        if kind == "complete":
            if call.route.adapt is not None:
                result = call.route.adapt(result)
            if call.route.is_cacheable:
                if isinstance(event, Called) and event.is_retry:
                    ttl_ms, scope = 0, "private"  # an answer made of somebody's input
                result = {**result, "ttlMs": ttl_ms or 0, "cacheScope": scope or "private"}
        return {**result, "resultType": kind, "_meta": meta}

    def unknown(self, method: str, revision: Revision, *, is_fresh: bool) -> Fault:
        """Return why a method does not exist for a request."""
        if method in MODERN_ONLY and is_fresh and not revision.is_modern:
            text = f"{method} needs an envelope in params._meta; or open with initialize"
            return Fault(Code.INVALID_PARAMS, text)
        known = METHODS.get(method)
        if known is None:
            return Fault(Code.METHOD_NOT_FOUND, f"unknown method: {method}")
        if known[0] <= revision.version <= known[1]:
            return Fault(Code.METHOD_NOT_FOUND, f"not served here: {method}")
        return Fault(Code.METHOD_NOT_FOUND, f"no {method} in {revision.version}")


def no_version(requested: object) -> Fault:
    """Return the refusal of an ``initialize`` that names no version."""
    shown = requested if isinstance(requested, int | float) else None  # anything may be too deep
    return Fault(
        Code.INVALID_PARAMS,
        "initialize needs a protocolVersion",
        {"supported": list(HANDSHAKE_VERSIONS), "requested": shown},
    )
