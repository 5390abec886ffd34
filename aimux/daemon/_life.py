"""A daemon from its lock to its end, or to the process it becomes when it restarts."""

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux._shim import Place, ShimFault, check_private, connect
from aimux.errors import AimuxError, Refusal, SetupFault
from aimux.transports import bind_unix

from ._ask import own_place
from ._lockfile import open_daemon_lock, running
from ._serve import Hall, Listener, serve_hall

KEPT: Final = "AIMUX_DAEMON_KEPT"  # descriptors of lock and socket, and a version, over a restart

log = logging.getLogger("aimux.daemon")


@attrs.frozen
class _Next:
    """What this process becomes."""

    python: str
    lock: int
    listening: int
    tried: str


def live(ready_fd: int | None, listeners: Sequence[Listener], options: Sequence[str]) -> int:
    """See `run_daemon`."""
    following: _Next | None = None
    code = 1
    try:
        following = trio.run(_run, ready_fd, listeners)
        code = 0
    except* KeyboardInterrupt:  # the second signal
        log.warning("left without waiting")
    except* AimuxError as group:
        _tell_failure(ready_fd, group)
    if following is not None:
        _become(following, options)
        code = 1
    return code


def _tell_failure(ready_fd: int | None, group: BaseExceptionGroup[AimuxError]) -> None:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, AimuxError)
    text = f"{error.message}; {error.hint}" if error.hint else error.message
    sys.stderr.write(f"aimux daemon: {text}\n")
    if ready_fd is not None:
        with contextlib.suppress(OSError):
            os.write(ready_fd, text.encode())


def _open_place() -> Place:
    try:
        place = own_place()
        Path(place.runtime_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private(place.runtime_dir)
    except (ShimFault, OSError) as error:
        raise SetupFault(str(error), code="runtime_dir_unusable") from error
    return place


async def _run(ready_fd: int | None, listeners: Sequence[Listener]) -> _Next | None:
    place = _open_place()
    kept_lock, kept_socket, tried = _kept()
    if kept_lock is None and _listens(place):
        raise Refusal(
            f"a daemon (pid {running(place)}) serves {place.state_dir} already",
            code="daemon_running",
            hint="aimux daemon status",
        )
    os.environ["AIMUX_STATE_DIR"] = place.state_dir  # it may have been relative
    async with open_daemon_lock(place, kept=kept_lock) as lock:
        listening = bind_unix(Path(place.socket)) if kept_socket is None else kept_socket
        spare = listening.dup()
        serve = partial(serve_hall, place, listening, listeners, lock=lock, tried=tried)
        hall = await _serve(serve, ready_fd)
        if hall.is_restart:
            return _Next(hall.python, os.dup(lock), spare.detach(), hall.tried)
        spare.close()
    return None


async def _serve(serve_hall: Callable[..., Awaitable[Hall]], ready_fd: int | None) -> Hall:
    served: list[Hall] = []

    async def serve(*, task_status: trio.TaskStatus[Hall]) -> None:
        served.append(await serve_hall(task_status=task_status))

    async with trio.open_nursery() as serving:
        await serving.start(serve)
        if ready_fd is not None:
            with contextlib.suppress(OSError):  # whoever started us has left
                os.write(ready_fd, b"ready\n")
                os.close(ready_fd)
    return served[0]


def _listens(place: Place) -> bool:
    sock = connect(place)
    if sock is not None:
        sock.close()
    return sock is not None


def _kept() -> tuple[int | None, socket.socket | None, str]:
    """What the process we were before a restart has left: lock, socket, version."""
    told = os.environ.pop(KEPT, "")
    if not told:
        return None, None, ""
    lock, listening, tried = told.split(" ", 2)
    os.set_inheritable(int(listening), False)
    return int(lock), socket.socket(fileno=int(listening)), tried


def _become(following: _Next, options: Sequence[str]) -> None:
    """Be another program with the same pid, lock and socket."""
    for descriptor in (following.lock, following.listening):
        os.set_inheritable(descriptor, True)
    os.environ[KEPT] = f"{following.lock} {following.listening} {following.tried}"
    for python in (following.python, sys.executable):
        with contextlib.suppress(OSError):
            os.execv(python, [python, "-m", "aimux", "daemon", "run", *options])  # noqa: S606  # no shell
    sys.stderr.write("aimux daemon: cannot start again\n")
