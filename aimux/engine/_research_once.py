"""What is researched already is not researched twice at once.

Theory of operation. A job about to research looks whether another one is at the same, by the key
under which its answer will be kept. If so it gives its slot back and waits for that one's end, then
does what anybody who asks later does: it takes the answer that was kept, and where there is none
(the other failed, was cancelled, ran out of time) it researches itself, and the rest wait for it.
Each keeps its own deadline, and ending one ends no other.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import attrs
import trio

from aimux.errors import OutOfTime, StoreUnavailable
from aimux.model import Noted, Report

from .jobs import JobHandle, Run, Slots


@attrs.frozen(kw_only=True)
class SameResearch:
    """Under which key a research is the same as another; `find` reports the answer that is kept."""

    key: str
    find: Callable[[], Awaitable[Report | None]]


class OpenResearch:
    """The researches under way that others may wait for."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._open: dict[str, tuple[JobHandle, trio.Event]] = {}

    def __repr__(self) -> str:
        return f"<OpenResearch: {len(self._open)} under way>"

    async def run(self, handle: JobHandle, same: SameResearch, run: Run) -> Report:
        """The answer of another job that researches the same, or what `run` makes.

        Cancelling it lets the next one that waits do it.

        Raises:
            OutOfTime: the job's time was over before the other's end.
        """
        while (found := self._open.get(same.key)) is not None:
            other, ended = found
            slot, handle.first_slot = handle.first_slot, None
            if slot is not None:  # a slot is for who works
                self._slots.release(slot)
            handle.log.add(Noted(text=f"waits for {other.id}, which researches the same"))
            with trio.CancelScope(deadline=handle.deadline) as scope:
                await ended.wait()
            if scope.cancelled_caught:
                raise OutOfTime(f"{other.id} had no answer within {handle.limit_s:g} s")
        with self.known(handle, same.key):
            report: Report | None = None
            with suppress(StoreUnavailable):  # then it is researched, and said that it is not kept
                report = await same.find()
            return await run(handle) if report is None else report

    @contextmanager
    def known(self, handle: JobHandle, key: str) -> Iterator[None]:
        """Let others wait for this job meanwhile, unless they wait for another one already."""
        own = handle, trio.Event()
        is_first = self._open.setdefault(key, own) is own
        try:
            yield
        finally:
            if is_first:
                del self._open[key]
                own[1].set()
