"""A floor: a standard-library relay to a Trio server on a socket (started with `--serve PATH`)."""

import os
import sys


def relay(path: str) -> None:
    """Copy both ways until end of input."""
    import _socket
    import select

    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    sock.connect(path)
    while True:
        ready, _, _ = select.select([0, sock.fileno()], (), ())
        if sock.fileno() in ready:
            data = sock.recv(65_536)
            while data:
                data = data[os.write(1, data) :]
        if 0 in ready:
            data = os.read(0, 65_536)
            if not data:
                return
            sock.sendall(data)


def serve(path: str) -> None:
    """Canned answers for whoever connects."""
    import json
    import socket

    import trio
    from canned import answer_line

    async def attend(stream: trio.SocketStream) -> None:
        held = b""
        async for data in stream:
            *lines, held = (held + bytes(data)).split(b"\n")
            await stream.send_all(b"".join([answer_line(json.loads(line)) for line in lines]))

    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    listening.listen()
    listening.setblocking(False)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
    trio.run(trio.serve_listeners, attend, [listener])


if sys.argv[1] == "--serve":
    serve(sys.argv[2])
else:
    relay(sys.argv[1])
