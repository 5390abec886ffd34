"""A supervisor on a store in memory, and work to give it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
import trio.testing

from aimux.engine import JobHandle, JobSupervisor
from aimux.engine.jobs._jobs import (
    JobStart,
    open_supervisor,
)
from aimux.model import (
    Job,
    Message,
    Report,
    Session,
)
from aimux.rules import SlotLimits
from aimux.testing import FakeStore

from .house import LONGEST_S, finished, make_job, make_session, speaking

Run = Callable[[JobHandle], Awaitable[Report]]


async def answer(handle: JobHandle) -> Report:
    """Work that is done at once."""
    await trio.lowlevel.checkpoint()
    return finished()


async def hang(handle: JobHandle) -> Report:
    """Work that never ends by itself."""
    with speaking(handle) as turn:
        turn.add(Message(text="so far"))
        await trio.sleep_forever()
    raise AssertionError


@attrs.define(eq=False)
class Stand:
    """A supervisor, its store, and short ways to give it jobs."""

    supervisor: JobSupervisor
    store: FakeStore
    born: int = 0

    async def open(
        self,
        run: Run = answer,
        *,
        session: Session | None = None,
        prompt: str = "do it",
        **more: Any,
    ) -> JobHandle:
        self.born += 1
        opened = session or make_session(self.born)
        given: dict[str, Any] = {
            "is_new_session": session is None,
            "client_key": "me",
            "limit_s": 100.0,
            "cli": "alpha",
            "session": opened,
        }
        job = make_job(self.born, session_id=opened.id, prompt=prompt)
        return await self.supervisor.open_job(job, JobStart(**(given | more)), run)

    async def end(self, handle: JobHandle) -> Job:
        """The job's row in the store, once it has ended."""
        with trio.fail_after(1_000):
            await handle.done.wait()
        row = await self.store.job(handle.id)
        assert row.status is handle.job.status
        return row

    async def kinds(self, handle: JobHandle) -> list[str]:
        return [entry.event.kind for entry in await self.store.entries(handle.id)]


@asynccontextmanager
async def open_stand(
    store: FakeStore | None = None, *, strict: bool = True, **limits: int
) -> AsyncIterator[Stand]:
    kept = store or FakeStore()
    with trio.fail_after(LONGEST_S):
        async with open_supervisor(kept, SlotLimits(**limits), strict=strict) as supervisor:
            yield Stand(supervisor, kept)
    assert supervisor.open_handles() == []
