"""Children that die with a server that was killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import (
    Driver,
    _stop,
    _watchdog_main,
    choose_driver,
    open_watchdog,
    run_piped,
)
from aimux.drivers._processes import inspect, scan
from aimux.drivers._watchdog_main import bury
from aimux.testing import MakeSpec, Output, children_of

from .. import needs

pytestmark = needs.posix

CHILDREN = Path(__file__).parent / "children"
SERVER = """
import sys, trio
from aimux.drivers import ProcessSpec, open_watchdog, run_piped

async def main():
    async with open_watchdog(), trio.open_nursery() as nursery:
        for words in sys.argv[2:]:
            spec = ProcessSpec(argv=[sys.executable, "-I", "-S", sys.argv[1], *words.split()],
                          cwd="/", env={})
            nursery.start_soon(run_piped, spec, lambda _, data: (sys.stdout.write(data.decode()),
                                                                  sys.stdout.flush()))
trio.run(main)
"""

BOOKED = """
import sys, trio
from functools import partial
from aimux.drivers import ProcessSpec, open_watchdog, run_piped

def show(stream, data):
    sys.stdout.write(data.decode())
    sys.stdout.flush()

async def main():
    async with open_watchdog(), trio.open_nursery() as nursery:
        for script in sys.argv[1:]:
            argv = ["/bin/sh", "-c", script]
            spec = ProcessSpec(argv=argv, cwd="/", env={"PATH": "/usr/bin:/bin"})
            if script == "true":
                await run_piped(spec, show)
            else:
                await nursery.start(partial(run_piped, spec, show))

trio.run(main)
"""


def is_running(pid: int) -> bool:
    proc = inspect(pid)
    return proc is not None and proc.state != "Z"


def wait_gone(pids: list[int]) -> None:
    alive = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            alive.append(psutil.Process(pid))
    assert psutil.wait_procs(alive, timeout=20)[1] == []


def test_killed_server_leaves_nobody() -> None:
    """After SIGKILL to the server its children, their helpers in sessions of their own, and those
    that detached twice are gone, and so is the watchdog.
    """
    holder = str(CHILDREN / "holder.py")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, holder, "group stay", "session stay", "detached stay"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None
    with server.stdout:
        helpers = [int(server.stdout.readline().split()[1]) for _ in range(3)]
        table = scan()
        others = [p.pid for p in table.values() if p.parent == server.pid]
        assert len(others) == 4  # three leaders and the watchdog
        assert all(map(is_running, helpers))

        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        wait_gone([*helpers, *others])


def test_the_ledger_is_enough() -> None:
    """A child that has thrown its environment away is killed too, and so are those that came after
    others had left: the ledger tells who lives.
    """
    bare = "echo ready $$; exec env -i sleep 900"
    server = subprocess.Popen(
        [sys.executable, "-c", BOOKED, *["true"] * 3, bare, "true", bare],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None
    with server.stdout:
        helpers = [int(server.stdout.readline().split()[1]) for _ in range(2)]
        assert all(map(is_running, helpers))

        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        wait_gone(helpers)


ADOPTING = """
import trio
from functools import partial
from aimux.drivers import ProcessSpec, become_subreaper, open_watchdog, run_piped, serve_orphans

NAMELESS = "env -i setsid sh -c 'sleep 900 & echo stray $!'; exec sleep 900"

