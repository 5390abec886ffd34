"""What goes badly around the daemon: its disk, its directory, its clock, its limits, its clients."""

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil
import trio

from tests.daemon._world import start_aimux
from tests.e2e._host import HELLO, Host

from ._leftovers import threads
from ._mounts import MountFault, mounted
from ._scene import WORD, Scene, Skip, open_scene
from ._table import MIX, Cell, Found

DISK_BYTES: Final = 16 << 20
SPARE_DESCRIPTORS: Final = 6
DEAF_S: Final = 5.0  # how long it goes on asking
DEAF_MORE_BYTES: Final = 200 << 20  # what a client that does not read may cost
YEAR_S: Final = 365 * 86_400
IDLE_THREADS_S: Final = 15.0  # trio keeps one for ten seconds
MORE_THREADS: Final = 8

NO_MOUNTS: list[str] = []  # why there are none, told by the program at its start

Results = dict[Cell, Found]


def _fill(place: Path) -> Path:
    """A file that takes what is left."""
    path = place / "filler"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    return path


@contextmanager
def _mounted(place: Path, size_bytes: int, *, is_read_only: bool = False) -> Iterator[None]:
    if NO_MOUNTS:
        raise Skip(NO_MOUNTS[0])
    place.mkdir(exist_ok=True)
    try:
        with mounted(place, size_bytes, is_read_only=is_read_only):
            yield
    except MountFault as fault:
        raise Skip(str(fault)) from fault


async def _state_full(seed: int) -> Results:
    """No byte can be written where the store is, while jobs run and begin."""
    fault = "state disk full"
    async with _on_disk(fault, seed) as scene:
        async with scene.lane.host() as host:
            job = await scene.begin(host, f"[[sleep 1.5]] {WORD} [[say 300000]]")
            filler = _fill(scene.lane.world.stand.state)
            await scene.step("job that ends", lambda: scene.end(host, job))
            await scene.step("call", lambda: scene.use(host))
            await scene.step("large prompt", lambda: scene.use(host, WORD + "x" * 200_000))
            filler.unlink()
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


@contextlib.asynccontextmanager
async def _on_disk(fault: str, seed: int):  # noqa: ANN202  # a scene whose state is on a small disk
    """A scene with a small disk for its state, there before its daemon is."""
    async with open_scene(fault, seed) as scene:
        world = scene.lane.world
        os.kill(world.daemon, 15)
        await world.gone()
        with _mounted(world.stand.state, DISK_BYTES):
            async with scene.lane.host() as host:
                await scene.use(host)
            scene.told.clear()
            yield scene
            world.close()


async def _temporary_full(seed: int) -> Results:
    """TMPDIR is full and the state directory is not."""
    async with open_scene("temporary directory full", seed) as scene:
        with _mounted(scene.lane.world.stand.root / "tmp", 64 << 10):
            _fill(scene.lane.world.stand.root / "tmp")
            async with scene.lane.host() as host:
                await scene.step("call", lambda: scene.use(host))
                await scene.step("large prompt", lambda: scene.use(host, WORD + "x" * 200_000))
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


async def _read_only_start(seed: int) -> Results:
    """The state directory cannot be written when a host starts; later it can."""
    async with _on_disk("read-only state at the start", seed) as scene:
        world = scene.lane.world
        os.kill(world.daemon, 15)
        await world.gone()
        with _mounted(world.stand.state, DISK_BYTES, is_read_only=True):
            await scene.step("host", lambda: _greet(scene))
        async with scene.lane.host() as host:
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


async def _greet(scene: Scene) -> str:
    """What a host hears where no server can be had: it leaves, and says why."""
    word = ""
    try:
        async with scene.lane.host() as host:
            word = await scene.use(host)
    except* (AssertionError, trio.BrokenResourceError) as group:
        stderr = max(
            scene.lane.world.stand.root.glob("stderr-*"), key=lambda each: each.stat().st_mtime_ns
        )
        text = stderr.read_text(encoding="utf-8")
        is_told = "AIMUX_STATE_DIR" in text and "Traceback" not in text
        word = "refused with a reason" if is_told else f"refused: {text[:300]} {group}"
    return word


async def _read_only_below(seed: int) -> Results:
    """Another file system, which nobody can write, comes over the state directory."""
    async with open_scene("read-only state under the daemon", seed) as scene:
        async with scene.lane.host() as host:
            job = await scene.begin(host, f"[[sleep 1]] {WORD}")
            with _mounted(scene.lane.world.stand.state, DISK_BYTES, is_read_only=True):
                await scene.step("job that ends", lambda: scene.end(host, job))
                await scene.step("call", lambda: scene.use(host))
        async with scene.lane.host() as host:
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


async def _removed(seed: int) -> Results:
    """Somebody removes the whole state directory."""
    async with open_scene("removed state", seed) as scene:
        scene.told.clear()  # what was in the files is gone with them
        async with scene.lane.host() as host:
            job = await scene.begin(host, f"[[sleep 1]] {WORD}")
            shutil.rmtree(scene.lane.world.stand.state)
            await scene.step("job that ends", lambda: scene.end(host, job))
            await scene.step("call", lambda: scene.use(host))
            await scene.step("second call", lambda: scene.use(host, cli="claude"))
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


