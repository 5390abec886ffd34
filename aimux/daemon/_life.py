"""A daemon from its lock to its end, or to the process it becomes when it restarts."""

import contextlib
import importlib
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

from aimux.errors import AimuxError, Refusal, SetupFault, first_leaf
from aimux.shim.address import DaemonAddress, ShimFault
from aimux.shim.command import own_command

from ._ask import is_served, own_address
from ._local import kept_local, make_runtime_dir, open_local
from ._lockfile import (
    SERVED,
    forget_holder,
    last_holder,
    open_daemon_lock,
    served,
    tell_holder,
)
from ._serve import Daemon, Listener, serve_daemon

O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
KEPT: Final = "AIMUX_DAEMON_KEPT"  # descriptors of lock and socket, and a version, over a restart

PLACES: Final = (  # variables with a path, which may be relative
    "AIMUX_AUTH_TOKEN_FILE", "AIMUX_CACHE_DIR", "AIMUX_CONFIG_DIR", "AIMUX_RUNTIME_DIR",
    "AIMUX_STATE_DIR", "TEMP", "TMP", "TMPDIR",
)  # fmt: skip

log = logging.getLogger("aimux.daemon")


@attrs.frozen
class _Next:
    """What this process becomes."""

    python: str
    tried: str
    address: DaemonAddress
    lock: int = -1  # a pipe does not outlive its process
    listening: int = -1
    options: Sequence[str] = ()  # what the dashboard needs to be there again


def live(ready_fd: int | None, listeners: Sequence[Listener], options: Sequence[str]) -> int:
    """See `run_daemon`."""
    following: _Next | None = None
    code = 1
    _leave_directory()
    try:
        following = trio.run(_run, ready_fd, listeners)
        code = 0
    except* KeyboardInterrupt:  # the second signal
        log.warning("left without waiting")
    except* AimuxError as group:
        _tell_failure(ready_fd, group)
    if following is not None:
        code = _become(following, [*options, *following.options])
    return code


def _leave_directory() -> None:
    """Stand at the root: what lies where we were started is not ours, and may be removed."""
    for name in PLACES:
        named = os.environ.get(name, "").strip()
        if named and not named.startswith("~"):
            with contextlib.suppress(OSError):  # the directory it is relative to is gone already
                os.environ[name] = os.path.abspath(named)  # noqa: PTH100  # as it is written
    os.chdir(os.path.abspath(os.sep))  # noqa: PTH100  # with the drive, on Windows


def _tell_failure(ready_fd: int | None, group: BaseExceptionGroup[AimuxError]) -> None:
    error = first_leaf(group)
    text = f"{error.message}; {error.hint}" if error.hint else error.message
    sys.stderr.write(f"aimux daemon: {text}\n")
    if ready_fd is not None:
        # whoever wants a daemon has one when another serves
        with contextlib.suppress(OSError):
            told = "ready\n" if error.code == SERVED else text
            os.write(ready_fd, told.encode(errors="replace"))


def _open_address() -> DaemonAddress:
    address = own_address()
    make_runtime_dir(address)
    return address


async def _run(ready_fd: int | None, listeners: Sequence[Listener]) -> _Next | None:
    address = _open_address()
    kept_lock, kept_socket, predecessor, tried = _kept()
    if kept_lock is None and is_served(address):
        raise served(address)
    os.environ["AIMUX_STATE_DIR"] = address.state_dir  # links on the way to it are followed once
    if address.is_pipe:
        return await _run_on_pipe(address, ready_fd, listeners, predecessor, tried)
    following: _Next | None = None
    async with open_daemon_lock(
        address, is_served=partial(is_served, address), kept=kept_lock
    ) as lock:
        local = open_local(address) if kept_socket is None else kept_local(address, kept_socket)
        tell_holder(lock, local.address)
        serve = partial(serve_daemon, address, local, listeners, lock=lock, tried=tried)
        daemon = await _serve(serve, ready_fd)
        if daemon.is_restart:
            plain = local.plain.detach()
            following = _Next(
                daemon.python, daemon.tried, address, os.dup(lock), plain, daemon.page.options
            )
        else:
            local.unbind()  # asked to stop when it was about to begin anew
            local.plain.close()
            forget_holder(lock)
    return following


