"""What the operator is told is true when it is told, whatever became of lock, socket and daemon."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
import trio

from aimux.daemon import ask, running, wait_gone, wait_holder
from aimux.shim.address import hello

from .. import needs
from ._command import command
from ._world import PATIENCE_S, World, make_world, one_road_or_both, open_host

pytestmark = pytest.mark.slow

# what a process does at its very end takes a while
SLOW_END = """
import atexit, sys, time
if "run" in getattr(sys, "orig_argv", ()):
    atexit.register(time.sleep, 1.5)
"""
# and at its very beginning, when it becomes another
SLOW_START = """
import os, time
if "AIMUX_DAEMON_KEPT" in os.environ:
    time.sleep(1.0)
"""
# or waits until it may
GATED_START = """
import os, time
while "AIMUX_DAEMON_KEPT" in os.environ and not os.path.exists({gate!r}):
    time.sleep(0.05)
"""
HOLD = """
import fcntl, os, sys, time
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
pid = sys.argv[2] if len(sys.argv) > 2 else os.getpid()
os.pwrite(lock, f"{pid}\\n/gone/socket\\n".encode(), 0)
print("held", flush=True)
time.sleep(600)
"""


def site(world: World, text: str) -> dict[str, str]:
    """An environment in which every Python begins with this."""
    place = world.stand.root / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(place)}


@one_road_or_both
async def test_stop_returns_when_the_process_is_gone(world: World) -> None:
    """Not when it only has let go of its lock."""
    slow = await trio.to_thread.run_sync(site, world, SLOW_END)
    started = await command(world, "start", **slow)
    pid = world.daemon
    stopped = await command(world, "stop")
    left = world.daemons()

    assert started[0] == 0, started[1]
    assert stopped == (0, f"stopped: pid {pid}\n")
    assert left == []
    assert not psutil.pid_exists(pid) or psutil.Process(pid).ppid() != 1


@one_road_or_both
async def test_what_start_and_restart_report_is_so(world: World) -> None:
    """Who is named answers, and is another than before; the lock's file names it all the while."""
    slow = await trio.to_thread.run_sync(site, world, SLOW_START)
    started = await command(world, "start", **slow)
    first = await ask(world.address, "status")
    seen: set[str] = set()

    async def read() -> None:
        while True:
            seen.add(await trio.to_thread.run_sync(lock_text, world))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        restarted = await command(world, "restart", **slow)
        nursery.cancel_scope.cancel(reason="restarted")
    second = await ask(world.address, "status")
    again = await command(world, "start")

    assert first is not None
    assert second is not None
    assert started == (0, f"started: pid {first['pid']}, state {world.stand.state}\n")
    assert restarted == (0, f"restarted: pid {second['pid']}, version {second['version']}\n")
    assert first["instance"] != second["instance"]
    assert again == (0, f"already running: pid {second['pid']}, state {world.stand.state}\n")
    assert all(text.partition("\n")[0].isdigit() for text in seen), seen
    if not world.address.is_pipe:
        assert {text.partition("\n")[0] for text in seen} == {str(first["pid"])}


def lock_text(world: World) -> str:
    """What a script would read."""
    return Path(world.address.daemon_lock).read_text(encoding="utf-8")


@one_road_or_both
async def test_restart_and_stop_stops(world: World) -> None:
    """Whatever the restart was doing; also one that waits for a job."""
    slow = await trio.to_thread.run_sync(site, world, SLOW_START)
    await command(world, "start", **slow)
    restarted = await command(world, "restart", **slow)
    stopped = await command(world, "stop")
    after = (world.daemons(), sorted(os.listdir(world.runtime)))  # noqa: PTH208
    async with open_host(world) as host:
        await host.call("exec", prompt="[[sleep 600]]", cli="codex", **{"async": True})
        waiting = await command(world, "restart")
        forced = await command(world, "stop", "--force")
        left = world.daemons()

    assert restarted[0] == 0, restarted[1]
    assert restarted[1].startswith("restarted: ")
    assert stopped[0] == 0, stopped[1]
    assert stopped[1].startswith("stopped: ")
    assert after == ([], [])
    assert waiting[0] == 0
    assert "when its 1 job is done" in waiting[1]
    assert forced[0] == 0, forced[1]
    assert not {int(word) for word in forced[1].split() if word.isdigit()} & set(left)


@needs.posix
async def test_a_daemon_that_is_about_to_begin_anew_stops_when_it_is_asked_to(world: World) -> None:
    """The signal of a restart, then the question."""
    await command(world, "start")
    pid = world.daemon
    os.kill(pid, signal.SIGHUP)
    stopped = await command(world, "stop")

    assert stopped == (0, f"stopped: pid {pid}\n")
    assert world.daemons() == []
    assert await wait_holder(world.address) is None


@needs.posix
async def test_stop_is_heard_after_a_restart_was(world: World) -> None:
    """By who had come in before."""
    await command(world, "start")
    pid = world.daemon
    line = hello(world.address, world.env, "stop")
    async with await trio.open_unix_socket(world.address.socket) as early:
        await early.send_all(line[:10])
        assert await ask(world.address, "restart") is not None
        await early.send_all(line[10:])
        answer = await early.receive_some()
        with trio.fail_after(PATIENCE_S):
            await wait_gone(world.address)

    assert f'"pid": {pid}'.encode() in answer
    assert await wait_holder(world.address) is None
    assert os.listdir(world.runtime) == []  # noqa: PTH208


