"""What a tool gets and gives: values at the seam between server and tools."""

import datetime
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from aimux.errors import AimuxError


@attrs.frozen(kw_only=True)
class Client:
    """Who calls, with its own directory and environment; `key` is what fairness goes by.

    `trace` is what the `_meta` of this one call says of the distributed trace it stands in.
    """

    name: str = ""
    key: str
    cwd: Path
    env: Mapping[str, str] = attrs.field(repr=False)
    transport: str = "stdio"
    trace: Mapping[str, object] = attrs.field(factory=dict)


class Reach(enum.StrEnum):
    """How a question gets to the person behind a call."""

    NOBODY = "nobody"  # the client has not said that it can be asked
    BY_REQUEST = "by_request"  # in the course of the call
    BY_RESULT = "by_result"  # the call ends with the question and is repeated with the answer


class Caller(Protocol):
    """What a tool may say to whoever called, while it works. All of it may be dropped."""

    @property
    def wants_progress(self) -> bool:
        """The call brought a progress token."""
        ...

    def progress(self, message: str) -> None:
        """Tell one more step; the number counts up by itself."""
        ...

    @property
    def reach(self) -> Reach:
        """Whether and how a question gets to the person."""
        ...

    @property
    def roots_reach(self) -> Reach:
        """Whether and how the client tells the directories it works in."""
        ...

    async def roots(self) -> object:
        """What the client answers to `roots/list`, now or earlier; None if it does not.

        For `Reach.BY_REQUEST` only. Cancelling it takes the request back.
        """
        ...

    async def ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        """What the client answers to a request of ours; None if it cannot or does not.

        It is for `Reach.BY_REQUEST` only. Cancelling it takes the request back.
        """
        ...

    def log(self, level: str, data: object) -> None:
        """Tell a log message of this call (`debug` to `emergency`)."""
        ...


@attrs.define(kw_only=True, eq=False)  # not frozen: that makes one in three times the time
class ToolCall:
    """One call of one tool, arguments as the client sent them.

    `parent_id` is the job of ours that makes the call as one of its steps.
    `taken` tells what of the arguments was taken for something else than it was written as.
    `state` is set when it repeats a call that ended with `InputRequired`: the state of then,
    genuine and of this very call. `responses` are the answers it brings, as the client sent them.
    """

    name: str
    arguments: Mapping[str, object]
    client: Client
    caller: Caller
    state: Mapping[str, object] | None = None
    responses: Mapping[str, object] = attrs.field(factory=dict)
    taken: Sequence[str] = ()
    parent_id: str = ""


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
class InputRequired:
    """The answer of a tool that must ask first (`Reach.BY_RESULT`).

    `requests` are by key, each with method and params; `state` is what the repeated call brings
    back.
    """

    requests: Mapping[str, Mapping[str, object]]
    state: Mapping[str, object]


@attrs.frozen(kw_only=True)
class JobView:
    """A job as a task sees it.

    `payload` is what its call answers now, `line` its newest progress, `requests` what it waits for
    the client to answer, by key.
    """

    job_id: str
    status: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    ttl_ms: int
    line: str
    payload: Payload
    requests: Mapping[str, Mapping[str, object]] = attrs.field(factory=dict)


def error_json(error: AimuxError) -> dict[str, object]:
    """`{code, class, message, retryable, hint}` and the facts that belong to it."""
    return {
        "code": error.code,
        "class": error.error_type,
        "message": error.message,
        "retryable": error.retryable,
        "hint": error.hint,
        **error.data,
    }
