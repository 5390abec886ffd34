"""MCP over a WebSocket: one JSON text a frame, subprotocol `mcp`."""

import itertools
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from aimux.protocol import Outgoing
from aimux.tools import Client

from ._request import Receive, Scope, Send
from ._response import Serve

SUBPROTOCOL: Final = "mcp"
MAX_SOCKETS: Final = 256
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
UNSUPPORTED: Final = 1003  # a binary frame
TRY_LATER: Final = 1013


class WebSocketWire:
    """One connected socket."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.is_gone = False
        self.close_code = NORMAL
        self._reading: trio.CancelScope | None = None
        self._is_closed = False

    async def receive(self) -> Sequence[bytes] | None:
        """The next frame; None at the end, and at a frame that is not text.

        Cancelled, it takes no frame.
        """
        message = None
        with trio.CancelScope() as self._reading:
            if not self._is_closed:
                message = await self._receive()
        if message is None:
            return None
        if message["type"] != "websocket.receive":
            self.is_gone = True
            return None
        text = message.get("text")
        if text is None:
            self.close_code = UNSUPPORTED
            return None
        # a lone surrogate cannot come over the wire: text frames are UTF-8
        return [text.encode()]

    def close(self) -> None:
        """End the input."""
        self.close_code = GOING_AWAY
        self._is_closed = True
        if self._reading is not None:
            self._reading.cancel(reason="input ended")

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write each message as a frame. Cancelled, some may not be written.

        Raises:
            trio.BrokenResourceError: the client is gone.
        """
        for each in messages:
            if self.is_gone:
                raise trio.BrokenResourceError("the client closed the socket")
            await self._send({"type": "websocket.send", "text": each.data.decode()})


class WebSockets:
    """Serves sockets, each a session of its own."""

    def __init__(self, serve: Serve, client: Client) -> None:
        self._serve = serve
        self._client = client
        self._counter = itertools.count(1)
        self._open: set[WebSocketWire] = set()

    def __repr__(self) -> str:
        return f"<WebSockets: {len(self._open)} open>"

    def end(self) -> None:
        """End every client's input."""
        for wire in self._open:
            wire.close()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept one socket and serve it until it closes.

        Cancelling it ends the session of the socket, without a closing frame.
        """
        await receive()  # websocket.connect
        offered = scope.get("subprotocols") or []
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        if len(self._open) >= MAX_SOCKETS:
            await send({"type": "websocket.close", "code": TRY_LATER, "reason": "too many"})
            return
        wire = WebSocketWire(receive, send)
        client = attrs.evolve(self._client, key=f"ws-{next(self._counter)}", transport="websocket")
        self._open.add(wire)
        try:
            await self._serve(wire, client)
        finally:
            self._open.discard(wire)
        if not wire.is_gone:
            await send({"type": "websocket.close", "code": wire.close_code})
