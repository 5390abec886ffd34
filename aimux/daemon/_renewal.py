"""When a daemon begins anew: at a moment without jobs, and if there is none, within a named time.

A restart ends what runs, so it waits. But a daemon that several people or scripts share may never
be without a job, and would go on as the version that was replaced. So from `HOLD_AFTER_S` on no
job begins, with an error that says when to come again, and by `RENEW_WITHIN_S` what still runs is
drained as it is when the daemon is stopped.
"""

from typing import Final, Protocol

import trio

HOLD_AFTER_S: Final = 1800.0  # of waiting for a moment that comes by itself
# `default_timeout_seconds` of a job: whatever ran when the restart was asked for is over by then
RENEW_WITHIN_S: Final = 3600.0


class Jobs(Protocol):
    """The supervisor, as far as a restart matters."""

    async def wait_empty(self) -> None:
        """Return once no job is open. Cancelling it only ends the waiting."""

    def hold(self, message: str, hint: str) -> None:
        """Begin no further job."""


async def wait_renewal(jobs: Jobs) -> None:
    """Return when the daemon may begin anew: no job runs, or `RENEW_WITHIN_S` are over.

    Cancelling it ends the waiting; jobs that are held back by then stay held back.
    """
    with trio.move_on_after(HOLD_AFTER_S):
        await jobs.wait_empty()
        return
    left_s = RENEW_WITHIN_S - HOLD_AFTER_S
    jobs.hold(
        "aimux is to begin anew and waits for the jobs that run, so no other one begins",
        f"the same call again, when they are done: in {left_s / 60:g} minutes at the latest",
    )
    with trio.move_on_after(left_s):
        await jobs.wait_empty()
