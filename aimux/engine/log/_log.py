"""A job's log in memory: the single source for status, progress, tasks, `logs -f` and the store.

Entries are appended by the job's own tasks and read by anybody from a sequence number. Each turn
writes through a `TurnLog` of its own; its end, one for every turn that was opened, brings the
turn's whole result.

Memory is bounded whatever a CLI says: beyond `KEPT_ENTRIES` or `KEPT_ENTRY_CHARS` the oldest
*stored* entries are dropped and are read from the store. While the store cannot take them, the
oldest are lost instead.
"""

import datetime
import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
import trio

from aimux.model import (
    SO_FAR,
    Entry,
    Event,
    Job,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
    Message,
    Mode,
    Noted,
    Outcome,
    Reasoning,
    Text,
    ToolUse,
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
from aimux.waiting import Broadcast

from ._questions import Questions
from ._turn_log import TurnLog, keep_warning

COALESCE_S: Final = 0.25  # what `kill -9` may cost
UNSTORED_ENTRIES: Final = 64  # at once: then the store gets them before `COALESCE_S` is over
KEPT_ENTRIES: Final = 2_000  # per open job, of those that are stored
KEPT_ENTRY_CHARS: Final = 2**20  # of them together


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

    Long, because what is appended, what is stored and who waits are one state. Cancelling one of
    its waits only ends the waiting.
    """

    _row: Job
    born: float  # loop clock
    wall: Callable[[], datetime.datetime] = utc_now
    last_seq: int = 0
    stored_seq: int = 0
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
    _entries: deque[Entry] = attrs.field(factory=deque)
    _entries_chars: int = 0
    _changed: Broadcast = attrs.field(factory=Broadcast)
    _lacking: trio.Event = attrs.field(factory=trio.Event)  # the store does not have everything
    _crowded: trio.Event = attrs.field(factory=trio.Event)  # and that is too much

    def __attrs_post_init__(self) -> None:
        self._last_event = self.born

    def __repr__(self) -> str:
        return f"<JobLog: {self.last_seq} entries, {self.last_seq - self.stored_seq} not stored>"

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
            gathered=self._tell_gathered,
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

    def _tell_gathered(self) -> None:
        self._changed.notify()
        self._lacking.set()

    def _append(self, turn: int, event: Event) -> None:
        now = trio.current_time()
        self.last_seq += 1
        at = self.wall()
        entry = Entry(
            seq=self.last_seq, offset_s=round(now - self.born, 6), at=at, turn=turn, event=event
        )
        self._entries.append(entry)
        self._entries_chars += _chars(event)
        self._lacking.set()
        if self.last_seq - self.stored_seq >= UNSTORED_ENTRIES:
            self._crowded.set()
        if isinstance(event, TurnQueued) and self._row.status is JobStatus.QUEUED:
            self.queue_position = event.position
        self._row = _after(self._row, event, at)
        self._changed.notify()

    # ------------------------------------------------------------------ reading

    @property
    def job(self) -> Job:
        """The job's row as of now."""
        if self._row.last_seq != self.last_seq:  # most entries change nothing else
            self._row = attrs.evolve(self._row, last_seq=self.last_seq)
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
    def first_seq(self) -> int:
        """The oldest entry still in memory; older ones are in the store."""
        return self._entries[0].seq if self._entries else self.last_seq + 1

    def since(self, seq: int) -> list[Entry]:
        """Entries in memory after `seq`, oldest first."""
        if seq >= self.last_seq:
            return []
        skip = max(0, seq + 1 - self.first_seq)
        return list(itertools.islice(self._entries, skip, None))

    async def wait_change(self) -> None:
        """Return after the next append (or the first piece of gathered text). A checkpoint."""
        await self._changed.wait()

    async def wait_after(self, seq: int) -> None:
        """Return once there is an entry after `seq`."""
        while self.last_seq <= seq:
            await self._changed.wait()

    async def wait_unstored(self) -> None:
        """Return once there is something to be stored, gathered text included."""
        await self._lacking.wait()

    async def wait_crowded(self) -> None:
        """Return once `UNSTORED_ENTRIES` entries are not stored."""
        await self._crowded.wait()

    def unstored(self) -> list[Entry]:
        """Entries the store does not have yet."""
        return self.since(self.stored_seq)

    def stored(self, seq: int) -> None:
        """Note that the store has everything up to `seq`, and forget what is too much to keep."""
        self.stored_seq = max(self.stored_seq, seq)
        has_pending = any(turn.has_pending for turn in self._turns.values())
        if self.stored_seq >= self.last_seq and not has_pending:
            self._lacking = trio.Event()
        if self.last_seq - self.stored_seq < UNSTORED_ENTRIES:
            self._crowded = trio.Event()
        entries = self._entries
        while self._is_heavy() and entries[0].seq <= self.stored_seq:
            self._entries_chars -= _chars(entries.popleft().event)

    def give_up_excess(self) -> int:
        """Forget the oldest entries beyond the limit although they are not stored; how many."""
        before = self.stored_seq
        while self._is_heavy():
            oldest = self._entries.popleft()
            self._entries_chars -= _chars(oldest.event)
            self.stored_seq = max(self.stored_seq, oldest.seq)
        return self.stored_seq - before

    def _is_heavy(self) -> bool:
        """Too much to keep; the newest stays, who follows the log goes on from it."""
        count = len(self._entries)
        return count > KEPT_ENTRIES or (count > 1 and self._entries_chars > KEPT_ENTRY_CHARS)

    @property
    def is_to_be_stored(self) -> bool:
        """Its end is not in the store and may still come there."""
        return self.not_stored is not None and not self.not_stored.is_final

    @property
    def kept_chars(self) -> int:
        """What the entries in memory say, together."""
        return self._entries_chars


def _after(row: Job, event: Event, at: datetime.datetime) -> Job:
    """The row of a job after an entry; the same one if the entry changes nothing of it."""
    status = next_status(row.status, event)
    if isinstance(event, JobStarted):
        return attrs.evolve(row, status=status, started_at=at)
    if isinstance(event, JobFinished):
        return attrs.evolve(row, status=status, finished_at=at)
    return row if status is row.status else attrs.evolve(row, status=status)


def _chars(event: Event) -> int:
    """How long an event is, near enough."""
    match event:
        case Text() | Message() | Reasoning():
            return len(event.text)
        case ToolUse():
            return len(event.summary)
        case TurnFinished() | TurnFailed():
            return len(event.result.content)
        case _:
            return 0
