"""What can be read about jobs that were: why one ended, what they used, which have ended."""

import datetime
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from aimux.engine import Engine
from aimux.errors import InvalidArguments
from aimux.model import TERMINAL, Job, UsageRow
from aimux.rules.past import explain_end

from ._results import Json, failure_json, job_row
from ._whole_log import whole_log

DAY_S: Final = 86_400
BEGINNING: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def time_of(text: str) -> datetime.datetime:
    """A day or a time in ISO 8601; one without a zone is UTC.

    Raises:
        InvalidArguments: it is neither.
    """
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        expected = "a day like 2026-03-01 or a time like 2026-03-01T12:00:00Z"
        problem = {"path": "since", "value": text[:80], "expected": expected}
        msg = f"since {text[:80]!r} is not {expected}"
        raise InvalidArguments(msg, problems=[problem]) from error
    return at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)


async def why_json(engine: Engine, job_id: str) -> Json:
    """Which rule ended a job, and what each rule decided before. Cancelling it changes nothing.

    Raises:
        NotFound: there is no such job.
    """
    job, _handle = await engine.jobs.get(job_id)
    entries = await whole_log(engine, job)
    why = await trio.to_thread.run_sync(explain_end, job, entries)
    return {
        "job_id": job.id,
        "status": str(job.status),
        "rule": why.rule or None,
        "said": why.said,
        "error": failure_json(job.outcome.error if job.outcome is not None else None),
        "is_open": job.status not in TERMINAL,
        "steps": [attrs.asdict(step) for step in why.steps],
    }


async def usage_json(engine: Engine, since: str) -> Json:
    """What the turns of kept jobs used. Cancelling it changes nothing.

    Raises:
        InvalidArguments: `since` is no day or time.
    """
    at = time_of(since) if since else BEGINNING
    rows = await engine.store.usage(at, DAY_S)
    return {"since": since or None, "rows": [_of_day(row) for row in rows]}


def _of_day(row: UsageRow) -> Json:
    shown = attrs.asdict(row)
    return {"day": shown.pop("begin_at").date().isoformat(), **shown}


async def ended_json(engine: Engine, since: str) -> Json:
    """The jobs that have ended since a time. Cancelling it changes nothing.

    Raises:
        InvalidArguments: `since` is no day or time.
    """
    jobs: Sequence[Job] = await engine.store.ended_since(time_of(since))
    return {"since": since, "jobs": [job_row(job) for job in jobs]}
