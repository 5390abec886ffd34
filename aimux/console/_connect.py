"""`aimux connect URL`: this machine's stdio, a server somewhere else (see `_bridge`).

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

from aimux.config import state_dir
from aimux.errors import SetupFault
from aimux.transports import open_stdio

from ._bridge import run_bridge

SCHEMES: Final[Mapping[str, str]] = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@click.command(short_help="Bridge stdin and stdout to a server at a URL.")
@click.argument("url")
@click.option("--stdio", "is_wanted", is_flag=True, help="Speak MCP at a terminal too.")
def connect(url: str, *, is_wanted: bool) -> None:
    """Bridge stdin and stdout to the aimux server at URL (ws:// wss:// http:// https://).

    A client's configuration names this command; at a terminal there is nothing to bridge. When the
    connection is lost, open calls are answered with an error and another one is made.

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
