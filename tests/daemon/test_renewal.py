"""When and as what a daemon begins anew."""

import shutil
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import aimux
from aimux.daemon import ask, running
from aimux.daemon._hello import Hello
from aimux.daemon._renewal import HOLD_AFTER_S, RENEW_WITHIN_S, wait_renewal
from aimux.daemon._serve import Daemon
from aimux.files.shipped import shipped
from aimux.model import ServerSettings
from aimux.shim.address import DaemonAddress, connect, hello
from aimux.waiting import Broadcast

from .. import needs
from ._world import PATIENCE_S, World, notice, open_host

Clock = trio.testing.MockClock

PYTHON = """#!/bin/sh
touch {mark}
{before}
exec {python} "$@"
"""


@attrs.define(eq=False)
class Jobs:
    """Jobs that overlap, each for an hour, until none may begin."""

    length_s: float
    is_held: bool = False
    held_at: float = 0.0
    _changed: Broadcast = attrs.field(factory=Broadcast)
    _running: int = 0

    async def serve(self) -> None:
        """Begin one whenever the last one is half way."""
        async with trio.open_nursery() as nursery:
            while not self.is_held:
                self._running += 1
                nursery.start_soon(self._run)
                await trio.sleep(self.length_s / 2)

    async def _run(self) -> None:
        await trio.sleep(self.length_s)
        self._running -= 1
        self._changed.notify()

    async def wait_empty(self) -> None:
        while self._running:
            await self._changed.wait()

    def hold(self, message: str, hint: str) -> None:
        assert "begin anew" in message
        assert "30 minutes" in hint
        self.is_held, self.held_at = True, trio.current_time()


async def renewed_after(jobs: Jobs) -> float:
    """How long a restart waited for them."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs.serve)
        await trio.testing.wait_all_tasks_blocked()
        begun = trio.current_time()
        with trio.fail_after(3 * RENEW_WITHIN_S):
            await wait_renewal(jobs)
        took_s = trio.current_time() - begun
        nursery.cancel_scope.cancel()
    return took_s


async def test_a_daemon_that_is_never_idle_begins_anew_all_the_same(autojump_clock: Clock) -> None:
    """From a named time on no job begins; the last one to have begun ends by itself."""
    jobs = Jobs(length_s=240)
    took_s = await renewed_after(jobs)

    assert jobs.is_held
    assert HOLD_AFTER_S < took_s <= HOLD_AFTER_S + 240


async def test_a_job_that_does_not_end_is_waited_for_within_a_named_time(
    autojump_clock: Clock,
) -> None:
    """Which is as long as a job has by default."""
    took_s = await renewed_after(Jobs(length_s=86_400))

    assert took_s == RENEW_WITHIN_S == ServerSettings().default_timeout_seconds


async def test_a_moment_without_jobs_is_taken(autojump_clock: Clock) -> None:
    """And nobody is turned away before it."""
    jobs = Jobs(length_s=60, is_held=True)
    jobs._running = 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs._run)
        begun = trio.current_time()
        await wait_renewal(jobs)

    assert trio.current_time() - begun == 60
    assert jobs.held_at == 0.0


# -------------------------------------------------------------------------------------- as what


def python(place: Path, before: str = "") -> Path:
    """Another Python, which says that it was used; its mark is beside it."""
    place.mkdir()
    path = place / "python"
    text = PYTHON.format(mark=place / "used", before=before, python=sys.executable)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path


async def say(world: World, question: str, by: Path) -> bytes:
    """Ask the daemon as the aimux of another Python; the answer."""
    line = hello(world.address, world.env, question)
    theirs = line.replace(sys.executable.encode(), str(by).encode(), 1)
    assert theirs != line
    sock = connect(world.address)
    assert sock is not None
    try:
        await trio.to_thread.run_sync(sock.sendall, theirs)
        return await trio.to_thread.run_sync(sock.recv, 65536)
    finally:
        sock.close()


@needs.posix
@pytest.mark.slow
async def test_a_restart_is_as_the_python_of_who_asks(world: World) -> None:
    """Its environment is the one that was upgraded, or moved to; the process stays."""
    other = await trio.to_thread.run_sync(python, world.stand.root / "other")
    async with open_host(world) as host:
        before = running(world.address)
        answer = await say(world, "restart", other)
        await notice(host, "notifications/tools/list_changed")
        after = await ask(world.address, "status")

    assert b'"pid"' in answer
    assert after is not None
    assert after["pid"] == before
    assert (other.parent / "used").exists()


@needs.posix
@pytest.mark.slow
async def test_a_daemon_whose_environment_is_gone_goes_on_as_its_clients(world: World) -> None:
    """At the next that comes from one that is whole; once, should that be gone as well."""
    site = world.stand.root / "site"
    await trio.to_thread.run_sync(make_site, site)
    other = await trio.to_thread.run_sync(python, world.stand.root / "other", "unset PYTHONPATH")
    third = await trio.to_thread.run_sync(python, world.stand.root / "third")
    async with open_host(world, env={"PYTHONPATH": str(site)}) as host:
        before = running(world.address)
        whole = await say(world, "status", other)
        used_early = (other.parent / "used").exists()
        await trio.to_thread.run_sync(shutil.rmtree, site / "aimux" / "_data")
        gone = await say(world, "status", other)
        await notice(host, "notifications/tools/list_changed")
        with trio.fail_after(PATIENCE_S):
            done = await host.exec("[[say 5]]", cli="codex")
        await say(world, "status", third)
        after = await ask(world.address, "status")

    assert b'"restart_wanted": false' in whole
    assert not used_early
    assert b'"restart_wanted": true' in gone
    assert (other.parent / "used").exists()
    assert done["status"] == "completed", done["error"]
    assert after is not None
    assert after["pid"] == before
    assert after["restart_wanted"] is False


def make_site(site: Path) -> None:
    """A whole installation of its own, as a wheel makes one."""
    odd = shutil.ignore_patterns("__pycache__", "_data")
    shutil.copytree(Path(aimux.__file__).parent, site / "aimux", ignore=odd)
    for kind in ("profiles", "prompts"):
        shutil.copytree(shipped(kind), site / "aimux" / "_data" / kind)


@pytest.mark.parametrize(
    ("tried", "version", "is_broken", "is_wanted"),
    [
        ("", "0", True, True),
        ("9.0", "0", True, True),  # it came for a version, which was not whole
        ("/a/python", "0", True, False),
        ("", "0", False, False),
        ("", "9999", False, True),
        ("9999", "9999", False, False),
    ],
)
async def test_a_daemon_follows_a_python_once(
    monkeypatch: pytest.MonkeyPatch, tried: str, version: str, is_broken: bool, is_wanted: bool
) -> None:
    """Two broken installations do not take turns, nor does one ask for a version for ever."""
    monkeypatch.setattr("aimux.daemon._serve.is_whole", lambda: not is_broken)
    address = DaemonAddress("/state", "/config", "/run")
    nobody: Any = None  # neither app nor nursery is asked
    daemon = Daemon(app=nobody, nursery=nobody, address=address, lock=-1, tried=tried)
    daemon._check(
        Hello(version=version, cwd=Path("/"), env={}, state_dir="/state", python="/b/python")
    )

    assert daemon.restarting.is_set() is is_wanted
    assert (daemon.python == "/b/python") is is_wanted
