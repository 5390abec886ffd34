"""Jobs whose owner died: ended once, in one transaction, with what they had said so far.

Ten thousand of them must not delay a start, so logs are read as plain JSON, and the end that is
written is one template, filled in.
"""

import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import (
    Failure,
    FailureClass,
    JobFinished,
    JobId,
    JobStatus,
    Json,
    Outcome,
    Session,
    SessionId,
    decode,
    dump,
    dump_bytes,
    dump_event,
    load_bytes,
)

from . import _jobs
from ._pages import Row
from ._times import to_us

PARTIAL_CHARS: Final = 64_000  # the end of what a lost job had said

_OPEN: Final = """
SELECT jobs.number, jobs.id, jobs.created_us, jobs.started_us, jobs.last_seq, jobs.session,
    sessions.id
FROM jobs LEFT JOIN sessions ON sessions.number = jobs.session
WHERE jobs.status IN ('queued', 'running') AND jobs.owner <> ?
"""
_LOG: Final = """
SELECT at_us, turn, kind, body FROM entries
WHERE job = ? AND kind IN ('turn_started', 'text', 'message', 'native_session', 'child_started',
    'child_exited')
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
    that pid with another start time is a stranger. `partial_text` is the end of what was said, at
    most `PARTIAL_CHARS`. `session_id` is empty for a job without a session.
    """

    job_id: JobId
    session_id: SessionId
    children: Sequence[tuple[int, float]] = ()
    partial_text: str = ""


@attrs.define(eq=False)
class _Trail:
    """What the log of one job leaves for its end."""

    said: list[str] = attrs.field(factory=list)
    chars: int = 0
    is_cut: bool = False
    native_id: str = ""
    route: Json = attrs.field(factory=dict)  # of the last turn
    children: dict[int, list[tuple[int, float]]] = attrs.field(factory=dict)
    last_us: int = 0

    def follow(self, turn: int, at_us: int, kind: str, event: Mapping[str, object]) -> None:
        self.last_us = at_us
        match kind, event:
            case "turn_started", _:
                self.route = {name: event.get(name, "") for name in ("cli", "model", "effort")}
                self.said, self.chars, self.is_cut = [], 0, False
            case "message", {"text": str(text)}:
                self.said, self.chars, self.is_cut = [], 0, False  # its deltas are in it
                self._say(text)
            case "text", {"text": str(text)}:
                self._say(text)
            case "native_session", {"native_id": str(native_id)}:
                self.native_id = native_id
            case "child_started", {"pid": int(pid), "started": float() | int() as started}:
                self.children.setdefault(turn, []).append((pid, float(started)))
            case "child_exited", _ if self.children.get(turn):
                self.children[turn].pop()
            case _:
                pass  # of a later version, and says nothing here

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.chars += len(text)
        self.is_cut = self.is_cut or self.chars > PARTIAL_CHARS
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
    native_ids: dict[int, str] = {}  # by session
    template = dump_event(JobFinished(status=JobStatus.ABORTED, reason="owner_died"))
    blank = dump(Outcome(error=_FAILURE))
    at_us = to_us(at)
    orphans: list[Orphan] = []
    ends: list[Row] = []
    entries: list[Row] = []
    for number, job_id, created_us, started_us, last_seq, session, session_id in rows:
        trail = _trail(connection, number)
        text = trail.text()
        ran_ms = max(0, trail.last_us - (started_us or created_us)) // 1_000  # at least
        outcome = {
            **blank,
            **trail.route,
            "content": text,
            "is_cut": trail.is_cut,
            "native_session": trail.native_id,
            "duration_ms": ran_ms,
        }
        body = dump_bytes({**template, "outcome": outcome})
        offset_s = max(0.0, (at_us - created_us) / 1e6)
        entries.append((number, last_seq + 1, 0, at_us, offset_s, JobFinished.kind, body))
        ends.append((at_us, last_seq + 1, dump_bytes(outcome), number))
        orphans.append(
            Orphan(
                job_id=JobId(job_id),
                session_id=SessionId(session_id or ""),
                children=trail.living(),
                partial_text=text,
            )
        )
        if session is not None:
            native_ids[session] = trail.native_id
    connection.executemany(_jobs.ENTRY, entries)
    connection.executemany(_ABORT, ends)
    _roll_up(connection, native_ids)
    return orphans


def _trail(connection: sqlite3.Connection, number: int) -> _Trail:
    trail = _Trail()
    for at_us, turn, kind, body in connection.execute(_LOG, (number,)):
        event = decode(body)
        if isinstance(event, dict):
            trail.follow(turn, at_us, kind, event)
    return trail


def _roll_up(connection: sqlite3.Connection, native_ids: Mapping[int, str]) -> None:
    """Sessions show the state of their last job, and keep the native id that only the log knew."""
    connection.executemany(_ROLL_UP, [(number,) for number in native_ids])
    for number, native_id in native_ids.items():
        if not native_id:
            continue
        row = connection.execute("SELECT body FROM sessions WHERE number = ?", (number,)).fetchone()
        session = load_bytes(Session, row[0])
        if not session.native_id:
            body = dump_bytes(attrs.evolve(session, native_id=native_id))
            connection.execute("UPDATE sessions SET body = ? WHERE number = ?", (body, number))
