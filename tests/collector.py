"""An OTLP collector on loopback that keeps what it is sent."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@attrs.define(eq=False)
class Collector:
    """Answers every request with `status`; `spans` are those of all of them, as they came."""

    url: str = ""
    status: int = 200
    heads: list[Mapping[str, str]] = attrs.field(factory=list)
    bodies: list[bytes] = attrs.field(factory=list)
    _more: trio.Event = attrs.field(factory=trio.Event)

    @property
    def resources(self) -> list[dict[str, str]]:
        """The attributes of the resource of each request."""
        return [
            {each.key: each.value.string_value for each in part.resource.attributes}
            for body in self.bodies
            for part in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    @property
    def spans(self) -> list[Any]:
        """All spans so far."""
        return [
            span
            for body in self.bodies
            for part in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    async def wait_spans(self, count: int) -> list[Any]:
        """The spans, once there are so many."""
        while len(self.spans) < count:
            await self._more.wait()
        return self.spans

    async def wait_request(self) -> None:
        """Return after the next answer."""
        await self._more.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection, requests one after the other."""
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = await stream.receive_some()
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            headers["path"] = first.split(" ")[1]
            length = int(headers["content-length"])
            while len(data) < length:
                data += await stream.receive_some()
            self.heads.append(headers)
            if self.status == 200:
                self.bodies.append(data[:length])
            data = data[length:]
            answer = f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n"
            await stream.send_all(answer.encode())
            self._more.set()
            self._more = trio.Event()


def bind() -> tuple[socket.socket, str]:
    """A place for a collector, and the endpoint there, before there is one."""
    place = socket.create_server(("127.0.0.1", 0))
    return place, f"http://127.0.0.1:{place.getsockname()[1]}"


@asynccontextmanager
async def open_collector(place: socket.socket | None = None) -> AsyncIterator[Collector]:
    """A collector that takes spans while this is open; it closes its place."""
    bound = place or bind()[0]
    bound.setblocking(False)
    collector = Collector(url=f"http://127.0.0.1:{bound.getsockname()[1]}")
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(bound))
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, collector.serve, [listener])
        yield collector
        nursery.cancel_scope.cancel(reason="test is over")


def attributes(span: Any) -> dict[str, object]:
    """The attributes of a span by name."""
    found = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind)
    return found
