"""What the CLIs of a job printed, read again by today's dialects, beside what its log has kept."""

from collections.abc import Sequence
from typing import Final

import attrs
import trio

from aimux.dialects import MAX_ANSWER_CHARS, TurnOutput, open_dialect
from aimux.engine import Engine
from aimux.model import (
    TERMINAL,
    ChildExited,
    Ended,
    Entry,
    Event,
    JobId,
    Profile,
    Stream,
    TurnFinished,
    TurnStarted,
    Warned,
)
from aimux.rules import mask_between
from aimux.rules.past import Difference, compare_readings

from ._calls import Client
from ._results import Json
from ._whole_log import whole_log

PIECE_BYTES: Final = 1024 * 1024  # read at a time
FED_BYTES: Final = 65_536  # as much as a pipe holds
SHOWN_CHARS: Final = 2_000  # of an answer that is not the one that was kept


@attrs.frozen(kw_only=True)
class _Kept:
    """What a job's log has of one attempt."""

    started: TurnStarted
    events: Sequence[Event]
    exited: ChildExited | None
    answer: str | None  # what the turn answered; None where this attempt gave no whole answer
    is_cut: bool  # the log has only excerpts


async def replay_json(engine: Engine, client: Client, job_id: str) -> Json:
    """Each attempt of a job with the differences between what was kept and today's reading.

    Cancelling it changes nothing: it only reads.

    Raises:
        NotFound: there is no such job.
    """
    job, _handle = await engine.jobs.get(job_id)
    profiles = (await engine.config.snapshot(client)).profiles
    entries = await whole_log(engine, job)
    rows: list[Json] = []
    for turn, attempt in await engine.store.raw_attempts(job.id):
        kept = kept_of(entries, turn, attempt)
        head: Json = {"turn": turn, "attempt": attempt}
        if kept is None:
            rows.append({**head, "is_same": False, "problem": "the log does not have it"})
            continue
        head |= {"cli": kept.started.cli, "model": kept.started.model or None}
        profile = profiles.get(kept.started.cli)
        if kept.exited is None and job.status not in TERMINAL:
            continue  # it is at work
        if profile is None:
            problem = f"no profile {kept.started.cli} is configured any more"
            rows.append({**head, "is_same": False, "problem": problem})
            continue
        raw, is_whole = await _raw(engine, job.id, turn, attempt)
        if not is_whole:
            problem = "it printed more than is kept, so it cannot be read again"
            rows.append({**head, "is_same": False, "problem": problem})
            continue
        found = await trio.to_thread.run_sync(replayed, profile, kept, raw)
        rows.append({**head, "dialect": profile.output.dialect, **found})
    same = bool(rows) and all(row["is_same"] for row in rows)
    return {"job_id": job.id, "status": str(job.status), "is_same": same, "attempts": rows}


async def _raw(
    engine: Engine, job_id: JobId, turn: int, attempt: int
) -> tuple[dict[Stream, bytes], bool]:
    """What an attempt printed, and whether that is all of it."""
    found: dict[Stream, bytes] = {}
    for stream in Stream:
        data = bytearray()
        while True:
            piece = await engine.store.raw_output(
                job_id, turn, stream, len(data), PIECE_BYTES, attempt=attempt
            )
            if piece.offset != len(data) and piece.data:
                return found, False
            data += piece.data
            if not piece.data:
                if len(data) < piece.total:
                    return found, False
                break
        found[stream] = bytes(data)
    return found, True


def kept_of(entries: Sequence[Entry], turn: int, attempt: int) -> _Kept | None:
    """What a log has of one attempt; None if it does not have it."""
    started: TurnStarted | None = None
    exited: ChildExited | None = None
    answer: str | None = None
    events: list[Event] = []
    for entry in entries:
        event = entry.event
        if entry.turn != turn:
            continue
        if isinstance(event, TurnStarted):
            if event.attempt > attempt:
                break
            started = event if event.attempt == attempt else None
        elif started is None:
            continue
        elif isinstance(event, ChildExited):
            exited = event
        elif isinstance(event, TurnFinished):
            # an answer with data was taken out of what was said
            answer = event.result.content if event.result.data is None else None
        else:
            events.append(event)
    if started is None:
        return None
    is_cut = any(isinstance(each, Warned) and each.code == "log_truncated" for each in events)
    return _Kept(started=started, events=events, exited=exited, answer=answer, is_cut=is_cut)


def replayed(profile: Profile, kept: _Kept, raw: dict[Stream, bytes]) -> Json:
    """How one attempt reads today, beside what was kept of it."""
    today, output = _read(profile, kept, raw)
    events = () if kept.is_cut else kept.events
    found = Difference(diff=()) if kept.is_cut else compare_readings(events, today)
    diff = [*found.diff, *_answer_diff(kept, output)]
    shown: Json = {"is_same": not diff, "diff": diff, "is_diff_cut": found.is_cut}
    if kept.is_cut:
        shown["problem"] = "the log has excerpts of it: only the answer is compared"
    return shown


def _read(
    profile: Profile, kept: _Kept, raw: dict[Stream, bytes]
) -> tuple[list[Event], TurnOutput]:
    dialect = open_dialect(
        profile.output.dialect,
        profile.output.fields,
        completion_pattern=profile.completion_pattern,
    )
    today: list[Event] = []
    for stream in Stream:
        data = raw[stream]
        for at in range(0, len(data), FED_BYTES):
            today += dialect.feed(stream, data[at : at + FED_BYTES])
    if kept.exited is not None:
        today += dialect.finish(kept.exited.exit_code)
    return [event for event in today if not isinstance(event, Ended)], dialect.output


def _answer_diff(kept: _Kept, output: TurnOutput) -> list[str]:
    if kept.answer is None or kept.answer == output.answer[:MAX_ANSWER_CHARS]:
        return []
    return [
        f"-answer of {len(kept.answer)} characters: {mask_between(kept.answer)[:SHOWN_CHARS]}",
        f"+answer of {len(output.answer)} characters: {mask_between(output.answer)[:SHOWN_CHARS]}",
    ]
