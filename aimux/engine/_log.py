"""A job's log in memory: the single source for status, progress, tasks, `logs -f` and the store.

Entries are appended by the job's own task and read by anybody from a sequence number. Pieces of
text are gathered for `COALESCE_S` or `COALESCE_CHARS` before they become an entry, so a CLI that
prints word by word does not make a row per word.

Memory is bounded whatever a CLI says: beyond `KEPT_ENTRIES` or `KEPT_ENTRY_CHARS` the oldest
*stored* entries are dropped and are read from the store. What one turn says goes into the log up to
`LOGGED_CHARS`, so a slow store cannot make memory grow either; beyond that messages are excerpts,
pieces of text are left out, and a warning says so. The answer does not come from here.
"""

import datetime
import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
import trio

from aimux.model import (
    Entry,
    Event,
    Job,
    JobFinished,
    JobQueued,
    JobStarted,
    Message,
    NativeSession,
    Noise,
    Reasoning,
    Text,
    ToolUse,
    TurnStarted,
    Usage,
    Warned,
    next_status,
)

COALESCE_S: Final = 0.25  # what `kill -9` may cost
COALESCE_CHARS: Final = 16_384
UNSTORED_ENTRIES: Final = 64  # at once: then the store gets them before `COALESCE_S` is over
KEPT_ENTRIES: Final = 2_000  # per open job, of those that are stored
KEPT_ENTRY_CHARS: Final = 2**20  # of them together
KEPT_TEXT_CHARS: Final = 2**20  # of the turn that is running, for status(offset=…); as an answer
LOGGED_CHARS: Final = 4 * 2**20  # text, messages and thoughts of one turn, as entries
EXCERPT_CHARS: Final = 1_000  # of a message or thought beyond that
KEPT_PIECES: Final = 1_000  # of text, apart; small strings cost more than what is in them
KEPT_WARNINGS: Final = 200  # in the result: the first ones and the last ones
KEPT_REASONING_CHARS: Final = 4_000  # of one thought, as an entry
KEPT_NOISE: Final = 200  # lines of one job
MESSAGE_BREAK: Final = "\n\n"


def utc_now() -> datetime.datetime:
    """The wall clock, aware."""
    return datetime.datetime.now(datetime.UTC)