async def _run_on_pipe(
    address: DaemonAddress,
    ready_fd: int | None,
    listeners: Sequence[Listener],
    predecessor: int,
    tried: str,
) -> _Next | None:
    async with open_daemon_lock(address, is_served=partial(is_served, address)) as lock:
        if predecessor and last_holder(lock) != predecessor:
            raise Refusal("a daemon came and went meanwhile, so none is to follow", code=SERVED)
        key = _prepare_pipe(address)
        tell_holder(lock, address)
        serve = partial(serve_daemon, address, key, listeners, lock=lock, tried=tried)
        daemon = await _serve(serve, ready_fd)
        if not daemon.is_restart:
            forget_holder(lock)
    if not daemon.is_restart:
        return None
    return _Next(daemon.python, daemon.tried, address, options=daemon.page.options)


def _prepare_pipe(address: DaemonAddress) -> bytes:
    """Make way for the address's pipe; its key, made if there is none that is ours alone."""
    if sys.platform != "win32":
        Path(address.socket).unlink(missing_ok=True)  # of one that was killed
    shim_pipe = importlib.import_module("aimux.shim.pipe")
    pipe = importlib.import_module("aimux.transports.pipe")
    with contextlib.suppress(ShimFault):
        found: bytes | None = shim_pipe.read_key(address)
        if found is not None:
            return found
    path = Path(shim_pipe.key_path(address))
    fresh = path.with_suffix(".new")  # a shim reads a whole key or none
    key: bytes = pipe.new_key()
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | O_BINARY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        fresh.replace(path)
    except OSError as error:
        raise SetupFault(f"{path}: {error.strerror}", code="state_dir_unusable") from error
    return key


async def _serve(serve_daemon: Callable[..., Awaitable[Daemon]], ready_fd: int | None) -> Daemon:
    served: list[Daemon] = []

    async def serve(*, task_status: trio.TaskStatus[Daemon]) -> None:
        served.append(await serve_daemon(task_status=task_status))

    async with trio.open_nursery() as serving:
        await serving.start(serve)
        if ready_fd is not None:
            with contextlib.suppress(OSError):  # whoever started us has left
                os.write(ready_fd, b"ready\n")
                os.close(ready_fd)
    return served[0]


def _kept() -> tuple[int | None, socket.socket | None, int, str]:
    """What the process we were before a restart has left: lock, socket, version.

    By a pipe it was another process, whose pid stands in their place.
    """
    told = os.environ.pop(KEPT, "")
    if not told:
        return None, None, 0, ""
    lock, listening, tried = told.split(" ", 2)
    if int(lock) < 0:
        return None, None, int(listening), tried
    os.set_inheritable(int(listening), False)
    return int(lock), socket.socket(fileno=int(listening)), 0, tried


def _become(following: _Next, options: Sequence[str]) -> int:
    """Be another program with the same pid, lock and socket; by a pipe, start it and leave."""
    if following.address.is_pipe:
        return _bequeath(following, options)
    for descriptor in (following.lock, following.listening):
        os.set_inheritable(descriptor, True)
    os.environ[KEPT] = f"{following.lock} {following.listening} {following.tried}"
    for python in (following.python, sys.executable):
        with contextlib.suppress(OSError):
            os.execv(python, own_command("daemon", "run", *options, python=python))  # noqa: S606  # no shell
    sys.stderr.write("aimux daemon: cannot start again\n")
    return 1


def _bequeath(following: _Next, options: Sequence[str]) -> int:
    shim_pipe = importlib.import_module("aimux.shim.pipe")
    env = {**os.environ, KEPT: f"-1 {os.getpid()} {following.tried}"}
    fault: ShimFault | None = None
    for python in (following.python, sys.executable):
        try:
            shim_pipe.spawn(following.address, env, python, options)
        except ShimFault as error:
            fault = error
        else:
            return 0
    sys.stderr.write(f"aimux daemon: cannot start again: {fault}\n")
    return 1
