"""A job on its way to the store: its log while it runs, and its end, once.

What the store cannot take now stays in memory and is tried again: the log within a bound, the end
until it is stored. Who is told of an end that is not stored is told that too (docs/design/0018).
"""

import logging
from collections.abc import Iterable
from typing import Final

import attrs
import trio

from aimux.engine.log import COALESCE_S, JobLog, NotStored
from aimux.errors import AimuxError, StoreUnavailable
from aimux.model import Failure, FailureClass, JobStatus
from aimux.rules import ends_unstored, outcome_of, session_after
from aimux.store import Store
from aimux.times import utc_now

from ._handle import JobHandle

RETRY_S: Final = 1.0  # after the store could not take something; then twice as long each time
RETRY_MAX_S: Final = 15.0
LAST_TRIES_S: Final = 10.0  # for ends that are not stored when the supervisor closes
UNSTORED_ENDS: Final = 100  # at once; then no further job begins
_HOPELESS: Final = frozenset({"store_corrupt", "store_unreadable", "store_closed"})

log = logging.getLogger("aimux.jobs")


async def keep_log(joblog: JobLog, store: Store) -> None:
    """Give the entries of a log to the store in batches, until cancelled.

    No entry waits longer than `COALESCE_S`, and gathered text becomes entries in time. What is left
    when it is cancelled is stored with the end of the job, as is the whole log of a job that is
    shorter. What the store cannot take is tried again; only what is too much to be kept meanwhile
    is lost.
    """
    while True:
        await joblog.entries.wait_unstored()
        with trio.move_on_after(COALESCE_S):
            await joblog.entries.wait_crowded()
        joblog.flush()
        if not await _store_entries(joblog, store):
            await trio.sleep(RETRY_S)


async def _store_entries(joblog: JobLog, store: Store) -> bool:
    entries = joblog.entries.unstored()
    if not entries:
        return True
    is_stored = False
    try:
        is_stored = await store.append(joblog.job.id, entries)
    except StoreUnavailable as error:
        told = {"entries": len(entries), "error": error.message}
        log.warning("log entries not stored yet", extra=told)
    if is_stored:
        joblog.stored(entries[-1].seq)
    else:
        store.count_lost(joblog.entries.give_up_excess())
    return is_stored


async def store_log(store: Store, handle: JobHandle) -> None:
    """Store what is not stored of the log of a job that is left as it is.

    Cancelled before the store has begun, that is lost.
    """
    await _store_entries(handle.log, store)


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

    A store that cannot take it costs the end on disk, not the answer: then `log.not_stored` says
    why, and `store_later` goes on. `strict` lets bugs through. Cancelled before the store has
    begun, the end is in memory only.
    """
    joblog = handle.log
    outcome = outcome_of(
        joblog.results,
        report=handle.report,
        failure=failure,
        so_far=joblog.so_far,
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
    joblog.not_stored = NotStored("the store has not answered in time")  # until it has
    try:
        await _store_end(store, handle)
    except Exception:  # still firewall 1: a bug in one job's end spares the others
        log.exception("end of job not stored")
        joblog.not_stored = NotStored("internal error; see the log", is_final=True)
        if strict:
            raise
    else:
        _tell(joblog.not_stored)


def _tell(not_stored: NotStored | None) -> None:
    if not_stored is not None and not_stored.is_final:
        log.error("end of job lost", extra={"error": not_stored.why})
    elif not_stored is not None:
        log.warning("end of job not stored yet", extra={"error": not_stored.why})


async def _store_end(store: Store, handle: JobHandle) -> None:
    """One try; `log.not_stored` says what came of it."""
    joblog = handle.log
    try:
        await store.finish(handle.job, handle.session, joblog.entries.unstored())
    except AimuxError as fault:
        is_final = not isinstance(fault, StoreUnavailable) or fault.code in _HOPELESS
        joblog.not_stored = NotStored(fault.message, hint=fault.hint or "", is_final=is_final)
    else:
        joblog.not_stored = None
        joblog.stored(joblog.entries.last_seq)


async def store_later(store: Store, handle: JobHandle) -> None:
    """Try to store an end again, until it is stored or never can be.

    Cancelling it leaves it `LAST_TRIES_S` more; an end that is not stored then is lost.
    """
    try:
        await _try_on(store, handle)
    finally:
        with trio.move_on_after(LAST_TRIES_S, shield=True):
            await _try_on(store, handle)
        left = handle.log.not_stored
        if left is None:
            log.info("end of job stored")
        else:
            _tell(attrs.evolve(left, is_final=True))


async def _try_on(store: Store, handle: JobHandle) -> None:
    pause_s = RETRY_S
    while handle.log.is_to_be_stored:
        await trio.sleep(pause_s)
        pause_s = min(RETRY_MAX_S, 2 * pause_s)
        await _store_end(store, handle)


def check_backlog(handles: Iterable[JobHandle]) -> None:
    """Refuse more work while too many ends wait for the store.

    Raises:
        StoreUnavailable: what it says of the oldest of them.
    """
    waiting = [each.log.not_stored for each in handles if each.log.not_stored is not None]
    if len(waiting) >= UNSTORED_ENDS:
        raise StoreUnavailable(
            f"{ends_unstored(len(waiting))}: {waiting[0].why}",
            hint=waiting[0].hint,
            retryable=True,
        )