async def main():
    assert become_subreaper()
    async with open_watchdog() as watchdog, trio.open_nursery() as nursery:
        await nursery.start(serve_orphans)
        spec = ProcessSpec(argv=["/bin/sh", "-c", NAMELESS], cwd="/", env={"PATH": "/usr/bin:/bin"})
        show = lambda stream, data: print(data.decode(), end="", flush=True)
        await nursery.start(partial(run_piped, spec, show))
        with trio.fail_after(60):
            while "2 in charge" not in repr(watchdog):
                await trio.sleep(0.05)
        print("charged", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@needs.subreaper
@needs.proc  # whose child it was before
def test_who_was_adopted_dies_with_the_server_too() -> None:
    """It detached twice and emptied its environment: nothing tells of it once the server is gone,
    so it is in the ledger before.
    """
    server = subprocess.Popen(
        [sys.executable, "-c", ADOPTING], stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    with server.stdout:
        stray = int(server.stdout.readline().split()[1])
        assert server.stdout.readline() == b"charged\n"
        assert is_running(stray)

        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        wait_gone([stray])


async def test_watchdog_comes_with_the_first_child_and_goes_with_the_server(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """An idle server has none; a clean end leaves none."""
    before = children_of()
    async with open_watchdog() as watchdog:
        idle = repr(watchdog)
        exit_ = await run_piped(make_spec("cat", stdin=b"x"), output)
        busy = repr(watchdog)
        watchdogs = children_of() - before

    assert exit_.exit_code == 0
    assert idle == "<Watchdog: not started, 0 in charge>"
    assert busy == f"<Watchdog: pid {watchdogs.pop()}, 0 in charge>"
    assert not watchdogs
    assert children_of() == before


@pytest.mark.parametrize("run", [run_piped, choose_driver(is_terminal=True)])
async def test_the_watchdog_stands_before_the_first_child(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output, run: Driver
) -> None:
    """A server that is killed while its first child is being born leaves nobody either."""
    before = children_of()
    async with open_watchdog() as watchdog:
        seen: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            real = _stop.end_spawn

            def end_spawn(token: object, pid: int | None) -> None:
                seen.append(repr(watchdog))
                real(token, pid)

            patch.setattr(f"{run.__module__}.end_spawn", end_spawn)
            await run(make_spec("facts"), output)

        assert "not started" not in seen[0]
    assert children_of() == before


def test_the_watchdog_looks_twice_for_who_was_just_born(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child between its birth and its first instruction has no environment to be known by."""
    looks: list[int] = []
    killed: list[int] = []

    def carries(pid: int, mark: bytes) -> bool:
        looks.append(pid)
        return len(looks) > 1 and not killed

    monkeypatch.setattr(_watchdog_main, "names", lambda: ["7"])
    monkeypatch.setattr(_watchdog_main, "inspect", lambda pid: (1, 5))
    monkeypatch.setattr(_watchdog_main, "carries", carries)
    monkeypatch.setattr(_watchdog_main, "signal_quietly", lambda _, pid: killed.append(pid))
    bury({}, b"AIMUX_CHILD=x.")

    assert killed == [7]


async def test_killed_watchdog_is_replaced(
    mock_clock: MockClock, make_spec: MakeSpec, output: Output
) -> None:
    """The next child starts another, which is told of all that live."""
    before = children_of()
    async with open_watchdog() as watchdog, trio.open_nursery() as nursery:
        nursery.start_soon(run_piped, make_spec("stubborn", grace_s=0), output)
        await output.wait_for(b"ready")
        first = int(repr(watchdog).split()[2].rstrip(","))
        os.kill(first, signal.SIGKILL)
        with trio.fail_after(100):
            await _until(lambda: not is_running(first))
        await run_piped(make_spec("cat", stdin=b"x"), output)

        assert f"pid {first}," not in repr(watchdog)
        assert repr(watchdog).endswith("1 in charge>")
        nursery.cancel_scope.cancel()
    assert children_of() == before


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  the kernel sets no event
        await trio.sleep(0.05)


@pytest.mark.parametrize("is_same", [True, pytest.param(False, marks=needs.start_ticks)])
def test_watchdog_spares_a_reused_pid(*, is_same: bool) -> None:
    """A number that now belongs to a later process is left alone, and so is who has no mark."""
    bystander = subprocess.Popen(["sleep", "60"], env={"AIMUX_CHILD": "other.1"})
    charge = subprocess.Popen(["sleep", "60"], start_new_session=True)
    proc = inspect(charge.pid)
    assert proc is not None

    bury({charge.pid: proc.ticks if is_same else proc.ticks - 5}, b"AIMUX_CHILD=mine.")

    assert is_running(bystander.pid)
    bystander.terminate()
    charge.terminate()
    assert bystander.wait() == -signal.SIGTERM
    assert charge.wait() == (-signal.SIGKILL if is_same else -signal.SIGTERM)
