"""Jobs and sessions as rows, and the table that says which state may follow which.

Status is a fold over the log: `next_status` is the only place that decides a transition, and a
terminal state has no successor.
"""

import datetime
from collections.abc import Mapping
from typing import Final

import attrs

from ._events import Event, JobFinished, JobQueued, JobStarted
from ._ids import JobId, SessionId
from ._reports import Outcome
from ._traces import JobTrace
from ._turns import JobStatus, Mode

_OPEN: Final = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})
TERMINAL: Final = frozenset(JobStatus) - _OPEN

NEXT: Final[Mapping[JobStatus, frozenset[JobStatus]]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING}) | TERMINAL,
    JobStatus.RUNNING: TERMINAL,
    **dict.fromkeys(TERMINAL, frozenset()),
}


def next_status(status: JobStatus, event: Event) -> JobStatus:
    """The state of a job after `event`.

    It is the same one where the event does not move it, or where that move is not allowed.
    """
    match event:
        case JobQueued():
            wanted = JobStatus.QUEUED
        case JobStarted():
            wanted = JobStatus.RUNNING
        case JobFinished():
            wanted = event.status
        case _:
            return status
    return wanted if wanted in NEXT[status] else status


@attrs.frozen(kw_only=True)
class Job:
    """A job's row.

    `outcome` is set once, with the terminal status. `owner` is the daemon that runs the job.
    """

    id: JobId
    session_id: SessionId  # empty for a job without a session
    parent_id: JobId = JobId("")  # the job it is a step of
    tool: str
    role: str = ""
    cli: str = ""  # the requested route; the one that answered is in the outcome
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    cwd: str = ""
    client: str = ""  # name of the MCP client that asked
    owner: str = ""
    prompt_preview: str = ""  # at most 200 characters, secrets redacted
    prompt: str = ""  # whole, as it was given: it is retold; never shown
    asked: Mapping[str, object] = attrs.field(factory=dict)  # else, for who repeats it; never shown
    trace: JobTrace | None = None  # where it stands in a distributed trace
    status: JobStatus = JobStatus.QUEUED
    created_at: datetime.datetime
    started_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None
    last_seq: int = 0
    outcome: Outcome | None = None


@attrs.frozen(kw_only=True)
class SeatSession:
    """One seat's side of a session: the CLI it talks to and that CLI's own session."""

    cli: str
    model: str = ""
    native_id: str = ""
    turns: int = 0


@attrs.frozen(kw_only=True)
class Session:
    """A kept conversation, with a seat for each participant; exec's has one seat, without a name.

    `cwd` is where it began: several CLIs find a session only from there.
    """

    id: SessionId
    cli: str  # of the seat that spoke last
    kind: str = "exec"  # exec, or the strategy that owns it
    seats: Mapping[str, SeatSession] = attrs.field(factory=dict)
    mode: Mode = Mode.READ
    role: str = ""
    cwd: str = ""
    client: str = ""
    status: JobStatus = JobStatus.QUEUED  # of its last job
    created_at: datetime.datetime
    last_active_at: datetime.datetime

    @property
    def turns(self) -> int:
        """How many turns its jobs have had, of all seats."""
        return sum(seat.turns for seat in self.seats.values())

    def seat(self, name: str = "") -> SeatSession:
        """A seat's side; a fresh one for a seat that has not spoken."""
        return self.seats.get(name) or SeatSession(cli=self.cli)
