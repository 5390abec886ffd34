"""Who is told when a job ends or waits for a person: commands and webhooks of the user's.

Theory of operation. Telling never holds a job up: what happened goes into a bounded queue, and what
has no room there is counted and logged. A few workers tell it to each notification that wants it,
under its own limit, and again after a pause where that failed. The text has no prompt and no
answer, and secrets in it are masked. When the engine closes, what is queued has `LAST_WORDS_S`.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import orjson
import trio

from aimux.drivers import Driver, ProcessSpec
from aimux.errors import AimuxError
from aimux.model import Job, NotificationSettings, NotifyOn
from aimux.rules import bare_environment, mask_between
from aimux.rules.traces import job_env
from aimux.times import utc_now, utc_stamp

QUEUED: Final = 200  # that wait for a worker; more are dropped and counted
WORKERS: Final = 4  # a receiver that does not answer holds one up
LAST_WORDS_S: Final = 2.0
PAUSES_S: Final = (1.0, 4.0, 15.0, 30.0, 60.0)  # before each further try
GRACE_S: Final = 0.5

log = logging.getLogger("aimux.notify")

Notifications = Mapping[str, NotificationSettings]


@attrs.frozen(kw_only=True)
class _Notice:
    """What is told on what occasion; `env` says to commands below which job they stand."""

    on: NotifyOn
    body: bytes
    env: Mapping[str, str]


Run = Callable[[NotificationSettings, _Notice], Awaitable[str]]


@attrs.define(eq=False)
class Notifier:
    """Takes what happened to jobs. Made by `open_notifier`."""

    _send: trio.MemorySendChannel[_Notice]
    wanted: Notifications
    dropped: int = 0

    def job_ended(self, job: Job) -> None:
        """Tell of a job's end; one that is a step of another is not told of."""
        if not job.parent_id:
            self._tell(NotifyOn.ENDED, job)

    def job_waits(self, job: Job, question: str) -> None:
        """Tell that the CLI of a job asks something."""
        self._tell(NotifyOn.WAITING, job, question)

    def _tell(self, on: NotifyOn, job: Job, question: str = "") -> None:
        if not any(on in each.on for each in self.wanted.values()):
            return
        try:
            traced = job_env(job.trace, job.id)
            self._send.send_nowait(_Notice(on=on, body=notice(on, job, question), env=traced))
        except trio.WouldBlock:
            self.dropped += 1
            log.warning("notification dropped", extra={"job_id": job.id, "dropped": self.dropped})
        except trio.BrokenResourceError:  # the workers are gone: we are closing
            self.dropped += 1


def notice(on: NotifyOn, job: Job, question: str = "") -> bytes:
    """What is told of a job, as JSON: neither its prompt nor its answer, secrets masked."""
    outcome = job.outcome
    error = outcome.error if outcome is not None else None
    return orjson.dumps(
        {
            "event": f"job_{on}",
            "job_id": job.id,
            "session_id": job.session_id or None,
            "parent_id": job.parent_id or None,
            "status": str(job.status),
            "tool": job.tool,
            "role": job.role or None,
            "cli": (outcome.cli if outcome is not None else "") or job.cli or None,
            "model": (outcome.model if outcome is not None else "") or job.model or None,
            "client": job.client or None,
            "question": mask_between(question) or None,
            "error": None
            if error is None
            else {
                "code": error.code,
                "class": str(error.failure_class),
                "message": mask_between(error.message),
            },
            "duration_ms": outcome.duration_ms if outcome is not None else None,
            "at": utc_stamp(utc_now()),
        }
    )


@asynccontextmanager
async def open_notifier(
    wanted: Notifications, drive: Driver, env: Mapping[str, str], cwd: Path
) -> AsyncIterator[Notifier]:
    """A notifier whose workers live while this is open.

    Leaving it, cancelled or not, gives what is queued `LAST_WORDS_S` and drops the rest.
    """
    send, receive = trio.open_memory_channel[_Notice](QUEUED)
    notifier = Notifier(send, wanted)
    last = trio.CancelScope(shield=True)  # bounded by `LAST_WORDS_S` once we leave

    async def work() -> None:
        with last, receive:
            async with trio.open_nursery() as workers:
                for _ in range(WORKERS):
                    workers.start_soon(_work, notifier, receive.clone(), drive, env, cwd)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        try:
            yield notifier
        finally:
            send.close()
            last.deadline = trio.current_time() + LAST_WORDS_S


async def _work(
    notifier: Notifier,
    receive: trio.MemoryReceiveChannel[_Notice],
    drive: Driver,
    env: Mapping[str, str],
    cwd: Path,
) -> None:
    async def run(to: NotificationSettings, told: _Notice) -> str:
        return await _run(to, told, drive, env, cwd)

    with receive:
        async for told in receive:
            for name, each in sorted(notifier.wanted.items()):
                if told.on in each.on:
                    await _deliver(name, each, told, run)


async def _deliver(name: str, to: NotificationSettings, told: _Notice, run: Run) -> None:
    """Tell one receiver, again where that failed; what became of it is logged."""
    why = ""
    for attempt in range(to.retries + 1):
        if attempt:
            await trio.sleep(PAUSES_S[min(attempt, len(PAUSES_S)) - 1])
        why = f"no answer within {to.timeout_seconds:g} s"
        with trio.move_on_after(to.timeout_seconds):
            why = await (run(to, told) if to.command else _post_in_time(to, told.body))
        if not why:
            log.info("notification told", extra={"notification": name, "attempts": attempt + 1})
            return
    log.warning(
        "notification failed",
        extra={"notification": name, "attempts": to.retries + 1, "error": mask_between(why)},
    )


async def _run(
    to: NotificationSettings, told: _Notice, drive: Driver, env: Mapping[str, str], cwd: Path
) -> str:
    """Run a command with the text on its stdin; why it failed, empty if it did not."""
    spec = ProcessSpec(
        argv=list(to.command),
        cwd=str(cwd),
        env={**bare_environment(env), **told.env},
        stdin=told.body,
        grace_s=GRACE_S,
    )
    try:
        gone = await drive(spec, lambda _, __: None)
    except AimuxError as error:
        return error.message
    return "" if gone.exit_code == 0 else f"left with {gone.exit_code or gone.signal}"


async def _post_in_time(to: NotificationSettings, body: bytes) -> str:
    from ._webhook import post  # HTTP and TLS, only where there is a webhook

    # abandoned when its time is over: the socket's own limit ends the thread a moment later
    return await trio.to_thread.run_sync(post, to, body, abandon_on_cancel=True)
