"""Jobs whose owner died: ended once, in one transaction, with what their turns had said so far.

Turns that have their end in the log are as they ended; those that have none get one, made of what
they had said, so that every turn that was started has exactly one. The job's outcome is made of
both by the same builder as any other.
"""

import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import attrs

from aimux.model import (
    Event,
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobStatus,
    Mode,
    Session,
    SessionId,
    ShapeMismatch,
    TurnFailed,
    TurnResult,
    Usage,
    decode,
    dump_bytes,
    dump_event_bytes,
    load,
    load_bytes,
)
from aimux.rules import add_usage, outcome_of, session_after

from . import _jobs
from ._pages import Row
from ._times import from_us, to_us

T = TypeVar("T")

PARTIAL_CHARS: Final = 64_000  # the end of what a lost turn had said

_OPEN: Final = """
SELECT jobs.number, jobs.id, jobs.created_us, jobs.started_us, jobs.last_seq, jobs.session,
    sessions.id
FROM jobs LEFT JOIN sessions ON sessions.number = jobs.session
WHERE jobs.status IN ('queued', 'running') AND jobs.owner <> ?
"""
_LOG: Final = """
SELECT at_us, turn, kind, body FROM entries
WHERE job = ? AND kind IN ('turn_queued', 'turn_started', 'text', 'message', 'usage',
    'native_session', 'child_started', 'child_exited', 'turn_finished', 'turn_failed')
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
class _Trail:
    """What the log of one turn leaves for its end."""

    turn: int
    seat: str = ""
    began_us: int = 0
    last_us: int = 0
    said: list[str] = attrs.field(factory=list)
    chars: int = 0
    is_cut: bool = False
    native_id: str = ""
    cli: str = ""  # of the last attempt
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    spent: Usage | None = None  # of the attempts before it
    usage: Usage | None = None
    children: list[tuple[int, float]] = attrs.field(factory=list)
    result: TurnResult | None = None

    def follow(self, at_us: int, kind: str, event: Mapping[str, object]) -> None:
        self.began_us = self.began_us or at_us
        self.last_us = at_us
        match kind, event:
            case "turn_queued" | "turn_started", _:
                self.seat = str(event.get("seat", ""))
                if kind == "turn_started":
                    self._begin_attempt(event)
            case "message", {"text": str(text)}:
                self.said, self.chars, self.is_cut = [], 0, False  # its deltas are in it
                self._say(text)
            case "text", {"text": str(text)}:
                self._say(text)
            case "usage", _:
                self.usage = _loaded(Usage, {k: v for k, v in event.items() if k != "kind"})
            case "native_session", {"native_id": str(native_id)}:
                self.native_id = native_id
            case "child_started", {"pid": int(pid), "started": float() | int() as started}:
                self.children.append((pid, float(started)))
            case "child_exited", _ if self.children:
                self.children.pop()
            case "turn_finished" | "turn_failed", {"result": dict(result)}:
                self.result = _loaded(TurnResult, result)
            case _:
                pass  # of a later version, and says nothing here

    def _begin_attempt(self, event: Mapping[str, object]) -> None:
        self.cli, self.model, self.effort = (
            str(event.get(name, "")) for name in ("cli", "model", "effort")
        )
        self.mode = next((mode for mode in Mode if mode == event.get("mode")), Mode.READ)
        self.said, self.chars, self.is_cut = [], 0, False
        self.spent, self.usage = add_usage(self.spent, self.usage), None

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.chars += len(text)
        self.is_cut = self.is_cut or self.chars > PARTIAL_CHARS
        if self.chars > 2 * PARTIAL_CHARS:  # keep the end, in steps
            self.said = ["".join(self.said)[-PARTIAL_CHARS:]]
            self.chars = PARTIAL_CHARS

    def end(self) -> TurnResult:
        """The end of a turn that has none: what it had said."""
        return TurnResult(
            turn=self.turn,
            seat=self.seat,
            status=JobStatus.ABORTED,
            content="".join(self.said)[-PARTIAL_CHARS:],
            is_cut=self.is_cut,
            cli=self.cli,
            model=self.model,
            effort=self.effort,
            mode=self.mode,
            usage=add_usage(self.spent, self.usage),
            native_session=self.native_id,
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
    at_us = to_us(at)
    orphans: list[Orphan] = []
    ends: list[Row] = []
    entries: list[Row] = []
    turns_of: dict[int, list[TurnResult]] = {}  # by session
    for number, job_id, created_us, started_us, last_seq, session, session_id in rows:
        trails = _trails(connection, number)
        offset_s = max(0.0, (at_us - created_us) / 1e6)
        events: list[tuple[int, Event]] = []
        turns: list[TurnResult] = []
        for trail in trails:
            if trail.result is None:
                trail.result = trail.end()
                events.append((trail.turn, TurnFailed(result=trail.result)))
            turns.append(trail.result)
        events.append((0, JobFinished(status=JobStatus.ABORTED, reason="owner_died")))
        last_us = max((trail.last_us for trail in trails), default=0)
        outcome = outcome_of(
            turns,
            failure=_FAILURE,
            duration_ms=max(0, last_us - (started_us or created_us)) // 1_000,  # at least
        )
        for turn, event in events:
            last_seq += 1  # the log goes on after it
            body = dump_event_bytes(event)
            entries.append((number, last_seq, turn, at_us, offset_s, event.kind, body))
        ends.append((at_us, last_seq, dump_bytes(outcome), number))
        orphans.append(
            Orphan(
                job_id=JobId(job_id),
                session_id=SessionId(session_id or ""),
                children=[child for trail in trails for child in trail.children],
            )
        )
        if session is not None:
            turns_of[session] = turns
    connection.executemany(_jobs.ENTRY, entries)
    connection.executemany(_ABORT, ends)
    _roll_up(connection, turns_of)
    return orphans


def _trails(connection: sqlite3.Connection, number: int) -> list[_Trail]:
    """What each turn of a job has left, in the order of their numbers."""
    trails: dict[int, _Trail] = {}
    for at_us, turn, kind, body in connection.execute(_LOG, (number,)):
        event = decode(body)
        if isinstance(event, dict):
            trails.setdefault(turn, _Trail(turn)).follow(at_us, kind, event)
    return [trails[turn] for turn in sorted(trails)]


def _roll_up(connection: sqlite3.Connection, turns_of: Mapping[int, Sequence[TurnResult]]) -> None:
    """Sessions show the state of their last job, and their seats what only the log knew."""
    connection.executemany(_ROLL_UP, [(number,) for number in turns_of])
    for number, turns in turns_of.items():
        if not turns:
            continue
        body, active_us = connection.execute(
            "SELECT body, active_us FROM sessions WHERE number = ?", (number,)
        ).fetchone()
        session = load_bytes(Session, body)
        after = session_after(session, turns, status=session.status, cli="", at=from_us(active_us))
        connection.execute(
            "UPDATE sessions SET body = ? WHERE number = ?", (dump_bytes(after), number)
        )
