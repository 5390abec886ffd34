"""Jobs whose owner died: ended once, in one transaction, with what their turns had said so far.

Turns that have their end in the log are as they ended; those that have none get one, made of what
they had said, so that every turn that was begun has exactly one. The job's outcome is made of both
by the same builder as any other.
"""

import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import attrs

from aimux.model import (
    SO_FAR,
    Attempt,
    Event,
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobStatus,
    Mode,
    SessionId,
    ShapeMismatch,
    TurnFailed,
    TurnResult,
    Usage,
    decode,
    dump_bytes,
    dump_event_bytes,
    load,
)
from aimux.rules import add_usage, outcome_of, session_after

from . import _jobs, _sessions
from ._pages import Row
from ._research import TO_GO_ON
from ._times import to_us

T = TypeVar("T")

PARTIAL_CHARS: Final = 64_000  # the end of what a lost turn had said
BREAK: Final = "\n\n"  # between messages
MESSAGE_CHARS: Final = 300  # of a failure, in the list of attempts

_OPEN: Final = f"""
SELECT jobs.number, jobs.id, jobs.created_us, jobs.started_us, jobs.last_seq, jobs.session,
    sessions.id
FROM jobs LEFT JOIN sessions ON sessions.number = jobs.session
WHERE jobs.status IN ('queued', 'running') AND jobs.owner <> ? AND NOT ({TO_GO_ON})
"""  # noqa: S608  # a constant
_TOLD: Final = f"""
SELECT json_extract(CAST(body AS TEXT), '$.data.{SO_FAR}') AS told FROM entries
WHERE job = ? AND turn = 0 AND kind = 'note' AND told IS NOT NULL ORDER BY seq DESC LIMIT 1
"""  # noqa: S608  # a constant
_LOG: Final = """
SELECT at_us, turn, kind, body FROM entries
WHERE job = ? AND turn > 0 AND kind IN ('turn_queued', 'turn_started', 'text', 'message', 'usage',
    'native_session', 'child_started', 'child_exited', 'attempt_failed', 'turn_finished',
    'turn_failed')
ORDER BY seq
"""
_ABORT: Final = """
UPDATE jobs SET status = 'aborted', finished_us = ?, last_seq = ?, outcome = ? WHERE number = ?
"""
_ROLL_UP: Final = """
UPDATE sessions SET status = 'aborted' WHERE number = ? AND 'aborted' = (
    SELECT status FROM jobs WHERE session = sessions.number
    ORDER BY created_us DESC, number DESC LIMIT 1)
"""
_SESSION: Final = f"SELECT {_sessions.COLUMNS} FROM sessions WHERE number = ?"  # noqa: S608  # a constant
_FAILURE: Final = Failure(
    failure_class=FailureClass.UNKNOWN,
    code="aborted",
    message="the daemon that ran this job died under it",
    retryable=True,
    hint="ask again; with the session id where the CLI can resume",
)


@attrs.frozen(kw_only=True)
class Orphan:
    """A job that lost its owner and is aborted now.

    `children` are the processes that were never seen to exit, each `(pid, started)`; a process of
    that pid with another start time is a stranger. `session_id` is empty for a job without one.
    """

    job_id: JobId
    session_id: SessionId
    children: Sequence[tuple[int, float]] = ()


@attrs.define(eq=False)
class _Said:
    """What one attempt said, as far as it was logged: the end of it."""

    chars: int = 0  # in all
    _whole: str = ""  # messages
    _pieces: list[str] = attrs.field(factory=list)  # of the one that is not whole yet
    _pieces_chars: int = 0

    def message(self, text: str) -> None:
        """A message is whole; its pieces are in it."""
        gap = BREAK if self._whole else ""
        self.chars += len(gap) + len(text) - self._pieces_chars
        self._whole = f"{self._whole}{gap}{text}"[-PARTIAL_CHARS:]
        self._pieces, self._pieces_chars = [], 0

    def piece(self, text: str) -> None:
        self.chars += len(text)
        self._pieces_chars += len(text)
        self._pieces.append(text)
        if self._pieces_chars > 2 * PARTIAL_CHARS:  # keep the end, in steps
            self._pieces = ["".join(self._pieces)[-PARTIAL_CHARS:]]
            self._pieces_chars = PARTIAL_CHARS

    @property
    def text(self) -> str:
        being = "".join(self._pieces)
        return BREAK.join(each for each in (self._whole, being) if each)[-PARTIAL_CHARS:]

    @property
    def is_cut(self) -> bool:
        return self.chars > PARTIAL_CHARS