@attrs.define(eq=False)
class JobLog:
    """Append-only events of one job and the running fold over them."""

    _row: Job
    born: float  # loop clock
    wall: Callable[[], datetime.datetime] = utc_now
    last_seq: int = 0
    stored_seq: int = 0
    turn: int = 0
    text: str = ""  # of the running turn, whole messages and deltas alike
    last_event: float = attrs.field(init=False)  # loop clock, any event
    last_said: str = ""  # kind of the last thing the CLI said
    tool_steps: int = 0
    noise: int = 0
    queue_position: int = 0
    usage: Usage | None = None
    native_id: str = ""
    question: str = ""  # what the child waits for somebody to answer
    warnings: list[Warned] = attrs.field(factory=list)
    _entries: deque[Entry] = attrs.field(factory=deque)
    _pending: list[str] = attrs.field(factory=list)
    _pending_chars: int = 0
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _lacking: trio.Event = attrs.field(factory=trio.Event)  # the store does not have everything
    _crowded: trio.Event = attrs.field(factory=trio.Event)  # and that is too much
    _pieces: list[str] = attrs.field(factory=list)
    _pieces_chars: int = 0
    _is_open: bool = False  # pieces of a message came, its whole has not
    is_text_cut: bool = False  # more was said than `text_so_far` holds
    _entries_chars: int = 0
    _logged_chars: int = 0  # of this turn; more than `LOGGED_CHARS` once it was told

    def __attrs_post_init__(self) -> None:
        self.last_event = self.born

    def __repr__(self) -> str:
        return f"<JobLog: {self.last_seq} entries, {self.last_seq - self.stored_seq} not stored>"

    # ------------------------------------------------------------------ writing

    def add(self, event: Event) -> None:
        """Append what happened or was said, in order; text waits a moment for its neighbours."""
        self.last_event = trio.current_time()
        if isinstance(event, Text):
            self._gather(event.text)
            return
        self.flush()
        match event:
            case TurnStarted():
                self.turn = event.turn
                self.drop_text()
                self._logged_chars = 0
            case JobQueued():
                self.queue_position = event.position
            case JobStarted():
                self.queue_position = 0
            case Message():
                self._whole(event.text)
                event = Message(text=self._loggable(event.text))
            case ToolUse(status="started"):
                self.tool_steps += 1
            case Usage():
                self.usage = event
            case NativeSession():
                self.native_id = event.native_id
            case Warned():
                if len(self.warnings) >= KEPT_WARNINGS:
                    del self.warnings[KEPT_WARNINGS // 2]
                self.warnings.append(event)
            case Noise():
                self.noise += 1
                if self.noise > KEPT_NOISE:
                    return
            case Reasoning():
                event = Reasoning(text=self._loggable(event.text[:KEPT_REASONING_CHARS]))
            case _:
                pass
        self._append(event)

    def _loggable(self, text: str) -> str:
        """As much of what was said as the log of this turn has room for."""
        supervisor = LOGGED_CHARS - self._logged_chars
        if len(text) <= supervisor:
            self._logged_chars += len(text)
            return text
        if supervisor >= 0:
            self._logged_chars = LOGGED_CHARS + 1
            said = (
                f"more than {LOGGED_CHARS} characters were said: the log has excerpts of the rest"
            )
            self.add(Warned(code="log_truncated", message=said))
        return text[: max(supervisor, EXCERPT_CHARS)]

    def _gather(self, text: str) -> None:
        self.last_said = Text.kind
        if self._logged_chars > LOGGED_CHARS:
            self._begin_message()
            self._keep(text)
            return
        if not self._pending:
            self._wake()
            self._lacking.set()
        self._pending.append(text)
        self._pending_chars += len(text)
        self._begin_message()
        self._keep(text)
        if self._pending_chars >= COALESCE_CHARS:
            self.flush()

    def _whole(self, text: str) -> None:
        """A message is over; it repeats the pieces that came before it."""
        if not self._is_open:
            self._begin_message()
            self._keep(text)
        self._is_open = False

    def _begin_message(self) -> None:
        if not self._is_open:
            self._is_open = True
            if self._pieces:
                self._keep(MESSAGE_BREAK)

    def _keep(self, text: str) -> None:
        supervisor = KEPT_TEXT_CHARS - self._pieces_chars
        if len(text) > supervisor:
            self.is_text_cut = True
            text = text[:supervisor]
        if text:
            self._pieces.append(text)
            self._pieces_chars += len(text)
            if len(self._pieces) > KEPT_PIECES:
                self._pieces = ["".join(self._pieces)]

    def flush(self) -> None:
        """Make an entry of the text gathered so far."""
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            self._pending_chars = 0
            self._append(Text(text=self._loggable(text)))

    def _append(self, event: Event) -> None:
        now = trio.current_time()
        self.last_seq += 1
        at = self.wall()
        entry = Entry(
            seq=self.last_seq,
            offset_s=round(now - self.born, 6),
            at=at,
            turn=self.turn,
            event=event,
        )
        self._entries.append(entry)
        self._entries_chars += _chars(event)
        self._lacking.set()
        if self.last_seq - self.stored_seq >= UNSTORED_ENTRIES:
            self._crowded.set()
        self.last_said = event.kind
        status = next_status(self._row.status, event)
        if isinstance(event, JobStarted):
            self._row = attrs.evolve(self._row, status=status, started_at=at)
        elif isinstance(event, JobFinished):
            self._row = attrs.evolve(
                self._row, status=status, finished_at=at, outcome=event.outcome
            )
        elif status is not self._row.status:
            self._row = attrs.evolve(self._row, status=status)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # ------------------------------------------------------------------ reading

    @property
    def job(self) -> Job:
        """The job's row as of now."""
        if self._row.last_seq != self.last_seq:  # most entries change nothing else
            self._row = attrs.evolve(self._row, last_seq=self.last_seq)
        return self._row

    @property
    def text_so_far(self) -> str:
        """What the running turn has said, at most `KEPT_TEXT_CHARS`."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def drop_text(self) -> None:
        """Forget `text_so_far`: another turn begins, or the job is over and has its outcome."""
        self._pieces, self._pieces_chars, self._is_open = [], 0, False
        self.is_text_cut = False

    @property
    def text_chars(self) -> int:
        """Length of `text_so_far` without building it."""
        return self._pieces_chars

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
        """The store has everything up to `seq`; forget the oldest entries beyond the limit."""
        self.stored_seq = max(self.stored_seq, seq)
        if self.stored_seq >= self.last_seq and not self._pending:
            self._lacking = trio.Event()
        if self.last_seq - self.stored_seq < UNSTORED_ENTRIES:
            self._crowded = trio.Event()
        entries = self._entries
        while self._is_heavy() and entries[0].seq <= self.stored_seq:
            self._entries_chars -= _chars(entries.popleft().event)

    def _is_heavy(self) -> bool:
        """Too much to keep; the newest stays, who follows the log goes on from it."""
        count = len(self._entries)
        return count > KEPT_ENTRIES or (count > 1 and self._entries_chars > KEPT_ENTRY_CHARS)

    @property
    def kept_chars(self) -> int:
        """What the entries in memory say, together."""
        return self._entries_chars


def _chars(event: Event) -> int:
    """How long an event is, near enough."""
    match event:
        case Text() | Message() | Reasoning():
            return len(event.text)
        case ToolUse():
            return len(event.summary)
        case JobFinished():
            return len(event.outcome.content)
        case _:
            return 0
