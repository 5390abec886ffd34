"""A job's turns and attempts as bars over time, folded from its log.

Seconds count from the job's birth. The turn that failed first is the *cause*; turns that failed or
were cancelled after its end are its *consequences*. A turn that was cancelled by hand is no cause.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import (
    AttemptFailed,
    ChildStarted,
    Entry,
    JobFinished,
    JobQueued,
    JobStarted,
    JobStatus,
    Noted,
    Silence,
    TurnFailed,
    TurnFinished,
    TurnQueued,
    TurnResult,
    TurnStarted,
)
from aimux.rules import redact

from ._rows import Json, failure_of, usage_of

NOTES: Final = 500
NOTE_CHARS: Final = 300
BAD: Final = frozenset({JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.ABORTED})


@attrs.define
class _Attempt:
    number: int
    cli: str
    model: str
    begin_s: float
    end_s: float | None = None
    pid: int = 0
    code: str = ""

    def shown(self) -> Json:
        return {
            "attempt": self.number, "cli": self.cli, "model": self.model or None,
            "begin": self.begin_s, "end": self.end_s, "pid": self.pid or None,
            "code": self.code or None,
        }  # fmt: skip


@attrs.define
class _Turn:
    turn: int
    seat: str = ""
    queued_s: float | None = None
    end_s: float | None = None
    result: TurnResult | None = None
    attempts: list[_Attempt] = attrs.field(factory=list)

    @property
    def is_bad(self) -> bool:
        return self.result is not None and self.result.status in BAD

    def shown(self, silences: Sequence[Silence], mark: str) -> Json:
        result = self.result
        return {
            "turn": self.turn,
            "seat": self.seat,
            "queued": self.queued_s,
            "end": self.end_s,
            "status": "running" if result is None else str(result.status),
            "error": None if result is None else failure_of(result.failure),
            "usage": None if result is None else usage_of(result.usage),
            "chars": None if result is None else len(result.content),
            "attempts": [each.shown() for each in self.attempts],
            "silences": [[each.begin_s, each.end_s] for each in silences],
            "mark": mark or None,  # cause | consequence
        }


def fold(entries: Sequence[Entry], silences: Sequence[Silence]) -> Json:
    """The bars of a job, as JSON."""
    turns: dict[int, _Turn] = {}
    notes: list[Json] = []
    facts: dict[str, float | None] = {"queued": None, "started": None, "finished": None}
    for entry in entries:
        at = round(entry.offset_s, 3)
        match entry.event:
            case JobQueued():
                facts["queued"] = at
            case JobStarted():
                facts["started"] = at
            case JobFinished():
                facts["finished"] = at
            case Noted(text=text):
                notes.append({"at": at, "text": redact(text)[:NOTE_CHARS], "seq": entry.seq})
            case _:
                _take(turns, entry, at)
    ordered = [turns[number] for number in sorted(turns)]
    marks = _marks(ordered)
    return {
        **facts,
        "turns": [
            each.shown([quiet for quiet in silences if quiet.turn == each.turn], marks[each.turn])
            for each in ordered
        ],
        "notes": notes[:NOTES],
    }


def _take(turns: dict[int, _Turn], entry: Entry, at: float) -> None:
    if not entry.turn:
        return
    turn = turns.setdefault(entry.turn, _Turn(entry.turn))
    last = turn.attempts[-1] if turn.attempts else None
    match entry.event:
        case TurnQueued(seat=seat):
            turn.seat = seat
            turn.queued_s = at if turn.queued_s is None else turn.queued_s
        case TurnStarted() as begun:
            turn.seat = begun.seat
            if last is not None and last.end_s is None:
                last.end_s = at
            turn.attempts.append(_Attempt(begun.attempt, begun.cli, begun.model, at))
        case ChildStarted(pid=pid) if last is not None:
            last.pid = pid
        case AttemptFailed(failure=failure) if last is not None:
            last.end_s, last.code = at, failure.code
        case TurnFinished(result=result) | TurnFailed(result=result):
            turn.seat, turn.end_s, turn.result = result.seat or turn.seat, at, result
            if last is not None and last.end_s is None:
                last.end_s = at
                last.code = result.failure.code if result.failure is not None else ""
        case _:
            pass


def _marks(turns: Sequence[_Turn]) -> Mapping[int, str]:
    """By turn: `cause`, `consequence`, or nothing."""
    marks = dict.fromkeys((each.turn for each in turns), "")
    bad = [each for each in turns if each.is_bad and each.end_s is not None]
    if not bad:
        return marks
    first = min(bad, key=lambda each: (each.end_s or 0.0, each.turn))
    marks[first.turn] = "cause"
    for each in turns:
        is_cut_off = each.result is not None and each.result.status is JobStatus.CANCELLED
        is_later = (each.end_s or 0.0) >= (first.end_s or 0.0)
        if each is not first and is_later and (each.is_bad or is_cut_off):
            marks[each.turn] = "consequence"
    return marks