@attrs.define(eq=False)
class _Trail:
    """What the log of one turn leaves for its end."""

    turn: int
    seat: str = ""
    began_us: int = 0  # its first attempt, or its waiting if it had none
    last_us: int = 0
    said: _Said = attrs.field(factory=_Said)  # by the last attempt
    said_before: _Said = attrs.field(factory=_Said)  # by the one before it that said most
    native_id: str = ""
    attempt: int = 0  # the last one that was started
    attempt_us: int = 0
    cli: str = ""  # of that attempt, as the three below
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    spent: Usage | None = None  # of the attempts before it
    usage: Usage | None = None
    failed: list[Attempt] = attrs.field(factory=list)
    children: list[tuple[int, float]] = attrs.field(factory=list)
    is_ended: bool = False
    result: TurnResult | None = None  # of its end, if that can be read

    def follow(self, at_us: int, kind: str, event: Mapping[str, object]) -> None:
        self.began_us = self.began_us or at_us
        self.last_us = at_us
        match kind, event:
            case "turn_queued", _:
                self.seat = str(event.get("seat", ""))
            case "turn_started", _:
                self.seat = str(event.get("seat", ""))
                self._begin_attempt(at_us, event)
            case "message", {"text": str(text)}:
                self.said.message(text)
            case "text", {"text": str(text)}:
                self.said.piece(text)
            case "usage", _:
                self.usage = _loaded(Usage, {k: v for k, v in event.items() if k != "kind"})
            case "native_session", {"native_id": str(native_id)}:
                self.native_id = native_id
            case "child_started", {"pid": int(pid), "started": float() | int() as started}:
                self.children.append((pid, float(started)))
            case "child_exited", _ if self.children:
                self.children.pop()
            case "attempt_failed", {"attempt": self.attempt, "failure": dict(failure)}:
                self._fail_attempt(at_us, failure)  # one that was never started has no route here
            case "turn_finished" | "turn_failed", _:
                self.is_ended = True
                self.result = _loaded(TurnResult, event.get("result"))
            case _:
                pass  # of a later version, and says nothing here

    def _begin_attempt(self, at_us: int, event: Mapping[str, object]) -> None:
        before = self.cli
        self.cli, self.model, self.effort = (
            str(event.get(name, "")) for name in ("cli", "model", "effort")
        )
        if not before:
            self.began_us = at_us
        elif before != self.cli:
            self.native_id = ""  # it means nothing to another CLI
        number = event.get("attempt")
        self.attempt = number if isinstance(number, int) else self.attempt + 1
        self.attempt_us = at_us
        self.mode = next((mode for mode in Mode if mode == event.get("mode")), Mode.READ)
        self.said_before, self.said = self._most_said(), _Said()
        self.spent, self.usage = add_usage(self.spent, self.usage), None

    def _fail_attempt(self, at_us: int, data: Mapping[str, object]) -> None:
        failure = _loaded(Failure, data)
        if failure is not None:
            attempt = Attempt(
                cli=self.cli,
                model=self.model,
                effort=self.effort,
                outcome=failure.failure_class.value,
                code=failure.code,
                message=failure.message[:MESSAGE_CHARS],
                duration_ms=max(0, at_us - self.attempt_us) // 1_000,
            )
            self.failed.append(attempt)

    def _most_said(self) -> "_Said":
        return max(self.said, self.said_before, key=lambda each: each.chars)

    def end(self) -> TurnResult:
        """The end of a turn that has none: what the attempt had said that said most."""
        said = self._most_said()
        return TurnResult(
            turn=self.turn,
            seat=self.seat,
            status=JobStatus.ABORTED,
            content=said.text,
            is_cut=said.is_cut,
            cli=self.cli,
            model=self.model,
            effort=self.effort,
            mode=self.mode,
            usage=add_usage(self.spent, self.usage),
            native_session=self.native_id,
            attempts=tuple(self.failed),
            failure=_FAILURE,
            duration_ms=max(0, self.last_us - self.began_us) // 1_000,  # at least
        )


