"""The log of one turn: what its CLI says, gathered, bounded and counted, on its way to the job's.

Pieces of text are gathered for `COALESCE_S` or `COALESCE_CHARS` before they become an entry, so a
CLI that prints word by word does not make a row per word. What one turn says goes into the log up
to `LOGGED_CHARS`, so a slow store cannot make memory grow; beyond that messages are excerpts,
pieces of text are left out, and a warning says so. The answer does not come from here.

Turns side by side share nothing but the job's log: each has its text, its figures, its question.
"""

from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from aimux.drivers import Child
from aimux.model import (
    Attempt,
    Event,
    Failure,
    FailureClass,
    JobStatus,
    Message,
    Mode,
    NativeSession,
    Noise,
    Reasoning,
    Text,
    ToolUse,
    TurnQueued,
    TurnResult,
    TurnStarted,
    Usage,
    Warned,
)
from aimux.rules import add_usage

from ._questions import Questions

COALESCE_CHARS: Final = 16_384
KEPT_TEXT_CHARS: Final = 2**20  # of the attempt that runs, for status(offset=…); as an answer
LOGGED_CHARS: Final = 4 * 2**20  # text, messages and thoughts of one attempt, as entries
EXCERPT_CHARS: Final = 1_000  # of a message or thought beyond that
KEPT_PIECES: Final = 1_000  # of text, apart; small strings cost more than what is in them
KEPT_WARNINGS: Final = 200  # in the result: the first ones and the last ones
KEPT_REASONING_CHARS: Final = 4_000  # of one thought, as an entry
KEPT_NOISE: Final = 200  # lines of one turn
MESSAGE_BREAK: Final = "\n\n"

_CLASSES: Final[Mapping[JobStatus, FailureClass]] = {
    JobStatus.TIMED_OUT: FailureClass.TIMEOUT,
    JobStatus.FAILED: FailureClass.FATAL,
}
_CODES: Final[Mapping[JobStatus, str]] = {JobStatus.FAILED: "internal"}

Append = Callable[[int, Event], None]


