"""The few kinds of HTTP answers the page needs, over ASGI."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import orjson
import trio

from aimux.errors import AimuxError

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

JSON: Final = b"application/json"
FRESH: Final[Header] = (b"cache-control", b"no-store")
LAST: Final[Header] = (b"connection", b"close")  # with a body that was not read
MAX_BODY_BYTES: Final = 4_096  # only the token of a link is posted here


def header(scope: Scope, name: bytes) -> str:
    """The value of a header; empty if it is missing."""
    found: bytes = next((value for key, value in scope["headers"] if key.lower() == name), b"")
    return found.decode("latin-1")


def query(scope: Scope) -> dict[str, str]:
    """The query parameters, the last one of each name."""
    raw: bytes = scope.get("query_string", b"")
    return {name: values[-1] for name, values in parse_qs(raw.decode("latin-1")).items()}


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    *,
    kind: bytes = JSON,
    headers: Sequence[Header] = (FRESH,),
) -> None:
    """Send a whole response. Cancelled, it is cut off."""
    typed = [(b"content-type", kind)] if body else []
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*typed, length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, body: Mapping[str, object], status: int = 200) -> None:
    """Send JSON. Cancelled, it is cut off."""
    await answer(send, status, orjson.dumps(body))


async def refuse(send: Send, error: AimuxError, status: int) -> None:
    """Say what is wrong and the way out. Cancelled, it is cut off."""
    body = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    await answer(send, status, orjson.dumps(body), headers=(FRESH, LAST))


async def read_body(receive: Receive) -> bytes | None:
    """A small body; None if it is larger than `MAX_BODY_BYTES` or its sender left.

    Cancelling it leaves the rest unread.
    """
    data = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        data += message.get("body", b"")
        if len(data) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(data)


async def while_here(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work, or as much of it as can be done until the client leaves.

    Cancelling it cancels the work.
    """
    async with trio.open_nursery() as here:

        async def leave_with_the_client() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            here.cancel_scope.cancel(reason="the client closed the connection")

        here.start_soon(leave_with_the_client)
        await work()
        here.cancel_scope.cancel(reason="done")
