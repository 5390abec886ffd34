"""From a call to its answer: the only place where exceptions become wire errors.

Bad calls (unknown tool, missing parameter of a method) are JSON-RPC errors. Bad argument *values*
and
failed work are tool results with `isError`, so that a model can read them and act (mcp.md F-2).
This is firewall 2 of 2: what is not an `AimuxError` is logged with its traceback and told as
internal.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs
import orjson

from aimux.errors import AimuxError, InternalFault
from aimux.protocol import Called, Code, Fault, Listening
from aimux.tools import App, Caller, Payload, ToolCall

if TYPE_CHECKING:
    from ._session import Session

STATIC_TTL_MS: Final = 300_000  # the tool list changes with a release

log = logging.getLogger("aimux.dispatch")


@attrs.frozen
class Result:
    """A result in the newest revision's shape, with what caches may know of it."""

    body: Mapping[str, object]
    ttl_ms: int | None = None
    cache_scope: str | None = None


Answer = Result | Fault


def tool_result(payload: Payload) -> Result:
    """The `CallToolResult` of a payload: the text block is the same JSON as the structured
    content.
    """
    data = orjson.dumps(payload.body)
    content: list[dict[str, object]] = [{"type": "text", "text": data.decode()}]
    content.extend(payload.links)
    body: dict[str, object] = {"content": content, "structuredContent": orjson.Fragment(data)}
    if payload.is_error:
        body["isError"] = True
    return Result(body)


class Dispatcher:
    """Answers the calls of one session."""

    def __init__(self, app: App, *, strict: bool = False) -> None:
        self._app = app
        self._strict = strict

    def quick(self, session: "Session", called: Called) -> Answer | None:
        """The answer that needs no waiting, or None if the call has to wait for something."""
        match called.method:
            case "tools/list":
                return Result({"tools": self._app.tools()}, STATIC_TTL_MS, "public")
            case "tools/call":
                return self._quick_tool(session, called)
            case _:
                return None

    def _quick_tool(self, session: "Session", called: Called) -> Answer | None:
        call = self._tool_call(session, called)
        if isinstance(call, Fault):
            return call
        try:
            payload = self._app.quick(call)
        except AimuxError as error:
            payload = self._app.failure(error)
        except Exception:
            log.exception("call of %s failed", call.name)
            payload = self._bug(call)
            if self._strict:
                raise
        return None if payload is None else tool_result(payload)

    async def answer(self, session: "Session", called: Called) -> Answer:
        """The answer of a call that waits. Cancelling it ends the work the call began."""
        if called.method != "tools/call":
            return Fault(Code.METHOD_NOT_FOUND, f"not served here: {called.method}")
        call = self._tool_call(session, called)
        if isinstance(call, Fault):
            return call
        try:
            payload = await self._app.call(call)
        except AimuxError as error:
            payload = self._app.failure(error)
        except Exception:  # firewall 2 of 2
            log.exception("call of %s failed", call.name)
            payload = self._bug(call)
            if self._strict:
                raise
        return tool_result(payload)

    def listen(self, session: "Session", event: Listening) -> None:
        """A modern client listens for changes; the peer keeps the books."""

    def _bug(self, call: ToolCall) -> Payload:
        fault = InternalFault(f"internal error in {call.name}; see the log")
        return self._app.failure(fault)

    def _tool_call(self, session: "Session", called: Called) -> ToolCall | Fault:
        name = called.params.get("name")
        arguments = called.params.get("arguments", {})
        if arguments is None:
            arguments = {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return Fault(Code.INVALID_PARAMS, "tools/call needs a name and an object of arguments")
        unknown = self._app.unknown_tool(name)
        if unknown is not None:
            return Fault(Code.INVALID_PARAMS, unknown)
        return ToolCall(
            name=name,
            arguments=arguments,
            client=session.client,
            caller=_SessionCaller(session, called),
        )


class _SessionCaller(Caller):
    """What a tool may say to the client while it works."""

    __slots__ = ("_called", "_count", "_session")

    def __init__(self, session: "Session", called: Called) -> None:
        self._session = session
        self._called = called
        self._count = 0

    @property
    def wants_progress(self) -> bool:
        return self._called.progress_token is not None

    def progress(self, message: str) -> None:
        self._count += 1
        peer = self._session.peer
        self._session.push_droppable(
            peer.progress(self._called.call_id, self._count, None, message)
        )

    def log(self, level: str, data: object) -> None:
        peer = self._session.peer
        self._session.push_droppable(peer.log(level, data, "aimux", self._called.call_id))
