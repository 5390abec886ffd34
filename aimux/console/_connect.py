"""`aimux connect URL`: this machine's stdio, a server somewhere else.

Lines of stdin go as WebSocket frames and come back as lines of stdout; nothing is read in between,
except for the ids in a message that is too large to be passed on: its requests are refused here.
An aimux server takes the upgrade on its MCP endpoint too, so its http:// URL serves as well.
"""

import ipaddress
import os
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import click
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    ConnectionTimeout,
    HandshakeError,
    WebSocketConnection,
    open_websocket_url,
)

from aimux.config import state_dir
from aimux.errors import AimuxError, Refusal, SetupFault, first_leaf
from aimux.protocol import Outgoing, Oversize, refuse_at_relay
from aimux.transports import LineWire, open_stdio
from aimux.waiting import Broadcast

from ._output import note

MESSAGE_BYTES: Final = 16 * 1024 * 1024
CONNECT_S: Final = 15.0
QUIET_S: Final = 0.25  # after the end of input: nothing came for so long
LAST_WORDS_S: Final = 2.0  # after the end of input, for answers that are on their way
SCHEMES: Final[Mapping[str, str]] = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@click.command()
@click.argument("url")
@click.option("--stdio", "is_wanted", is_flag=True, help="Speak MCP at a terminal too.")
def connect(url: str, *, is_wanted: bool) -> None:
    """Bridge stdin and stdout to the aimux server at URL (ws:// wss:// http:// https://).

    A client's configuration names this command; at a terminal there is nothing to bridge.

    The token is AIMUX_AUTH_TOKEN or the content of the file AIMUX_AUTH_TOKEN_FILE; for a server on
    this machine, the one that it made for itself.
    """
    address = socket_url(url)
    if not is_wanted and os.isatty(0):
        raise click.UsageError(
            "connect carries MCP between a client and a server, and this is a terminal: a client's "
            "configuration names it; --stdio speaks MCP here all the same"
        )
    token = find_token(urlsplit(address).hostname or "", os.environ)
    sys.exit(trio.run(_bridge, address, token))


def socket_url(url: str) -> str:
    """The WebSocket address of a server's URL.

    Raises:
        SetupFault: it is not one.
    """
    try:
        parts = urlsplit(url)
        scheme = SCHEMES.get(parts.scheme)
        has_host = bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # UnicodeError too
        scheme, has_host = None, False
    if scheme is None or not has_host:
        raise SetupFault(f"{url!r} is not a URL like ws://host:8080/ws or http://host:8080/mcp")
    return urlunsplit((scheme, parts.netloc, parts.path or "/ws", parts.query, ""))


def is_local(host: str) -> bool:
    """Whether a host is this machine by its name alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_token(host: str, env: Mapping[str, str]) -> str | None:
    """The token for a server; the one this machine made for itself goes nowhere else.

    Raises:
        SetupFault: the file that was named cannot be read.
    """
    given = env.get("AIMUX_AUTH_TOKEN", "").strip()
    if given:
        return given
    named = env.get("AIMUX_AUTH_TOKEN_FILE", "").strip()
    own = state_dir(env) / "http-token"
    if not named and not (is_local(host) and own.exists()):
        return None
    try:
        with open(named or own, encoding="utf-8") as file:  # noqa: PTH123  # either kind of path
            return file.read().strip() or None
    except OSError as error:
        raise SetupFault(f"token file {named or own} cannot be read: {error}") from error


async def _bridge(url: str, token: str | None) -> int:
    async with open_stdio() as wire:
        return await run_bridge(wire, url, token)


async def run_bridge(wire: LineWire, url: str, token: str | None) -> int:
    """Carry messages between a wire and a WebSocket until either ends; the exit code.

    Cancelled, it closes the WebSocket.

    Raises:
        Refusal: the server does not let us in, or nobody answers.
    """
    headers = [("Authorization", f"Bearer {token}")] if token else []
    failure: AimuxError | None = None
    closed_by_server = False
    try:
        async with open_websocket_url(
            url,
            subprotocols=["mcp"],
            extra_headers=[(name.encode(), value.encode()) for name, value in headers],
            message_queue_size=64,
            max_message_size=MESSAGE_BYTES,
            connect_timeout=CONNECT_S,
        ) as socket:
            closed_by_server = await _carry(wire, socket)
    except* ConnectionRejected as group:
        failure = _refusal(url, group)
    except* (ConnectionTimeout, HandshakeError, OSError) as group:
        failure = Refusal(f"{url} does not answer: {_reason(group)}", code="server_unreachable")
    if failure is not None:
        raise failure
    if closed_by_server:
        note(f"aimux: {url} closed the connection")
    return int(closed_by_server)


async def _carry(wire: LineWire, socket: WebSocketConnection) -> bool:
    """Both directions; whether the server ended it."""
    is_ended = False  # by us
    heard = Broadcast()
    writing = trio.Lock()  # both directions say something to the client

    async def say(data: bytes) -> None:
        async with writing:
            await wire.send([Outgoing(data)])

    async def up() -> None:
        nonlocal is_ended
        while (messages := await wire.receive()) is not None:
            for message in messages:
                if isinstance(message, Oversize):
                    note(f"aimux: a message over {message.limit_bytes} bytes left out")
                    refused = refuse_at_relay(message)
                    if refused.back is not None:
                        await say(refused.back)
                    for data in refused.onward:
                        await socket.send_message(data.decode())
                else:
                    await socket.send_message(message.decode(errors="replace"))
        is_ended = True
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
            data = text.encode() if isinstance(text, str) else bytes(text)
            await say(data)
            heard.notify()

    is_closed = False  # by the server
    try:
        async with trio.open_nursery() as carrying:
            carrying.start_soon(up)
            carrying.start_soon(down)
    except* ConnectionClosed:
        is_closed = not is_ended
    except* trio.BrokenResourceError:
        note("aimux: nobody reads the output any more")
    return is_closed


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
