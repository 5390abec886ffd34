"""Accepted connections of the network server, up to a number.

Theory of operation. A connection is *idle* while no request is at work on it, and a *stranger's*
until a request on it was admitted. A stranger that says nothing is let go soon, a client between
two requests later, and whoever has closed its end at once. When there are too many, the one that
has been idle longest makes room, strangers first; where none is idle the new one is closed. So
nobody keeps others out who does not work here.

What hypercorn does with one connection is changed where it waits: in its reader and its timer.
"""

import logging
from typing import Any, Final, cast

import attrs
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, Updated
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState

MAX_CONNECTIONS: Final = 1_024  # open files are finite
STRANGER_S: Final = 10.0  # for a first request that is admitted
WRITE_BYTES: Final = 65_536
STALL_S: Final = 60.0  # a client that takes nothing for so long is let go
LAST_PING_S: Final = 0.1
STATE: Final = "connection"  # its name in the state of a scope

_TlsStream = trio.SSLStream[trio.SocketStream]
_Stream = trio.SocketStream | _TlsStream

log = logging.getLogger("aimux.http")


class Context(WorkerContext):
    """hypercorn's, but what sleeps between WebSocket pings does not hold up the end."""

    def __init__(self) -> None:
        super().__init__(None)

    async def sleep(self, wait: float) -> None:  # type: ignore[override]  # static there
        """Return after `wait` seconds, or soon after the server ends; cancelled, at once."""
        with trio.move_on_after(wait):
            await self.terminated.wait()
            await trio.sleep(LAST_PING_S)  # the closing itself takes a moment


@attrs.define(eq=False)
class Connection:
    """One accepted connection."""

    scope: trio.CancelScope
    idle_since: float
    is_idle: bool = True
    is_known: bool = False  # a request on it was admitted


def admitted(state: object) -> None:
    """Take note that the request with this state was admitted."""
    if isinstance(state, dict) and isinstance(state.get(STATE), Connection):
        state[STATE].is_known = True


class _Server(TCPServer):
    """hypercorn's, but it knows whose connection it is and when its other end was closed."""

    def __init__(
        self, connection: Connection, own: "Connections", state: LifespanState, stream: _TlsStream
    ) -> None:
        super().__init__(own.app, own.config, own.context, state, stream)
        self._connection = connection
        self._is_closed = False  # by the client

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated):
            self._connection.is_idle = event.idle
            self._connection.idle_since = trio.current_time()
            if event.idle and self._is_closed:
                event = Closed()
        await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._is_closed = True
        await self.idle_task.stop()  # nothing more can come

    async def _idle_timeout(self) -> None:
        limit_s = self.config.keep_alive_timeout
        if not self._connection.is_known:
            limit_s = min(limit_s, STRANGER_S)
        with trio.move_on_after(limit_s):
            await self.context.terminated.wait()
        with trio.CancelScope(shield=True):  # as there: its writes have a limit of their own
            await self._initiate_server_close()


@attrs.define(eq=False)
class Connections:
    """Serves accepted connections, up to a number."""

    app: Any
    config: Config
    context: Context = attrs.field(factory=Context)
    _open: set[Connection] = attrs.field(factory=set)

    def __repr__(self) -> str:
        strangers = sum(not each.is_known for each in self._open)
        return f"<Connections: {len(self._open)} open, {strangers} of strangers>"

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, stream: _Stream) -> None:
        """Serve one connection; nothing that goes wrong on it reaches the others.

        Cancelled, it is closed.
        """
        if len(self._open) >= MAX_CONNECTIONS and not self._make_room():
            log.warning("more than %d connections at work: one closed at once", MAX_CONNECTIONS)
            await trio.aclose_forcefully(stream)
            return
        connection: Connection | None = None
        try:
            async with trio.open_nursery() as life:
                connection = Connection(life.cancel_scope, trio.current_time())
                self._open.add(connection)
                life.start_soon(_close_when_cancelled, stream)
                # annotated for TLS only, serves both
                served = cast(_TlsStream, _bounded(stream))
                state = cast(LifespanState, ConnectionState({STATE: connection}))
                await _Server(connection, self, state, served)
                life.cancel_scope.cancel(reason="connection over")
        except* Exception:  # a library's bug on one connection is not the server's end
            log.exception("connection failed")
        finally:
            if connection is not None:
                self._open.discard(connection)

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest, strangers' first, if there is one."""
        idle = [each for each in self._open if each.is_idle]
        if not idle:
            return False
        longest = min(idle, key=lambda each: (each.is_known, each.idle_since))
        self._open.discard(longest)
        longest.scope.cancel(reason="another one needs the room")
        return True


async def _close_when_cancelled(stream: _Stream) -> None:
    try:
        await trio.sleep_forever()
    finally:  # hypercorn shields its writes: a closed stream lets go of them
        await trio.aclose_forcefully(stream)  # closes before it waits


def _bounded(stream: _Stream) -> _Stream:
    """The stream, with a limit on how long a write may make no progress."""
    send_all = stream.send_all

    async def send_all_in_time(data: bytes) -> None:
        for start in range(0, len(data), WRITE_BYTES):
            with trio.move_on_after(STALL_S) as patience:
                await send_all(data[start : start + WRITE_BYTES])
            if patience.cancelled_caught:
                log.info("a client took nothing for %d s", STALL_S)
                await trio.aclose_forcefully(stream)
                raise trio.BrokenResourceError("the client reads nothing")

    stream.send_all = send_all_in_time  # type: ignore[method-assign,assignment]
    return stream
