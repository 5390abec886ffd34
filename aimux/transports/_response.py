"""What an HTTP request is answered with, and the wires that put messages there.

Theory of operation. A *response stream* is a numbered list of messages that ends with a final one.
The session writes into it and never waits; whoever answers the HTTP request reads from a number on.
So a reader may leave and another one may continue, which is all that resuming is. A reader leaves
when the stream is over, when its connection is lost, or when it is told to hang up.

A *wire* maps calls to streams. `Posted` is a message that knows its stream: when the session has
learnt what a message means, `claim` takes note of the calls, delivers what the peer answered by
itself and returns what the session has to deal with.

Memory is bounded: a stream keeps `STREAM_BYTES`, dropping its oldest messages (never the final
one), and a session keeps the last `KEPT_STREAMS` finished ones for clients that come back.
Why so: docs/design/0010.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

import attrs
import trio

from aimux.protocol import (
    CallCancelled,
    Called,
    CallId,
    Code,
    Event,
    HttpFacts,
    Listening,
    Notified,
    Outgoing,
    Oversize,
    Reply,
    Revision,
    cancelled_body,
)
from aimux.tools import Client
from aimux.waiting import Broadcast

STREAM_BYTES: Final = 4 * 1024 * 1024  # kept of one stream, the final message aside
KEPT_STREAMS: Final = 32  # finished ones of a session, for clients that come back
INBOX_MESSAGES: Final = 256  # of one session, posted and not yet read


class Wire(Protocol):
    """What a session is served on.

    Cancelling a method may lose the messages it is at: whoever cancels one is done with the wire.
    """

    async def receive(self) -> "Sequence[bytes | Oversize | Posted] | None":
        """The next messages, or None at the end."""
        ...

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write messages in order."""
        ...


Serve: TypeAlias = Callable[[Wire, Client], Awaitable[None]]


@attrs.define(eq=False)
class ResponseStream:
    """The answer to one POST, or the messages of a session that belong to no call."""

    name: str
    revision: Revision | None = None  # of its calls, once known
    is_listening: bool = False  # it cannot be a single JSON text
    is_worth_resuming: bool = False  # events from the start: only those can be come back to
    is_over: bool = False
    final: Outgoing | None = None
    written: int = 0  # number of the last message that was handed to a connection
    dropped: int = 0
    calls: set[CallId] = attrs.field(factory=set)
    _messages: deque[tuple[int, bytes]] = attrs.field(factory=deque)
    _size_bytes: int = 0
    _last: int = 0
    _hangups: int = 0
    _news: Broadcast = attrs.field(factory=Broadcast)

    def __repr__(self) -> str:
        return (
            f"<ResponseStream {self.name}: {self._last} messages{', over' if self.is_over else ''}>"
        )

    @property
    def is_resumable(self) -> bool:
        """Whether its events have ids and a client may come back for them."""
        return self.revision is not None and self.revision.has("sse.priming")

    @property
    def is_plain(self) -> bool:
        """Whether a single final message is all there is."""
        is_stream = self.is_listening or self.is_worth_resuming
        return self.final is not None and self._last == 1 and not is_stream

    @property
    def hangups(self) -> int:
        """How often readers were told to leave."""
        return self._hangups

    def put(self, outgoing: Outgoing) -> None:
        """Add a message; nothing is added after the final one."""
        if self.is_over:
            return
        self._last += 1
        self._messages.append((self._last, outgoing.data))
        self._size_bytes += len(outgoing.data)
        while self._size_bytes > STREAM_BYTES and len(self._messages) > 1:
            self._size_bytes -= len(self._messages.popleft()[1])
            self.dropped += 1
        if outgoing.is_final:
            self.final = outgoing
            self.is_over = True
        self.wake()

    def end(self) -> None:
        """End it without a final message: nobody is left to write one."""
        self.is_over = True
        self.wake()

    def hang_up(self) -> None:
        """Make the present reader leave; what it has not read stays for the next one."""
        self._hangups += 1
        self.wake()

    def since(self, number: int) -> list[tuple[int, bytes]]:
        """The messages after a number."""
        return [each for each in self._messages if each[0] > number]

    async def wait_news(self) -> None:
        """Wait until something was put, ended or hung up.

        Cancelling it only ends the waiting.
        """
        await self._news.wait()

    def wake(self) -> None:
        """Wake whoever waits for news."""
        self._news.notify()


