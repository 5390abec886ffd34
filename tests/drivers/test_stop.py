"""Ending what a child has started, adopting orphans, and recovery after a crash."""

import ctypes
import os
import signal
import subprocess
import threading  # noqa: TID251  # what a worker thread waits for
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from aimux.drivers import become_subreaper, end_survivors, run_piped, serve_orphans
from aimux.drivers._processes import Proc, descendants, inspect, scan, scanned
from aimux.drivers._stop import reap_orphans
from aimux.testing import MakeSpec, Output, children_of

from .. import needs

pytestmark = needs.posix


@pytest.fixture
def subreaper() -> Iterator[None]:
    """Adopt orphans for one test."""
    assert become_subreaper()
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something the system does without telling anybody."""
    with trio.fail_after(100):
        while not is_so():  # noqa: ASYNC110  the kernel sets no event
            await trio.sleep(0.05)


def start(make_spec: MakeSpec, *args: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a holder that no driver knows; return it and its helper's pid."""
    spec = make_spec("holder", *args)
    popen = subprocess.Popen(spec.argv, stdout=subprocess.PIPE, start_new_session=True)
    assert popen.stdout is not None
    with popen.stdout:
        return popen, int(popen.stdout.readline().split()[1])


def wait_zombie(pid: int) -> None:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def started(pid: int) -> float:
    proc = inspect(pid)
    assert proc is not None
    return proc.started


def is_running(pid: int) -> bool:
    proc = inspect(pid)
    return proc is not None and proc.state != "Z"


def test_process_facts_agree_with_psutil(tmp_path: Path) -> None:
    """Start time, parent, group and session are right, whatever brackets a name has."""
    script = tmp_path / "a) b ("
    script.write_text("#!/bin/sh\nread line\n", encoding="ascii")
    script.chmod(0o755)
    with subprocess.Popen([str(script)], stdin=subprocess.PIPE, start_new_session=True) as popen:
        seen = inspect(popen.pid)
        expected = psutil.Process(popen.pid).create_time()

    assert seen is not None
    assert (seen.parent, seen.group, seen.session) == (os.getpid(), popen.pid, popen.pid)
    assert seen.started == pytest.approx(expected, abs=0.02)
    assert inspect(popen.pid) is None
    assert scan()[os.getpid()].key == (os.getpid(), started(os.getpid()))


def test_descendants_come_parents_first_and_loops_end() -> None:
    """A tree is walked once, whatever the table says."""
    parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 30: 31, 31: 30}
    table = {pid: Proc(pid, parent, 0, 0, "S", 1.0) for pid, parent in parents.items()}

    assert [proc.pid for proc in descendants(table, [10])] == [11, 12]
    assert {proc.pid for proc in descendants(table, [1])} == {10, 11, 12, 20}
    assert [proc.pid for proc in descendants(table, [30])] == [31]


@needs.subreaper
@pytest.mark.parametrize("stays", [True, False])
async def test_subreaper_catches_who_detached_twice(
    mock_clock: MockClock, subreaper: None, make_spec: MakeSpec, output: Output, *, stays: bool
) -> None:
    """A helper that forked twice, in a session of its own, is found, ended and reaped."""
    spec = make_spec("holder", "detached", *(["stay"] if stays else []))

    async with trio.open_nursery() as reaping:
        await reaping.start(serve_orphans)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_piped, spec, output)
            await output.wait_for(b"helper")
            if stays:
                nursery.cancel_scope.cancel()

        assert inspect(int(output.text().split()[1])) is None
        await until(lambda: children_of() == set())  # who forked in between is a zombie at first
        reaping.cancel_scope.cancel()


@needs.subreaper
async def test_orphans_of_nobody_are_reaped(
    mock_clock: MockClock, subreaper: None, make_spec: MakeSpec
) -> None:
    """An adopted process that dies is reaped, whoever started its parent."""
    popen, helper = start(make_spec, "detached")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_orphans)
        await until(lambda: (proc := inspect(helper)) is not None and proc.parent == os.getpid())

        os.kill(helper, signal.SIGKILL)
        await until(lambda: inspect(helper) is None)
        await until(lambda: popen.poll() == 0 and children_of() == set())
        nursery.cancel_scope.cancel()


