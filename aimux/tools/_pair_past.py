"""What an earlier pair of a session left: who sat there, what was asked, what did not land."""

from collections.abc import Mapping, Sequence

import attrs

from aimux.model import Job, Noted, Session, SessionId
from aimux.rules.pair import Left
from aimux.strategies.seats import DRAFTED

from ._context import ToolContext
from ._whole_log import whole_log


@attrs.frozen(kw_only=True)
class PairPast:
    """The session of an earlier pair, its requests, and what came of the last one."""

    session: Session
    prompts: Sequence[str]
    left: Left

    def cli_of(self, seat: str) -> str:
        """Who sat there; empty if nobody has."""
        known = self.session.seats.get(seat)
        return known.cli if known is not None else ""


async def past_of(context: ToolContext, session_id: str) -> PairPast | None:
    """What the session left; None for a new one. Cancelling it changes nothing.

    Raises:
        NotFound: there is no such session.
    """
    if not session_id:
        return None
    session = await context.engine.store.session(SessionId(session_id))
    page = await context.engine.store.jobs(session_id=session.id)
    jobs = sorted(page.jobs, key=lambda each: each.created_at)
    left = Left()
    for job in reversed(jobs):
        found = await _left(context, job)
        if found is not None:
            left = found
            break
    return PairPast(session=session, prompts=[job.prompt for job in jobs], left=left)


async def _left(context: ToolContext, job: Job) -> Left | None:
    """What a job left, also one that was cancelled or killed; None if nothing."""
    data = job.outcome.data if job.outcome is not None else None
    if isinstance(data, Mapping) and data.get("diff"):
        return Left(
            is_landed=bool(data.get("landed")),
            why=str(data.get("why") or ""),
            diff=str(data["diff"]),
        )
    diff = ""
    for entry in await whole_log(context.engine, job):
        note = entry.event
        if isinstance(note, Noted) and note.data.get("step") == DRAFTED:
            diff = str(note.data.get("diff") or "")
    return Left(why=f"it was {job.status} in the middle", diff=diff) if diff else None