@attrs.define(eq=False)
class StreamWire:
    """What a wire knows: which stream a call belongs to.

    `side` takes what belongs to no call; without one it is lost.
    """

    side: ResponseStream | None = None
    revision: Revision | None = None  # of the last call or notification
    on_quiet: Callable[[], None] | None = None  # called when the last stream is finished
    _by_call: dict[CallId, ResponseStream] = attrs.field(factory=dict)
    _finished: deque[ResponseStream] = attrs.field(factory=lambda: deque(maxlen=KEPT_STREAMS))
    _open: dict[str, ResponseStream] = attrs.field(factory=dict)

    @property
    def is_busy(self) -> bool:
        """Whether any stream waits for its final message."""
        return bool(self._open)

    def begin(self, stream: ResponseStream) -> None:
        """Take note of a stream that a message will come for."""
        self._open[stream.name] = stream

    def find(self, name: str) -> ResponseStream | None:
        """The stream of that name, if it is still known."""
        if self.side is not None and self.side.name == name:
            return self.side
        kept = (each for each in self._finished if each.name == name)
        return self._open.get(name) or next(kept, None)

    def adopt(self, event: Called | Listening, stream: ResponseStream) -> None:
        """Send what belongs to a call to this stream from now on."""
        stream.calls.add(event.call_id)
        stream.revision = event.revision
        self._by_call[event.call_id] = stream
        stream.wake()

    def deliver(self, outgoing: Outgoing, own: ResponseStream | None = None) -> None:
        """Put a message where it belongs; `own` takes those of no call."""
        stream = own if outgoing.call_id is None else self._by_call.get(outgoing.call_id)
        if stream is None:
            stream = self.side
        if stream is not None:
            stream.put(outgoing)
            if stream.is_over:
                self._forget(stream)

    def cancelled(self, event: CallCancelled) -> None:
        """End the stream of a cancelled call unless other calls of its batch go on (L-9)."""
        stream = self._by_call.pop(event.call_id, None)
        if stream is None or stream.is_over:
            return
        stream.calls.discard(event.call_id)
        if not stream.calls:
            body = cancelled_body(event.request_id)
            stream.put(Outgoing(body, event.call_id, True, Code.CANCELLED))
            self._forget(stream)

    def hang_up(self, call_id: CallId) -> None:
        """Close a call's connection; the client polls for the rest. Nothing if it could not."""
        stream = self._by_call.get(call_id)
        if stream is not None and stream.is_resumable:
            stream.hang_up()

    def end(self) -> None:
        """End every stream: the session is over."""
        for stream in [*self._open.values(), *([self.side] if self.side else [])]:
            stream.end()
        self._open.clear()
        self._by_call.clear()

    def _forget(self, stream: ResponseStream) -> None:
        for call_id in stream.calls:
            self._by_call.pop(call_id, None)
        if self._open.pop(stream.name, None) is not None:
            self._finished.append(stream)
            if not self._open and self.on_quiet is not None:
                self.on_quiet()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Put messages into their streams; never waits for a client.

        Cancelling it leaves all of them in their streams.
        """
        for outgoing in messages:
            self.deliver(outgoing)
        await trio.lowlevel.checkpoint()


@attrs.frozen(eq=False)
class Posted:
    """A message that came in an HTTP request."""

    data: bytes
    facts: HttpFacts
    stream: ResponseStream
    wire: StreamWire

    def claim(self, events: Sequence[Event]) -> list[Event]:
        """Take note of calls, deliver the peer's own answers, return the other events."""
        rest: list[Event] = []
        cancelled: list[CallCancelled] = []
        for event in events:
            match event:
                case Called() | Listening():
                    self.wire.revision = event.revision
                    if isinstance(event, Listening):
                        self.stream.is_listening = True
                    elif event.revision.has("sse.priming"):
                        self.stream.is_worth_resuming = True
                    self.wire.adopt(event, self.stream)
                case Notified():
                    self.wire.revision = event.revision
                case CallCancelled():
                    cancelled.append(event)
                case _:
                    pass
        for event in events:
            if isinstance(event, Reply):
                self.wire.deliver(event.outgoing, self.stream)
            else:
                rest.append(event)
        for event in cancelled:  # after the rest of its batch, which may be final
            self.wire.cancelled(event)
        return rest


@attrs.define(eq=False)
class OneShotWire(StreamWire):
    """A modern POST: one message in, its stream out, then the end."""

    posted: Posted | None = None
    _is_taken: bool = False
    _is_closed: bool = False

    async def receive(self) -> Sequence[Posted] | None:
        """The message; then, once it is answered, the end.

        Cancelled with the message, it does not give it again.
        """
        assert self.posted is not None
        if not self._is_taken:
            self._is_taken = True
            await trio.lowlevel.checkpoint()
            return [self.posted]
        while not (self.posted.stream.is_over or self._is_closed):
            await self.posted.stream.wait_news()
        return None

    def close(self) -> None:
        """End the input: what is computed is answered, a listener hears the end (F-10)."""
        self._is_closed = True
        if self.posted is not None:
            self.posted.stream.wake()


class SessionWire(StreamWire):
    """A handshake session: what its POSTs bring, in order of arrival."""

    def __init__(self, side: ResponseStream) -> None:
        super().__init__(side=side)
        self._into, self._inbox = trio.open_memory_channel[Posted](INBOX_MESSAGES)

    async def post(self, posted: Posted) -> None:
        """Hand in a message. Cancelled, it is not handed in.

        Raises:
            trio.ClosedResourceError: the session is over.
        """
        await self._into.send(posted)

    def close(self) -> None:
        """No more messages come: the session ends in order."""
        self._into.close()

    async def receive(self) -> Sequence[Posted] | None:
        """The next message, or None when the session was closed.

        Cancelled, it takes none.
        """
        try:
            return [await self._inbox.receive()]
        except trio.EndOfChannel:
            return None
