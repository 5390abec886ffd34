"""The paths of the page, for the HTTP app to serve behind its gate.

`pages` are open to everybody who passes the gate's look at Host and Origin: they hold nothing of
the user's. `guarded` need a credential. What the page *does* is not here: it calls the tools on the
MCP endpoint, like any client.
"""

import datetime
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine import BEFORE_ENTRIES, Engine
from aimux.errors import AimuxError, InvalidArguments, NotFound, Refusal
from aimux.model import JobId, UsageRow
from aimux.times import utc_now
from aimux.tools import App, Client

from ._answers import (
    FRESH,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    header,
    query,
    read_body,
    refuse,
    while_here,
)
from ._changes import JobChanges
from ._feed import Feed, Watching
from ._files import HEADERS, PAGE, load_files
from ._passes import Passes
from ._posted import read_link_token
from ._rows import Json, entry_row, entry_rows, live_row, stored_row
from ._timeline import fold

PATH: Final = "/dashboard"
SILENCE_S: Final = 10.0  # a shorter one is not drawn
MAX_PAGE: Final = 1_000
MAX_ENTRIES: Final = 2_000
WHOLE_CHARS: Final = 262_144  # of one entry that is looked at
MAX_HOURS: Final = 24 * 366
BUCKETS: Final = 120  # points of a plot, near enough
HOUR_S: Final = 3_600
STREAM: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

Read = Callable[[Engine, Mapping[str, str]], Awaitable[Json]]


