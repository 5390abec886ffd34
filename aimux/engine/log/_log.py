"""A job's log in memory: the single source for status, progress, tasks, `logs -f` and the store.

Entries are appended by the job's own tasks and read by anybody from a sequence number. Each turn
writes through a `TurnLog` of its own; its end, one for every turn that was opened, brings the
turn's whole result.
"""

import datetime
from collections.abc import Callable
from typing import Final

import attrs
import trio

from aimux.model import (
    SO_FAR,
    Event,
    Job,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
    Mode,
    Noted,
    Outcome,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    Usage,
    Warned,
    next_status,
)
from aimux.rules import total_usage
from aimux.times import utc_now

from ._entries import EntryBuffer
from ._questions import Questions
from ._turn_log import TurnLog, keep_warning

COALESCE_S: Final = 0.25  # what `kill -9` may cost


@attrs.frozen
class NotStored:
    """Why the end of a job is not in the store."""

    why: str
    hint: str = attrs.field(default="", kw_only=True)
    is_final: bool = attrs.field(default=False, kw_only=True)  # it is not tried again

    @property
    def warning(self) -> Warned:
        """What whoever is told of the end is told too."""
        then = (
            "it cannot be, so it is gone once aimux has stopped"
            if self.is_final
            else "it is tried again until it is"
        )
        return Warned(code="not_stored", message=f"this end is not stored: {self.why}; {then}")


