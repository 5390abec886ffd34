"""The job room: admits work, runs each piece in a nursery of its own, and writes its end exactly
once.

Theory of operation. `open_job` asks the admission books (no waiting), then commits the job's row,
then
starts its supervisor; only then does anybody learn the id. The supervisor waits for a place, runs
the
work under the job's scope and deadline, and writes one `JobFinished`: the work's own verdict, or
what the cause of its end makes of the draft. Whatever happens, partial content is kept.

What ends a job and how it looks: the work returns (its verdict), an `AimuxError` (failed), a bug
(failed, internal; firewall 1 of 2), `Ticket.cancel` (cancelled), the deadline (timed_out), the room
closes (aborted).
"""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from aimux._logs import JOB
from aimux.drivers import Child
from aimux.errors import AimuxError, InternalFault, Refusal, StoreUnavailable, TooManyJobs
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
KEPT_TICKETS: Final = 100  # finished jobs that status answers without asking the store
KEPT_TICKETS_CHARS: Final = 4 * 2**20  # of prompts and logs of these, together
KEPT_TICKET_CHARS: Final = 1_000_000  # a job that said more is read from the store

log = logging.getLogger("aimux.jobs")


@attrs.define(eq=False)
class Ticket:
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
        return f"<Ticket: {self.id} {self.job.status}>"

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


Work = Callable[[Ticket], Awaitable[JobFinished]]


@attrs.frozen(kw_only=True)
class RoomStatistics:
    """How full the room is."""

    running: int
    queued: int
    capacity: int
    finished: int
    refused: int


