"""The fixture mounted on memory: one client, messages as values, no transport."""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import attrs
import orjson
import trio

from aimux.protocol import (
    Answered,
    AskId,
    CallCancelled,
    Called,
    CallId,
    Fault,
    Json,
    Outgoing,
    Reply,
)

from ..conformance.fixture import Fixture
from ..conformance.steps import Steps, conclude

START = datetime(2026, 7, 28, tzinfo=UTC)


@attrs.define(eq=False)
class MemorySteps:
    """What a handler can do, on a mount."""

    mount: "Mount"
    call_id: CallId | None

    async def progress(self, progress: float, total: float) -> None:
        """Write progress of the call."""
        if self.call_id is not None:
            await self.mount.write(self.mount.peer.progress(self.call_id, progress, total))

    async def log(self, level: str, data: object) -> None:
        """Write a log message of the call."""
        await self.mount.write(self.mount.peer.log(level, data, call_id=self.call_id))

    async def ask(self, method: str, params: Mapping[str, object]) -> Json | Fault | None:
        """Ask the client and wait for what it says."""
        asked = self.mount.peer.ask(method, params, self.call_id)
        if asked is None:
            return None
        ask_id, outgoing = asked
        await self.mount.write(outgoing)
        await self.mount.wait_until(lambda: ask_id in self.mount.said)
        answer = self.mount.said[ask_id]
        return answer.result if answer.error is None else answer.error

    async def sleep(self, seconds: float) -> None:
        """Wait on the test's clock."""
        await trio.sleep(seconds)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        await self.mount.wait_until(condition)

    async def drop_stream(self) -> None:
        """Do nothing more than take note: memory has no streams."""
        self.mount.dropped.append(self.call_id)

    def changed(self, method: str, params: Mapping[str, object]) -> None:
        """Write to whoever listens."""
        told = self.mount.peer.notify(method, params)
        self.mount.nursery.start_soon(self.mount.write, *told)

    def spawn(self, work: Callable[[Steps], Awaitable[None]]) -> None:
        """Run beside the call."""
        self.mount.nursery.start_soon(work, MemorySteps(self.mount, None))

    def now(self) -> datetime:
        """Return the test's clock as a date."""
        return START + timedelta(seconds=trio.current_time() - self.mount.began)

    def new_id(self) -> str:
        """Return the next id."""
        return f"job_{next(self.mount.ids)}"


class Mount:
    """One client of the fixture."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.fixture = Fixture(b"k" * 32)
        self.peer = Fixture.peer()
        self.written: list[Json] = []
        self.said: dict[AskId, Answered] = {}
        self.dropped: list[CallId | None] = []
        self.scopes: dict[CallId, trio.CancelScope] = {}
        self.began = trio.current_time()
        self.ids = itertools.count(1)
        self._change = trio.Condition()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that writing or hearing something can make true."""
        async with self._change:
            while not condition():
                await self._change.wait()

    async def write(self, *outgoing: Outgoing | None) -> None:
        """Keep what a transport would write."""
        async with self._change:
            self.written += [orjson.loads(one.data) for one in outgoing if one is not None]
            self._change.notify_all()

    async def hear(self, message: Json) -> None:
        """Take one message of the client."""
        for event in self.peer.receive(orjson.dumps({"jsonrpc": "2.0", **message})):
            match event:
                case Reply(outgoing):
                    await self.write(outgoing)
                case Called():
                    self.nursery.start_soon(self._serve, event)
                case CallCancelled():
                    self.scopes[event.call_id].cancel(reason="cancelled by the client")
                case Answered():
                    self.said[event.ask_id] = event
                    await self.write()

    async def _serve(self, called: Called) -> None:
        with trio.CancelScope() as scope:
            self.scopes[called.call_id] = scope
            outcome = await self.fixture.serve(called, MemorySteps(self, called.call_id))
            await self.write(conclude(self.peer, called, outcome))
        self.peer.release(called.call_id)

    def found(self, **members: object) -> Iterable[Json]:
        """Return the messages written so far that have these members."""
        return [one for one in self.written if members.items() <= one.items()]

    async def call(self, method: str, params: Json, request_id: int | str | None = None) -> Json:
        """Send a request and return its response."""
        request_id = f"r{next(self.ids)}" if request_id is None else request_id
        await self.hear({"id": request_id, "method": method, "params": params})

        def answers() -> list[Json]:
            return [one for one in self.found(id=request_id) if "method" not in one]

        await self.wait_until(lambda: bool(answers()))
        return answers()[-1]


@asynccontextmanager
async def open_mount():  # noqa: ANN201 - a context manager of Mount
    """Run a mount until the block is left."""
    async with trio.open_nursery() as nursery:
        yield Mount(nursery)
        nursery.cancel_scope.cancel(reason="test over")
