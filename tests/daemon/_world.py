"""A machine with a daemon of its own, and hosts that start `aimux` on it."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil
import pytest
import trio

from aimux.daemon import running, wait_gone
from aimux.shim.address import DaemonAddress, find_address

from ..e2e._host import HELLO, Host, Json, Server, attach
from ..e2e._stand import GRACE_S, Stand
from ..extent import some

PATIENCE_S: Final = 60.0  # the machine may be slow; nothing here waits that long on a good day
LEAVE_S: Final = 5.0  # what a daemon gets to leave well, which is also when its coverage is written
CLIS: Final = ("codex", "claude")
_numbers = itertools.count(1)

# for scenes that must look the same on Windows, where clients and daemon meet at a pipe; here the
# pipe is a socket behind the same code
both_roads = pytest.mark.parametrize("world", ["", "pipe"], indirect=True, ids=["socket", "pipe"])
# the same, where a scene is long and the roads are the same from where it looks
one_road_or_both = pytest.mark.parametrize(
    "world", some(["", "pipe"], each=2), indirect=True, ids=some(["socket", "pipe"], each=2)
)


@attrs.frozen(kw_only=True)
class World:
    """One user's machine."""

    stand: Stand
    runtime: Path
    local: str = ""  # how clients reach the daemon; empty: as is usual on this system
    servers: list[Server] = attrs.field(factory=list)

    @property
    def env(self) -> dict[str, str]:
        """What a host gives `aimux`."""
        env = {**self.stand.env, "AIMUX_RUNTIME_DIR": str(self.runtime)}
        del env["AIMUX_DAEMON"]
        return {**env, "AIMUX_LOCAL": self.local} if self.local else env

    @property
    def address(self) -> DaemonAddress:
        return find_address(self.env)

    @property
    def daemon(self) -> int:
        """The pid of the daemon; 0 if there is none."""
        return running(self.address)

    def daemons(self) -> list[int]:
        """Every daemon process of this machine, as the system sees it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_ours = process.environ().get("HOME") == str(self.stand.home)
                words = process.cmdline()
                begun = ["-m", "aimux", "daemon", "run"]
                if is_ours and begun in (words[1:5], words[2:6]):
                    found.append(process.pid)
        return found

    async def gone(self) -> None:
        """Return once no daemon is there."""
        with trio.fail_after(PATIENCE_S):
            await wait_gone(self.address)

    async def no_children(self) -> None:
        """Return once no child of a job lives; fails if one stays."""
        with trio.fail_after(PATIENCE_S):
            while True:
                left = self.stand.survivors()  # once: it reads every process of the machine
                alive = [process for process in psutil.process_iter() if process.pid in left]
                if not alive:
                    return
                await trio.to_thread.run_sync(psutil.wait_procs, alive, 0.5)

    def close(self) -> None:
        """End whatever still runs on this machine."""
        for server in self.servers:
            server.process.kill()
            with server.process:
                hang_up(server)
        daemons: list[psutil.Process] = []
        for pid in self.daemons():
            with contextlib.suppress(psutil.NoSuchProcess):
                daemons.append(psutil.Process(pid))
                daemons[-1].terminate()
        for process in psutil.wait_procs(daemons, timeout=LEAVE_S)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for pid in self.stand.survivors():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def make_world(root: Path, **server: object) -> Iterator[World]:
    """A machine with two emulated CLIs; nothing of it is left running afterwards."""
    stand = Stand(root=root)
    stand.home.mkdir(parents=True)
    stand.emulate(CLIS)
    usual = {
        "max_concurrent_jobs": 40,
        "max_concurrent_turns": 40,
        "max_turns_per_cli": 0,
        "idle_exit_seconds": PATIENCE_S,  # a test run that is killed leaves nothing for long
    }
    stand.configure(server={**usual, **server})
    for cli in CLIS:
        stand.overlay(cli, stop={"grace_s": GRACE_S, "leave_s": GRACE_S})
    with tempfile.TemporaryDirectory(prefix="ax") as runtime:  # tmp_path is too long for a socket
        world = World(stand=stand, runtime=Path(runtime))
        try:
            yield world
        finally:
            world.close()


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A machine of the test's own; no daemon runs yet. A parameter says how clients reach it."""
    for plain in make_world(tmp_path / "machine"):
        yield attrs.evolve(plain, local=getattr(request, "param", ""))


def start_aimux(world: World, *words: str, env: Mapping[str, str] | None = None) -> Server:
    """An `aimux` process as a host starts it."""
    stderr = world.stand.root / f"stderr-{next(_numbers)}"
    with stderr.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "aimux", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**world.env, **(env or {})},
            cwd=world.stand.project(),
        )
    server = Server(process, stderr)
    world.servers.append(server)
    return server


async def shake_hands(host: Host) -> Json:
    """The opening of every revision with a handshake; the server's answer."""
    response = await host.answer(await host.post("initialize", HELLO))
    await host.notify("notifications/initialized")
    return response


@asynccontextmanager
async def open_host(
    world: World, *words: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Host]:
    """A host with its server, shaken hands with. It hangs up in the end, kills what stays."""
    server = start_aimux(world, *words, env=env)
    try:
        async with attach(server) as host:
            await shake_hands(host)
            yield host
    finally:
        hang_up(server)
        with trio.move_on_after(PATIENCE_S, shield=True):
            await trio.to_thread.run_sync(server.process.wait)


def hang_up(server: Server) -> None:
    """Close the server's input."""
    assert server.process.stdin is not None
    server.process.stdin.close()


async def left(server: Server) -> float:
    """Wait until the process is over; how long that took."""
    begun = trio.current_time()
    with trio.fail_after(PATIENCE_S):
        await trio.to_thread.run_sync(server.process.wait)
    return trio.current_time() - begun


async def notice(host: Host, method: str) -> Json:
    """The first notification of that method."""
    with trio.fail_after(PATIENCE_S):
        while True:
            for message in host.heard:
                if message.get("method") == method:
                    return message
            await host._more.wait()
