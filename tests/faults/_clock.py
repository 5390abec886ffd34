"""The wall clock is set under a running daemon: by a library of ours between it and the system."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

from tests.e2e._host import Host

from ._scene import WORD, Results, Scene, Skip, open_scene

YEAR_S: Final = 365 * 86_400
POLL_S: Final = 0.05

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


async def clock_set(seed: int) -> Results:
    """The wall clock is set forward, back, and years away, under jobs that run."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skip("no C compiler: the clock is set by a library of ours")
    async with open_scene("clock set", seed, session_ttl_hours=24) as scene:
        root = scene.machine.world.stand.root
        library, offset = root / "clock.so", root / "offset"
        (root / "clock.c").write_text(CLOCK, encoding="ascii")
        argv = [compiler, "-shared", "-fPIC", "-o", str(library), str(root / "clock.c"), "-ldl"]
        if (await trio.run_process(argv, check=False, capture_stderr=True)).returncode:
            raise Skip("the C compiler makes no library")
        os.kill(scene.machine.world.daemon, 15)
        await scene.machine.world.gone()
        offset.write_text("0", encoding="ascii")
        env = {**scene.machine.world.env, **scene.machine.env}
        env |= {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}
        daemon = await _start_daemon(scene, env)
        for seconds in (7200, -7200, 20 * YEAR_S, 0):
            async with scene.machine.host() as host:
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
        await daemon.wait()
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


async def _is_far(scene: Scene, host: Host) -> str:
    """Whether the daemon sees the clock that was set."""
    body = await host.call("status", job_id=list(scene.told)[-1])
    is_far = datetime.fromisoformat(str(body["created_at"])) - datetime.now(UTC) > timedelta(
        days=365
    )
    return "is far" if is_far else str(body["created_at"])


async def _start_daemon(scene: Scene, env: Mapping[str, str]) -> trio.Process:
    daemon = await trio.lowlevel.open_process(
        [sys.executable, "-m", "aimux", "daemon", "run"],
        env=dict(env),
        cwd=scene.machine.world.stand.project(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with trio.fail_after(30):
        while not scene.machine.world.daemon or not _answers(scene):
            await trio.sleep(POLL_S)
    return daemon


def _answers(scene: Scene) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(scene.machine.world.address.socket)
        return True
    return False
