"""The supervisor: admits work, runs each piece in a nursery of its own, and writes its end exactly
once.

Theory of operation. `open_job` asks the admission books (no waiting), then commits the job's row,
then
starts its supervisor; only then does anybody learn the id. The supervisor waits for a place, runs
the
work under the job's scope and deadline, and writes one `JobFinished`: the work's own verdict, or
what the cause of its end makes of the draft. Whatever happens, partial content is kept.

What ends a job and how it looks: the work returns (its verdict), an `AimuxError` (failed), a bug
(failed, internal; firewall 1 of 2), `JobHandle.cancel` (cancelled), the deadline (timed_out), the
room closes (aborted).
"""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from aimux.drivers import Child
from aimux.errors import AimuxError, InternalFault, Refusal, StoreUnavailable, TooManyJobs
from aimux.logs import JOB
from aimux.model import (
    TERMINAL,
    Failure,
    FailureClass,
    Job,
    JobFinished,
    JobId,
    JobQueued,
    JobStarted,
    JobStatus,
    Outcome,
    ServerSettings,
    Session,
    SessionId,
)
from aimux.rules import Admission
from aimux.store import Store

from ._log import COALESCE_S, JobLog, utc_now
from ._questions import Questions

BACKSTOP_S: Final = 20.0  # after the deadline, for work that does not watch it itself
CLOSE_GRACE_S: Final = 5.0  # to write an ending although everything is being cancelled
KEPT_HANDLES: Final = 100  # finished jobs that status answers without asking the store
KEPT_HANDLES_CHARS: Final = 4 * 2**20  # of prompts and logs of these, together
KEPT_HANDLE_CHARS: Final = 1_000_000  # a job that said more is read from the store

log = logging.getLogger("aimux.jobs")


@attrs.define(eq=False)
class JobHandle:
    """A caller's hold on a job. `draft` is what is known of its result so far."""

    log: JobLog
    session: Session
    client_key: str
    is_new_session: bool
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    done: trio.Event = attrs.field(factory=trio.Event)
    draft: Outcome = attrs.field(factory=Outcome)
    deadline: float = float("inf")  # loop clock, set when it gets a place
    limit_s: float = float("inf")
    cause: str = ""  # why it was cancelled, in our own words
    is_kill: bool = False
    child: Child | None = None  # of the turn that runs
    questions: Questions = attrs.field(factory=Questions)
    placed: trio.Event = attrs.field(factory=trio.Event)
    verdict: JobFinished | None = None  # of the work; nothing that comes later changes it

    @property
    def job(self) -> Job:
        """The job's row as of now."""
        return self.log.job

    @property
    def id(self) -> JobId:
        """The job's id."""
        return self.log.job.id

    @property
    def is_ending(self) -> bool:
        """Its end is in the log and not in the store yet."""
        return not self.done.is_set() and self.log.job.status in TERMINAL

    def __repr__(self) -> str:
        return f"<JobHandle: {self.id} {self.job.status}>"

    def cancel(self, cause: str, *, is_kill: bool = False) -> bool:
        """Ask the job to end; False if it has ended already. A kill skips the polite signal."""
        if self.verdict is not None or self.job.status in TERMINAL:
            return False
        self.cause = self.cause or cause
        self.is_kill = self.is_kill or is_kill
        if self.is_kill and self.child is not None:
            self.child.stop(grace_s=0)
        self.scope.cancel(reason=cause)
        return True


Work = Callable[[JobHandle], Awaitable[JobFinished]]


@attrs.frozen(kw_only=True)
class SupervisorStatistics:
    """How full the supervisor is."""

    running: int
    queued: int
    capacity: int
    finished: int
    refused: int


