"""What the shim makes of a daemon that is a script: every byte in both directions."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio

from aimux.shim.ledger import MAX_LOSSES
from aimux.transports import DescriptorStream, bind_unix, listener_on, take_ends

from ..daemon._world import PATIENCE_S, World, hang_up, left, start_aimux
from ..e2e._host import HELLO, Host, Json, attach

pytestmark = pytest.mark.slow

WELCOME = b'{"aimux":1,"version":"0"}\n'
STUCK_S = 0.3  # a pipe that stays full for that long is full
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


@attrs.define(eq=False)
class Line:
    """One connection of the shim, as the daemon sees it."""

    stream: DescriptorStream
    hello: Json
    rest: bytes = b""

    async def hear(self) -> bytes:
        """The next line; b"" at the end of the stream."""
        while b"\n" not in self.rest:
            data = bytes(await self.stream.receive_some(1 << 20))
            if not data:
                return b""
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    async def request(self) -> Json:
        """The next line as JSON."""
        found: Json = json.loads(await self.hear())
        return found

    async def answer(self, *ids: object) -> None:
        """Empty results for the requests with these ids."""
        for each in ids:
            line = json.dumps({"jsonrpc": "2.0", "id": each, "result": {}})
            await self.stream.send_all(line.encode() + b"\n")


@attrs.define(eq=False)
class Daemon:
    """The listener of a daemon that does what the test says."""

    listener: trio.SocketListener
    lines: list[Line] = attrs.field(factory=list)

    async def accept(self, welcome: bytes = WELCOME) -> Line:
        """The next connection, its hello read and answered."""
        with trio.fail_after(PATIENCE_S):
            async with await self.listener.accept() as connection:
                stream, said = await take_ends(connection)
            line = Line(stream, {}, said)
            self.lines.append(line)
            line.hello = json.loads(await line.hear())
            if welcome:
                await line.stream.send_all(welcome)
        return line


@asynccontextmanager
async def open_daemon(world: World) -> AsyncIterator[Daemon]:
    """A daemon to be played."""
    async with listener_on(bind_unix(Path(world.address.socket))) as listener:
        daemon = Daemon(listener)
        with trio.fail_after(PATIENCE_S):
            yield daemon
        for line in daemon.lines:
            await line.stream.aclose()


@asynccontextmanager
async def played(
    world: World, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Daemon, Host]]:
    """A daemon to be played and a host whose shim attaches to it."""
    async with open_daemon(world) as daemon:
        server = start_aimux(world, env=env)
        async with attach(server) as host:
            yield daemon, host
            hang_up(server)


async def _opened(daemon: Daemon, host: Host) -> Line:
    """A session behind its handshake, request id 1."""
    await host.post("initialize", HELLO)
    line = await daemon.accept()
    await line.hear()
    await line.answer(1)
    await host.notify("notifications/initialized")
    await line.hear()
    await host.answer(1)
    return line


async def _heard(host: Host, count: int) -> list[Json]:
    while len(host.heard) < count:
        await host._more.wait()
    return host.heard


async def test_the_hello_says_who_attaches_and_from_where(world: World) -> None:
    """Directory, environment (bytes that are no UTF-8 included), state, version, pid."""
    env = {"ODD": '\udcff"\\\n', "AIMUX_CONFIG_DIR": "relative"}
    async with played(world, env) as (daemon, host):
        line = await daemon.accept()

    assert line.hello["aimux"] == 1
    assert line.hello["cwd"] == str(world.stand.project())
    assert line.hello["pid"] == host.server.pid
    assert line.hello["state_dir"] == str(world.stand.state)
    assert line.hello["config_dir"] == str(world.stand.project() / "relative")
    assert isinstance(line.hello["env"], dict)
    assert line.hello["env"]["ODD"] == '\udcff"\\\n'


@pytest.mark.requirement("shim:replay")
async def test_the_next_daemon_hears_the_session_and_the_client_hears_nothing_twice(
    world: World,
) -> None:
    """Handshake, log level and subscription are told again; their answers are swallowed."""
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        await host.post("logging/setLevel", {"level": "debug"})
        await host.post("resources/subscribe", {"uri": "a"})
        await host.post("resources/subscribe", {"uri": "b"})
        await host.post("resources/unsubscribe", {"uri": "a"})
        for _ in range(4):
            await line.hear()
        await line.answer(2, 3, 4, 5)
        await host.answer(5)
        await host.write(b'{"jsonrpc":"2.0","id":6,')  # a request that has only begun
        await line.stream.aclose()
        again = await daemon.accept()
        told = [await again.request() for _ in range(4)]
        await again.answer(1, 2, 4)
        await host.write(b'"method":"ping"}\n')
        ping = await again.request()
        await again.answer(6)
        await host.answer(6)

    assert [(each["method"], each.get("id")) for each in told] == [
        ("initialize", 1),
        ("notifications/initialized", None),
        ("logging/setLevel", 2),
        ("resources/subscribe", 4),
    ]
    assert ping["id"] == 6
    assert [each.get("id") for each in host.heard] == [1, 2, 3, 4, 5, None, 6]
    assert host.heard[5] == CHANGED


async def test_open_calls_are_answered_with_an_error_when_the_daemon_is_gone(
    world: World,
) -> None:
    """Those of a batch too; not those that were cancelled or answered; the id as it came."""
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        await host.post("tools/call", {"name": "exec"})
        await host.post("tools/call", {"name": "status"})
        await host.post("tools/call", {"name": "exec"})
        await host.notify("notifications/cancelled", requestId=4)
        await host.say([{"jsonrpc": "2.0", "id": "ü", "method": "ping"}])
        for _ in range(5):
            await line.hear()
        await line.answer(3)
        await host.answer(3)
        await line.stream.aclose()
        again = await daemon.accept()
        await again.answer(1)
        heard = await _heard(host, 5)

    errors = {each["id"]: each["error"] for each in heard if "error" in each}
    assert errors.keys() == {2, "ü"}
    for error in errors.values():
        assert isinstance(error, dict)
        assert error["data"]["retryable"] is True
        assert "status(job_id=...)" in error["message"]
    assert heard[-1] == CHANGED


@pytest.mark.requirement("shim:whole_lines")
async def test_half_a_message_never_reaches_the_client(world: World) -> None:
    """A daemon that dies in the middle of a line."""
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        await host.post("ping")
        await line.hear()
        await line.stream.send_all(b'{"jsonrpc":"2.0","id":2,"resu')
        await line.stream.aclose()
        await daemon.accept()
        heard = await _heard(host, 3)  # each was read as JSON

    assert heard[1]["id"] == 2
    assert "error" in heard[1]


async def test_what_nobody_has_read_is_sent_again(world: World) -> None:
    """A daemon that leaves before it has said that it serves us costs nothing."""
    async with played(world) as (daemon, host):
        await host.post("initialize", HELLO)
        line = await daemon.accept(welcome=b"")
        await line.hear()
        await line.stream.aclose()
        again = await daemon.accept(welcome=b"")
        first = await again.request()
        await host.post("ping")
        await again.hear()
        await again.stream.aclose()
        third = await daemon.accept()
        told = [await third.request() for _ in range(2)]
        await third.answer(1, 2)
        await host.answer(2)

    assert first["method"] == "initialize"
    assert [each["method"] for each in told] == ["initialize", "ping"]
    assert [each["id"] for each in host.heard] == [1, 2]


async def test_the_ledger_is_kept_over_more_traffic_than_copies(world: World) -> None:
    """Megabytes both ways; then only what is open is told as lost."""
    text = "x" * 100_000  # the pipes on the way hold it
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        await host.post("tools/call", {"name": "exec"})
        await line.hear()
        for number in range(3, 33):
            await host.post("tools/call", {"prompt": text})
            assert len(await line.hear()) > 100_000
            big = {"jsonrpc": "2.0", "id": number, "result": {"content": text}}
            await line.stream.send_all(json.dumps(big).encode() + b"\n")
            await host.answer(number)
        await line.stream.aclose()
        again = await daemon.accept()
        told = [await again.request() for _ in range(2)]
        heard = await _heard(host, 33)

    assert [each["id"] for each in heard if "error" in each] == [2]
    assert [each["method"] for each in told] == ["initialize", "notifications/initialized"]


async def test_a_modern_client_is_told_nothing_it_did_not_ask_for(world: World) -> None:
    """Without a handshake there is nothing to replay and no unasked notification."""
    async with played(world) as (daemon, host):
        await host.post("tools/call", {"_meta": {}})
        line = await daemon.accept()
        await line.hear()
        await line.stream.aclose()
        again = await daemon.accept()
        await host.post("ping")
        ping = await again.request()
        await again.answer(2)
        await host.answer(2)

    assert ping["method"] == "ping"
    assert [("error" in each, each["id"]) for each in host.heard] == [(True, 1), (False, 2)]


async def test_a_refusal_ends_the_shim_and_says_why(world: World) -> None:
    """Nothing of it reaches the client's stream."""
    async with played(world) as (daemon, host):
        await daemon.accept(b'{"aimux":1,"error":"this daemon serves another"}\n')
        server = host.server
        await left(server)

    assert server.process.returncode == 1
    assert "this daemon serves another" in server.stderr.read_text(encoding="utf-8")
    assert host.heard == []


