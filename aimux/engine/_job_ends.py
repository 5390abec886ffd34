"""A job on its way to the store: its log while it runs, and its end, once."""

import logging

import trio

from aimux.errors import StoreUnavailable
from aimux.model import Failure, FailureClass, JobStatus
from aimux.rules import outcome_of, session_after
from aimux.store import Store
from aimux.times import utc_now

from ._handle import JobHandle
from ._log import COALESCE_S, JobLog

log = logging.getLogger("aimux.jobs")


async def keep_log(joblog: JobLog, store: Store) -> None:
    """Give the entries of a log to the store in batches, until cancelled.

    No entry waits longer than `COALESCE_S`, and gathered text becomes entries in time. What is left
    when it is cancelled is stored with the end of the job, as is the whole log of a job that is
    shorter.
    """
    while True:
        await joblog.wait_unstored()
        with trio.move_on_after(COALESCE_S):
            await joblog.wait_crowded()
        joblog.flush()
        await _store_entries(joblog, store)


async def _store_entries(joblog: JobLog, store: Store) -> None:
    entries = joblog.unstored()
    if not entries:
        return
    try:
        await store.append(joblog.job.id, entries)
    except StoreUnavailable as error:
        told = {"entries": len(entries), "error": error.message}
        log.warning("log entries not stored", extra=told)
    joblog.stored(entries[-1].seq)  # the store counts what it lost


def why_stopped(handle: JobHandle) -> tuple[Failure, JobStatus]:
    """Why a job ended that was cancelled, or that aimux stopped under; and its status."""
    status = JobStatus.CANCELLED if handle.cause else JobStatus.ABORTED
    message = handle.cause or "aimux stopped"
    failure = Failure(failure_class=FailureClass.CANCELLED, code=str(status), message=message)
    return failure, status


async def store_end(
    store: Store, handle: JobHandle, status: JobStatus, failure: Failure | None, *, strict: bool
) -> None:
    """Make the outcome of what a job's turns came to, and write its end and its session.

    A store that cannot take it costs the end on disk, not the answer. `strict` lets bugs through.
    Cancelled before the store has begun, the end is in memory only.
    """
    joblog = handle.log
    outcome = outcome_of(
        joblog.results,
        report=handle.report,
        failure=failure,
        warnings=joblog.warnings,
        duration_ms=round((trio.current_time() - joblog.born) * 1000),
    )
    error = outcome.error
    joblog.finish(status, error.message if error is not None else "", outcome)
    if handle.session is not None:
        handle.session = session_after(
            handle.session,
            joblog.results,
            status=status,
            cli=outcome.cli,
            at=handle.job.finished_at or utc_now(),
        )
    entries = joblog.unstored()
    try:
        await store.finish(handle.job, handle.session, entries)
    except StoreUnavailable as fault:
        log.warning("end of job not stored", extra={"error": fault.message})
    except Exception:  # still firewall 1: a bug in one job's end spares the others
        log.exception("end of job not stored")
        if strict:
            raise
    joblog.stored(joblog.last_seq)
