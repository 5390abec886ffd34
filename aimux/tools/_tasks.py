"""Jobs as MCP tasks: looked at, waited for, answered and cancelled by their id."""

from collections.abc import Mapping

import trio

from aimux.engine import line_at

from ._asking import put_questions, requests_of, take_responses
from ._calls import Caller, JobView, Payload, Reach
from ._context import ToolContext
from ._results import View, is_bad, job_json


class JobTasks:
    """Every job, as the server needs it for a task."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._engine = context.engine

    async def job_view(self, job_id: str) -> JobView:
        """A job as a task sees it.

        Cancelling it leaves nothing behind.

        Raises:
            NotFound: no such job.
        """
        settings = self._context.settings
        await self._engine.own.reload()
        job, handle = await self._engine.jobs.get(job_id)
        joblog = handle.log if handle is not None else None
        body = job_json(job, joblog, View(max_chars=settings.max_chars))
        entries = joblog.entries.since(0) if joblog is not None else []
        lines = (line_at(entries, at) for at in reversed(range(len(entries))))
        return JobView(
            job_id=job.id,
            status=str(job.status),
            created_at=job.created_at,
            updated_at=job.finished_at or job.started_at or job.created_at,
            ttl_ms=round(settings.session_ttl_hours * 3_600_000),
            line=next((line for line in lines if line), ""),
            payload=Payload(body, is_bad(body), self._context.links(job)),
            requests=requests_of(handle.questions.open_ones) if handle is not None else {},
        )

    async def wait_job(self, job_id: str, caller: Caller) -> None:
        """Return once a job has ended, putting its questions to the caller meanwhile.

        Cancelling it only ends the waiting.

        Raises:
            NotFound: no such job.
        """
        _, handle = await self._engine.jobs.get(job_id)
        if handle is None:
            return
        async with trio.open_nursery() as waiting:
            if caller.reach is Reach.BY_REQUEST:
                waiting.start_soon(put_questions, handle, caller)
            await handle.done.wait()
            waiting.cancel_scope.cancel(reason="the job ended")

    def expect_answers(self, job_id: str) -> None:
        """Somebody will look at this job for questions to answer, again and again."""
        handle = self._engine.supervisor.find(job_id)
        if handle is not None:
            handle.questions.expect()

    async def answer_job(self, job_id: str, responses: Mapping[str, object]) -> None:
        """Settle what a job asks with what is there for it; anything else is passed over.

        Cancelled, it has settled nothing.

        Raises:
            NotFound: no such job.
        """
        _, handle = await self._engine.jobs.get(job_id)
        if handle is not None:
            take_responses(handle.questions, responses)

    async def cancel_job(self, job_id: str, cause: str) -> None:
        """End a job and wait for its end. Cancelling it leaves the job ending.

        Raises:
            NotFound: no such job.
        """
        _, handle = await self._engine.jobs.get(job_id)
        if handle is not None and handle.cancel(cause):
            await handle.done.wait()
