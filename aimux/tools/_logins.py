"""Trying logins: one tiny prompt on each installed CLI, for `sessions(action=health, verify=true)`.

A trial is a job with a limit of its own. A call waits as long as any call does; what has not ended
then goes on, and what has not begun is left for the next call, which begins with it.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.engine import Engine, JobHandle, JobRequest
from aimux.errors import AimuxError
from aimux.model import Mode, RouteRequest
from aimux.strategies import single

from ._calls import Client
from ._results import Json

TOOL: Final = "verify"
PROMPT: Final = "Answer with the single word: ready"
LIMIT_S: Final = 60.0  # a CLI that retries a refused key silently is not logged in either
LEAST_WAIT_S: Final = 1.0  # some have to begin, also where no call waits
AT_ONCE: Final = 3  # real CLIs take up to half a gigabyte each

log = logging.getLogger("aimux.logins")


@attrs.frozen(kw_only=True)
class Trials:
    """What came of trying logins: who has answered is in `guard.verified`."""

    tried: Sequence[str] = ()
    running: Mapping[str, str] = attrs.field(factory=dict)  # the job of each CLI that is at it
    left: Sequence[str] = ()  # not begun

    def as_json(self) -> Json:
        """As `sessions` tells it."""
        return {
            "tried": list(self.tried),
            "running": [{"cli": cli, "job_id": job} for cli, job in self.running.items()],
            "left": list(self.left),
        }


async def try_logins(engine: Engine, client: Client, *, wait_s: float) -> Trials:
    """Run one tiny prompt on each installed CLI, and wait at most `wait_s` for the answers.

    At most `AT_ONCE` run together, each for at most `LIMIT_S`; those that run when the wait is over
    go on. Who has never been tried comes first, and a trial that runs already is not begun again.
    Cancelling it ends those it has begun.
    """
    snapshot = await engine.config.snapshot(client)
    clis = await engine.registry.ready(snapshot, client.env, refresh=True)
    running = {
        handle.job.cli: handle
        for handle in engine.supervisor.open_handles()
        if handle.job.tool == TOOL
    }
    limiter = trio.CapacityLimiter(AT_ONCE)
    ended: list[str] = []
    left = sorted(clis, key=lambda cli: engine.guard.verified(cli) != "")
    order = list(left)

    async def attempt(cli: str) -> None:
        try:
            others = running.get(cli)
            handle = others or await _begin(engine, client, cli)
            left.remove(cli)
            if handle is not None:
                running[cli] = handle
                try:
                    await handle.done.wait()
                finally:
                    if others is None and not limit.cancel_called:  # the caller has gone
                        handle.cancel("verification given up")
                del running[cli]
            ended.append(cli)
        finally:
            limiter.release_on_behalf_of(cli)

    with trio.move_on_after(max(wait_s, LEAST_WAIT_S)) as limit:
        async with trio.open_nursery() as trying:
            for cli in order:
                await limiter.acquire_on_behalf_of(cli)  # here: tasks begin in any order
                trying.start_soon(attempt, cli)
    at_it = {cli: str(running[cli].id) for cli in order if cli in running}
    return Trials(
        tried=[cli for cli in clis if cli in ended],
        running=at_it,
        left=[cli for cli in left if cli not in at_it],
    )


async def _begin(engine: Engine, client: Client, cli: str) -> JobHandle | None:
    """The trial's job, or nothing where it cannot be begun: then there is nothing to be told."""
    request = JobRequest(
        tool=TOOL,
        prompt=PROMPT,
        route=RouteRequest(cli=cli, fallback=False),
        client=client,
        mode=Mode.READ,
        keeps_session=False,
        timeout_s=LIMIT_S,
    )
    try:
        prepared = await engine.prepare(request)
        return await engine.start(prepared, single(PROMPT))
    except AimuxError as error:
        log.info("not verified", extra={"cli": cli, "error": error.message})
        return None