class JobSupervisor:
    """Where jobs live. Made by `open_supervisor`."""

    def __init__(
        self, store: Store, admission: Admission, nursery: trio.Nursery, *, strict: bool
    ) -> None:
        self._store = store
        self._admission = admission
        self._nursery = nursery
        self._strict = strict
        self._entering: dict[JobId, JobHandle] = {}  # admitted, the row is not committed yet
        self._open: dict[JobId, JobHandle] = {}
        self._recent: OrderedDict[JobId, JobHandle] = OrderedDict()
        self._recent_chars = 0
        self._busy_sessions: dict[SessionId, JobId] = {}
        self._finished = 0
        self._refused = 0
        self._changed = trio.Event()

    def __repr__(self) -> str:
        said = self.statistics()
        return f"<JobSupervisor: {said.running} running, {said.queued} queued of {said.capacity}>"

    def statistics(self) -> SupervisorStatistics:
        """Counts of this moment. A job whose end is only to be stored runs no more."""
        alive = [handle for handle in self._open.values() if handle.verdict is None]
        queued = sum(handle.job.status is JobStatus.QUEUED for handle in alive)
        return SupervisorStatistics(
            running=len(alive) - queued,
            queued=queued,
            capacity=self._admission.capacity,
            finished=self._finished,
            refused=self._refused,
        )

    # ------------------------------------------------------------------ finding

    def find(self, job_id: str) -> JobHandle | None:
        """An open or recently finished job; None if only the store may know it."""
        known = JobId(job_id)
        return self._open.get(known) or self._recent.get(known)

    def open_handles(self) -> list[JobHandle]:
        """Jobs that have not ended, oldest first."""
        return list(self._open.values())

    def of_session(self, session_id: str) -> JobHandle | None:
        """The job that is using a session."""
        job_id = self._busy_sessions.get(SessionId(session_id))
        return None if job_id is None else self._admitted(job_id)

    def _admitted(self, job_id: str) -> JobHandle | None:
        found = JobId(job_id)
        return self._open.get(found) or self._entering.get(found)

    async def wait_change(self) -> None:
        """Return once a job has begun or ended."""
        await self._changed.wait()

    async def wait_empty(self) -> None:
        """Return once no job is open."""
        while self._open:
            await self._changed.wait()

    # ------------------------------------------------------------------ beginning

    async def open_job(
        self,
        job: Job,
        session: Session,
        work: Work,
        *,
        is_new_session: bool,
        client_key: str,
        limit_s: float,
    ) -> JobHandle:
        """Admit a job, commit its row, start it, and return the hold on it.

        The job outlives this call. Cancelling the call before the row is committed leaves nothing.

        Raises:
            TooManyJobs: no place and no room in the queue; nothing was written.
            Refusal: the session is in use by another job.
            StoreUnavailable: the row cannot be committed; the job is not started.
        """
        busy = self.of_session(session.id)
        if busy is not None:
            raise Refusal(
                f"session {session.id} is in use by {busy.id}",
                code="session_busy",
                hint=f"wait for it: status(job_id={busy.id!r}, wait_seconds=45)",
                data={"job_id": busy.id},
            )
        admitted = self._admission.ask(job.id, client_key)
        if admitted is None:
            self._refused += 1
            raise TooManyJobs(
                f"{self._admission.capacity} jobs are running and the queue is full",
                hint="wait for a running job (sessions action=list status=active) or cancel one",
            )
        handle = JobHandle(
            log=JobLog(job, born=trio.current_time()),
            session=session,
            client_key=client_key,
            is_new_session=is_new_session,
            limit_s=limit_s,
        )
        self._busy_sessions[session.id] = job.id
        self._entering[job.id] = handle  # a place may be granted while the row is committed
        is_started = False
        try:
            if admitted.position == 0:
                handle.placed.set()
                handle.log.add(JobStarted())
            else:
                handle.log.add(JobQueued(position=admitted.position))
                self._tell_positions()  # clients take turns: it may stand before others
            entries = handle.log.unstored()
            row = attrs.evolve(session, status=handle.job.status) if is_new_session else None
            await self._store.create(handle.job, row, entries)
            handle.log.stored(entries[-1].seq)
            self._open[job.id] = handle
            self._nursery.start_soon(self._supervise, handle, work, name=f"job {job.id}")
            is_started = True
            self._tell()
        finally:
            del self._entering[job.id]
            if not is_started:
                del self._busy_sessions[session.id]
                self._release(job.id)
        return handle

    def resize(self, settings: ServerSettings) -> None:
        """Other limits from now on; who has a place keeps it."""
        granted = self._admission.resize(
            capacity=settings.max_concurrent_jobs,
            per_client=settings.max_jobs_per_client,
            queue=settings.max_queued_jobs,
        )
        self._grant(granted)

    def _release(self, job_id: JobId) -> None:
        self._grant(self._admission.leave(job_id))

    def _grant(self, job_ids: Sequence[str]) -> None:
        for granted in job_ids:
            handle = self._admitted(granted)
            if handle is not None:
                handle.placed.set()
        self._tell_positions()

    def _tell_positions(self) -> None:
        for waiting, position in self._admission.positions().items():
            handle = self._admitted(waiting)
            if handle is not None and handle.log.queue_position != position:
                handle.log.add(JobQueued(position=position))

    # ------------------------------------------------------------------ running

    async def _supervise(self, handle: JobHandle, work: Work) -> None:
        JOB.set(handle.id)  # in the job's own task: nobody else's lines
        finished: JobFinished | None = None
        try:
            with handle.scope:
                finished = await self._run(handle, work)
            if finished is None and handle.scope.cancelled_caught:
                finished = self._cancelled(handle)
        finally:
            if (
                finished is None
            ):  # the supervisor closes; who asked for the end before that was first
                finished = self._cancelled(handle) if handle.cause else self._aborted(handle)
            finished = handle.verdict = handle.verdict or finished
            self._release(handle.id)
            try:
                with trio.move_on_after(CLOSE_GRACE_S, shield=True):
                    await self._close(handle, finished)
            finally:  # whatever happens, nobody waits for this job for ever
                self._forget(handle)

    async def _run(self, handle: JobHandle, work: Work) -> JobFinished | None:
        """The work under its deadline; None if it was cancelled."""
        finished: JobFinished | None = None
        error: Exception | None = None
        try:
            async with trio.open_nursery() as job:
                job.start_soon(self._keep, handle)
                await handle.placed.wait()
                if handle.job.status is JobStatus.QUEUED:
                    handle.log.add(JobStarted())
                handle.deadline = trio.current_time() + handle.limit_s
                with trio.CancelScope(deadline=handle.deadline + BACKSTOP_S) as backstop:
                    finished = handle.verdict = await work(handle)
                if finished is None and backstop.cancelled_caught:
                    finished = self._ended(
                        handle,
                        JobStatus.TIMED_OUT,
                        FailureClass.TIMEOUT,
                        "timed_out",
                        f"not finished after {handle.limit_s:g} s",
                    )
                job.cancel_scope.cancel(reason="work is over")
        except* AimuxError as group:
            error = first_leaf(group)
        except* Exception as group:  # firewall 1 of 2
            log.exception("job failed")
            error = InternalFault(f"internal error in {handle.id}; see the log")
            if self._strict:
                raise
            del group
        if error is not None:
            finished = self._failed(handle, error)
        return finished

    async def _keep(self, handle: JobHandle) -> None:
        """Give entries to the store in batches, none of them older than `COALESCE_S`, and make
        entries of gathered text in time. A job that is shorter is stored whole at its end.
        """
        joblog = handle.log
        while True:
            await joblog.wait_unstored()
            with trio.move_on_after(COALESCE_S):
                await joblog.wait_crowded()
            joblog.flush()
            await self._store_entries(joblog)

    async def _store_entries(self, joblog: JobLog) -> None:
        entries = joblog.unstored()
        if not entries:
            return
        try:
            await self._store.append(joblog.job.id, entries)
        except StoreUnavailable as error:
            told = {"entries": len(entries), "error": error.message}
            log.warning("log entries not stored", extra=told)
        joblog.stored(entries[-1].seq)  # the store counts what it lost

    # ------------------------------------------------------------------ ending

    def _cancelled(self, handle: JobHandle) -> JobFinished:
        cause = handle.cause or "cancelled"
        return self._ended(handle, JobStatus.CANCELLED, FailureClass.CANCELLED, "cancelled", cause)

    def _aborted(self, handle: JobHandle) -> JobFinished:
        return self._ended(
            handle, JobStatus.ABORTED, FailureClass.CANCELLED, "aborted", "aimux stopped"
        )

    def _failed(self, handle: JobHandle, error: Exception) -> JobFinished:
        assert isinstance(error, AimuxError)
        return self._ended(
            handle,
            JobStatus.FAILED,
            FailureClass.FATAL,
            error.code,
            error.message,
            hint=error.hint or "",
            is_retryable=error.retryable,
        )

    def _ended(
        self,
        handle: JobHandle,
        status: JobStatus,
        failure_class: FailureClass,
        code: str,
        message: str,
        *,
        hint: str = "",
        is_retryable: bool = False,
    ) -> JobFinished:
        handle.log.flush()
        draft = handle.draft
        outcome = attrs.evolve(
            draft,
            content=draft.content or handle.log.text_so_far,
            is_cut=draft.is_cut if draft.content else handle.log.is_text_cut,
            usage=draft.usage or handle.log.usage,
            native_session=draft.native_session or handle.log.native_id,
            warnings=draft.warnings or tuple(handle.log.warnings),
            error=Failure(
                failure_class=failure_class,
                code=code,
                message=message,
                hint=hint,
                retryable=is_retryable,
            ),
        )
        return JobFinished(status=status, reason=message, outcome=outcome)

    async def _close(self, handle: JobHandle, finished: JobFinished) -> None:
        duration_ms = round((trio.current_time() - handle.log.born) * 1000)
        outcome = attrs.evolve(finished.outcome, duration_ms=duration_ms)
        handle.log.add(attrs.evolve(finished, outcome=outcome))
        handle.session = self._session_after(handle)
        entries = handle.log.unstored()
        try:
            await self._store.finish(handle.job, handle.session, entries)
        except StoreUnavailable as error:
            log.warning("end of job not stored", extra={"error": error.message})
        except Exception:  # still firewall 1: a bug in one job's end spares the others
            log.exception("end of job not stored")
            if self._strict:
                raise
        handle.log.stored(handle.log.last_seq)

    def _session_after(self, handle: JobHandle) -> Session:
        job = handle.job
        outcome = job.outcome or Outcome()
        return attrs.evolve(
            handle.session,
            cli=outcome.cli or handle.session.cli,
            native_id=outcome.native_session or handle.session.native_id,
            model=outcome.model or handle.session.model,
            turns=handle.session.turns + outcome.turns,
            status=job.status,
            last_active_at=job.finished_at or utc_now(),
        )

    def _forget(self, handle: JobHandle) -> None:
        self._finished += 1
        self._open.pop(handle.id, None)
        self._busy_sessions.pop(handle.session.id, None)
        handle.log.drop_text()
        if _chars(handle) <= KEPT_HANDLE_CHARS:
            self._recent[handle.id] = handle
            self._recent_chars += _chars(handle)
        while len(self._recent) > KEPT_HANDLES or self._recent_chars > KEPT_HANDLES_CHARS:
            self.drop_recent([next(iter(self._recent))])
        handle.done.set()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def drop_recent(self, job_ids: Sequence[str]) -> None:
        """Forget these ended jobs, as the store has."""
        for job_id in job_ids:
            handle = self._recent.pop(JobId(job_id), None)
            if handle is not None:
                self._recent_chars -= _chars(handle)


def _chars(handle: JobHandle) -> int:
    """What an ended job holds in memory; it does not change any more."""
    return len(handle.job.prompt) + handle.log.kept_chars


def first_leaf(group: BaseExceptionGroup[AimuxError]) -> AimuxError:
    """The first error of a group, depth first."""
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


@asynccontextmanager
async def open_supervisor(
    store: Store, admission: Admission, *, strict: bool = False
) -> AsyncIterator[JobSupervisor]:
    """A room for jobs. Leaving it cancels what still runs and waits until every end is written."""
    async with trio.open_nursery() as nursery:
        supervisor = JobSupervisor(store, admission, nursery, strict=strict)
        try:
            yield supervisor
        finally:
            nursery.cancel_scope.cancel(reason="room closes")
