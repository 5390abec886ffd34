"""The supervisor of jobs: starts each in a nursery of its own and writes its end exactly once.

Theory of operation. `open_job` asks for the job's first slot (no waiting), then commits the job's
row, then starts its supervision; only then does anybody learn the id. The job is queued until its
first slot, which its first turn takes over, and its clock runs from there; a job that names no CLI
runs at once and waits where it asks. Whatever ends it, its turns have ended before: their results
are what its outcome is made of.

What ends a job and how it looks: the work returns (its report), an `AimuxError` (failed, or timed
out), a bug (failed, internal; firewall 1 of 2), `JobHandle.cancel` (cancelled), the backstop behind
its deadline (timed_out), the supervisor closes (aborted). What is below a job ends with it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from aimux.engine.log import JobLog
from aimux.errors import (
    Refusal,
    TooManyJobs,
)
from aimux.logs import JOB
from aimux.model import (
    Budget,
    Failure,
    Job,
    JobId,
    JobQueued,
    JobStatus,
    ServerSettings,
    Session,
    plural,
)
from aimux.rules import SlotLimits, SlotRequest
from aimux.store import Store
from aimux.waiting import Broadcast

from ._handle import JobHandle, check_not_busy
from ._job_ends import check_backlog, store_end, store_later, store_log, why_stopped
from ._recent import RecentJobs
from ._slots import Slots
from ._work import Run, run_work

CLOSE_GRACE_S: Final = 5.0  # to write an ending although everything is being cancelled
LAST_LOOK_S: Final = 30.0  # for one whose time ran out while no server was there


@attrs.frozen(kw_only=True)
class JobStart:
    """How a job begins, besides its row."""

    client_key: str
    limit_s: float
    cli: str = ""  # of its first turn: the slot is asked for at once; empty for a job without one
    session: Session | None = None
    is_new_session: bool = False
    works_on: str = ""  # what one job at a time works on, by its id, where that is no session
    budget: Budget = attrs.field(factory=Budget)
    parent: JobHandle | None = None
    above: str = ""  # the job whose turn made this call, if it is one of ours
    depth: int = 0  # how deep that call stands

    @property
    def holds(self) -> str:
        """The id of what no other job may use meanwhile."""
        return self.works_on if self.session is None else self.session.id


@attrs.frozen(kw_only=True)
class SupervisorStatistics:
    """How many jobs there are."""

    running: int
    queued: int
    capacity: int  # root jobs at once
    finished: int
    refused: int


def slot_limits(settings: ServerSettings) -> SlotLimits:
    """The limits of jobs and turns as they are set."""
    return SlotLimits(
        turns=settings.max_concurrent_turns,
        turns_per_cli=settings.max_turns_per_cli,
        turns_per_client=settings.max_turns_per_client,
        root_jobs=settings.max_concurrent_jobs,
        queued_jobs=settings.max_queued_jobs,
    )


def _request_first_slot(slots: Slots, handle: JobHandle, cli: str) -> None:
    """Ask for the slot of a job's first turn, if it is known to run on a CLI."""
    if not cli:
        return
    slot = slots.request(
        SlotRequest(
            key=f"{handle.id}/0",
            cli=cli,
            client=handle.client_key,
            root=handle.root_id,
            lender=handle.lender,
        )
    )
    if slot is None:
        limits = slots.statistics().limits
        raise TooManyJobs(
            f"{plural(limits.root_jobs, 'job')} or {plural(limits.turns, 'turn')} at work, and the"
            " queue is full",
            hint="wait for a running job (sessions action=list status=active) or cancel one",
        )
    handle.first_slot = slot
    slot.tell = lambda position: handle.log.add(JobQueued(position=position))
    if slot.position:
        slot.tell(slot.position)
    else:
        handle.begin()