def keep_warning(warnings: list[Warned], warning: Warned) -> None:
    """Add a warning; of too many the middle is dropped."""
    if len(warnings) >= KEPT_WARNINGS:
        del warnings[KEPT_WARNINGS // 2]
    warnings.append(warning)


@attrs.define(eq=False)
class TurnLog:
    """What one turn has said and done so far. Made by `JobLog.open_turn`."""

    turn: int
    seat: str
    mode: Mode  # what it was to do; an attempt tells what it did
    questions: Questions  # of the job; this turn's are marked with its number
    born: float  # loop clock
    _append: Append
    _gathered: Callable[[], None]  # tells the job's log that text waits to become an entry
    last_event: float = attrs.field(init=False)  # loop clock, any event
    last_said: str = ""  # kind of the last thing the CLI said
    position: int = 0  # in the queue for a slot; 0 if it does not wait
    tool_steps: int = 0
    native_id: str = ""
    question: str = ""  # what the child waits for somebody to answer
    warnings: list[Warned] = attrs.field(factory=list)
    attempts: list[Attempt] = attrs.field(factory=list)
    started: TurnStarted | None = None  # of the attempt that runs, or ran last
    child: Child | None = None
    is_text_cut: bool = False  # more was said than `text_so_far` holds
    _usage: Usage | None = None  # of the attempt that runs: the CLI's own sum so far
    _spent: Usage | None = None  # of the attempts before it
    _noise: int = 0
    _pending: list[str] = attrs.field(factory=list)
    _pending_chars: int = 0
    _pieces: list[str] = attrs.field(factory=list)
    _pieces_chars: int = 0
    _before: tuple[str, bool] = ("", False)  # what an earlier attempt said, and whether it is cut
    _is_open: bool = False  # pieces of a message came, its whole has not
    _logged_chars: int = 0  # of this attempt; more than `LOGGED_CHARS` once it was told

    def __attrs_post_init__(self) -> None:
        self.last_event = self.born

    def __repr__(self) -> str:
        seat = f" {self.seat}" if self.seat else ""
        return f"<TurnLog: {self.turn}{seat}, attempt {len(self.attempts) + 1}>"

    def begin(self) -> None:
        """It has its slot: its own time runs from here."""
        self.position = 0
        self.born = trio.current_time()

    # ------------------------------------------------------------------ writing

    def add(self, event: Event) -> None:
        """Append what happened or was said, in order; text waits a moment for its neighbours."""
        self.last_event = trio.current_time()
        if isinstance(event, Text):
            self._gather(event.text)
            return
        self.flush()
        match event:
            case TurnQueued():
                self.position = event.position
            case TurnStarted():
                self._begin_attempt(event)
            case Message():
                self._whole(event.text)
                event = Message(text=self._loggable(event.text))
            case ToolUse(status="started"):
                self.tool_steps += 1
            case Usage():
                self._usage = event
            case NativeSession():
                self.native_id = event.native_id
            case Warned():
                keep_warning(self.warnings, event)
            case Noise():
                self._noise += 1
                if self._noise > KEPT_NOISE:
                    return
            case Reasoning():
                event = Reasoning(text=self._loggable(event.text[:KEPT_REASONING_CHARS]))
            case _:
                pass
        self.last_said = event.kind
        self._append(self.turn, event)

    def add_warning(self, code: str, message: str) -> None:
        """Append a warning."""
        self.add(Warned(code=code, message=message))

    def _begin_attempt(self, event: TurnStarted) -> None:
        if self.started is not None and self.started.cli != event.cli:
            self.native_id = ""  # it means nothing to another CLI
        self.started = event
        self.position = 0
        self._spent, self._usage = self.usage, None
        self._before = self._most_said()
        self._pieces, self._pieces_chars, self._is_open = [], 0, False
        self.is_text_cut = False
        self._logged_chars = 0

    def _loggable(self, text: str) -> str:
        """As much of what was said as the log of this attempt has room for."""
        room = LOGGED_CHARS - self._logged_chars
        if len(text) <= room:
            self._logged_chars += len(text)
            return text
        if room >= 0:
            self._logged_chars = LOGGED_CHARS + 1
            said = (
                f"more than {LOGGED_CHARS} characters were said: the log has excerpts of the rest"
            )
            self.add_warning("log_truncated", said)
        return text[: max(room, EXCERPT_CHARS)]

    def _gather(self, text: str) -> None:
        self.last_said = Text.kind
        if self._logged_chars <= LOGGED_CHARS:
            if not self._pending:
                self._gathered()
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
        room = KEPT_TEXT_CHARS - self._pieces_chars
        if len(text) > room:
            self.is_text_cut = True
            text = text[:room]
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
            self._append(self.turn, Text(text=self._loggable(text)))

    @property
    def has_pending(self) -> bool:
        """Whether text waits to become an entry."""
        return bool(self._pending)

    # ------------------------------------------------------------------ reading

    @property
    def usage(self) -> Usage | None:
        """Tokens of all attempts so far."""
        return add_usage(self._spent, self._usage)

    @property
    def text_so_far(self) -> str:
        """What the attempt that runs has said, at most `KEPT_TEXT_CHARS`."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def text_chars(self) -> int:
        """Length of `text_so_far` without building it."""
        return self._pieces_chars

    def _most_said(self) -> tuple[str, bool]:
        """The text of the attempt that said most, and whether more was said than that."""
        said = self.text_so_far
        is_most = len(said.strip()) >= len(self._before[0].strip())
        return (said, self.is_text_cut) if is_most else self._before

    def result(
        self, status: JobStatus, *, content: str | None = None, failure: Failure | None = None
    ) -> TurnResult:
        """What the turn has come to by now; `content` None is what was said so far."""
        self.flush()
        text = self.text_so_far if content is None else content
        started = self.started
        return TurnResult(
            turn=self.turn,
            seat=self.seat,
            status=status,
            content=text,
            is_cut=self.is_text_cut if content is None else False,
            cli=started.cli if started is not None else "",
            model=started.model if started is not None else "",
            effort=started.effort if started is not None else "",
            mode=started.mode if started is not None else self.mode,
            usage=self.usage,
            native_session=self.native_id,
            attempts=tuple(self.attempts),
            warnings=tuple(self.warnings),
            failure=failure,
            duration_ms=round((trio.current_time() - self.born) * 1000),
        )

    def interrupted(self, status: JobStatus, message: str) -> TurnResult:
        """What a turn has come to that did not end by itself, and why it ended.

        Its content is what the attempt has said that said most: an attempt that had only begun does
        not take away what one before it had said.
        """
        is_late = status is JobStatus.TIMED_OUT
        failure = Failure(
            failure_class=_CLASSES.get(status, FailureClass.CANCELLED),
            code=_CODES.get(status, str(status)),
            message=message,
            retryable=is_late,
        )
        self.flush()
        text, is_cut = self._most_said()
        result = self.result(status, content=text, failure=failure)
        return attrs.evolve(result, is_cut=is_cut)
