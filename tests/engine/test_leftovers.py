"""What a server that was killed has left: its temporary files, and children no record names."""

import os
import pathlib
import subprocess
import sys

import psutil
import pytest
import trio
import trio.testing

from aimux.drivers import MARK
from aimux.engine import recover, serve_housekeeping
from aimux.files.temporary import ANCIENT_S
from aimux.testing import FakeStore

from .. import needs
from .house import answers, open_house

Clock = trio.testing.MockClock
OWNER = "0123456789ab"


def die_here(state: pathlib.Path) -> pathlib.Path:
    """What a killed server leaves in its state directory."""
    left = state / "tmp" / "own_dead"
    (left / "scratch" / "read-1").mkdir(parents=True)
    (left / "prompt-1.md").write_text("in clear", encoding="utf-8")
    left.with_name("own_dead.lock").write_text(OWNER, encoding="utf-8")
    return left


async def test_temporary_files_of_a_dead_server_go_at_the_start_and_with_gc(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Prompts in clear and copies of trees; those of a live server stay."""
    state = tmp_path / "state"
    async with open_house(tmp_path, [answers()]) as house:
        mine = [each.name for each in (state / "tmp").iterdir()]
        left = die_here(state)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_housekeeping, house.engine)
            await trio.testing.wait_all_tasks_blocked()
            is_there_after_start = left.exists()
            nursery.cancel_scope.cancel()
        die_here(state)
        old = state / "scratch" / "read-old"
        old.mkdir(parents=True)
        then = old.stat().st_mtime - ANCIENT_S - 60
        os.utime(old, (then, then))
        await house.ask("sessions", action="gc", dry_run=True)
        is_there_after_dry_run = left.exists()
        await house.ask("sessions", action="gc")

        assert sorted(each.name for each in (state / "tmp").iterdir()) == sorted(mine)

    assert sorted(mine) == ["me", "me.lock"]
    assert (is_there_after_start, is_there_after_dry_run) == (False, True)
    assert not old.exists()
    assert list((state / "tmp").iterdir()) == []


@pytest.mark.slow
@needs.linux
async def test_recovery_goes_by_the_mark_too(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A child that was born a moment before the crash is in no record."""
    die_here(tmp_path)
    child = await trio.to_thread.run_sync(
        lambda: subprocess.Popen(
            [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"],
            env={MARK: f"{OWNER}.7"},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        with trio.fail_after(30):
            await recover(FakeStore(), "me", tmp_path)
        assert not psutil.pid_exists(child.pid)
    finally:
        child.kill()
        child.communicate()

    assert [record.message for record in caplog.records] == ["ended children of a server that died"]
