"""Lines of a client as WebSocket frames to a server elsewhere and back, over many connections.

Theory of operation. Little is read of what is carried: the ids in a message that is too large to be
passed on, whose requests are refused here, and what the shim's ledger takes from its copies. When a
connection is lost, calls that are open are answered with an error (their answers cannot come any
more), another connection is made within `RECONNECT_S`, and the client's handshake is told to it
privately: the client goes on as if nothing had been. What it says meanwhile waits. Where no other
connection can be had, every call that is open or waits is answered with an error, and we leave.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import attrs
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from aimux.errors import Refusal, first_leaf
from aimux.protocol import Outgoing, Oversize, refuse_at_relay
from aimux.shim.address import ShimFault
from aimux.shim.copies import Copies
from aimux.shim.ledger import HINT, Ledger
from aimux.transports import LineWire
from aimux.waiting import Broadcast

from ._output import note

MESSAGE_BYTES: Final = 16 * 1024 * 1024
CONNECT_S: Final = 15.0  # for each of: a stream, the handshake
CLOSE_S: Final = 0.5  # for the server to hear that we leave
QUEUED: Final = 64  # messages of the server that the client has not taken
RECONNECT_S: Final = 30.0  # of tries after a connection was lost; a restart takes a few
PAUSE_S: Final = 0.25  # between the first tries, then twice as long each time
PAUSE_MAX_S: Final = 5.0
WAITING: Final = 64  # messages of the client that wait for a connection; then it waits, too
QUIET_S: Final = 0.25  # after the end of input: nothing came for so long
LAST_WORDS_S: Final = 2.0  # after the end of input, for answers that are on their way
LOST: Final = (
    "the connection to the server was lost while this call was open, so its answer cannot come; "
    "calls from now on go over another one"
)
GONE: Final = (
    "the connection to the server was lost and no other can be had, so this call is not served"
)
GONE_HINT: Final = (
    "see that the server runs, then restart this command (in most hosts: reconnect it)"
)
REFUSED: Final = frozenset({"token_refused", "server_refused"})  # another try changes nothing


class _FarLedger(Ledger):
    """The shim's, with words for a server that may go on without us."""

    LOST = (
        "connection_lost",
        LOST,
        HINT,
    )
    GONE = (
        "server_unreachable",
        GONE,
        GONE_HINT,
    )


async def run_bridge(wire: LineWire, url: str, token: str | None) -> int:
    """Carry messages between a wire and a server until the client ends; the exit code.

    It is 1 if the server was lost and no other connection could be made. Cancelled, it closes the
    connection.

    Raises:
        Refusal: the server does not let us in, or nobody answers, at the first try.
    """
    ended: int | Refusal = 0
    bridge = _Bridge(wire=wire, url=url, token=token)
    async with trio.open_nursery() as reading:
        reading.start_soon(bridge.read)
        ended = await bridge.serve()
        reading.cancel_scope.cancel(reason="the bridge is down")
    if isinstance(ended, Refusal):
        raise ended
    return ended


@asynccontextmanager
async def open_socket(url: str, token: str | None) -> AsyncIterator[WebSocketConnection]:
    """A WebSocket to a server while the body runs; its stream is closed whoever ended it.

    Cancelled or not, the server is told that we leave, within `CLOSE_S`.

    Raises:
        trio.TooSlowError: nobody answered within `CONNECT_S`.
        HandshakeError, OSError: there is no server, or it does not let us in.
    """
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "wss"
    port = parts.port or (443 if is_secure else 80)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    shown = f"[{host}]" if ":" in host else host
    headers = [(b"Authorization", f"Bearer {token}".encode())] if token else []
    with trio.fail_after(CONNECT_S):
        stream = await _open_stream(host, port, is_secure=is_secure)
    try:
        async with trio.open_nursery() as reading:
            with trio.fail_after(CONNECT_S):
                socket = await wrap_client_stream(
                    reading,
                    stream,
                    shown if port in (80, 443) else f"{shown}:{port}",
                    path,
                    subprotocols=["mcp"],
                    extra_headers=headers,
                    message_queue_size=QUEUED,
                    max_message_size=MESSAGE_BYTES,
                )
            try:
                yield socket
            finally:
                with trio.move_on_after(CLOSE_S, shield=True):
                    await socket.aclose()
            reading.cancel_scope.cancel(reason="nobody uses it any more")
    finally:  # the library leaves that to the server, where the server said the last word
        await trio.aclose_forcefully(stream)  # noqa: ASYNC102  # closes before it waits