async def test_a_refusal_ends_the_calls_that_were_made(world: World) -> None:
    """The client hears of each, not only that its server has left."""
    async with played(world) as (daemon, host):
        await host.post("initialize", HELLO)
        line = await daemon.accept(b"")
        await line.hear()
        await line.stream.send_all(b'{"aimux":1,"error":"this daemon serves another"}\n')
        await left(host.server)
        heard = await _heard(host, 1)

    assert [(each["id"], "error" in each) for each in heard] == [(1, True)]


async def test_calls_are_answered_when_the_last_daemon_is_lost(world: World) -> None:
    """Five in a row: the shim leaves, and no call of its client waits for ever."""
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        for number in range(MAX_LOSSES + 1):
            await host.post("tools/call", {"name": "exec"})
            await line.hear()
            await line.stream.aclose()
            if number < MAX_LOSSES:
                line = await daemon.accept()
                assert (await line.request())["method"] == "initialize"
                await line.hear()
                await line.answer(1)
        await left(host.server)
        heard = await _heard(host, 2 * MAX_LOSSES + 2)

    assert host.server.process.returncode == 1
    errors = [each["id"] for each in heard if "error" in each]
    assert errors == list(range(2, MAX_LOSSES + 3))


async def test_a_line_too_deep_or_too_long_does_not_end_the_shim(world: World) -> None:
    """Copied like any other; the daemon says what it thinks of it."""
    deep = b"[" * 100_000
    async with played(world) as (daemon, host):
        line = await _opened(daemon, host)
        async with trio.open_nursery() as sending:
            sending.start_soon(host.write, deep + b"\n")
            assert await line.hear() == deep
        await line.stream.aclose()  # now all of it is read
        again = await daemon.accept()
        assert (await again.request())["method"] == "initialize"
        await again.hear()
        await again.answer(1)
        await host.post("ping")
        ping = await again.request()
        await again.answer(ping["id"])
        await host.answer(ping["id"])

    assert host.server.process.returncode in {None, 0}


