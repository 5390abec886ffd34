"""An operator's questions to the daemon, over the socket its clients use."""

import importlib
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import trio

from aimux.errors import AimuxError, SetupFault
from aimux.shim.address import DaemonAddress, ShimFault, connect, find_address, hello

from ._lockfile import POLL_S, find_holder, wait_holder, wait_lock

REACH_S: Final = 3.0  # for a daemon that must bind its name again: it checks every second
ANSWER_S: Final = 5.0  # a daemon that works answers in milliseconds
MAX_ANSWER_BYTES: Final = 1_000_000

Json = Mapping[str, object]


class DaemonSilent(AimuxError):
    """The daemon is there and does not answer, or refuses to."""

    error_type = "setup"
    default_code = "daemon_silent"


def own_address() -> DaemonAddress:
    """Where this environment's daemon is found.

    Raises:
        SetupFault: nowhere; says why.
    """
    try:
        return find_address(dict(os.environ))
    except ShimFault as fault:
        raise SetupFault(str(fault), code="runtime_dir_unusable") from fault


async def ask(address: DaemonAddress, question: str) -> Json | None:
    """What the daemon answers to `status`, `stop` or `restart`; None if none can be reached.

    One that lost the name of its socket binds it again: that is waited for, for `REACH_S`.
    Cancelled after the question was sent, the daemon may do what it says all the same.

    Raises:
        DaemonSilent: it refuses, or says nothing for `ANSWER_S`.
        SetupFault: the runtime directory is not safe.
    """
    answer: bytes | None = None
    with trio.move_on_after(REACH_S):
        while True:
            answer = await _asked(address, question)
            holder = None if answer is not None else await wait_holder(address)
            if answer is not None or holder is None or holder.is_leaving:
                break
            await trio.sleep(POLL_S)
    if answer is None:
        return None
    if not answer.endswith(b"\n"):
        raise DaemonSilent(
            f"the daemon of {address.state_dir} does not answer", hint="aimux daemon stop --force"
        )
    facts: dict[str, object] = json.loads(answer)  # paths that are not UTF-8 have lone surrogates
    if "error" in facts:
        raise DaemonSilent(str(facts["error"]), hint=str(facts.get("hint") or "") or None)
    return facts


async def _asked(address: DaemonAddress, question: str) -> bytes | None:
    """What one connection brought; None if there is none to be had."""
    answer = b""
    with trio.CancelScope(shield=True):  # whoever listens is given its own time
        async with open_stream(address) as stream:
            if stream is None:
                return None
            with trio.move_on_after(ANSWER_S):
                try:
                    await stream.send_all(hello(address, {}, question))
                    async for data in stream:
                        answer += data
                        if len(answer) > MAX_ANSWER_BYTES:
                            break
                except trio.BrokenResourceError:
                    pass  # it left; what it said is judged by who asked
    return answer


def find_told(address: DaemonAddress) -> DaemonAddress | None:
    """Where the daemon of this state directory says that it listens, if that is elsewhere.

    It may have been started with another runtime directory, or have lost its own.
    """
    holder = None if address.is_pipe else find_holder(address)
    if holder is None or not holder.socket or holder.socket == address.socket:
        return None
    told = DaemonAddress(address.state_dir, address.config_dir, str(Path(holder.socket).parent))
    told.socket = holder.socket
    return told


def is_served(address: DaemonAddress) -> bool:
    """Whether clients find a daemon there. Blocks for a moment."""
    connection: Closable | None
    try:
        if address.is_pipe:
            connection = importlib.import_module("aimux.shim.pipe").connect(address)
        else:
            connection = _connected(address)
    except (ShimFault, OSError):
        return False  # it cannot be reached there: who holds the lock makes it so that it can
    if connection is not None:
        connection.close()
    return connection is not None


class Closable(Protocol):
    """A connection of either kind."""

    def close(self) -> None:
        """Leave it."""


def _connected(address: DaemonAddress) -> "socket.socket | None":
    for each in (address, find_told(address)):
        plain = None if each is None else connect(each)
        if plain is not None:
            return socket.socket(fileno=plain.detach())
    return None


def open_stream(address: DaemonAddress) -> AbstractAsyncContextManager[trio.abc.Stream | None]:
    """A connection to the daemon while the body runs; None if there is no daemon.

    Raises:
        SetupFault: the runtime directory is not safe.
    """
    return _open_pipe(address) if address.is_pipe else _open_socket(address)


@asynccontextmanager
async def _open_socket(address: DaemonAddress) -> AsyncIterator[trio.abc.Stream | None]:
    try:
        plain = _connected(address)
    except (ShimFault, OSError) as fault:
        raise SetupFault(str(fault), code="runtime_dir_unusable") from fault
    if plain is None:
        await trio.lowlevel.checkpoint()
        yield None
        return
    async with trio.SocketStream(trio.socket.from_stdlib_socket(plain)) as stream:
        yield stream


@asynccontextmanager
async def _open_pipe(address: DaemonAddress) -> AsyncIterator[trio.abc.Stream | None]:
    # what they import is of no use where there are sockets
    shim_pipe = importlib.import_module("aimux.shim.pipe")
    pipe = importlib.import_module("aimux.transports.pipe")
    try:
        connection = await trio.to_thread.run_sync(shim_pipe.connect, address)
    except ShimFault as fault:
        raise SetupFault(str(fault), code="daemon_key_unusable") from fault
    if connection is None:
        yield None
        return
    async with pipe.open_pipe_stream(connection) as stream:
        yield stream


async def wait_gone(address: DaemonAddress) -> None:
    """Return once no daemon holds this state directory; cancelled, nothing has changed."""
    try:
        descriptor = os.open(address.daemon_lock, os.O_RDWR)
    except FileNotFoundError:
        await trio.lowlevel.checkpoint()
        return
    try:
        await wait_lock(descriptor)
    finally:
        os.close(descriptor)
