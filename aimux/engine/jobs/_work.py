"""The work of a job while it runs: first slot, backstop, and what its exceptions mean."""

import logging
from collections.abc import Awaitable, Callable

import trio

from aimux.errors import AimuxError, InternalFault, OutOfTime, first_leaf
from aimux.model import Failure, FailureClass, JobStatus, Report
from aimux.rules import failure_of
from aimux.store import Store

from ._handle import JobHandle
from ._job_ends import keep_log

log = logging.getLogger("aimux.jobs")

Run = Callable[[JobHandle], Awaitable[Report]]


async def run_work(
    handle: JobHandle, run: Run, store: Store, *, strict: bool
) -> tuple[Failure | None, JobStatus]:
    """Run the work of a job under its backstop and return why it did not report, if it did not.

    The status that comes with it holds only for a job without a report. The log is kept meanwhile.
    `strict` lets bugs through. Cancelling it cancels the work and judges nothing.
    """
    error: AimuxError | None = None
    try:
        async with trio.open_nursery() as job:
            job.start_soon(keep_log, handle.log, store)
            if handle.first_slot is not None:
                await handle.first_slot.granted.wait()
                handle.begin()
            elif not handle.job.cli:  # it asks nobody: nothing is waited for
                handle.begin()
            with handle.backstop:
                handle.report = await run(handle)
            job.cancel_scope.cancel(reason="work is over")
    except* AimuxError as group:
        error = first_leaf(group)
    except* Exception as group:  # firewall 1 of 2
        log.exception("job failed")
        error = InternalFault(f"internal error in {handle.id}; see the log")
        if strict:
            raise
        del group
    if error is None and handle.report is None:
        error = OutOfTime(f"not finished after {handle.limit_s:g} s")
    if isinstance(error, OutOfTime):
        late = Failure(
            failure_class=FailureClass.TIMEOUT,
            code=error.code,
            message=error.message,
            retryable=True,
        )
        return late, JobStatus.TIMED_OUT
    return (None if error is None else failure_of(error)), JobStatus.FAILED
