"""Jobs whose owner died: ended once, in one transaction, with what they had said so far."""

import datetime
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import (
    ChildExited,
    ChildStarted,
    Event,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobStatus,
    Message,
    NativeSession,
    Outcome,
    Session,
    Text,
    TurnStarted,
    dump_bytes,
    dump_event_bytes,
    load_bytes,
    load_event_bytes,
)

from . import _jobs
from ._times import to_us

PARTIAL_CHARS: Final = 64_000  # the end of what a lost job had said
_KINDS: Final = (
    "turn_started",
    "text",
    "message",
    "native_session",
    "child_started",
    "child_exited",
)

_OPEN: Final = f"""
SELECT {_jobs.COLUMNS}, session FROM jobs
WHERE status IN ('queued', 'running') AND owner <> ? ORDER BY number
"""  # noqa: S608  # constants
_LOGS: Final = f"""
SELECT entries.job, entries.at_us, entries.turn, entries.body
FROM jobs JOIN entries ON entries.job = jobs.number
WHERE jobs.status IN ('queued', 'running') AND jobs.owner <> ?
    AND entries.kind IN ({", ".join(repr(kind) for kind in _KINDS)})
ORDER BY entries.job, entries.seq
"""  # noqa: S608  # constants
_ABORT: Final = """
UPDATE jobs SET status = 'aborted', finished_us = ?, last_seq = ?, outcome = ? WHERE number = ?
"""
_ROLL_UP: Final = """
UPDATE sessions SET status = 'aborted' WHERE number = ? AND 'aborted' = (
    SELECT status FROM jobs WHERE session = sessions.number
    ORDER BY created_us DESC, number DESC LIMIT 1)
"""


@attrs.frozen(kw_only=True)
class Orphan:
    """A job that lost its owner, as it is now: aborted.

    `children` are the processes that were never seen to exit, each `(pid, started)`; a process of
    that pid with another start time is a stranger. `partial_text` is the end of what was said.
    """

    job: Job
    children: Sequence[tuple[int, float]] = ()
    partial_text: str = ""


@attrs.define(eq=False)
class _Trail:
    """What the log of one job leaves for its end."""

    said: list[str] = attrs.field(factory=list)
    chars: int = 0
    native_id: str = ""
    children: dict[int, list[tuple[int, float]]] = attrs.field(factory=dict)
    last_us: int = 0

    def follow(self, turn: int, at_us: int, event: Event) -> None:
        self.last_us = max(self.last_us, at_us)
        match event:
            case TurnStarted():
                self._say_anew("")
            case Message():
                self._say_anew(event.text)
            case Text():
                self._say(event.text)
            case NativeSession():
                self.native_id = event.native_id
            case ChildStarted():
                self.children.setdefault(turn, []).append((event.pid, event.started))
            case ChildExited() if self.children.get(turn):
                self.children[turn].pop()
            case _:
                pass

    def _say_anew(self, text: str) -> None:
        self.said = []
        self.chars = 0
        self._say(text)

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.chars += len(text)
        if self.chars > 2 * PARTIAL_CHARS:  # keep the end, in steps
            self.said = ["".join(self.said)[-PARTIAL_CHARS:]]
            self.chars = PARTIAL_CHARS

    def text(self) -> str:
        return "".join(self.said)[-PARTIAL_CHARS:]

    def living(self) -> list[tuple[int, float]]:
        return [child for turn in self.children.values() for child in turn]


def abort(connection: sqlite3.Connection, owner: str, at: datetime.datetime) -> list[Orphan]:
    """End every open job of another owner; sessions whose last job it was follow."""
    rows = connection.execute(_OPEN, (owner,)).fetchall()
    trails = _trails(connection, owner)
    orphans = []
    ends, entries = [], []
    for *row, _ in rows:
        number, last_seq = row[0], row[4] + 1
        job = _jobs.from_row(tuple(row))
        trail = trails.get(number) or _Trail()
        outcome = _outcome(job, trail)
        event = JobFinished(status=JobStatus.ABORTED, reason="owner_died", outcome=outcome)
        offset_s = max(0.0, (at - job.created_at).total_seconds())
        entries.append(
            (number, last_seq, 0, to_us(at), offset_s, event.kind, dump_event_bytes(event))
        )
        ends.append((to_us(at), last_seq, dump_bytes(outcome), number))
        ended = attrs.evolve(
            job, status=JobStatus.ABORTED, finished_at=at, last_seq=last_seq, outcome=outcome
        )
        orphans.append(Orphan(job=ended, children=trail.living(), partial_text=outcome.content))
    connection.executemany(_jobs.ENTRY, entries)
    connection.executemany(_ABORT, ends)
    _roll_up(connection, rows, trails)
    return orphans


def _trails(connection: sqlite3.Connection, owner: str) -> Mapping[int, _Trail]:
    found: defaultdict[int, _Trail] = defaultdict(_Trail)
    for number, at_us, turn, body in connection.execute(_LOGS, (owner,)):
        found[number].follow(turn, at_us, load_event_bytes(body))
    return found


def _outcome(job: Job, trail: _Trail) -> Outcome:
    began_us = to_us(job.started_at or job.created_at)
    return Outcome(
        content=trail.text(),
        cli=job.cli,
        model=job.model,
        effort=job.effort,
        mode=job.mode,
        duration_ms=max(0, trail.last_us - began_us) // 1_000,  # it ran at least that long
        native_session=trail.native_id,
        error=Failure(
            failure_class=FailureClass.UNKNOWN,
            code="aborted",
            message="the daemon that ran this job died under it",
            retryable=True,
            hint="ask again; with the session id where the CLI can resume",
        ),
    )


def _roll_up(
    connection: sqlite3.Connection,
    rows: Iterable[Sequence[object]],
    trails: Mapping[int, _Trail],
) -> None:
    """Sessions show the state of their last job, and keep the native id that only the log knew."""
    belongs = {row[-1]: trails.get(row[0]) for row in rows if row[-1] is not None}  # type: ignore[call-overload]  # a row number
    connection.executemany(_ROLL_UP, [(number,) for number in belongs])
    for number, trail in belongs.items():
        if trail is None or not trail.native_id:
            continue
        (body,) = connection.execute(
            "SELECT body FROM sessions WHERE number = ?", (number,)
        ).fetchone()
        session = load_bytes(Session, body)
        if not session.native_id:
            known = attrs.evolve(session, native_id=trail.native_id)
            connection.execute(
                "UPDATE sessions SET body = ? WHERE number = ?", (dump_bytes(known), number)
            )
