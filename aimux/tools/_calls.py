"""What a tool gets and gives: values at the seam between server and tools."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Client:
    """Who calls. `cwd` and `env` are the client's own; `key` is what fairness goes by."""

    name: str = ""
    key: str
    cwd: Path
    env: Mapping[str, str] = attrs.field(repr=False)
    transport: str = "stdio"


class Caller(Protocol):
    """What a tool may say to whoever called, while it works. All of it may be dropped."""

    @property
    def wants_progress(self) -> bool:
        """The call brought a progress token."""
        ...

    def progress(self, message: str) -> None:
        """One more step; the number counts up by itself."""
        ...

    async def ask(self, question: str) -> str | None:
        """The person's answer to a question; None if they cannot be asked or will not answer."""
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


@attrs.frozen(eq=False)
class Payload:
    """The answer of a tool: the structured content, further content blocks, whether it failed.

    `rendered` is the server's: a payload that is given again is not serialised again.
    """

    body: Mapping[str, object]
    is_error: bool = False
    links: Sequence[dict[str, object]] = ()
    rendered: dict[str, object] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class JobView:
    """A job as a task sees it. `payload` is what its call answers now; `line` its newest
    progress.
    """

    job_id: str
    status: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    ttl_ms: int
    line: str
    payload: Payload
