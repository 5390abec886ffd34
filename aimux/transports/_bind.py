"""Where to listen, and the token that lets clients in.

Theory of operation. An address is judged by what it *is* (parsed, or resolved), never by how it is
spelt. Loopback is always fine. A wildcard means loopback unless the operator says that the machine
may be reached from outside; then, and for any other address, a token must have been configured.
On loopback one is made when there is none, unless the operator says that nobody else works here:
any web page and any user can reach a port of this machine. One is made in the container image too.
"""

import ipaddress
import logging
import os
import secrets
import socket
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs

from aimux.errors import SetupFault
from aimux.files.private import make_private
from aimux.protocol import LOCAL_HOSTS

TOKEN_FILE: Final = "http-token"  # noqa: S105  # a name
TOKEN_BYTES: Final = 32
LOOPBACK: Final = "127.0.0.1"
CONTAINER: Final = "AIMUX_CONTAINER"
UNAUTHENTICATED: Final = "AIMUX_ALLOW_UNAUTHENTICATED_HTTP"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})

log = logging.getLogger("aimux.http")


def is_set(env: Mapping[str, str], name: str) -> bool:
    """Whether a switch of the environment is on."""
    return env.get(name, "").strip().lower() in _TRUE


def in_container(env: Mapping[str, str]) -> bool:
    """Whether this is the container image, as it says itself.

    There an address without a host means all of them, for only published ports are reached, and a
    token that is made is shown: nobody can look into the files.
    """
    return is_set(env, CONTAINER)


@attrs.frozen(kw_only=True)
class ListenAddress:
    """Where to listen and whom to let in."""

    host: str
    port: int
    token: str | None = attrs.field(repr=False)
    hosts: frozenset[str]  # that a Host header may name, beside the address that was dialled
    is_public: bool


def _judged(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses a host stands for, IPv4 in IPv6 unpacked."""
    try:
        found = [ipaddress.ip_address(host)]
    except ValueError:
        try:  # `localhost`, but also `0`, `0x7f000001` and other spellings of addresses
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SetupFault(f"server.transport.port: no such host {host!r}") from error
        # a zone (fe80::1%eth0) is no part of the address
        found = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
    return [getattr(each, "ipv4_mapped", None) or each for each in found]


def choose_address(
    address: tuple[str, int],
    *,
    token: str | None,
    env: Mapping[str, str],
    is_public: bool = False,
) -> ListenAddress:
    """Decide where to listen, with the token that was configured, or without one on loopback.

    Raises:
        SetupFault: the address is open to others and that was not asked for, or has no token.
    """
    host, port = address
    is_public = is_public or is_set(env, "AIMUX_BIND_PUBLIC")
    if host in {"", "*"}:
        host = "0.0.0.0"  # noqa: S104  # judged like any other
    facts = _judged(host)
    is_local = all(each.is_loopback for each in facts)
    if not is_local and not is_public:
        if not all(each.is_unspecified for each in facts):
            raise SetupFault(
                f"{host} can be reached from other machines",
                hint="pass --bind-public (AIMUX_BIND_PUBLIC=1) if that is meant",
            )
        log.warning("%s stays on loopback: AIMUX_BIND_PUBLIC is not set", host)
        host, is_local = LOOPBACK, True
    if not is_local and token is None:
        raise SetupFault(
            f"listening on {host} needs a token",
            code="token_missing",
            hint="set AIMUX_AUTH_TOKEN, or AIMUX_AUTH_TOKEN_FILE to a file that holds it",
        )
    named = {each.strip().lower() for each in env.get("AIMUX_ALLOWED_HOSTS", "").split(",")}
    hosts = LOCAL_HOSTS | {host.lower()} | named - {""}
    return ListenAddress(host=host, port=port, token=token, hosts=hosts, is_public=not is_local)


def find_token(env: Mapping[str, str], yaml_token: str, state_dir: Path) -> str | None:
    """The token that was configured: environment, then file, then YAML. None: there is none.

    The file is `AIMUX_AUTH_TOKEN_FILE`, else the one that `make_token` leaves; the latter does not
    count where `AIMUX_ALLOW_UNAUTHENTICATED_HTTP=1` asks for none.

    Raises:
        SetupFault: the token file cannot be read, is empty, or others can read it.
    """
    given = env.get("AIMUX_AUTH_TOKEN", "").strip()
    named = env.get("AIMUX_AUTH_TOKEN_FILE", "").strip()
    if given:
        return given
    if named:
        return _read_token(Path(named))
    own = state_dir / TOKEN_FILE
    if own.exists() and not is_set(env, UNAUTHENTICATED):
        return _read_token(own)
    return yaml_token or None


def _read_token(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupFault(f"token file {path} cannot be read: {error}") from error
    if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
        raise SetupFault(f"token file {path} is open to others", hint=f"chmod 600 {path}")
    if not token:
        raise SetupFault(f"token file {path} is empty")
    return token


def make_token(state_dir: Path) -> str:
    """A new token, kept in a private file of the state directory.

    Raises:
        SetupFault: it cannot be written there.
    """
    path = state_dir / TOKEN_FILE
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        make_private(path.parent)
        with os.fdopen(
            os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(token + "\n")
    except FileExistsError:  # another server made one just now
        return _read_token(path)
    except OSError as error:
        raise SetupFault(f"token file {path} cannot be written: {error}") from error
    log.info("made a token for network clients in %s", path)
    return token


def require_token(address: ListenAddress, env: Mapping[str, str], state_dir: Path) -> ListenAddress:
    """The address with a token, made if there is none; without, if that was asked for."""
    if address.token is not None:
        return address
    if is_set(env, UNAUTHENTICATED):
        log.warning("network clients need no token: anybody on this machine can run CLIs")
        return address
    return attrs.evolve(address, token=make_token(state_dir))


def dialled(server: Iterable[object] | None) -> frozenset[str]:
    """The address that a client dialled: an IP address in a Host header cannot be rebound."""
    host = next(iter(server or ()), None)
    return frozenset({host.lower()}) if isinstance(host, str) else frozenset()
