"""What a tool's module may use, and what such a module has to state."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, runtime_checkable

from aimux.engine import Engine
from aimux.files.cache import Lru
from aimux.model import Job, ServerSettings

from ._calls import InputRequired, Payload, ToolCall
from .catalog import SCHEME

CACHED_PAYLOADS: Final = 64
CACHED_PAYLOAD_CHARS: Final = 100_000  # of content; a longer answer is made again


RunTool = Callable[[ToolCall], Awaitable[Payload | InputRequired]]


class ToolContext:
    """The open engine, the clients that are connected, and the answers that cannot change."""

    __slots__ = ("_cache", "clients", "engine", "run_tool")

    run_tool: RunTool  # any tool, for one whose steps are calls

    def __init__(self, engine: Engine, clients: Callable[[], Mapping[str, int]]) -> None:
        """`clients` counts the connected ones per transport."""
        self.engine = engine
        self.clients = clients
        self._cache: Lru[tuple[object, ...], Payload] = Lru(CACHED_PAYLOADS)

    def __repr__(self) -> str:
        return f"<ToolContext: {self.engine!r}, {len(self._cache)} answers cached>"

    @property
    def settings(self) -> ServerSettings:
        """The daemon's own settings."""
        return self.engine.own.settings.server

    def cached(self, key: tuple[object, ...], make: Callable[[], Payload]) -> Payload:
        """What `make` gives, remembered: for answers that cannot change any more under `key`."""
        payload = self._cache.get(key)
        if payload is None:
            payload = make()
            if len(str(payload.body.get("content", ""))) <= CACHED_PAYLOAD_CHARS:
                self._cache.put(key, payload)
        return payload

    def links(self, job: Job) -> list[dict[str, object]]:
        """Content blocks that lead to the rest of a long answer."""
        if job.outcome is None or len(job.outcome.content) <= self.settings.max_chars:
            return []
        return [
            {
                "type": "resource_link",
                "uri": f"{SCHEME}jobs/{job.id}/output",
                "name": f"{job.id} output",
                "description": f"the whole answer, {len(job.outcome.content)} characters",
                "mimeType": "text/plain",
            }
        ]


@runtime_checkable
class ToolModule(Protocol):
    """The module of a tool. Arguments fit the tool's schema and bear our own names."""

    @property
    def answer_nowait(self) -> Callable[[ToolContext, ToolCall], Payload | None] | None:
        """The answer of a call that needs no waiting, else None.

        The property itself is None for a tool that always waits.
        """
        ...

    @property
    def answer(self) -> Callable[[ToolContext, ToolCall], Awaitable[Payload | InputRequired]]:
        """Run the tool. Cancelling it ends what the tool began for this call.

        Raises:
            AimuxError: the call cannot be served.
        """
        ...
