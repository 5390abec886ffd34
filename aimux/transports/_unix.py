"""Unix sockets: a listener only its owner can reach, and who is at the other end."""

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.errors import Refusal, SetupFault

from ._descriptor import READ_BYTES, DescriptorStream

BACKLOG: Final = 512  # shims that start at once, or wait for a daemon that restarts
_END_BYTES: Final = 4  # of a descriptor's number among what comes beside the bytes
_LOCAL_PEERPID: Final = 2  # macOS, sys/un.h
_SOL_LOCAL: Final = 0


@attrs.frozen(kw_only=True)
class Credentials:
    """Who connected; `pid` is 0 where the system does not tell."""

    uid: int
    pid: int


def bind_unix(path: Path) -> socket.socket:
    """A listening socket at `path`, for this user alone. A stale one is replaced.

    The caller holds the lock that says that nobody else serves there.

    Raises:
        SetupFault: it cannot be bound.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise SetupFault(
            f"{path}: {error.strerror or error}",
            code="socket_unusable",
            hint="name another directory in AIMUX_RUNTIME_DIR",
        ) from error
    return listening


def mark_of(path: Path) -> tuple[int, int]:
    """What tells the socket at `path` from a later one of that name; zeros if there is none."""
    try:
        facts = path.lstat()
    except OSError:
        return 0, 0
    return facts.st_dev, facts.st_ino


def unbind_unix(path: Path, mark: tuple[int, int]) -> None:
    """Take the name away if it still is the marked one; connections that were made stay."""
    if mark_of(path) == mark:
        path.unlink(missing_ok=True)


def listener_on(listening: socket.socket) -> trio.SocketListener:
    """A listening socket as Trio's listener, which owns it from now on."""
    listening.setblocking(False)
    return trio.SocketListener(trio.socket.from_stdlib_socket(listening))


async def take_ends(stream: trio.SocketStream) -> tuple[DescriptorStream, bytes]:
    """What to speak over with whoever connected, and what was said already.

    Two pipes that come with the first byte replace the connection: they are quicker. Else it is the
    connection itself. `stream` can be closed afterwards. Cancelled, it has taken nothing.

    Raises:
        OSError: it is gone, or there are no more descriptors.
    """
    sock = stream.socket
    space = socket.CMSG_SPACE(2 * _END_BYTES)
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, beside, _, _ = await sock.recvmsg(READ_BYTES, space, flags)
    ends = [
        int.from_bytes(packed[at : at + _END_BYTES], sys.byteorder)
        for level, kind, packed in beside
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for at in range(0, len(packed) - len(packed) % _END_BYTES, _END_BYTES)
    ]
    for each in ends:
        os.set_inheritable(each, False)
    if len(ends) == 2:  # what is read and what is written
        return DescriptorStream(*ends), data[1:]
    for each in ends:
        os.close(each)
    source, sink = os.dup(sock.fileno()), -1
    try:
        sink = os.dup(sock.fileno())
    except OSError:
        os.close(source)
        raise
    return DescriptorStream(source, sink), data


def credentials_of(stream: trio.SocketStream) -> Credentials:
    """Who is at the other end, as the system says.

    Raises:
        OSError: it is gone.
    """
    if hasattr(socket, "SO_PEERCRED"):
        size = struct.calcsize("3i")
        packed = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, uid, _ = struct.unpack("3i", packed)
        return Credentials(uid=uid, pid=pid)
    return _credentials_of_bsd(stream.socket.fileno())


def _credentials_of_bsd(descriptor: int) -> Credentials:
    uid, gid = ctypes.c_uint32(), ctypes.c_uint32()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getpeereid(descriptor, ctypes.byref(uid), ctypes.byref(gid)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    pid, size = ctypes.c_int32(), ctypes.c_uint32(4)
    if sys.platform == "darwin":
        libc.getsockopt(
            descriptor, _SOL_LOCAL, _LOCAL_PEERPID, ctypes.byref(pid), ctypes.byref(size)
        )
    return Credentials(uid=uid.value, pid=pid.value)


def check_peer(credentials: Credentials) -> None:
    """Nothing, if it is this user.

    Raises:
        Refusal: it is somebody else.
    """
    if sys.platform != "win32" and credentials.uid != os.geteuid():
        raise Refusal(
            f"user {credentials.uid} may not attach to the daemon of user {os.geteuid()}",
            code="foreign_user",
            retryable=False,
        )
