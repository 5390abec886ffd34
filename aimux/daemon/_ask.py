"""An operator's questions to the daemon, over the socket its clients use."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

import orjson
import trio

from aimux._shim import Place, ShimFault, connect, find_place, hello
from aimux.errors import AimuxError, SetupFault

if sys.platform != "win32":
    import fcntl

ANSWER_S: Final = 5.0  # a daemon that works answers in milliseconds
MAX_ANSWER_BYTES: Final = 1_000_000

Json = Mapping[str, object]


class DaemonSilent(AimuxError):
    """The daemon is there and does not answer, or refuses to."""

    error_type = "setup"
    default_code = "daemon_silent"


def own_place() -> Place:
    """Where this environment's daemon is found.

    Raises:
        SetupFault: nowhere; says why.
    """
    if sys.platform == "win32":
        raise SetupFault(
            "there is no daemon on Windows yet: every aimux serves in its own process",
            code="daemon_unsupported",
        )
    try:
        return find_place(dict(os.environ))
    except ShimFault as fault:
        raise SetupFault(str(fault), code="runtime_dir_unusable") from fault


async def ask(place: Place, question: str) -> Json | None:
    """What the daemon answers to `status`, `stop` or `restart`; None if there is no daemon.

    Raises:
        DaemonSilent: it refuses, or says nothing for `ANSWER_S`.
        SetupFault: the runtime directory is not safe.
    """
    try:
        plain = connect(place)
    except (ShimFault, OSError) as fault:
        raise SetupFault(str(fault), code="runtime_dir_unusable") from fault
    if plain is None:
        await trio.lowlevel.checkpoint()
        return None
    sock = trio.socket.from_stdlib_socket(socket.socket(fileno=plain.detach()))
    answer = b""
    async with trio.SocketStream(sock) as stream:
        with trio.move_on_after(ANSWER_S):
            try:
                await stream.send_all(hello(place, {}, question))
                async for data in stream:
                    answer += data
                    if len(answer) > MAX_ANSWER_BYTES:
                        break
            except trio.BrokenResourceError:
                pass  # it left; what it said is judged below
    if not answer.endswith(b"\n"):
        raise DaemonSilent(
            f"the daemon of {place.state_dir} does not answer", hint="aimux daemon stop --force"
        )
    facts: dict[str, object] = orjson.loads(answer)
    if "error" in facts:
        raise DaemonSilent(str(facts["error"]), hint=str(facts.get("hint") or "") or None)
    return facts


async def wait_gone(place: Place) -> None:
    """Return once no daemon holds this state directory."""
    try:
        descriptor = os.open(place.daemon_lock, os.O_RDWR)
    except FileNotFoundError:
        await trio.lowlevel.checkpoint()
        return
    try:
        # abandoned, the thread keeps a descriptor of its own from closing under it
        own = os.dup(descriptor)
        await trio.to_thread.run_sync(_wait_lock, own, abandon_on_cancel=True)
    finally:
        os.close(descriptor)


def _wait_lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
