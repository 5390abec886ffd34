"""The lock of a state directory: one daemon, and a file that says who."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from aimux.daemon import Holder, running, wait_holder
from aimux.daemon._lockfile import forget_holder, open_daemon_lock, tell_holder
from aimux.errors import Refusal
from aimux.shim.address import DaemonAddress

from .. import needs

pytestmark = needs.locks

# holds a lock; its file says what was there before, until a line comes
HOLD = """
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
os.pwrite(lock, f"{os.getpid()}\\n/a/socket\\n".encode(), 0)
print("told", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def address(tmp_path: Path) -> DaemonAddress:
    """A place of its own."""
    return DaemonAddress(str(tmp_path), str(tmp_path), str(tmp_path / "run"))


@pytest.fixture
def other(address: DaemonAddress) -> "Iterator[subprocess.Popen[str]]":
    """Another process that holds the lock, and says so when it gets a line."""
    argv = [sys.executable, "-c", HOLD, address.daemon_lock]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def go_on(process: "subprocess.Popen[str]") -> None:
    """Have it say who it is."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "told\n"


def write(address: DaemonAddress, text: str) -> None:
    """Have the lock's file say that."""
    Path(address.daemon_lock).write_text(text, encoding="utf-8")


def never() -> bool:
    """Nobody serves."""
    return False


async def test_the_file_says_who_holds_the_lock_and_what_it_does(address: DaemonAddress) -> None:
    """As long as it is held."""
    async with open_daemon_lock(address, is_served=never) as lock:
        tell_holder(lock, address)
        here = await wait_holder(address)
        tell_holder(lock, address, is_leaving=True)
        leaving = await wait_holder(address)
        forget_holder(lock)

    assert here == Holder(os.getpid(), address.socket, is_leaving=False)
    assert leaving == Holder(os.getpid(), address.socket, is_leaving=True)
    assert await wait_holder(address) is None
    assert running(address) == 0


async def test_a_socket_whose_path_is_not_utf_8_is_told_and_found(address: DaemonAddress) -> None:
    """As a home may be named."""
    address.socket = os.fsdecode(b"/home/h\xe9\xff/s")
    async with open_daemon_lock(address, is_served=never) as lock:
        tell_holder(lock, address)

        assert await wait_holder(address) == Holder(os.getpid(), address.socket, is_leaving=False)


def test_a_reader_never_finds_nobody_while_the_file_is_written(
    address: DaemonAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps it names a process: a script may read it at any moment."""
    write(address, f"{os.getpid()}\n{'x' * 200}\nleaving\n")
    seen: list[str] = []

    def looked(step: Callable[..., object]) -> Callable[..., object]:
        def take(*args: object) -> object:
            done = step(*args)
            seen.append(Path(address.daemon_lock).read_text(encoding="utf-8"))
            return done

        return take

    lock = os.open(address.daemon_lock, os.O_RDWR)
    for name in ("write", "ftruncate", "lseek"):
        monkeypatch.setattr(os, name, looked(getattr(os, name)))
    tell_holder(lock, address)
    monkeypatch.undo()
    os.close(lock)

    assert len(seen) >= 2
    assert all(text.startswith(f"{os.getpid()}\n") for text in seen)
    assert seen[-1] == f"{os.getpid()}\n{address.socket}\n\n"


@pytest.mark.parametrize("before", ["", "999999999\n/gone\n"])
async def test_who_has_just_taken_the_lock_is_waited_for(
    address: DaemonAddress, other: "subprocess.Popen[str]", before: str
) -> None:
    """The file is empty then, or names one that was killed."""
    write(address, before)
    found: list[Holder | None] = []

    async def read_holder() -> None:
        found.append(await wait_holder(address))

    assert running(address) == 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_holder)
        await trio.testing.wait_all_tasks_blocked()
        await trio.to_thread.run_sync(go_on, other)

    assert found == [Holder(other.pid, "/a/socket", is_leaving=False)]


async def test_who_never_says_its_number_is_somebody(
    address: DaemonAddress, other: "subprocess.Popen[str]", autojump_clock: trio.testing.MockClock
) -> None:
    """After a while it is told as it is."""
    del other, autojump_clock

    assert await wait_holder(address) == Holder(0, "", is_leaving=False)


async def test_a_lock_is_not_waited_for_when_somebody_serves(
    address: DaemonAddress, other: "subprocess.Popen[str]"
) -> None:
    """Its holder may have found its name again."""
    go_on(other)
    answers = iter([False, False, True])
    with trio.fail_after(60), pytest.raises(Refusal, match=f"pid {other.pid}. serves") as caught:
        async with open_daemon_lock(address, is_served=lambda: next(answers)):
            pass

    assert caught.value.code == "daemon_running"


async def test_a_holder_that_stays_unreachable_is_named(
    address: DaemonAddress, other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the way out."""
    monkeypatch.setattr("aimux.daemon._lockfile.LEAVE_S", 0.3)
    go_on(other)
    with pytest.raises(Refusal, match=f"pid {other.pid}. holds .* is not reached") as caught:
        async with open_daemon_lock(address, is_served=never):
            pass

    assert caught.value.code == "daemon_stays"
    assert caught.value.hint == "aimux daemon stop --force"


async def test_a_lock_is_had_when_its_holder_ends(
    address: DaemonAddress, other: "subprocess.Popen[str]"
) -> None:
    """Soon after."""
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, other.kill)
            async with open_daemon_lock(address, is_served=never) as lock:
                tell_holder(lock, address)
                assert running(address) == os.getpid()
