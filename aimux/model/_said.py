"""What a CLI said, as its dialect reads it: events, and the sum of one attempt's output.

Frozen values with a `kind` that is their tag on disk and on the wire.
"""

import enum
from typing import ClassVar

import attrs


class Stream(enum.StrEnum):
    """Where bytes of a child came from."""

    STDOUT = "stdout"
    STDERR = "stderr"


class FailureClass(enum.StrEnum):
    """Why a turn failed, in the order in which classes are tried (design section 5)."""

    QUOTA = "quota"  # cools down one (cli, model)
    MODEL_UNAVAILABLE = "model_unavailable"  # cools down one (cli, model)
    AUTH = "auth"  # stops using the CLI, says what to do
    TRANSIENT = "transient"  # retried once
    USAGE = "usage"  # our flags are wrong for this version
    FATAL = "fatal"  # no retry: context overflow, refused by policy
    TIMEOUT = "timeout"  # deadline or silence
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Failure:
    """A classified failure.

    `code` is stable. `excerpt` has at most 2,000 characters, and secrets in it are masked.
    """

    failure_class: FailureClass
    code: str
    message: str
    retryable: bool = False
    excerpt: str = ""
    hint: str = ""


@attrs.frozen(kw_only=True)
class Usage:
    """Tokens of one turn; None where the CLI does not report a figure. Cost in US dollars."""

    kind: ClassVar[str] = "usage"
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None


# ------------------------------------------------------------------ what a CLI said (from dialects)


@attrs.frozen(kw_only=True)
class Text:
    """A piece of the answer while it is being written."""

    kind: ClassVar[str] = "text"
    text: str


@attrs.frozen(kw_only=True)
class Message:
    """One whole assistant message; the last one is the answer unless the dialect says otherwise."""

    kind: ClassVar[str] = "message"
    text: str


@attrs.frozen(kw_only=True)
class Reasoning:
    """Thinking text, kept apart from the answer."""

    kind: ClassVar[str] = "reasoning"
    text: str


@attrs.frozen(kw_only=True)
class ToolUse:
    """A tool call inside the CLI's own loop; `status` is started, completed, failed or denied."""

    kind: ClassVar[str] = "tool_use"
    name: str
    call_id: str = ""
    status: str = "started"
    summary: str = ""  # at most 500 characters of input or output


@attrs.frozen(kw_only=True)
class FileChange:
    """A file the CLI says it changed; `change` is add, update, delete or unknown."""

    kind: ClassVar[str] = "file_change"
    path: str
    change: str = "update"


@attrs.frozen(kw_only=True)
class NativeSession:
    """The CLI's own session id, wanted for resume."""

    kind: ClassVar[str] = "native_session"
    native_id: str


@attrs.frozen(kw_only=True)
class Noise:
    """A line no dialect understands (at most 2,000 characters are kept)."""

    kind: ClassVar[str] = "noise"
    stream: Stream
    line: str


@attrs.frozen(kw_only=True)
class Warned:
    """Something worth knowing that is not a failure.

    For example: a retry was announced, a level was clamped, an alias was used.
    """

    kind: ClassVar[str] = "warning"
    code: str
    message: str


@attrs.frozen(kw_only=True)
class Ended:
    """The CLI's own end-of-turn record. After it the child has a short grace to leave by itself."""

    kind: ClassVar[str] = "ended"
    is_error: bool = False
    reason: str = ""  # the CLI's word: end_turn, max_turns, api_error
    message: str = ""  # error text where is_error


Said = (
    Text
    | Message
    | Reasoning
    | ToolUse
    | FileChange
    | Usage
    | NativeSession
    | Noise
    | Warned
    | Ended
)


@attrs.frozen(kw_only=True)
class TurnOutput:
    """What one turn's output amounts to so far.

    `ended` is the CLI's own closing record, or what a dialect's `finish` made of a CLI that has
    none; None after that means that the output stopped without one (cut, killed). `error_text`
    collects whatever explains a failure, newest last, whether or not the turn failed.
    """

    answer: str = ""
    native_id: str = ""
    usage: Usage | None = None
    ended: Ended | None = None
    error_text: str = ""
    error_code: str = ""  # the CLI's own code or HTTP status, as text
    denials: int = 0  # tool calls its mode refused
    steps: int = 0  # tool calls begun
    model: str = ""  # the model that answered, where the CLI says so
    is_cut: bool = False  # the answer was longer than what is kept of one
    has_spoken: bool = False  # the model said or did something: a repeat would do it twice
    is_closed: bool = False  # `ended` is a record of the CLI's own, not what its exit came to
    is_record_lost: bool = False  # a record was too long to be read, the answer may be in it
