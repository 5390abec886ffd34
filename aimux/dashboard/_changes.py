"""Which jobs have changed, in numbers that whoever comes back can go on from.

Theory of operation. Each change of a job's row gets the next number; of a job only the newest row
is kept. Who has seen everything up to a number is given the rows with higher ones: however long it
was away, it gets each job once. A number is good within one process, which `instance` names;
afterwards, or when too much was forgotten, a watcher begins anew.
"""

from collections import OrderedDict
from typing import Final

import trio

from aimux.engine import Engine, JobHandle
from aimux.model import TERMINAL
from aimux.waiting import Broadcast

from ._rows import Json, live_row

ROW_S: Final = 0.5  # between two rows of one job
KEPT_ROWS: Final = 5_000  # jobs that have changed, for who was away


class JobChanges:
    """The newest row of each job that has changed since this process began."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.number = 0
        self._rows: OrderedDict[str, tuple[int, Json]] = OrderedDict()  # by number
        self._forgotten = 0  # the highest number of a row that is not kept any more
        self._watched: set[str] = set()
        self._news = Broadcast()

    def __repr__(self) -> str:
        return f"<JobChanges: {self.number}, {len(self._watched)} jobs watched>"

    def put(self, row: Json) -> None:
        """Take a job's row; one that says what the last one did changes nothing."""
        job_id = str(row["id"])
        known = self._rows.get(job_id)
        if known is not None and known[1] == row:
            return
        self.number += 1
        self._rows[job_id] = (self.number, row)
        self._rows.move_to_end(job_id)
        while len(self._rows) > KEPT_ROWS:
            self._forgotten = self._rows.popitem(last=False)[1][0]
        self._news.notify()

    def since(self, number: int) -> list[Json] | None:
        """The rows that changed after a number, oldest change first; None: begin anew."""
        if number < self._forgotten or number > self.number:
            return None
        found: list[Json] = []
        for changed, row in reversed(self._rows.values()):
            if changed <= number:
                break
            found.append(row)
        return found[::-1]

    def resumable(self, event_id: str) -> int | None:
        """The number in the id of an event of this process; None if it cannot be gone on from."""
        instance, _, number = event_id.rpartition("-")
        if instance != self.instance or not number.isdecimal() or len(number) > 12:
            return None
        return None if self.since(int(number)) is None else int(number)

    async def wait_after(self, number: int) -> None:
        """Return once there is a change after a number. Cancelling it only ends the waiting."""
        while self.number <= number:
            await self._news.wait()

    async def serve(self, engine: Engine) -> None:
        """Watch every job that is open, until cancelled."""
        supervisor = engine.supervisor
        async with trio.open_nursery() as watching:
            while True:
                for handle in supervisor.open_handles():
                    if handle.id not in self._watched:
                        self._watched.add(handle.id)
                        watching.start_soon(self._watch, handle)
                await supervisor.wait_change()

    async def _watch(self, handle: JobHandle) -> None:
        async with trio.open_nursery() as life:
            life.start_soon(self._watch_questions, handle)
            while handle.job.status not in TERMINAL:
                self.put(live_row(handle, trio.current_time()))
                await handle.log.entries.wait_change()
                await trio.sleep(ROW_S)
            await handle.done.wait()  # nobody is told of an end that is not stored
            life.cancel_scope.cancel(reason="the job has ended")
        self.put(live_row(handle, trio.current_time()))
        self._watched.discard(handle.id)

    async def _watch_questions(self, handle: JobHandle) -> None:
        number = 0
        while True:
            question = await handle.questions.wait_after(number)
            number = question.number
            self.put(live_row(handle, trio.current_time()))
            await question.closed.wait()
            self.put(live_row(handle, trio.current_time()))