@needs.posix
@pytest.mark.parametrize("world", ["pipe"], indirect=True)
async def test_who_was_to_follow_a_daemon_that_was_stopped_does_not(world: World) -> None:
    """By a pipe the next daemon is another process, which is on its way while nobody is there."""
    gate = world.stand.root / "gate"
    gated = GATED_START.format(gate=str(gate))
    await command(world, "start", **await trio.to_thread.run_sync(site, world, gated))
    os.kill(world.daemon, signal.SIGHUP)
    with trio.fail_after(PATIENCE_S):
        while await wait_holder(world.address) is not None:
            await trio.lowlevel.checkpoint()
        stopped = await command(world, "stop")
        await trio.Path(gate).touch()
        while await trio.to_thread.run_sync(world.daemons):
            await trio.lowlevel.checkpoint()

    assert stopped == (0, f"not running: {world.stand.state}\n")
    assert await wait_holder(world.address) is None


@needs.posix
async def test_a_daemon_whose_runtime_directory_was_emptied_is_found_again(world: World) -> None:
    """A client that comes waits a moment; jobs and clients of before go on."""
    async with open_host(world) as host:
        old = (await host.call("sessions", action="health"))["pid"]
        job = await host.call("exec", prompt="[[sleep 3]]", cli="codex", **{"async": True})
        await trio.to_thread.run_sync(shutil.rmtree, world.runtime)
        with trio.fail_after(PATIENCE_S):
            async with open_host(world) as other:
                new = (await other.call("sessions", action="health"))["pid"]
                seen = await other.call("status", job_id=job["job_id"], wait_seconds=10)
        code, said = await command(world, "status")
        stopped = await command(world, "stop", "--force")

    assert old == new
    assert seen["status"] == "completed", seen["error"]
    assert code == 0
    assert f"pid      {old}" in said
    assert stopped[0] == 0, stopped[1]


@needs.posix
async def test_whoever_asks_while_the_name_is_gone_gets_an_answer(world: World) -> None:
    """Each command waits for the daemon to find its name again."""
    run = partial(command, world)
    await run("start")
    pid = world.daemon
    for word, said in (
        ("status", f"pid      {pid}\n"),
        ("start", f"already running: pid {pid}, "),
        ("restart", f"restarted: pid {pid}, "),
        ("stop", f"stopped: pid {pid}\n"),
    ):
        await trio.to_thread.run_sync(os.unlink, world.address.socket)
        code, text = await run(word)

        assert code == 0, text
        assert said in text


@needs.posix
async def test_a_daemon_of_another_runtime_directory_is_found_by_its_lock(world: World) -> None:
    """To look at, to restart, to stop; a second one is refused at once."""
    await command(world, "start")
    pid = world.daemon
    with tempfile.TemporaryDirectory(prefix="ax") as elsewhere:
        run = partial(command, world, AIMUX_RUNTIME_DIR=elsewhere)
        shown = await run("status")
        second = await run("run")
        started = await run("start")
        restarted = await run("restart")
        stopped = await run("stop")

    assert shown[0] == 0, shown[1]
    assert f"socket   {world.address.socket}" in shown[1]
    assert second[0] == 1
    assert f"pid {pid}) serves" in second[1]
    assert started == (0, f"already running: pid {pid}, state {world.stand.state}\n")
    assert restarted[1].startswith(f"restarted: pid {pid}, ")
    assert stopped == (0, f"stopped: pid {pid}\n")


@contextmanager
def holding(world: World, *told: str) -> "Iterator[subprocess.Popen[str]]":
    """A process that holds the lock and cannot be reached; its file names it, or `told`."""
    world.stand.state.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-c", HOLD, world.address.daemon_lock, *told]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@needs.posix
async def test_a_holder_of_the_lock_that_cannot_be_reached_is_told_as_that(world: World) -> None:
    """Looking changes nothing, a restart cannot be had, stopping it is by a signal."""
    with holding(world) as holder:
        shown = await command(world, "status")
        as_json = await command(world, "status", "--json")
        restarted = await command(world, "restart")
        alive = running(world.address)
        stopped = await command(world, "stop")

    said = f"pid {holder.pid} holds {world.stand.state} and cannot be reached at /gone/socket"
    assert shown == (1, f"{said}; aimux daemon stop\n")
    assert as_json[0] == 1
    assert f'"pid":{holder.pid},"leaving":false,"reachable":false' in as_json[1]
    assert restarted == (1, f"{said}; aimux daemon stop\n")
    assert alive == holder.pid
    assert stopped == (0, f"{said}; asked by a signal\nstopped: pid {holder.pid}\n")
    assert holder.returncode == -signal.SIGTERM or holder.returncode == -signal.SIGKILL


@needs.posix
async def test_a_number_that_is_somebody_elses_by_now_gets_no_signal(world: World) -> None:
    """The file may be older than the process."""
    bystander = os.getpid()
    with holding(world, str(bystander)):
        stopped = await command(world, "stop")

    assert stopped[0] == 1
    assert f"pid {bystander} holds" in stopped[1]
    assert "asked by a signal" not in stopped[1]


@needs.posix
async def test_a_daemon_that_drains_is_leaving(tmp_path: Path) -> None:
    """And another `stop` is about the same process."""
    for world in make_world(tmp_path / "machine", drain_seconds=300):
        async with open_host(world) as host:
            await host.call("exec", prompt="[[sleep 600]]", cli="codex", **{"async": True})
            pid = world.daemon
            os.kill(pid, signal.SIGTERM)
            with trio.fail_after(PATIENCE_S):
                while not (held := await wait_holder(world.address)) or not held.is_leaving:
                    await trio.lowlevel.checkpoint()
            shown = await command(world, "status")
            stopped = await command(world, "stop", "--force")

        assert shown == (1, f"pid {pid} is leaving\n")
        assert stopped[0] == 0, stopped[1]
        assert stopped[1].startswith(f"pid {pid} is still there: SIGTERM\n")
        assert stopped[1].endswith(f"stopped: pid {pid}\n")
