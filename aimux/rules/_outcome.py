"""What a job came to, made of its turns: the one builder, for every way a job can end.

Theory of operation. Turns are the checkpoints: each that was started has one result. A job that
ends by itself brings a report over them; one that is cancelled, out of time, broken or found after
a crash brings only why, and then what its turns said stands as its content. Tokens and attempts
are the sum over the turns, whatever became of each.
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from aimux.errors import AimuxError
from aimux.model import (
    Failure,
    FailureClass,
    JobStatus,
    Outcome,
    Report,
    SeatSession,
    Session,
    TurnResult,
    TurnSummary,
    Usage,
    Warned,
)

from ._fences import share_out

MAX_CONTENT_CHARS: Final = 2**20  # of what several turns said, together; the limit of one answer


def add_usage(first: Usage | None, second: Usage | None) -> Usage | None:
    """The sum of two usages; a figure that only one of them has is that one's."""
    if first is None or second is None:
        return first if second is None else second
    return Usage(
        input_tokens=_sum(first.input_tokens, second.input_tokens),
        output_tokens=_sum(first.output_tokens, second.output_tokens),
        cached_tokens=_sum(first.cached_tokens, second.cached_tokens),
        reasoning_tokens=_sum(first.reasoning_tokens, second.reasoning_tokens),
        cost_usd=None
        if first.cost_usd is None and second.cost_usd is None
        else (first.cost_usd or 0.0) + (second.cost_usd or 0.0),
    )


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)


def total_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of all; None if none was reported."""
    total: Usage | None = None
    for usage in usages:
        total = add_usage(total, usage)
    return total


def summarise(result: TurnResult) -> TurnSummary:
    """A turn for the list of its job."""
    return TurnSummary(
        turn=result.turn,
        seat=result.seat,
        status=result.status,
        cli=result.cli,
        model=result.model,
        mode=result.mode,
        usage=result.usage,
        attempts=result.attempts,
        failure=result.failure,
        content_chars=len(result.content),
        duration_ms=result.duration_ms,
    )


def report_turn(result: TurnResult) -> Report:
    """The report of a job that is one turn."""
    return Report(
        status=result.status,
        content=result.content,
        is_cut=result.is_cut,
        data=result.data,
        failure=result.failure,
        turn=result.turn,
    )


def failure_of(error: AimuxError) -> Failure:
    """Why a job ended that met an error of ours."""
    return Failure(
        failure_class=FailureClass.FATAL,
        code=error.code,
        message=error.message,
        hint=error.hint or "",
        retryable=error.retryable,
    )


def outcome_of(
    turns: Sequence[TurnResult],
    *,
    report: Report | None = None,
    failure: Failure | None = None,
    so_far: object = None,
    warnings: Sequence[Warned] = (),
    duration_ms: int = 0,
) -> Outcome:
    """What a job came to: by its `report`, else by `failure`, what its turns said and its `so_far`.

    `turns` are in the order of their numbers, `warnings` those of the job itself, which come first.
    """
    speaking = _speaking(turns, report)
    content, is_cut = _content(turns, speaking, report)
    shown = _shared(turns) if speaking is None else speaking
    own = [*warnings, *(report.warnings if report is not None else ())]
    return Outcome(
        content=content,
        is_cut=is_cut,
        data=report.data if report is not None else so_far,
        cli=shown.cli if shown is not None else "",
        model=shown.model if shown is not None else "",
        effort=shown.effort if shown is not None else "",
        mode=turns[0].mode if turns else Outcome().mode,
        usage=total_usage(turn.usage for turn in turns),
        exit_code=speaking.exit_code if speaking is not None else None,
        duration_ms=duration_ms,
        attempts=tuple(attempt for turn in turns for attempt in turn.attempts),
        warnings=(*own, *(warning for turn in turns for warning in turn.warnings)),
        error=report.failure if report is not None else failure,
        stderr_tail=speaking.stderr_tail if speaking is not None else "",
        native_session=speaking.native_session if speaking is not None else "",
        turns=tuple(map(summarise, turns)),
    )


def _speaking(turns: Sequence[TurnResult], report: Report | None) -> TurnResult | None:
    """The turn whose CLI stands for the job: the one the report names; else, of an only seat, the
    last that said something, the last that ran, the last.
    """
    if report is not None and report.turn is not None:
        return next((turn for turn in turns if turn.turn == report.turn), None)
    if len({turn.seat for turn in turns}) != 1:
        return None
    ran = [turn for turn in turns if turn.cli]
    return (_said(turns) or ran or turns)[-1]


def _said(turns: Sequence[TurnResult]) -> list[TurnResult]:
    return [turn for turn in turns if turn.content.strip()]


def _shared(turns: Sequence[TurnResult]) -> TurnResult | None:
    """Any turn that ran, if all that did ran on one CLI and model."""
    ran = [turn for turn in turns if turn.cli]
    return ran[0] if len({(turn.cli, turn.model) for turn in ran}) == 1 else None


def _content(
    turns: Sequence[TurnResult], speaking: TurnResult | None, report: Report | None
) -> tuple[str, bool]:
    if report is not None:
        return report.content, report.is_cut
    said = _said(turns)
    if speaking is not None:  # a later turn of a seat repairs or continues an earlier one
        return (speaking.content, speaking.is_cut) if said else ("", False)
    texts = share_out([turn.content for turn in said], MAX_CONTENT_CHARS)
    parts = [
        f"## {turn.seat or turn.turn} ({turn.status})\n\n{text}"
        for turn, text in zip(said, texts, strict=True)
    ]
    is_cut = any(
        turn.is_cut or turn.content != text for turn, text in zip(said, texts, strict=True)
    )
    return "\n\n".join(parts), is_cut


def session_after(
    session: Session,
    turns: Sequence[TurnResult],
    *,
    status: JobStatus,
    cli: str,
    at: datetime.datetime,
) -> Session:
    """A session after a job of it that ended at `at`.

    Each seat goes on where its last turn left it. `cli` is the job's own, empty where it has none;
    the session is shown with it if a seat goes on with it.
    """
    seats = dict(session.seats)
    for turn in turns:
        if turn.cli:  # one that never ran has changed nothing
            seats[turn.seat] = _seat_after(seats.get(turn.seat), turn)
    is_kept = any(seat.cli == cli for seat in seats.values())
    return attrs.evolve(
        session,
        cli=cli if is_kept else session.cli,
        seats=seats,
        status=status,
        last_active_at=at,
    )


def _seat_after(seat: SeatSession | None, turn: TurnResult) -> SeatSession:
    before = SeatSession(cli=turn.cli) if seat is None else seat
    if turn.cli == before.cli:
        return SeatSession(
            cli=turn.cli,
            model=turn.model or before.model,
            native_id=turn.native_session or before.native_id,
            turns=before.turns + 1,
        )
    if (
        not turn.content.strip()
    ):  # a CLI that stepped in and failed too: the seat stays with its own
        return attrs.evolve(before, turns=before.turns + 1)
    return SeatSession(
        cli=turn.cli, model=turn.model, native_id=turn.native_session, turns=before.turns + 1
    )