class JobSupervisor:
    """Where jobs live. Made by `open_supervisor`.

    Cancelling one of its waits only ends the waiting.
    """

    tell_end: Callable[[Job], None] | None = None  # of each that has ended

    def __init__(self, store: Store, slots: Slots, nursery: trio.Nursery, *, strict: bool) -> None:
        self.slots = slots
        self._store = store
        self._nursery = nursery
        self._strict = strict
        self._open: dict[JobId, JobHandle] = {}
        self._recent = RecentJobs()
        self._busy: dict[str, JobHandle] = {}  # by the session or else that one job holds
        self._finished = 0
        self._refused = 0
        self._held: tuple[str, str] | None = None
        self._changed = Broadcast()

    def __repr__(self) -> str:
        said = self.statistics()
        return f"<JobSupervisor: {said.running} running, {said.queued} queued of {said.capacity}>"

    def statistics(self) -> SupervisorStatistics:
        """Counts of this moment. A job whose end is only to be stored runs no more."""
        alive = [handle for handle in self._open.values() if not handle.is_over]
        queued = sum(handle.job.status is JobStatus.QUEUED for handle in alive)
        return SupervisorStatistics(
            running=len(alive) - queued,
            queued=queued,
            capacity=self.slots.statistics().limits.root_jobs,
            finished=self._finished,
            refused=self._refused,
        )

    # ------------------------------------------------------------------ finding

    def find(self, job_id: str) -> JobHandle | None:
        """An open or recently finished job; None if only the store may know it."""
        known = JobId(job_id)
        return self._open.get(known) or self._recent.find(known)

    def open_handles(self) -> list[JobHandle]:
        """Jobs that have not ended, and those whose end is not stored yet; oldest first."""
        return list(self._open.values())

    def of_session(self, session_id: str) -> JobHandle | None:
        """The job that is using a session."""
        return self._busy.get(session_id)

    async def wait_change(self) -> None:
        """Return once a job has begun or ended."""
        await self._changed.wait()

    async def wait_empty(self) -> None:
        """Return once no job is open and every end is stored."""
        while self._open:
            await self._changed.wait()

    # ------------------------------------------------------------------ beginning

    def hold(self, message: str, hint: str) -> None:
        """Begin no further job from now on, but for those that jobs of before are made of."""
        self._held = message, hint

    async def open_job(self, job: Job, start: JobStart, run: Run) -> JobHandle:
        """Ask for the job's first slot, commit its row, start it, and return the hold on it.

        The job outlives this call. Cancelling the call before the row is committed leaves nothing.

        Raises:
            TooManyJobs: no slot and no room in the queue; nothing was written.
            Refusal: the session is in use by another job, the parent job has ended, or jobs are
                held back.
            StoreUnavailable: the row cannot be committed, or too many ends wait for that; the job
                is not started.
        """
        check_backlog(self._open.values())
        self._check_free(start)
        handle = self._handle(job, start)
        if start.holds:
            self._busy[start.holds] = handle
        is_started = False
        try:
            try:
                _request_first_slot(self.slots, handle, start.cli)
            except TooManyJobs:
                self._refused += 1
                raise
            session = handle.session
            row = session if session is not None and handle.is_new_session else None
            if row is not None:
                row = attrs.evolve(row, status=handle.job.status)
            entries = handle.log.entries.unstored()
            await self._store.create(handle.job, row, entries)
            if entries:
                handle.log.stored(entries[-1].seq)
            if start.parent is not None:
                start.parent.children.add(handle)
                if start.parent.is_closed:  # while the row was committed
                    handle.cancel(f"its parent {start.parent.id} has ended")
            self._open[job.id] = handle
            self._nursery.start_soon(self._supervise, handle, run, name=f"job {job.id}")
            is_started = True
            self._changed.notify()
        finally:
            if not is_started:
                self._leave(handle)
                self._free_session(handle)
        return handle

    def adopt_job(self, job: Job, start: JobStart, run: Run, *, age_s: float) -> JobHandle:
        """Go on with a job that another server began so long ago; its row is there."""
        handle = self._handle(job, start)
        handle.log.born -= age_s
        handle.log.entries.last_seq = handle.log.entries.stored_seq = job.last_seq
        if job.status is JobStatus.RUNNING:
            handle.go_on(max(LAST_LOOK_S, start.limit_s - age_s))
        self._open[job.id] = handle
        self._nursery.start_soon(self._supervise, handle, run, name=f"job {job.id}")
        self._changed.notify()
        return handle

    def _check_free(self, start: JobStart) -> None:
        is_part = start.parent is not None or JobId(start.above) in self._open
        if self._held is not None and not is_part:
            message, hint = self._held
            raise Refusal(message, code="begins_anew", hint=hint)
        if start.parent is not None and start.parent.is_closed:
            raise Refusal(
                f"its parent {start.parent.id} has ended", code="parent_ended", retryable=False
            )
        if start.holds:
            check_not_busy(start.holds, self.of_session(start.holds))

    def _handle(self, job: Job, start: JobStart) -> JobHandle:
        above = self._open.get(JobId(start.above)) if start.above else None
        root = start.parent.root_id if start.parent is not None else job.id
        lender = ""
        if start.parent is not None:
            lender = start.parent.lender
        elif above is not None:  # a turn of ours made this call and holds a slot while it waits
            root, lender = above.root_id, f"{above.root_id}/{start.depth}"
        return JobHandle(
            log=JobLog(job, born=trio.current_time()),
            client_key=start.client_key,
            limit_s=start.limit_s,
            session=start.session,
            is_new_session=start.is_new_session,
            holds=start.holds,
            budget=start.budget,
            parent=start.parent,
            root_id=root,
            lender=lender,
        )

    def resize(self, settings: ServerSettings) -> None:
        """Follow other limits from now on; whoever has a slot keeps it."""
        self.slots.resize(slot_limits(settings))

    # ------------------------------------------------------------------ running

    async def _supervise(self, handle: JobHandle, run: Run) -> None:
        JOB.set(handle.id)  # in the job's own task: nobody else's lines
        failure: Failure | None = None
        status = JobStatus.ABORTED
        has_ended = False
        try:
            with handle.scope:
                failure, status = await run_work(handle, run, self._store, strict=self._strict)
                has_ended = True
        finally:
            if not has_ended:  # cancelled, or the supervisor closes; what came first counts
                failure, status = why_stopped(handle)
            if handle.is_left and handle.report is None:
                await self._leave_open(handle)  # noqa: ASYNC102  # shielded in there
            else:
                await self._close(handle, status, failure)  # noqa: ASYNC102  # shielded in there

    async def _close(self, handle: JobHandle, status: JobStatus, failure: Failure | None) -> None:
        """End what is below a job, and write its own end."""
        handle.is_over = True
        if handle.report is not None:
            status = handle.report.status
        await handle.end_steps()  # an end is told when nothing is left
        self._leave(handle)
        try:
            await self._end(handle, status, failure)
        finally:
            self._forget(handle)

    # ------------------------------------------------------------------ ending

    async def _leave_open(self, handle: JobHandle) -> None:
        """The next server goes on with it; it has no end."""
        try:
            with trio.move_on_after(CLOSE_GRACE_S, shield=True):
                await store_log(self._store, handle)
        finally:
            handle.done.set()
            self._leave(handle)
            del self._open[handle.id]

    async def _end(self, handle: JobHandle, status: JobStatus, failure: Failure | None) -> None:
        """Write the end of a job, and tell of it; what is not stored then is tried again."""
        try:
            with trio.move_on_after(CLOSE_GRACE_S, shield=True):
                await store_end(self._store, handle, status, failure, strict=self._strict)
        finally:  # whatever happens, nobody waits for this job for ever
            self._finished += 1
            if self.tell_end is not None:
                self.tell_end(handle.job)
            handle.done.set()
            self._changed.notify()
        if handle.log.is_to_be_stored:
            await store_later(self._store, handle)

    def _leave(self, handle: JobHandle) -> None:
        """It holds nothing that others wait for any more."""
        slot, handle.first_slot = handle.first_slot, None
        if slot is not None:
            self.slots.release(slot)
        if handle.root_id == handle.id:
            self.slots.end_root(handle.id)
        if handle.parent is not None:
            handle.parent.children.discard(handle)

    def _free_session(self, handle: JobHandle) -> None:
        if self._busy.get(handle.holds) is handle:
            del self._busy[handle.holds]

    def _forget(self, handle: JobHandle) -> None:
        """Its end is stored, or never will be: what is left is for those who ask again."""
        self._open.pop(handle.id, None)
        self._free_session(handle)
        self._recent.keep(handle)
        self._changed.notify()

    def drop_recent(self, job_ids: Sequence[str]) -> None:
        """Forget these ended jobs, as the store has."""
        for job_id in job_ids:
            self._recent.drop(JobId(job_id))

    def abort(self) -> None:
        """What is open from now on ends because aimux stops."""
        for handle in self._open.values():
            handle.is_aborted = True


@asynccontextmanager
async def open_supervisor(
    store: Store,
    limits: SlotLimits,
    *,
    strict: bool = False,
) -> AsyncIterator[JobSupervisor]:
    """Jobs run while this is open; its `tell_end` is called with each that has ended.

    Leaving it, cancelled or not, cancels what still runs and waits until every end is written.
    """
    async with trio.open_nursery() as nursery:
        supervisor = JobSupervisor(store, Slots(limits), nursery, strict=strict)
        try:
            yield supervisor
        finally:
            supervisor.abort()
            nursery.cancel_scope.cancel(reason="the supervisor closes")
