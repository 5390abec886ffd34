"""HTTP+SSE of 2024-11-05: a stream of events down, posts up; any revision may be spoken over it."""

import secrets
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from aimux.protocol import Outgoing, encode_comment, encode_event
from aimux.tools import Client

from ._request import PING_S, HttpRequest
from ._response import INBOX_MESSAGES, Serve

MAX_STREAMS: Final = 256
POST_S: Final = 10.0  # for a post to find room in the inbox of a session that is behind


class SseWire:
    """One client's stream. The end of the stream is the end of the session (P-4)."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.principal = request.principal
        self.into, self._inbox = trio.open_memory_channel[bytes](INBOX_MESSAGES)

    async def receive(self) -> Sequence[bytes] | None:
        """What was posted; None when the client closed its stream.

        Cancelled, it takes none.
        """
        try:
            return [await self._inbox.receive()]
        except trio.EndOfChannel:
            return None

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write each message as an event. Cancelled, the stream is cut off there.

        Raises:
            trio.BrokenResourceError: the client is gone.
        """
        if self._request.is_gone:
            raise trio.BrokenResourceError("the client closed its stream")
        await self._request.write(b"".join([encode_event(each.data) for each in messages]))

    async def close_with_client(self) -> None:
        """End the input when the client closes its stream.

        Cancelling it leaves the input open.
        """
        await self._request.wait_gone()
        self.into.close()

    async def ping(self) -> None:
        """Write comments until cancelled, so that neither end takes quiet for death."""
        while True:
            await trio.sleep(PING_S)
            await self._request.write(encode_comment())


class LegacySse:
    """The two paths of the transport."""

    def __init__(self, serve: Serve, client: Client, *, post_path: str) -> None:
        self._serve = serve
        self._client = client
        self._post_path = post_path
        self._wires: dict[str, SseWire] = {}

    def __repr__(self) -> str:
        return f"<LegacySse: {len(self._wires)} streams>"

    def end(self) -> None:
        """End every client's input."""
        for wire in self._wires.values():
            wire.into.close()

    async def open(self, request: HttpRequest) -> None:
        """Serve one client on the response to its GET.

        Cancelling it ends the session of that client.
        """
        if request.method != "GET":
            # bare: a body would keep clients from falling back to GET (P-5)
            await request.answer(405, headers=[(b"allow", b"GET")])
            return
        if len(self._wires) >= MAX_STREAMS:
            await request.refuse(503, "too many streams", [(b"retry-after", b"60")])
            return
        session_id = secrets.token_urlsafe(24)
        wire = self._wires[session_id] = SseWire(request)
        client = attrs.evolve(self._client, key=f"sse-{session_id[:8]}", transport="sse")
        await request.begin_events()
        endpoint = f"{self._post_path}?sessionId={session_id}"
        await request.write(encode_event(endpoint.encode(), event="endpoint"))
        try:
            async with trio.open_nursery() as beside:
                beside.start_soon(wire.close_with_client)
                beside.start_soon(wire.ping)
                await self._serve(wire, client)
                beside.cancel_scope.cancel(reason="session over")
        finally:
            del self._wires[session_id]
            wire.into.close()
        await request.end()

    async def post(self, request: HttpRequest) -> None:
        """Take one message for a stream (P-2).

        Cancelling it leaves the client without a response; the message may be taken already.
        """
        if request.method != "POST":
            await request.refuse(405, "messages are posted", [(b"allow", b"POST")])
            return
        session_id = request.query("sessionId")
        if not session_id:
            await request.refuse(400, "sessionId is missing")
            return
        wire = self._wires.get(session_id)
        if wire is None or not secrets.compare_digest(wire.principal, request.principal):
            await request.refuse(404, "unknown session")
            return
        body = await request.body()
        if body is None:
            return
        if not body.strip().startswith((b"{", b"[")):
            await request.refuse(400, "not a JSON-RPC message")
            return
        with trio.move_on_after(POST_S) as patience:
            try:
                await wire.into.send(body)
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                await request.refuse(404, "session ended")
                return
        if patience.cancelled_caught:
            await request.refuse(503, "the session is behind", [(b"retry-after", b"5")])
        else:
            await request.answer(202, b"Accepted", kind=b"text/plain")
