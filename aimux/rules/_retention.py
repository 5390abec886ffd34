"""What housekeeping may remove: only what is finished and older than its time."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from aimux.model import TERMINAL, Job, JobId, Session, SessionId


@attrs.frozen(kw_only=True)
class Removal:
    """What may go, oldest first. No job is left whose session goes."""

    jobs: Sequence[JobId] = ()
    sessions: Sequence[SessionId] = ()


def removable(
    jobs: Iterable[Job],
    sessions: Iterable[Session],
    now: datetime.datetime,
    ttl: datetime.timedelta | None,
) -> Removal:
    """What is older than `ttl` at `now`; nothing if that is None.

    A job goes when it finished that long ago. A session goes when nothing happened in it for that
    long and no job of it stays: it can be continued until then, whatever its last job came to.
    """
    if ttl is None:
        return Removal()
    oldest = now - ttl
    gone: list[tuple[datetime.datetime, JobId]] = []
    kept: Counter[SessionId] = Counter()
    for job in jobs:
        ended_at = job.finished_at or job.created_at
        if job.status in TERMINAL and ended_at <= oldest:
            gone.append((ended_at, job.id))
        else:
            kept[job.session_id] += 1
    idle = [
        (each.last_active_at, each.id)
        for each in sessions
        if each.last_active_at <= oldest and not kept[each.id]
    ]
    return Removal(
        jobs=[job_id for _, job_id in sorted(gone)],
        sessions=[session_id for _, session_id in sorted(idle)],
    )
