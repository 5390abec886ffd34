"""What a tool gets and gives: values at the seam between server and tools."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from aimux.engine import Client


class Caller(Protocol):
    """What a tool may say to whoever called, while it works. All of it may be dropped."""

    @property
    def wants_progress(self) -> bool:
        """The call brought a progress token."""
        ...

    def progress(self, message: str) -> None:
        """One more step; the number counts up by itself."""
        ...

    def log(self, level: str, data: object) -> None:
        """A log message of this call (`debug` to `emergency`)."""
        ...


@attrs.frozen(kw_only=True)
class ToolCall:
    """One call of one tool, arguments as the client sent them."""

    name: str
    arguments: Mapping[str, object]
    client: Client
    caller: Caller


@attrs.frozen
class Payload:
    """The answer of a tool: the structured content, further content blocks, and whether it
    failed.
    """

    body: Mapping[str, object]
    is_error: bool = False
    links: Sequence[dict[str, object]] = ()
