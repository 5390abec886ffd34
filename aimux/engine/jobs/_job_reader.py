"""Jobs as whoever asks sees them: open and recent ones from memory, older ones from the store."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import trio

from aimux.errors import NotFound
from aimux.model import TERMINAL, Entry, Job, JobId, TurnResult
from aimux.store import Store

from ._handle import JobHandle
from ._jobs import JobSupervisor

CACHED_JOBS: Final = 64  # ended jobs read from the store, for callers that ask again
CACHED_CHARS: Final = 100_000  # of prompt and answer of one


class JobReader:
    """Jobs, their turns and their logs, for whoever looks. Cancelling a read changes nothing."""

    def __init__(self, store: Store, supervisor: JobSupervisor) -> None:
        self._store = store
        self._supervisor = supervisor
        self._cache: OrderedDict[str, Job] = OrderedDict()

    def __repr__(self) -> str:
        return f"<JobReader: {len(self._cache)} ended jobs kept>"

    async def get(self, job_id: str) -> tuple[Job, JobHandle | None]:
        """A job's row, and the hold on it while it is open or recent.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job.
        """
        handle = self._supervisor.find(job_id)
        if handle is not None:
            await trio.lowlevel.checkpoint()
            return handle.job, handle
        job = await self._store.job(JobId(job_id))
        self._keep(job)
        return job, None

    def get_nowait(self, job_id: str) -> tuple[Job, JobHandle | None] | None:
        """What `get` returns, if it is known without waiting: open, recent and lately read jobs."""
        handle = self._supervisor.find(job_id)
        if handle is not None:
            return handle.job, handle
        job = self._cache.get(job_id)
        return None if job is None else (job, None)

    def _keep(self, job: Job) -> None:
        """Keep an ended job for whoever asks again; it cannot change any more."""
        size = len(job.prompt) + (len(job.outcome.content) if job.outcome is not None else 0)
        if job.status in TERMINAL and size <= CACHED_CHARS:
            self._cache[job.id] = job
            while len(self._cache) > CACHED_JOBS:
                self._cache.popitem(last=False)

    async def turn(self, job_id: str, number: int) -> TurnResult:
        """What one turn of a job came to, or has come to so far.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job, or it has no such turn.
        """
        handle = self._supervisor.find(job_id)
        if handle is not None:
            found = handle.log.find_turn(number)
            if found is not None:
                await trio.lowlevel.checkpoint()
                return found
        result = await self._store.turn(JobId(job_id), number)
        if result is None:
            raise NotFound(
                f"job {job_id} has no turn {number}",
                code="turn_not_found",
                hint="status without turn lists them",
            )
        return result

    async def entries(self, job_id: JobId, after_seq: int) -> list[Entry]:
        """A job's log after a sequence number, from memory where that is enough.

        Cancelling it changes nothing: it only reads.

        Raises:
            NotFound: no such job.
        """
        handle = self._supervisor.find(job_id)
        if handle is not None and after_seq + 1 >= handle.log.entries.first_seq:
            await trio.lowlevel.checkpoint()
            return handle.log.entries.since(after_seq)
        return await self._store.entries(job_id, after_seq)

    def drop(self, job_ids: Sequence[JobId]) -> None:
        """Forget jobs that were removed from the store."""
        self._supervisor.drop_recent(job_ids)
        self._cache.clear()