@attrs.define(eq=False)
class JobLog:
    """Append-only events of one job and the running fold over them.

    What is kept of them, and who waits for more, is `entries`.
    """

    _row: Job
    born: float  # loop clock
    wall: Callable[[], datetime.datetime] = utc_now
    queue_position: int = 0  # while the job waits for its first slot
    warnings: list[Warned] = attrs.field(factory=list)  # the job's own, of no turn
    so_far: object = None  # the data of its answer, as far as its work has told
    not_stored: NotStored | None = None  # of its end, once that is known
    questions: Questions = attrs.field(factory=Questions)
    ends: list[TurnResult] = attrs.field(factory=list)  # in the order in which turns ended
    _turns: dict[int, TurnLog] = attrs.field(factory=dict)  # those that have not ended
    _opened: int = 0
    _last_event: float = attrs.field(init=False)
    _last_kind: str = ""
    entries: EntryBuffer = attrs.field(factory=EntryBuffer)

    def __attrs_post_init__(self) -> None:
        self._last_event = self.born

    def __repr__(self) -> str:
        kept = self.entries
        return f"<JobLog: {kept.last_seq} entries, {kept.last_seq - kept.stored_seq} not stored>"

    # ------------------------------------------------------------------ writing

    def add(self, event: Event) -> None:
        """Append something that belongs to no turn."""
        self._happened(event)
        self.flush()
        match event:
            case JobQueued():
                self.queue_position = event.position
            case JobStarted():
                self.queue_position = 0
            case Warned():
                keep_warning(self.warnings, event)
            case Noted() if SO_FAR in event.data:
                self.so_far = event.data[SO_FAR]
            case _:
                pass
        self._append(0, event)

    def open_turn(self, seat: str = "", mode: Mode = Mode.READ) -> TurnLog:
        """The log of the next turn; it is open until `end_turn`."""
        self._opened += 1
        turn = TurnLog(
            turn=self._opened,
            seat=seat,
            mode=mode,
            questions=self.questions,
            born=trio.current_time(),
            append=self._append,
            gathered=self.entries.announce,
        )
        self._turns[turn.turn] = turn
        return turn

    def end_turn(self, turn: TurnLog, result: TurnResult) -> None:
        """Append the end of a turn; the first one counts."""
        if self._turns.pop(turn.turn, None) is None:
            return
        turn.flush()
        self.ends.append(result)
        end = (TurnFinished if result.is_answer else TurnFailed)(result=result)
        self._happened(end)
        self._append(turn.turn, end)

    def finish(self, status: JobStatus, reason: str, outcome: Outcome) -> None:
        """Append the end of the job. Every turn has ended before."""
        self.flush()
        self._append(0, JobFinished(status=status, reason=reason))
        self._row = attrs.evolve(self._row, outcome=outcome)

    def _happened(self, event: Event) -> None:
        self._last_event = trio.current_time()
        self._last_kind = event.kind

    def flush(self) -> None:
        """Make entries of the text gathered so far."""
        for turn in self._turns.values():
            turn.flush()

    def stored(self, seq: int) -> None:
        """Note that the store has every entry up to `seq`."""
        has_pending = any(turn.has_pending for turn in self._turns.values())
        self.entries.stored(seq, has_pending=has_pending)

    def _append(self, turn: int, event: Event) -> None:
        at = self.wall()
        offset_s = round(trio.current_time() - self.born, 6)
        self.entries.append(turn, event, offset_s=offset_s, at=at)
        if isinstance(event, TurnQueued) and self._row.status is JobStatus.QUEUED:
            self.queue_position = event.position
        self._row = _after(self._row, event, at)
        self.entries.announce()

    # ------------------------------------------------------------------ reading

    @property
    def job(self) -> Job:
        """The job's row as of now."""
        last_seq = self.entries.last_seq
        if self._row.last_seq != last_seq:  # most entries change nothing else
            self._row = attrs.evolve(self._row, last_seq=last_seq)
        return self._row

    @property
    def live_turns(self) -> list[TurnLog]:
        """The turns that have not ended, in the order of their numbers."""
        return list(self._turns.values())

    @property
    def results(self) -> list[TurnResult]:
        """The turns that have ended, in the order of their numbers."""
        return sorted(self.ends, key=lambda each: each.turn)

    def find_turn(self, number: int) -> TurnResult | None:
        """What a turn has come to, by now if it has not ended; None if that is not in memory."""
        live = self._turns.get(number)
        if live is not None:
            return live.result(JobStatus.QUEUED if live.position else JobStatus.RUNNING)
        return next((each for each in self.ends if each.turn == number), None)

    @property
    def turn(self) -> int:
        """The number of the newest turn; 0 before the first."""
        return self._opened

    @property
    def last_event(self) -> float:
        """When anything happened or was said last, on the loop's clock."""
        return max([self._last_event, *(turn.last_event for turn in self._turns.values())])

    @property
    def last_said(self) -> str:
        """The kind of what happened or was said last; empty before anything was."""
        newest = max(self._turns.values(), key=lambda turn: turn.last_event, default=None)
        if newest is not None and newest.last_event >= self._last_event:
            return newest.last_said
        return self._last_kind

    @property
    def usage(self) -> Usage | None:
        """Tokens of all turns so far."""
        return total_usage(
            [*(each.usage for each in self.ends), *(each.usage for each in self._turns.values())]
        )

    @property
    def all_warnings(self) -> list[Warned]:
        """Those of the job and of all its turns so far."""
        ended = (each for result in self.results for each in result.warnings)
        live = (each for turn in self._turns.values() for each in turn.warnings)
        return [*self.warnings, *ended, *live]

    @property
    def tool_steps(self) -> int:
        """Tool steps of the turns that run."""
        return sum(turn.tool_steps for turn in self._turns.values())

    @property
    def text_so_far(self) -> str:
        """What the newest turn that speaks has said; between turns, the last answer."""
        for turn in reversed(self._turns.values()):
            if turn.text_chars:
                return turn.text_so_far
        return self.ends[-1].content if self.ends else ""

    @property
    def is_text_cut(self) -> bool:
        """Whether more was said than `text_so_far` holds."""
        for turn in reversed(self._turns.values()):
            if turn.text_chars:
                return turn.is_text_cut
        return bool(self.ends) and self.ends[-1].is_cut

    @property
    def text_chars(self) -> int:
        """How much the turns that run have said."""
        return sum(turn.text_chars for turn in self._turns.values())

    @property
    def is_to_be_stored(self) -> bool:
        """Its end is not in the store and may still come there."""
        return self.not_stored is not None and not self.not_stored.is_final


def _after(row: Job, event: Event, at: datetime.datetime) -> Job:
    """The row of a job after an entry; the same one if the entry changes nothing of it."""
    status = next_status(row.status, event)
    if isinstance(event, JobStarted):
        return attrs.evolve(row, status=status, started_at=at)
    if isinstance(event, JobFinished):
        return attrs.evolve(row, status=status, finished_at=at)
    return row if status is row.status else attrs.evolve(row, status=status)
