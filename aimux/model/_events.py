"""What a job's log consists of: frozen values with a `kind`, their tag on disk and on the wire.

Dialects make what a CLI *said*; the engine makes what *happened*.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import attrs

from ._said import Failure, Said
from ._turns import JobStatus, Mode, TurnResult


@attrs.frozen(kw_only=True)
class JobQueued:
    """The job waits for its first slot; `position` counts from 1."""

    kind: ClassVar[str] = "job_queued"
    position: int


@attrs.frozen(kw_only=True)
class JobStarted:
    """The job has its first slot; its deadline runs from here."""

    kind: ClassVar[str] = "job_started"


@attrs.frozen(kw_only=True)
class TurnQueued:
    """A turn waits for its slot; `position` counts from 1."""

    kind: ClassVar[str] = "turn_queued"
    turn: int
    seat: str = ""
    position: int


@attrs.frozen(kw_only=True)
class TurnStarted:
    """A CLI is about to be run for a turn: its attempt number `attempt`, from 1.

    `argv` is redacted (the prompt is `<prompt>`), `env_names` never holds values.
    """

    kind: ClassVar[str] = "turn_started"
    turn: int
    seat: str = ""
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
    """How the child left.

    `exit_code` is None after a signal. `swept` counts the leftovers that had to be killed.
    """

    kind: ClassVar[str] = "child_exited"
    exit_code: int | None = None
    signal: str = ""
    duration_ms: int = 0
    max_rss_bytes: int = 0
    cpu_ms: int = 0
    swept: int = 0


@attrs.frozen(kw_only=True)
class AttemptFailed:
    """An attempt gave no usable answer and another one follows."""

    kind: ClassVar[str] = "attempt_failed"
    turn: int
    attempt: int
    failure: Failure


@attrs.frozen(kw_only=True)
class TurnFinished:
    """The end of a turn that gave a whole answer: what a restart or a report is made from."""

    kind: ClassVar[str] = "turn_finished"
    result: TurnResult


@attrs.frozen(kw_only=True)
class TurnFailed:
    """The end of any other turn: failed, partial, cancelled or out of time, with what it said."""

    kind: ClassVar[str] = "turn_failed"
    result: TurnResult


SO_FAR: Final = "so_far"  # in a note's data: the data of the answer as far as it is there


@attrs.frozen(kw_only=True)
class Noted:
    """A milestone of a strategy: round, participant, verdict."""

    kind: ClassVar[str] = "note"
    text: str
    data: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class JobFinished:
    """The end; exactly one per job, the first writer wins. Its outcome stands in the job's row."""

    kind: ClassVar[str] = "job_finished"
    status: JobStatus
    reason: str = ""


Happened = (
    JobQueued
    | JobStarted
    | TurnQueued
    | TurnStarted
    | ChildStarted
    | ChildExited
    | AttemptFailed
    | TurnFinished
    | TurnFailed
    | Noted
    | JobFinished
)

Event = Said | Happened


@attrs.frozen(kw_only=True)
class Entry:
    """One line of a job's log.

    `seq` counts from 1 without gaps; `offset_s` is the time since the job was born.
    """

    seq: int
    offset_s: float
    at: datetime.datetime
    turn: int  # 0 where the entry belongs to no turn
    event: Event