CLOCK: Final = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void) {
    const char *path = getenv("CLOCK_OFFSET");
    FILE *file = path ? fopen(path, "r") : NULL;
    long seconds = 0;
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    return seconds;
}
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (id == CLOCK_REALTIME) at->tv_sec += offset();
    return result;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000;
    return result;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


async def _clock(seed: int) -> Results:
    """The wall clock is set forward, back, and years away, under jobs that run."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skip("no C compiler: the clock is set by a library of ours")
    async with open_scene("clock set", seed, session_ttl_hours=24) as scene:
        root = scene.lane.world.stand.root
        library, offset = root / "clock.so", root / "offset"
        (root / "clock.c").write_text(CLOCK, encoding="ascii")
        argv = [compiler, "-shared", "-fPIC", "-o", str(library), str(root / "clock.c"), "-ldl"]
        if (await trio.run_process(argv, check=False, capture_stderr=True)).returncode:
            raise Skip("the C compiler makes no library")
        os.kill(scene.lane.world.daemon, 15)
        await scene.lane.world.gone()
        offset.write_text("0", encoding="ascii")
        env = {**scene.lane.world.env, **scene.lane.env}
        env |= {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}
        daemon = await _start_daemon(scene, env)
        for seconds in (7200, -7200, 20 * YEAR_S, 0):
            async with scene.lane.host() as host:
                job = await scene.begin(host, f"[[sleep 0.7]] {WORD}")
                slow = await scene.begin(host, "[[fault hang_before]]", timeout_seconds=2)
                await trio.sleep(0.3)
                offset.write_text(str(seconds), encoding="ascii")
                way = f"{seconds} s"
                await scene.step(f"job over {way}", lambda: scene.end(host, job))  # noqa: B023
                await scene.step(f"limit over {way}", lambda: scene.end(host, slow))  # noqa: B023
                await scene.step(f"call at {way}", lambda: scene.use(host))
                if seconds > YEAR_S:
                    await scene.step("the date", lambda: _is_far(scene, host))
        daemon.terminate()
        await trio.to_thread.run_sync(daemon.wait)
        await scene.step("restart", scene.look, is_last=True)
        return scene.found


async def _is_far(scene: Scene, host: Host) -> str:
    """Whether the daemon sees the clock that was set."""
    body = await host.call("status", job_id=list(scene.told)[-1])
    is_far = datetime.fromisoformat(str(body["created_at"])) - datetime.now(UTC) > timedelta(
        days=365
    )
    return "is far" if is_far else str(body["created_at"])


async def _start_daemon(scene: Scene, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    daemon = subprocess.Popen(
        [sys.executable, "-m", "aimux", "daemon", "run"],
        env=dict(env), cwd=scene.lane.world.stand.project(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with trio.fail_after(30):
        while not scene.lane.world.daemon or not _answers(scene):
            await trio.sleep(0.05)
    return daemon


def _answers(scene: Scene) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(scene.lane.world.address.socket)
        return True
    return False


async def _descriptors(seed: int) -> Results:
    """The daemon has only a few descriptors left, then enough again."""
    async with open_scene("no descriptors", seed) as scene:
        pid = scene.lane.world.daemon
        was = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        async with scene.lane.host() as host:
            highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
            few = highest + 1 + SPARE_DESCRIPTORS
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, was[1]))
            await scene.step("twelve calls", lambda: _twelve(scene, host))
            await scene.step("another host", lambda: _another(scene))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, was)
            await scene.step("call after", lambda: scene.use(host))
            assert scene.lane.world.daemon == pid
        await scene.step("restart", scene.look, is_last=True)
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
        async with scene.lane.host() as host:
            await host.call("sessions", action="health")
    except* (AssertionError, trio.TooSlowError, trio.BrokenResourceError) as group:
        word = f"refused: {group.exceptions[0]}"[:200]
    return word


async def _calls(seed: int) -> Results:
    """Thousands of requests at once, more jobs than may wait, a client that does not read."""
    async with open_scene("floods", seed, max_concurrent_turns=8, max_queued_jobs=40) as scene:
        async with scene.lane.host() as host:
            await scene.step("3000 pings", lambda: _pings(host, 3000))
            await scene.step("200 jobs", lambda: _jobs(scene, host, 200))
            await scene.step("deaf client", lambda: _deaf(scene, host))
            await scene.step("300 connections", lambda: _connections(scene, host, 300))
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("threads", lambda: _threads(scene))
        await scene.step("restart", scene.look, is_last=True)
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
    process = psutil.Process(scene.lane.world.daemon)
    before = process.memory_info().rss
    deaf = start_aimux(scene.lane.world, env=scene.lane.env)
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
                client.connect(scene.lane.world.address.socket)
        return await scene.use(host)


async def _threads(scene: Scene) -> str:
    """After hundreds of turns there are no more threads than a few."""
    more = 0
    with trio.move_on_after(IDLE_THREADS_S):
        while (more := threads(scene.lane.world)) > 1 + MORE_THREADS:
            await trio.sleep(0.5)
        return "few"
    return f"{more} threads"


PLAYS: Final[Mapping[str, Callable[[int], Awaitable[Results]]]] = {
    "state disk full": _state_full,
    "temporary directory full": _temporary_full,
    "read-only state at the start": _read_only_start,
    "read-only state under the daemon": _read_only_below,
    "removed state": _removed,
    "clock set": _clock,
    "no descriptors": _descriptors,
    "floods": _calls,
}
