"""What a job's log consists of.

Two groups: what a CLI *said* (made by dialects from its bytes) and what *happened* (made by the
engine).
Both are frozen values with a `kind` that is their tag on disk and on the wire.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
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
    """A classified failure: `code` is stable, `excerpt` at most 2,000 characters, secrets
    redacted.
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
    """Something worth knowing that is not a failure: a retry announced, a level clamped, an alias
    used.
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


# ------------------------------------------------------------------ what happened (from the engine)


class JobStatus(enum.StrEnum):
    """States of a job. The last six are terminal and final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"  # a validated answer
    PARTIAL = "partial"  # some answer exists and something failed
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    ABORTED = "aborted"  # the daemon died under it


class Mode(enum.StrEnum):
    """What a turn may do to the working tree."""

    READ = "read"
    WRITE = "write"
    DANGER = "danger"


@attrs.frozen(kw_only=True)
class Attempt:
    """One turn as the result lists it; `outcome` is completed or a failure class."""

    cli: str
    model: str = ""
    effort: str = ""
    outcome: str
    code: str = ""
    message: str = ""
    duration_ms: int = 0


@attrs.frozen(kw_only=True)
class JobQueued:
    """Waits for a place; `position` counts from 1."""

    kind: ClassVar[str] = "job_queued"
    position: int


@attrs.frozen(kw_only=True)
class JobStarted:
    """Has a place; its deadline runs from here."""

    kind: ClassVar[str] = "job_started"


@attrs.frozen(kw_only=True)
class TurnStarted:
    """A CLI is about to be run. `argv` is redacted (the prompt is `<prompt>`), `env_names` never
    holds values.
    """

    kind: ClassVar[str] = "turn_started"
    turn: int
    cli: str
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    attempt: int = 1
    argv: Sequence[str] = ()
    cwd: str = ""
    env_names: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class ChildStarted:
    """`started` is the process's own start time as the system gives it, to tell a reused pid."""

    kind: ClassVar[str] = "child_started"
    pid: int
    started: float


@attrs.frozen(kw_only=True)
class ChildExited:
    """How the child left; `exit_code` is None after a signal. `swept` counts leftovers that had to
    be killed.
    """

    kind: ClassVar[str] = "child_exited"
    exit_code: int | None = None
    signal: str = ""
    duration_ms: int = 0
    max_rss_bytes: int = 0
    cpu_ms: int = 0
    swept: int = 0


@attrs.frozen(kw_only=True)
class TurnFailed:
    """The verdict on a turn that gave no usable answer."""

    kind: ClassVar[str] = "turn_failed"
    turn: int
    failure: Failure


@attrs.frozen(kw_only=True)
class TurnFinished:
    """The verdict on a turn that gave an answer; `verdict` is valid or a warning code."""

    kind: ClassVar[str] = "turn_finished"
    turn: int
    exit_code: int | None
    duration_ms: int
    verdict: str = "valid"


@attrs.frozen(kw_only=True)
class Note:
    """A milestone of a strategy: round, participant, verdict."""

    kind: ClassVar[str] = "note"
    text: str
    data: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Outcome:
    """What a job came to; together with the job row it makes the result of design section 6."""

    content: str = ""
    is_cut: bool = False  # content is not all that was said: more is not kept
    data: object = None
    cli: str = ""
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    usage: Usage | None = None
    exit_code: int | None = None
    duration_ms: int = 0
    attempts: Sequence[Attempt] = ()
    warnings: Sequence[Warned] = ()
    error: Failure | None = None
    stderr_tail: str = ""
    native_session: str = ""
    turns: int = 0


@attrs.frozen(kw_only=True)
class JobFinished:
    """The end; exactly one per job, the first writer wins."""

    kind: ClassVar[str] = "job_finished"
    status: JobStatus
    reason: str = ""
    outcome: Outcome = attrs.field(factory=Outcome)


Happened = (
    JobQueued
    | JobStarted
    | TurnStarted
    | ChildStarted
    | ChildExited
    | TurnFailed
    | TurnFinished
    | Note
    | JobFinished
)

Event = Said | Happened


@attrs.frozen(kw_only=True)
class Entry:
    """One line of a job's log: `seq` counts from 1 without gaps, `offset_s` since the job's
    birth.
    """

    seq: int
    offset_s: float
    at: datetime.datetime
    turn: int  # 0 where the entry belongs to no turn
    event: Event