class Dashboard:
    """The page and its feed. One per server; `serve` keeps its rows up to date."""

    def __init__(
        self, app: App, passes: Passes, client: Client, *, instance: str, endpoint: str
    ) -> None:
        self.passes = passes
        self._app = app
        self._client = attrs.evolve(client, key="page", transport="page")
        self._changes = JobChanges(instance)
        self._endpoint = endpoint
        self._files = load_files()
        self._ended = trio.Event()
        self.pages = {
            PATH: self._move,
            f"{PATH}/": self._file,
            f"{PATH}/api/session": self._session,
            f"{PATH}/{{name:path}}": self._file,
        }
        self.guarded = {
            f"{PATH}/api/feed": self._feed,
            f"{PATH}/api/jobs": partial(self._asked, self._jobs),
            f"{PATH}/api/entries": partial(self._asked, self._entries),
            f"{PATH}/api/entry": partial(self._asked, self._entry),
            f"{PATH}/api/timeline": partial(self._asked, self._timeline),
            f"{PATH}/api/usage": partial(self._asked, self._usage),
        }

    def __repr__(self) -> str:
        return f"<Dashboard: {self._changes!r}, {self.passes!r}>"

    def knows(self, token: str) -> str | None:
        """Whom a credential stands for; None if it is no pass of the page."""
        return self.passes.holder(token, time.time())

    def end(self) -> None:
        """End every feed: the server leaves."""
        self._ended.set()

    async def serve(self) -> None:
        """Follow the jobs once the engine is open, until cancelled."""
        is_open = trio.Event()
        self._app.on_open(is_open.set)
        try:
            await is_open.wait()
        finally:
            self._app.off_open(is_open.set)
        tools = await self._app.ready()  # whoever opens it is about to hand it out
        await self._changes.serve(tools.context.engine)

    # ------------------------------------------------------------------ open to all

    async def _move(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the page itself: its files are named beside it."""
        del scope, receive
        await answer(send, 308, headers=((b"location", f"{PATH}/".encode()), FRESH, *HEADERS))

    async def _file(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 405, headers=((b"allow", b"GET, HEAD"), FRESH, *HEADERS))
            return
        file = self._files.get(scope.get("path_params", {}).get("name") or PAGE)
        if file is None:
            await answer(
                send, 404, b"there is no such page", kind=b"text/plain", headers=(FRESH, *HEADERS)
            )
            return
        # the browser keeps it and asks whether it is still that: an upgrade is seen at once
        kept = ((b"etag", file.tag), (b"cache-control", b"no-cache"), *HEADERS)
        if header(scope, b"if-none-match").encode() == file.tag:
            await answer(send, 304, headers=kept)
        elif scope["method"] == "HEAD":
            await answer(send, 200, headers=((b"content-type", file.kind), *kept))
        else:
            await answer(send, 200, file.data, kind=file.kind, headers=kept)

    async def _session(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the token of a link for a pass."""
        if scope["method"] != "POST":
            await answer(send, 405, headers=((b"allow", b"POST"), FRESH))
            return
        try:
            link_token = read_link_token(header(scope, b"content-type"), await read_body(receive))
            made = self.passes.redeem(link_token, trio.current_time(), time.time())
        except AimuxError as error:
            await refuse(send, error, 403 if isinstance(error, Refusal) else 400)
            return
        await answer_json(send, {"pass": made})

    # ------------------------------------------------------------------ behind the gate

    async def _asked(
        self,
        read: Read,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a question with JSON."""
        del receive
        if scope["method"] != "GET":
            await answer(send, 405, headers=((b"allow", b"GET"), FRESH))
            return
        try:
            tools = await self._app.ready()
            body = await read(tools.context.engine, query(scope))
        except NotFound as error:
            await refuse(send, error, 404)
        except InvalidArguments as error:
            await refuse(send, error, 400)
        except AimuxError as error:
            await refuse(send, error, 503)
        else:
            await answer_json(send, body)

    async def _feed(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = query(scope)
        try:
            after = _number(given, "after", -1, least=-1)
            tools = await self._app.ready()
        except AimuxError as error:
            await refuse(send, error, 400 if isinstance(error, InvalidArguments) else 503)
            return
        wanted = Watching(
            event_id=header(scope, b"last-event-id"),
            job_id=given.get("job", ""),
            after_seq=None if after < 0 else after,
        )

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        async def work() -> None:
            engine = tools.context.engine
            feed = Feed(engine, self._changes, wanted, write, endpoint=self._endpoint)
            async with trio.open_nursery() as serving:
                serving.start_soon(feed.serve)
                await self._ended.wait()
                serving.cancel_scope.cancel(reason="the server leaves")

        await send({"type": "http.response.start", "status": 200, "headers": STREAM})
        with self._app.attached(self._client):
            await while_here(receive, work)
        await send({"type": "http.response.body", "body": b""})

    async def _jobs(self, engine: Engine, given: Mapping[str, str]) -> Json:
        """A page of jobs, newest first; or the one that is named."""
        if "id" in given:
            return await self._job(engine, given["id"])
        limit = _number(given, "limit", MAX_PAGE, most=MAX_PAGE)
        page = await engine.store.overview.glances(limit=limit, cursor=given.get("cursor"))
        rows = await trio.to_thread.run_sync(lambda: [stored_row(each) for each in page.glances])
        return {"rows": rows, "older": page.cursor}

    async def _job(self, engine: Engine, job_id: str) -> Json:
        handle = engine.supervisor.find(job_id)
        if handle is not None:
            return {"rows": [live_row(handle, trio.current_time())]}
        return {"rows": [stored_row(await engine.store.overview.glance(JobId(job_id)))]}

    async def _entries(self, engine: Engine, given: Mapping[str, str]) -> Json:
        """Entries of a log after a number, each cut to a line's length."""
        after = _number(given, "after", 0)
        limit = _number(given, "limit", MAX_ENTRIES, least=1, most=MAX_ENTRIES)
        job_id, begin = JobId(given.get("job", "")), max(0, after - BEFORE_ENTRIES)
        handle = engine.supervisor.find(job_id)
        if handle is not None and begin + 1 >= handle.log.entries.first_seq:
            entries = handle.log.entries.since(begin)[: limit + after - begin]
        else:
            entries = await engine.store.entries(job_id, begin, limit + after - begin)
        rows = await trio.to_thread.run_sync(entry_rows, entries, after)
        return {"job": job_id, "entries": rows}

    async def _entry(self, engine: Engine, given: Mapping[str, str]) -> Json:
        """One entry, as whole as a person can want to see it."""
        seq = _number(given, "seq", 0, least=1)
        begin = max(0, seq - 1 - BEFORE_ENTRIES)
        entries = await engine.jobs.entries(JobId(given.get("job", "")), begin)
        at = next((at for at, each in enumerate(entries) if each.seq == seq), None)
        if at is None:
            raise NotFound(f"this job has no entry {seq}", code="entry_not_found")
        return await trio.to_thread.run_sync(entry_row, entries, at, WHOLE_CHARS)

    async def _timeline(self, engine: Engine, given: Mapping[str, str]) -> Json:
        """The turns and attempts of a job as bars."""
        job_id = JobId(given.get("job", ""))
        handle = engine.supervisor.find(job_id)
        silences = await engine.store.overview.silences(job_id, SILENCE_S)
        entries = await engine.store.overview.milestones(job_id)
        if handle is not None:
            last = entries[-1].seq if entries else 0
            entries = [*entries, *handle.log.entries.since(last)]
        return {"job": job_id, **await trio.to_thread.run_sync(fold, entries, silences)}

    async def _usage(self, engine: Engine, given: Mapping[str, str]) -> Json:
        """What turns have used in the last hours, in stretches of equal length."""
        hours = _number(given, "hours", 24, least=1, most=MAX_HOURS)
        bucket_s = max(HOUR_S // 12, hours * HOUR_S // BUCKETS // 60 * 60)
        since = utc_now() - datetime.timedelta(hours=hours)
        rows = await engine.store.usage(since, bucket_s)
        return {
            "hours": hours,
            "bucket_seconds": bucket_s,
            "rows": [_usage_row(each) for each in rows],
        }


def _usage_row(row: UsageRow) -> Json:
    shown = attrs.asdict(row)
    at = int(shown.pop("begin_at").timestamp())
    return {**shown, "at": at}


def _number(
    given: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 2**53
) -> int:
    """A whole number of a query.

    Raises:
        InvalidArguments: it is none, or out of bounds.
    """
    text = given.get(name, str(default))
    try:
        number = int(text) if len(text) <= 16 else least - 1
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidArguments(
            f"{name} is {text[:20]!r}, not a number from {least} to {most}",
            problems=[{"path": name, "value": text[:20], "expected": f"{least} to {most}"}],
        )
    return number
