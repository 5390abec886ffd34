"""The event stream of the page: rows of jobs as they change, entries of the job that is looked at.

It begins with `hello`. A page that comes back with the id of the last event that it has seen gets
what changed since; any other gets the newest jobs, and all that are open. Entries go on after the
sequence number that the page has. When a job says more than a page can take, what lies between is
left out of the stream: the page asks for it when somebody scrolls there.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import orjson
import trio

from aimux import __version__
from aimux.engine import BEFORE_ENTRIES, Engine
from aimux.errors import NotFound
from aimux.model import TERMINAL, JobId
from aimux.protocol import encode_comment, encode_event
from aimux.times import utc_now

from ._changes import JobChanges
from ._rows import Json, entry_rows, live_row, ms, stored_row

FIRST_ROWS: Final = 200
BATCH_ENTRIES: Final = 500
MAX_BEHIND: Final = 2_000  # entries; a page that lags further sees the newest first
PAUSE_S: Final = 0.2  # between two frames of a kind: a page draws no faster
PING_S: Final = 15.0

Write = Callable[[bytes], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Watching:
    """What a page wants to see."""

    event_id: str = ""  # of the last event that it has
    job_id: str = ""  # of the job that it looks at
    after_seq: int | None = None  # of that job; None: the newest entries


class Feed:
    """One page's stream. `serve` writes it."""

    def __init__(
        self,
        engine: Engine,
        changes: JobChanges,
        wanted: Watching,
        write: Write,
        *,
        endpoint: str,
    ) -> None:
        """`endpoint` is the path on which the page can call tools."""
        self._endpoint = endpoint
        self._engine = engine
        self._changes = changes
        self._wanted = wanted
        self._write = write
        self._writing = trio.Lock()

    def __repr__(self) -> str:
        return f"<Feed: {self._wanted.job_id or 'jobs'}>"

    async def serve(self) -> None:
        """Write until cancelled."""
        async with trio.open_nursery() as writing:
            writing.start_soon(self._serve_rows)
            if self._wanted.job_id:
                writing.start_soon(self._serve_entries, self._wanted.job_id)

    async def _say(self, name: str, body: Json, event_id: str | None = None) -> None:
        data = encode_event(orjson.dumps(body), event=name, event_id=event_id)
        async with self._writing:
            await self._write(data)

    def _id(self, number: int) -> str:
        return f"{self._changes.instance}-{number}"

    async def _serve_rows(self) -> None:
        changes = self._changes
        known = changes.resumable(self._wanted.event_id)
        number = changes.number if known is None else known
        hello: Json = {
            "instance": changes.instance,
            "version": __version__,
            "endpoint": self._endpoint,
            "resumed": known is not None,
            "now": ms(utc_now()),
        }
        await self._say("hello", hello)
        if known is None:
            await self._say("rows", await self._first_rows(), self._id(number))
        while True:
            rows = changes.since(number)
            if rows is None:  # it was away for too long while it was here
                number = changes.number
                await self._say("rows", await self._first_rows(), self._id(number))
            elif rows:
                number = changes.number
                body: Json = {"rows": rows, "totals": await self._totals()}
                await self._say("rows", body, self._id(number))
            quiet = trio.move_on_after(PING_S)
            with quiet:
                await changes.wait_after(number)
            if quiet.cancelled_caught:
                async with self._writing:
                    await self._write(encode_comment())
            else:
                await trio.sleep(PAUSE_S)

    async def _totals(self) -> Json:
        tally = await self._engine.store.tally()
        return {str(status): count for status, count in tally.jobs.items()}

    async def _first_rows(self) -> Json:
        page = await self._engine.store.overview.glances(limit=FIRST_ROWS)
        now = trio.current_time()
        rows = {row["id"]: row for row in (stored_row(each) for each in page.glances)}
        open_ones = self._engine.supervisor.open_handles()
        rows |= {handle.id: live_row(handle, now) for handle in open_ones}
        return {
            "rows": list(rows.values()),
            "older": page.cursor,
            "totals": await self._totals(),
            "is_first": True,
        }

    async def _serve_entries(self, job_id: str) -> None:
        engine, seq = self._engine, self._wanted.after_seq
        while True:
            try:
                job, handle = await engine.jobs.get(job_id)
            except NotFound as error:
                await self._say("gone", {"job": job_id, "message": error.message})
                return
            last = job.last_seq
            if seq is None or last - seq > MAX_BEHIND:
                seq = max(0, last - BATCH_ENTRIES)
            entries = await engine.jobs.entries(JobId(job_id), max(0, seq - BEFORE_ENTRIES))
            rows = await trio.to_thread.run_sync(entry_rows, entries, seq)
            if rows:
                body: Json = {
                    "job": job_id,
                    "entries": rows,
                    "last_seq": max(last, entries[-1].seq),
                }
                await self._say("entries", body)
                seq = entries[-1].seq
            if handle is None or (job.status in TERMINAL and seq >= job.last_seq):
                if rows and seq < last:
                    continue
                return
            if handle.log.entries.last_seq <= seq:
                await handle.log.entries.wait_after(seq)
            await trio.sleep(PAUSE_S)
