"""Whoever detached twice and emptied its environment, and what a dead server's mark finds."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import MARK, become_subreaper, end_survivors, run_piped, serve_orphans
from aimux.drivers._processes import Proc, inspect
from aimux.drivers._stop import begin_spawn, end_spawn, strays
from aimux.testing import MakeSpec, Output

from .. import needs

pytestmark = needs.subreaper
ME = os.getpid()


@pytest.fixture
def subreaper() -> Iterator[None]:
    """Adopt orphans for one test."""
    assert become_subreaper()
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def is_running(pid: int) -> bool:
    proc = inspect(pid)
    return proc is not None and proc.state != "Z"


async def test_a_nameless_stray_ends_with_the_child_that_started_it(
    mock_clock: MockClock, subreaper: None, make_spec: MakeSpec, output: Output
) -> None:
    """It forked twice and emptied its environment; the child left in good order."""
    async with trio.open_nursery() as reaping:
        await reaping.start(serve_orphans)
        gone = await run_piped(make_spec("holder", "nameless"), output)
        reaping.cancel_scope.cancel()
    stray = int(output.text().split()[1])

    assert (gone.exit_code, gone.swept) == (0, 1)
    assert not is_running(stray)


async def test_a_nameless_stray_stays_while_who_may_have_started_it_lives(
    mock_clock: MockClock, subreaper: None, make_spec: MakeSpec
) -> None:
    """Of two children either may have: it ends with the last of them."""
    first, second = Output(), Output()
    async with trio.open_nursery() as reaping:
        await reaping.start(serve_orphans)
        async with trio.open_nursery() as older:
            older.start_soon(run_piped, make_spec("holder", "group", "stay"), first)
            await first.wait_for(b"helper")
            await run_piped(make_spec("holder", "nameless"), second)
            stray = int(second.text().split()[1])
            was_running = is_running(stray)
            older.cancel_scope.cancel()
        reaping.cancel_scope.cancel()

    assert was_running
    assert not is_running(stray)


def test_children_of_ours_are_no_strays() -> None:
    """Nor is one that is being spawned, nor whoever somebody alive may have started."""
    foreign = os.getsid(0) + 1
    table = {
        1: Proc(1, ME, 1, os.getsid(0), "S", 10.0),
        2: Proc(2, ME, 2, 2, "S", 10.0),
        3: Proc(3, ME, 3, foreign, "S", 10.0),
        4: Proc(4, 99, 4, foreign, "S", 10.0),
    }
    token = begin_spawn()
    spawning = strays(table, [])
    end_spawn(token, None)

    assert [proc.pid for proc in spawning] == [3]
    assert [proc.pid for proc in strays(table, [])] == [2, 3]
    assert [proc.pid for proc in strays(table, [11.0])] == [2, 3]
    assert strays(table, [9.0]) == []


@pytest.mark.slow
async def test_a_dead_servers_mark_finds_whom_no_record_names(tmp_path: Path) -> None:
    """Born a moment before the crash; the mark of another server is left alone, and so are we."""
    children = [
        await trio.to_thread.run_sync(
            lambda owner=owner: subprocess.Popen(
                [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"],
                env={MARK: f"{owner}.1"},
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        )
        for owner in ("0123456789ab", "ba9876543210")
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        with trio.fail_after(30):
            ended = await end_survivors([], ["0123456789ab", "", "no owner"])
        states = [is_running(child.pid) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()

    assert (ended, states) == (1, [False, True])