def _loaded(shape: type[T], data: object) -> T | None:
    try:
        return load(shape, data)
    except ShapeMismatch:  # of another version
        return None


def abort(connection: sqlite3.Connection, owner: str, at: datetime.datetime) -> list[Orphan]:
    """End every open job of another owner; sessions whose last job it was follow."""
    rows = connection.execute(_OPEN, (owner,)).fetchall()
    return [_end(connection, row, to_us(at)) for row in sorted(rows)]  # by birth


def _end(connection: sqlite3.Connection, row: Row, at_us: int) -> Orphan:
    """End one job, and the turns of it that have no end."""
    number, job_id, created_us, started_us, last_seq, session, session_id = row
    trails = _trails(connection, number)
    turns = [trail.result or trail.end() for trail in trails]
    events: list[tuple[int, Event]] = [
        (turn.turn, TurnFailed(result=turn))
        for trail, turn in zip(trails, turns, strict=True)
        if not trail.is_ended
    ]
    events.append((0, JobFinished(status=JobStatus.ABORTED, reason="owner_died")))
    offset_s = max(0.0, (at_us - created_us) / 1e6)
    entries = [
        (number, seq, turn, at_us, offset_s, event.kind, dump_event_bytes(event))
        for seq, (turn, event) in enumerate(events, last_seq + 1)
    ]
    last_us = max((trail.last_us for trail in trails), default=0)
    outcome = outcome_of(
        turns,
        failure=_FAILURE,
        so_far=_so_far(connection, number),
        duration_ms=max(0, last_us - (started_us or created_us)) // 1_000,  # at least
    )
    connection.executemany(_jobs.ENTRY, entries)
    connection.execute(_ABORT, (at_us, last_seq + len(entries), dump_bytes(outcome), number))
    if session is not None:
        _follow(connection, session, turns, outcome.cli)
    return Orphan(
        job_id=JobId(job_id),
        session_id=SessionId(session_id or ""),
        children=[child for trail in trails for child in trail.children],
    )


def _so_far(connection: sqlite3.Connection, number: int) -> object:
    """The data of its answer as far as a job's work had told."""
    row = connection.execute(_TOLD, (number,)).fetchone()
    return None if row is None else decode(row[0])


def _trails(connection: sqlite3.Connection, number: int) -> list[_Trail]:
    """What each turn of a job has left, in the order of their numbers."""
    trails: dict[int, _Trail] = {}
    for at_us, turn, kind, body in connection.execute(_LOG, (number,)):
        try:
            event = decode(body)
        except ShapeMismatch:  # a log is read as far as it can be
            continue
        if isinstance(event, dict):
            trail = trails.get(turn)
            if trail is None:
                trail = trails[turn] = _Trail(turn)
            trail.follow(at_us, kind, event)
    return [trails[turn] for turn in sorted(trails)]


def _follow(
    connection: sqlite3.Connection, number: int, turns: Sequence[TurnResult], cli: str
) -> None:
    """A session shows the state of its last job, and if that died its seats go on after it."""
    if not connection.execute(_ROLL_UP, (number,)).rowcount:
        return  # it has a later job, which knows better
    try:
        session = _sessions.from_row(connection.execute(_SESSION, (number,)).fetchone())
    except ShapeMismatch:  # of another version: it keeps what it knows
        return
    after = session_after(session, turns, status=session.status, cli=cli, at=session.last_active_at)
    if after != session:
        _sessions.save(connection, after)
