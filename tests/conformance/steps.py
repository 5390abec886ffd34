"""What a handler of the fixture gets, what it may return, and how a call is concluded."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

import attrs

from aimux.protocol import Called, Code, Fault, Json, Outgoing, Peer


class Steps(Protocol):
    """What a handler can do while its call is open; whoever mounts the fixture provides it."""

    async def progress(self, progress: float, total: float) -> None:
        """Send progress, if the call has a token."""

    async def log(self, level: str, data: object) -> None:
        """Send a log message on the call's stream, if the client wants it."""

    async def ask(self, method: str, params: Mapping[str, object]) -> Json | Fault | None:
        """Ask a handshake client and wait; None where it cannot be asked."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; it is tried again after each ``changed`` of any call."""

    async def drop_stream(self) -> None:
        """Close the call's stream early, so that the client has to come back for the answer."""

    def changed(self, method: str, params: Mapping[str, object]) -> None:
        """Offer a notification to every peer (``Peer.notify``)."""

    def spawn(self, work: Callable[["Steps"], Awaitable[None]]) -> None:
        """Run something that outlives the call."""

    def now(self) -> datetime:
        """Return the time, aware."""

    def new_id(self) -> str:
        """Return an id that cannot be guessed."""


@attrs.frozen
class InputRequired:
    """An outcome: the call can be completed once the client has answered."""

    requests: Mapping[str, Mapping[str, object]]
    state: str | None = None


@attrs.frozen
class Cached:
    """An outcome: a result with caching hints."""

    result: Json
    ttl_ms: int
    scope: str


Outcome = Json | Fault | InputRequired | Cached
Tool = Callable[[Called, Json, Steps], Awaitable[Outcome]]


def conclude(peer: Peer, called: Called, outcome: Outcome) -> Outgoing | None:
    """End a call with its outcome and return what to write."""
    match outcome:
        case Fault():
            return peer.fail_with(called.call_id, outcome)
        case InputRequired() if not called.revision.has("input_required"):
            return peer.fail(called.call_id, Code.INVALID_PARAMS, "asks by its result: 2026-07-28")
        case InputRequired():
            return peer.require_input(called.call_id, outcome.requests, outcome.state)
        case Cached():
            return peer.answer(
                called.call_id, outcome.result, ttl_ms=outcome.ttl_ms, cache_scope=outcome.scope
            )
        case _:
            return peer.answer(called.call_id, outcome)


def result(*content: Mapping[str, object]) -> Json:
    """Return a tool result."""
    return {"content": list(content)}


def messages(*content: Mapping[str, object]) -> Json:
    """Return a prompt of user messages."""
    return {"messages": [{"role": "user", "content": block} for block in content]}