class JobRoom:
    """Where jobs live. Made by `open_job_room`."""

    def __init__(
        self, store: Store, admission: Admission, nursery: trio.Nursery, *, strict: bool
    ) -> None:
        self._store = store
        self._admission = admission
        self._nursery = nursery
        self._strict = strict
        self._entering: dict[JobId, Ticket] = {}  # admitted, the row is not committed yet
        self._open: dict[JobId, Ticket] = {}
        self._recent: OrderedDict[JobId, Ticket] = OrderedDict()
        self._recent_chars = 0
        self._busy_sessions: dict[SessionId, JobId] = {}
        self._finished = 0
        self._refused = 0
        self._changed = trio.Event()

    def __repr__(self) -> str:
        said = self.statistics()
        return f"<JobRoom: {said.running} running, {said.queued} queued of {said.capacity}>"

    def statistics(self) -> RoomStatistics:
        """Counts of this moment. A job whose end is only to be stored runs no more."""
        alive = [ticket for ticket in self._open.values() if ticket.verdict is None]
        queued = sum(ticket.job.status is JobStatus.QUEUED for ticket in alive)
        return RoomStatistics(
            running=len(alive) - queued,
            queued=queued,
            capacity=self._admission.capacity,
            finished=self._finished,
            refused=self._refused,
        )

    # ------------------------------------------------------------------ finding

    def find(self, job_id: str) -> Ticket | None:
        """An open or recently finished job; None if only the store may know it."""
        known = JobId(job_id)
        return self._open.get(known) or self._recent.get(known)

    def open_tickets(self) -> list[Ticket]:
        """Jobs that have not ended, oldest first."""
        return list(self._open.values())

    def of_session(self, session_id: str) -> Ticket | None:
        """The job that is using a session."""
        job_id = self._busy_sessions.get(SessionId(session_id))
        return None if job_id is None else self._admitted(job_id)

    def _admitted(self, job_id: str) -> Ticket | None:
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
    ) -> Ticket:
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
        ticket = Ticket(
            log=JobLog(job, born=trio.current_time()),
            session=session,
            client_key=client_key,
            is_new_session=is_new_session,
            limit_s=limit_s,
        )
        self._busy_sessions[session.id] = job.id
        self._entering[job.id] = ticket  # a place may be granted while the row is committed
        is_started = False
        try:
            if admitted.position == 0:
                ticket.placed.set()
                ticket.log.add(JobStarted())
            else:
                ticket.log.add(JobQueued(position=admitted.position))
                self._tell_positions()  # clients take turns: it may stand before others
            entries = ticket.log.unstored()
            row = attrs.evolve(session, status=ticket.job.status) if is_new_session else None
            await self._store.create(ticket.job, row, entries)
            ticket.log.stored(entries[-1].seq)
            self._open[job.id] = ticket
            self._nursery.start_soon(self._supervise, ticket, work, name=f"job {job.id}")
            is_started = True
            self._tell()
        finally:
            del self._entering[job.id]
            if not is_started:
                del self._busy_sessions[session.id]
                self._release(job.id)
        return ticket

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
            ticket = self._admitted(granted)
            if ticket is not None:
                ticket.placed.set()
        self._tell_positions()

    def _tell_positions(self) -> None:
        for waiting, position in self._admission.positions().items():
            ticket = self._admitted(waiting)
            if ticket is not None and ticket.log.queue_position != position:
                ticket.log.add(JobQueued(position=position))

    # ------------------------------------------------------------------ running

    async def _supervise(self, ticket: Ticket, work: Work) -> None:
        JOB.set(ticket.id)  # in the job's own task: nobody else's lines
        finished: JobFinished | None = None
        try:
            with ticket.scope:
                finished = await self._run(ticket, work)
            if finished is None and ticket.scope.cancelled_caught:
                finished = self._cancelled(ticket)
        finally:
            if finished is None:  # the room closes; who asked for the end before that was first
                finished = self._cancelled(ticket) if ticket.cause else self._aborted(ticket)
            finished = ticket.verdict = ticket.verdict or finished
            self._release(ticket.id)
            try:
                with trio.move_on_after(CLOSE_GRACE_S, shield=True):
                    await self._close(ticket, finished)
            finally:  # whatever happens, nobody waits for this job for ever
                self._forget(ticket)

    async def _run(self, ticket: Ticket, work: Work) -> JobFinished | None:
        """The work under its deadline; None if it was cancelled."""
        finished: JobFinished | None = None
        error: Exception | None = None
        try:
            async with trio.open_nursery() as job:
                job.start_soon(self._keep, ticket)
                await ticket.placed.wait()
                if ticket.job.status is JobStatus.QUEUED:
                    ticket.log.add(JobStarted())
                ticket.deadline = trio.current_time() + ticket.limit_s
                with trio.CancelScope(deadline=ticket.deadline + BACKSTOP_S) as backstop:
                    finished = ticket.verdict = await work(ticket)
                if finished is None and backstop.cancelled_caught:
                    finished = self._ended(
                        ticket,
                        JobStatus.TIMED_OUT,
                        FailureClass.TIMEOUT,
                        "timed_out",
                        f"not finished after {ticket.limit_s:g} s",
                    )
                job.cancel_scope.cancel(reason="work is over")
        except* AimuxError as group:
            error = first_leaf(group)
        except* Exception as group:  # firewall 1 of 2
            log.exception("job failed")
            error = InternalFault(f"internal error in {ticket.id}; see the log")
            if self._strict:
                raise
            del group
        if error is not None:
            finished = self._failed(ticket, error)
        return finished

    async def _keep(self, ticket: Ticket) -> None:
        """Give entries to the store in batches, none of them older than `COALESCE_S`, and make
        entries of gathered text in time. A job that is shorter is stored whole at its end.
        """
        joblog = ticket.log
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

    def _cancelled(self, ticket: Ticket) -> JobFinished:
        cause = ticket.cause or "cancelled"
        return self._ended(ticket, JobStatus.CANCELLED, FailureClass.CANCELLED, "cancelled", cause)

    def _aborted(self, ticket: Ticket) -> JobFinished:
        return self._ended(
            ticket, JobStatus.ABORTED, FailureClass.CANCELLED, "aborted", "aimux stopped"
        )

    def _failed(self, ticket: Ticket, error: Exception) -> JobFinished:
        assert isinstance(error, AimuxError)
        return self._ended(
            ticket,
            JobStatus.FAILED,
            FailureClass.FATAL,
            error.code,
            error.message,
            hint=error.hint or "",
            is_retryable=error.retryable,
        )

    def _ended(
        self,
        ticket: Ticket,
        status: JobStatus,
        failure_class: FailureClass,
        code: str,
        message: str,
        *,
        hint: str = "",
        is_retryable: bool = False,
    ) -> JobFinished:
        ticket.log.flush()
        draft = ticket.draft
        outcome = attrs.evolve(
            draft,
            content=draft.content or ticket.log.text_so_far,
            is_cut=draft.is_cut if draft.content else ticket.log.is_text_cut,
            usage=draft.usage or ticket.log.usage,
            native_session=draft.native_session or ticket.log.native_id,
            warnings=draft.warnings or tuple(ticket.log.warnings),
            error=Failure(
                failure_class=failure_class,
                code=code,
                message=message,
                hint=hint,
                retryable=is_retryable,
            ),
        )
        return JobFinished(status=status, reason=message, outcome=outcome)

    async def _close(self, ticket: Ticket, finished: JobFinished) -> None:
        duration_ms = round((trio.current_time() - ticket.log.born) * 1000)
        outcome = attrs.evolve(finished.outcome, duration_ms=duration_ms)
        ticket.log.add(attrs.evolve(finished, outcome=outcome))
        ticket.session = self._session_after(ticket)
        entries = ticket.log.unstored()
        try:
            await self._store.finish(ticket.job, ticket.session, entries)
        except StoreUnavailable as error:
            log.warning("end of job not stored", extra={"error": error.message})
        except Exception:  # still firewall 1: a bug in one job's end spares the others
            log.exception("end of job not stored")
            if self._strict:
                raise
        ticket.log.stored(ticket.log.last_seq)

    def _session_after(self, ticket: Ticket) -> Session:
        job = ticket.job
        outcome = job.outcome or Outcome()
        return attrs.evolve(
            ticket.session,
            cli=outcome.cli or ticket.session.cli,
            native_id=outcome.native_session or ticket.session.native_id,
            model=outcome.model or ticket.session.model,
            turns=ticket.session.turns + outcome.turns,
            status=job.status,
            last_active_at=job.finished_at or utc_now(),
        )

    def _forget(self, ticket: Ticket) -> None:
        self._finished += 1
        self._open.pop(ticket.id, None)
        self._busy_sessions.pop(ticket.session.id, None)
        ticket.log.drop_text()
        if _chars(ticket) <= KEPT_TICKET_CHARS:
            self._recent[ticket.id] = ticket
            self._recent_chars += _chars(ticket)
        while len(self._recent) > KEPT_TICKETS or self._recent_chars > KEPT_TICKETS_CHARS:
            self.drop_recent([next(iter(self._recent))])
        ticket.done.set()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def drop_recent(self, job_ids: Sequence[str]) -> None:
        """Forget these ended jobs, as the store has."""
        for job_id in job_ids:
            ticket = self._recent.pop(JobId(job_id), None)
            if ticket is not None:
                self._recent_chars -= _chars(ticket)


def _chars(ticket: Ticket) -> int:
    """What an ended job holds in memory; it does not change any more."""
    return len(ticket.job.prompt) + ticket.log.kept_chars


def first_leaf(group: BaseExceptionGroup[AimuxError]) -> AimuxError:
    """The first error of a group, depth first."""
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


@asynccontextmanager
async def open_job_room(
    store: Store, admission: Admission, *, strict: bool = False
) -> AsyncIterator[JobRoom]:
    """A room for jobs. Leaving it cancels what still runs and waits until every end is written."""
    async with trio.open_nursery() as nursery:
        room = JobRoom(store, admission, nursery, strict=strict)
        try:
            yield room
        finally:
            nursery.cancel_scope.cancel(reason="room closes")