async def _open_stream(
    host: str, port: int, *, is_secure: bool
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    if is_secure:
        return await trio.open_ssl_over_tcp_stream(host, port, https_compatible=True)
    return await trio.open_tcp_stream(host, port)


@attrs.define(eq=False, kw_only=True)
class _Bridge:
    wire: LineWire
    url: str
    token: str | None
    is_ended: bool = False  # by the client
    _is_up: bool = False  # a connection was made
    _has_reader: bool = True  # of what we say to the client
    _copies: Copies = attrs.field(factory=Copies)
    _ledger: Ledger = attrs.field(factory=_FarLedger)
    _writing: trio.Lock = attrs.field(factory=trio.Lock)  # both directions speak to the client
    _ended: trio.Event = attrs.field(factory=trio.Event)
    _into: trio.MemorySendChannel[bytes | Oversize] = attrs.field(init=False)
    _waiting: trio.MemoryReceiveChannel[bytes | Oversize] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._into, self._waiting = trio.open_memory_channel[bytes | Oversize](WAITING)

    async def read(self) -> None:
        """Have what the client says wait for a connection, until its end; cancelled, it stays."""
        async with self._into:
            while (messages := await self.wire.receive()) is not None:
                for message in messages:
                    await self._into.send(message)
        self.is_ended = True
        self._ended.set()

    async def serve(self) -> int | Refusal:
        """Carry over one connection after the other; the exit code, or why there was not even one.

        Cancelled, the connection is closed.
        """
        opening, pause_s, deadline = b"", 0.0, -1.0  # no deadline before the first connection
        while True:
            self._is_up = False
            fault = await self._once(opening)
            if fault is None:
                return 0
            if self._is_up:
                note(f"aimux: {fault.message}")
                try:
                    opening, told = self._ledger.mend(self._copies, has_served=True)
                except ShimFault:  # lost as fast as they are made
                    return await self._give_up(fault)
                await self._say(told)
                pause_s, deadline = 0.0, trio.current_time() + RECONNECT_S
            elif deadline < 0:
                return fault
            elif fault.code in REFUSED or trio.current_time() >= deadline:
                return await self._give_up(fault)
            if not self._has_reader or (self.is_ended and not self._has_waiting()):
                return 1
            with trio.move_on_after(pause_s):
                await self._ended.wait()
            pause_s = min(max(PAUSE_S, 2 * pause_s), PAUSE_MAX_S)

    def _has_waiting(self) -> bool:
        return self._waiting.statistics().current_buffer_used > 0

    async def _give_up(self, fault: Refusal) -> int:
        while self._has_waiting():
            message = self._waiting.receive_nowait()
            if isinstance(message, bytes):
                self._copies.note_sent(message + b"\n")
        await self._say(self._ledger.give_up(self._copies))
        note(f"aimux: {fault.message}; no other connection could be made")
        return 1

    async def _once(self, opening: bytes) -> Refusal | None:
        """One connection; why it is over, None if the client ended it."""
        fault: Refusal | None = Refusal(f"{self.url} closed the connection", code="server_lost")
        try:
            async with open_socket(self.url, self.token) as socket:
                self._is_up = True
                for line in opening.splitlines():
                    await socket.send_message(line.decode())
                if await self._carry(socket):
                    fault = None
        except* ConnectionRejected as group:
            fault = _refusal(self.url, group)
        except* ConnectionClosed:
            pass  # while it was told the handshake
        except* (trio.TooSlowError, HandshakeError, OSError) as group:
            fault = Refusal(
                f"{self.url} does not answer: {_reason(group)}", code="server_unreachable"
            )
        return fault

    async def _carry(self, socket: WebSocketConnection) -> bool:
        """Both directions; whether the client ended it."""
        heard = Broadcast()
        is_over = False

        async def up() -> None:
            nonlocal is_over
            async for message in self._waiting:
                if isinstance(message, Oversize):
                    for data in await self._refuse(message):
                        await socket.send_message(data.decode())
                else:
                    self._copies.note_sent(message + b"\n")
                    await socket.send_message(message.decode(errors="replace"))
            is_over = True
            with trio.move_on_after(LAST_WORDS_S):
                while True:
                    with trio.move_on_after(QUIET_S) as quiet:
                        await heard.wait()
                    if quiet.cancelled_caught:
                        break
            carrying.cancel_scope.cancel(reason="end of input")

        async def down() -> None:
            while True:
                text = await socket.get_message()
                await self._pass_on(text.encode() if isinstance(text, str) else bytes(text))
                heard.notify()

        try:
            async with trio.open_nursery() as carrying:
                carrying.start_soon(up)
                carrying.start_soon(down)
        except* ConnectionClosed:
            pass
        except* trio.BrokenResourceError:
            note("aimux: nobody reads the output any more")
            is_over, self._has_reader = True, False
        return is_over

    async def _pass_on(self, data: bytes) -> None:
        """What the server said, unless the client has had that already."""
        line = data + b"\n"
        if self._ledger.swallowed and not self._ledger.swallow(line):
            return
        await self._say(line)
        self._copies.note_got(line, b"")
        if self._copies.is_large:
            self._ledger.read(self._copies)

    async def _refuse(self, message: Oversize) -> Sequence[bytes]:
        """Tell the client that its message is not passed on; what to tell the server."""
        note(f"aimux: a message over {message.limit_bytes} bytes left out")
        refused = refuse_at_relay(message)
        if refused.back is not None:
            await self._say(refused.back)
        return refused.onward

    async def _say(self, data: bytes) -> None:
        lines = data.splitlines()
        if lines:
            async with self._writing:
                await self.wire.send([Outgoing(line) for line in lines])


def _reason(group: BaseExceptionGroup[BaseException]) -> str:
    error = first_leaf(group)
    return str(error) or str(error.__cause__ or "") or type(error).__name__


def _refusal(url: str, group: BaseExceptionGroup[BaseException]) -> Refusal:
    rejected = first_leaf(group)
    status = rejected.status_code if isinstance(rejected, ConnectionRejected) else 0
    if status == 401:
        return Refusal(
            f"{url} wants another token", code="token_refused", hint="set AIMUX_AUTH_TOKEN"
        )
    return Refusal(f"{url} answered {status}", code="server_refused")
