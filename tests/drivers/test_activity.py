"""What a real child is about."""

import subprocess
import sys

import trio

from aimux.drivers import Activity, activity

IDLE = "import sys; print('ready', flush=True); sys.stdin.read()"
BUSY = "print('ready', flush=True)\nwhile True: pass"
PARENT = (
    "import subprocess, sys; h = subprocess.Popen([sys.executable, '-c', 'input()'], "
    "stdin=subprocess.PIPE); "
    "print('ready', flush=True); sys.stdin.read(); h.kill()"
)


def start(program: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


async def test_an_idle_child_uses_nothing_and_a_busy_one_does() -> None:
    """Processor time grows for who computes."""
    idle, busy = start(IDLE), start(BUSY)
    with idle, busy:
        try:
            before = [await activity(child.pid) for child in (idle, busy)]
            with trio.fail_after(30):
                while (await activity(busy.pid)).cpu_s < before[1].cpu_s + 0.2:
                    await trio.lowlevel.checkpoint()
            after = await activity(idle.pid)
        finally:
            idle.kill()
            busy.kill()

    assert after.cpu_s - before[0].cpu_s < 0.1
    assert after.helpers == 0


async def test_a_helper_in_a_session_of_its_own_is_seen() -> None:
    """Several CLIs start their tools like that."""
    parent = start(PARENT)
    with parent:
        try:
            seen = await activity(parent.pid)
        finally:
            assert parent.stdin is not None
            parent.stdin.close()

    assert seen.helpers == 1


async def test_who_is_not_there_does_nothing() -> None:
    """A child that has left is at no work."""
    gone = start(IDLE)
    with gone:
        gone.kill()
        gone.wait()

    assert await activity(gone.pid) == Activity()