async def test_daemons_that_die_at_once_are_not_tried_for_ever(world: World) -> None:
    """The shim gives up, so that the host sees a server that failed."""
    async with played(world) as (daemon, host):
        server = host.server
        async with trio.open_nursery() as dying:

            async def die() -> None:
                while True:
                    await (await daemon.accept()).stream.aclose()

            dying.start_soon(die)
            await left(server)
            dying.cancel_scope.cancel(reason="the shim gave up")

    assert server.process.returncode == 1
    assert "daemons were lost" in server.stderr.read_text(encoding="utf-8")


async def test_a_slow_client_does_not_stop_its_own_requests(world: World) -> None:
    """Megabytes wait for the client, and what it says meanwhile arrives."""
    big = b'"' + b"x" * 3_000_000 + b'"\n'
    async with open_daemon(world) as daemon:
        server = start_aimux(world)
        line = await daemon.accept()
        assert server.process.stdin is not None
        assert server.process.stdout is not None
        async with trio.open_nursery() as sending:
            sending.start_soon(line.stream.send_all, big)
            server.process.stdin.write(b"{}\n" * 10)
            server.process.stdin.flush()
            said = [await line.hear() for _ in range(10)]
            got = await trio.to_thread.run_sync(server.process.stdout.readline)
        hang_up(server)
        end = await line.hear()
        await line.stream.aclose()
        await left(server)

    assert said == [b"{}"] * 10
    assert got == big
    assert end == b""
    assert server.process.returncode == 0


async def test_streams_that_do_not_block_are_waited_for(world: World) -> None:
    """A host may have made them so: the flags are those of both ends of a socket pair."""
    big = b'"' + b"x" * 1_000_000 + b'"\n'
    theirs, ours = socket.socketpair()
    with ours:
        async with open_daemon(world) as daemon:
            process = _start_on(theirs, world)
            line = await daemon.accept()
            ours.sendall(b"question\n")
            question = await line.hear()
            async with trio.open_nursery() as sending:
                sending.start_soon(line.stream.send_all, big)
                answer = await trio.to_thread.run_sync(_received, ours, len(big))
            ours.shutdown(socket.SHUT_WR)
            end = await line.hear()
            await line.stream.aclose()
            code = await trio.to_thread.run_sync(process.wait, PATIENCE_S)

    assert (question, answer, end, code) == (b"question", big, b"", 0)


def _start_on(stream: socket.socket, world: World) -> subprocess.Popen[bytes]:
    with stream:
        stream.setblocking(False)
        return subprocess.Popen(
            [sys.executable, "-m", "aimux"],
            stdin=stream,
            stdout=stream,
            env=world.env,
            cwd=world.stand.project(),
        )


def _received(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += sock.recv(1 << 20)
    return data


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
async def test_a_daemon_that_does_not_let_go_is_left(world: World, how: str) -> None:
    """It reads nothing any more and keeps its end open; a signal helps even when the pipe is full,
    where the end of input cannot be seen.
    """
    async with open_daemon(world) as daemon:
        server = start_aimux(world)
        await daemon.accept()
        if how == "end of input":
            hang_up(server)
        else:
            assert server.process.stdin is not None
            await _fill(server.process.stdin.fileno())
            server.process.send_signal(getattr(signal, how))
        await left(server)

    assert server.process.returncode == 0


async def _fill(descriptor: int) -> None:
    """Write until nobody takes more."""
    os.set_blocking(descriptor, False)
    while True:
        with trio.move_on_after(STUCK_S) as patience:
            await trio.lowlevel.wait_writable(descriptor)
        if patience.cancelled_caught:
            return
        with contextlib.suppress(BlockingIOError):
            os.write(descriptor, b"x" * 65_536)