@needs.subreaper
async def test_reaping_orphans_leaves_exit_codes_to_their_owners(
    mock_clock: MockClock, subreaper: None, make_spec: MakeSpec, output: Output
) -> None:
    """Drivers, trio and subprocess get their codes while orphans are reaped around them."""
    ours = subprocess.Popen(["sh", "-c", "exit 9"])  # noqa: ASYNC220
    own_session = subprocess.Popen(["sh", "-c", "exit 8"], start_new_session=True)  # noqa: ASYNC220
    for popen in (ours, own_session):
        wait_zombie(popen.pid)

    suspects = reap_orphans(scan(), set())
    assert own_session.poll() == 8
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_orphans)
        codes = []
        for _ in range(5):
            codes.append((await trio.run_process(["sh", "-c", "exit 7"], check=False)).returncode)
            codes.append((await run_piped(make_spec("deaf"), output)).exit_code)
        nursery.cancel_scope.cancel()

    assert codes == [7, 3] * 5
    assert {pid for pid, _ in suspects} == {own_session.pid}
    assert ours.poll() == 9


@needs.subreaper
def test_orphan_that_led_a_session_is_reaped_at_the_second_scan(
    subreaper: None, make_spec: MakeSpec
) -> None:
    """It might be a child just spawned, so it must be seen dead twice; then it goes."""
    popen = subprocess.Popen(["true"], start_new_session=True)
    wait_zombie(popen.pid)

    suspects = reap_orphans(scan(), set())
    assert inspect(popen.pid) is not None
    assert reap_orphans(scan(), suspects) == set()

    assert inspect(popen.pid) is None
    assert popen.wait() == 0  # its code is lost by now


async def test_survivors_of_a_crash_are_ended(mock_clock: MockClock, make_spec: MakeSpec) -> None:
    """Leader and helper go, also a helper whose leader is dead; one zombie each is left to init."""
    whole, helper = start(make_spec, "session", "stay")
    headless, orphan = start(make_spec, "group")
    born = started(headless.pid)
    await trio.to_thread.run_sync(headless.wait)
    bystander, other = start(make_spec, "group", "stay")
    try:
        ended = await end_survivors([(whole.pid, started(whole.pid)), (headless.pid, born)])

        assert ended == 3
        assert not any(map(is_running, (whole.pid, helper, orphan)))
        assert all(map(is_running, (bystander.pid, other)))
    finally:
        os.killpg(bystander.pid, signal.SIGKILL)
        await trio.to_thread.run_sync(bystander.wait)
        whole.poll()


async def test_reused_pid_is_left_alone(mock_clock: MockClock, make_spec: MakeSpec) -> None:
    """A recorded pid that now belongs to a later process says nothing about it."""
    popen, _helper = start(make_spec, "group", "stay")
    try:
        ended = await end_survivors([(popen.pid, started(popen.pid) - 100), (2**22 - 1, 1.0)])

        assert ended == 0
        assert is_running(popen.pid)
    finally:
        os.killpg(popen.pid, signal.SIGKILL)
        await trio.to_thread.run_sync(popen.wait)


async def test_sixty_stops_share_their_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks while the process table is read shares the next reading with all the others."""
    all_asked = threading.Event()
    begun = trio.Event()
    token = trio.lowlevel.current_trio_token()
    scans, tables = [], []

    def held(skip: frozenset[int] = frozenset()) -> dict[int, Proc]:
        token.run_sync_soon(begun.set)
        assert all_asked.wait(60)
        scans.append(scan(skip))
        return scans[-1]

    async def ask() -> None:
        tables.append(await scanned())

    monkeypatch.setattr("aimux.drivers._processes.scan", held)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await begun.wait()
        for _ in range(60):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        all_asked.set()

    assert len(scans) == 2
    assert [table is scans[0] for table in tables] == [True] + [False] * 60


async def test_twenty_stops_at_once_leave_nobody(
    mock_clock: MockClock, make_spec: MakeSpec
) -> None:
    """All of them ignore the polite signal."""
    outputs = [Output() for _ in range(20)]
    async with trio.open_nursery() as nursery:
        for output in outputs:
            nursery.start_soon(run_piped, make_spec("stubborn", grace_s=0.1), output)
        for output in outputs:
            await output.wait_for(b"ready")
        nursery.cancel_scope.cancel()

    assert children_of() == set()


@needs.subreaper
async def test_clean_end_under_a_subreaper_costs_no_scan(
    mock_clock: MockClock,
    subreaper: None,
    make_spec: MakeSpec,
    output: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the kernel says that we were given nobody, nobody is looked for; else somebody is."""
    scans = []

    def counted(skip: frozenset[int] = frozenset()) -> dict[int, Proc]:
        scans.append(1)
        return scan(skip)

    monkeypatch.setattr("aimux.drivers._processes.scan", counted)
    await run_piped(make_spec("cat", stdin=b"x"), output)
    clean = len(scans)
    await run_piped(make_spec("holder", "session"), output)

    assert clean == 0
    assert len(scans) > 0
    assert children_of() == set()
