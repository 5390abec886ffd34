"""Too much at once: calls, jobs, clients, and too few descriptors for them."""

import contextlib
import json
import os
import resource
import socket
from typing import Final

import psutil
import trio

from tests.daemon._world import start_aimux
from tests.e2e._host import HELLO, Host

from ._leftovers import threads
from ._scene import WORD, Results, Scene, open_scene
from ._table import MIX

SPARE_DESCRIPTORS: Final = 6
DEAF_S: Final = 5.0  # how long it goes on asking
DEAF_MORE_BYTES: Final = 200 << 20  # what a client that does not read may cost
IDLE_THREADS_S: Final = 15.0  # trio keeps one for ten seconds
MORE_THREADS: Final = 8
POLL_S: Final = 0.5


async def no_descriptors(seed: int) -> Results:
    """The daemon has only a few descriptors left, then enough again."""
    async with open_scene("no descriptors", seed) as scene:
        pid = scene.machine.world.daemon
        was = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        async with scene.machine.host() as host:
            highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
            few = highest + 1 + SPARE_DESCRIPTORS
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, was[1]))
            await scene.step("twelve calls", lambda: _twelve(scene, host))
            await scene.step("another host", lambda: _another(scene))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, was)
            await scene.step("call after", lambda: scene.use(host))
            assert scene.machine.world.daemon == pid
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


async def _twelve(scene: Scene, host: Host) -> str:
    """All of twelve calls at once have an end; which ones there were."""
    ends: list[str] = []

    async def one(cli: str) -> None:
        ends.append(await scene.use(host, cli=cli))

    async with trio.open_nursery() as nursery:
        for cli in ("claude", "codex", "crush") * 4:
            nursery.start_soon(one, cli)
    return MIX.join(sorted(set(ends)))


async def _another(scene: Scene) -> str:
    """A host that comes now is served, or told why not, in time."""
    word = "served"
    try:
        async with scene.machine.host() as host:
            await host.call("sessions", action="health")
    except* (AssertionError, trio.TooSlowError, trio.BrokenResourceError) as group:
        word = f"refused: {group.exceptions[0]}"[:200]
    return word


async def floods(seed: int) -> Results:
    """Thousands of requests at once, more jobs than may wait, a client that does not read."""
    async with open_scene("floods", seed, max_concurrent_turns=8, max_queued_jobs=40) as scene:
        async with scene.machine.host() as host:
            await scene.step("3000 pings", lambda: _pings(host, 3000))
            await scene.step("200 jobs", lambda: _jobs(scene, host, 200))
            await scene.step("deaf client", lambda: _deaf(scene, host))
            await scene.step("300 connections", lambda: _connections(scene, host, 300))
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("threads", lambda: _threads(scene))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


async def _pings(host: Host, number: int) -> str:
    ids = [await host.post("ping") for _ in range(number)]
    for call_id in ids[-1:] + ids:
        if (await host.answer(call_id)).get("result") != {}:
            return "no pong"
        host.heard = host.heard if call_id != ids[-1] else _by_id(host, ids)
    return "answered"


def _by_id(host: Host, ids: list[int]) -> list[dict[str, object]]:
    """Sorted as the questions were: a search from the front is short then."""
    return sorted(host.heard, key=lambda each: int(str(each.get("id", 0))))


async def _jobs(scene: Scene, host: Host, number: int) -> str:
    """Each is taken or refused; what was taken ends."""
    ends: list[str] = []

    async def one() -> None:
        word = await scene.begin(host, WORD)
        ends.append(await scene.end(host, word) if word.startswith("job_") else word)

    async with trio.open_nursery() as nursery:
        for _ in range(number):
            nursery.start_soon(one)
    return MIX.join(sorted(set(ends)))


async def _deaf(scene: Scene, host: Host) -> str:
    """Somebody asks much and reads nothing; the others are served, and memory is bounded."""
    process = psutil.Process(scene.machine.world.daemon)
    before = process.memory_info().rss
    deaf = start_aimux(scene.machine.world, env=scene.machine.env)
    stdin = deaf.process.stdin
    assert stdin is not None
    lines = [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        *({"id": number, "method": "tools/list", "params": {}} for number in range(2, 5000)),
    ]
    data = b"".join(json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n" for each in lines)
    try:
        os.set_blocking(stdin.fileno(), False)
        with trio.move_on_after(DEAF_S):
            while data:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(stdin.fileno(), data[:65_536]) :]
                await trio.sleep(0.01)
        word = await scene.use(host)
        more = process.memory_info().rss - before
    finally:
        deaf.process.kill()
    return word if more < DEAF_MORE_BYTES else f"{more >> 20} MB more"


async def _connections(scene: Scene, host: Host, number: int) -> str:
    """Strangers connect and say nothing; those who are there are served."""
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(OSError):
                client.connect(scene.machine.world.address.socket)
        return await scene.use(host)


async def _threads(scene: Scene) -> str:
    """After hundreds of turns there are no more threads than a few."""
    more = 0
    with trio.move_on_after(IDLE_THREADS_S):
        while (more := threads(scene.machine.world)) > 1 + MORE_THREADS:
            await trio.sleep(POLL_S)
        return "few"
    return f"{more} threads"
