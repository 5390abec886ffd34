"""A turn and its attempts as values: what one run of a CLI to its answer came to.

A turn is everything `ask` does for one prompt; an attempt is one child process of it. States are
those of jobs, for turns too: a reader learns one set of words.
"""

import enum
from collections.abc import Sequence

import attrs

from ._said import Failure, Usage, Warned


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
    """One attempt as results list it; `outcome` is completed, not_run or a failure class."""

    cli: str
    model: str = ""
    effort: str = ""
    outcome: str
    code: str = ""
    message: str = ""
    duration_ms: int = 0


@attrs.frozen(kw_only=True)
class TurnResult:
    """What a turn came to. A CLI that failed is a result like any other: `failure` says how.

    `usage` is the sum over its attempts; `cli` to `mode`, `exit_code` and `stderr_tail` are those
    of the last one. `native_session` is the CLI's own session, empty if it gave none.
    """

    turn: int
    seat: str = ""
    status: JobStatus
    content: str = ""
    is_cut: bool = False  # content is not all that was said: more is not kept
    data: object = None
    cli: str = ""
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    usage: Usage | None = None
    native_session: str = ""
    attempts: Sequence[Attempt] = ()
    warnings: Sequence[Warned] = ()
    failure: Failure | None = None
    exit_code: int | None = None
    stderr_tail: str = ""
    duration_ms: int = 0

    @property
    def is_answer(self) -> bool:
        """Whether it is a whole, validated answer."""
        return self.status is JobStatus.COMPLETED


@attrs.frozen(kw_only=True)
class TurnSummary:
    """A turn in the list of its job; its text stands in the log, at its end."""

    turn: int
    seat: str = ""
    status: JobStatus
    cli: str = ""
    model: str = ""
    mode: Mode = Mode.READ
    usage: Usage | None = None
    attempts: Sequence[Attempt] = ()
    failure: Failure | None = None
    content_chars: int = 0
    duration_ms: int = 0
