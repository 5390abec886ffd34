"""Children that die with their server, even if nothing is left to run a `finally`.

Hosts kill servers with SIGKILL. The kernel's parent-death signal would do, but it has to be set
between fork and exec, which costs `preexec_fn` (a fork of the whole server, unsafe beside threads,
ten times slower than vfork), and it fires when the *thread* that forked ends: Trio's worker threads
do after ten idle seconds. So a tiny process of its own session holds the other end of a pipe. When
the server is gone the pipe is at its end, and `_watchdog_main` kills the groups that are in the
server's ledger and everybody whose environment carries this server's mark.

Whoever detached twice and emptied its environment bears no sign of where it came from once we are
gone. While we live it is ours by adoption (Linux), so it is looked for as long as children run, and
put into the ledger: `ADOPTED_S` is how long it may be on its own.

It starts before the first child, takes about 8 MB, and costs a child two short writes into memory
that both have: nobody is woken by them (docs/design/0012).
"""

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from ._processes import MARK
from ._stop import OWNER, adopted, begin_spawn, disown, end_spawn
from ._watchdog_main import HAS_PROC, RECORD

ADOPTED_S: Final = 1.0  # between two looks; no event tells of an adoption
BYE_S: Final = 1.0  # the watchdog has nothing to do but to leave


class Watchdog:
    """Knows who must not outlive this process. Made by `open_watchdog`."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # of those in charge, in the ledger
        self._free: list[int] = []
        self._adopted: set[int] = set()  # of those in charge
        self._process: trio.Process | None = None
        self._ledger = self._pipe = -1
        self._starting = trio.Lock()
        self._wanted = trio.Event()  # a child is about to be started

    def __repr__(self) -> str:
        pid = "not started" if self._process is None else f"pid {self._process.pid}"
        return f"<Watchdog: {pid}, {len(self._slots)} in charge>"

    async def watch(self, pid: int, ticks: int) -> None:
        """Put a child in charge; it stays there until `forget`. Starts the watchdog if need be.

        `ticks` is the child's start time since boot; 0 if it is not known. Cancelled, the child is
        in charge or it is not; `forget` is right for both.
        """
        await self.stand()
        async with self._starting:
            if self._ledger >= 0:
                slot = self._free.pop() if self._free else len(self._slots)
                self._slots[pid] = slot
                self._write(slot, pid, ticks)

    async def stand(self) -> None:
        """Have the watchdog at its post: it knows children by their mark before it is told.

        Cancelled, it may not be there; the next call sees to that.
        """
        self._wanted.set()
        async with self._starting:
            if self._process is None or self._process.returncode is not None:  # none, or killed
                await self._lose()
                await self._start()

    def forget(self, pid: int) -> None:
        """Take a child that is over out of charge."""
        slot = self._slots.pop(pid, None)
        if slot is not None:
            self._write(slot, 0, 0)
            self._free.append(slot)

    async def dismiss(self) -> None:
        """Send the watchdog home; what is still in charge is nobody's concern any more.

        Cancelled or not, it waits for at most twice `BYE_S`.
        """
        if self._pipe >= 0:
            with contextlib.suppress(BrokenPipeError):  # it was killed
                os.write(self._pipe, b"!")
        await self._lose()
        if self._ledger >= 0:
            os.close(self._ledger)
            self._ledger = -1

    async def serve_adopted(self) -> None:
        """Keep those in charge whom we adopt from children, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            has_children = True
            while has_children:
                await trio.sleep(ADOPTED_S)
                await self._adopt()
                has_children = bool(self._slots)

    async def _adopt(self) -> None:
        found = {proc.pid: proc.ticks for proc in adopted()}
        for pid in self._adopted - found.keys():
            self.forget(pid)
        for pid in found.keys() - self._adopted:
            await self.watch(pid, found[pid])
        self._adopted = set(found)

    def _write(self, slot: int, pid: int, ticks: int) -> None:
        os.pwrite(self._ledger, RECORD.pack(pid, ticks), slot * RECORD.size)

    async def _start(self) -> None:
        read, self._pipe = os.pipe()
        token, pid = begin_spawn(), None
        program = str(Path(__file__).with_name("_watchdog_main.py"))
        try:
            if self._ledger < 0:
                self._ledger = _open_ledger()
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-I", "-S", program, f"{MARK}={OWNER}.", *_place_of_psutil()],
                stdin=read,
                stdout=self._ledger,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,
            )
            pid = self._process.pid
        except OSError:  # then a killed server leaves its children, as any program does
            await self._lose()
        finally:
            end_spawn(token, pid)
            os.close(read)

    async def _lose(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self._process is not None:
            with trio.move_on_after(BYE_S, shield=True) as patience:
                await self._process.wait()
            if patience.cancelled_caught:
                self._process.kill()
                with trio.move_on_after(BYE_S, shield=True):
                    await self._process.wait()
            disown(self._process.pid)
            self._process = None


def _place_of_psutil() -> list[str]:
    """Where the watchdog finds psutil, should it need that."""
    found = None if HAS_PROC else importlib.util.find_spec("psutil")
    if found is None or found.origin is None:
        return []
    return [str(Path(found.origin).parents[1])]


def _open_ledger() -> int:
    """A file without a name, for as long as somebody has it open."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("aimux-children")
    descriptor, name = tempfile.mkstemp(prefix="aimux-children-")
    os.unlink(name)  # noqa: PTH108  a name that nobody else has seen
    return descriptor


_current: trio.lowlevel.RunVar[Watchdog | None] = trio.lowlevel.RunVar("aimux_warden", None)


@asynccontextmanager
async def open_watchdog() -> AsyncIterator[Watchdog]:
    """Let every child that is started inside die with this process, however it dies.

    On Windows jobs see to that, and the watchdog stays at home. Cancelled or not, it is dismissed.
    """
    watchdog = Watchdog()
    _current.set(watchdog)
    try:
        async with trio.open_nursery() as looking:
            looking.start_soon(watchdog.serve_adopted)
            yield watchdog
            looking.cancel_scope.cancel(reason="the watchdog goes home")
    finally:
        _current.set(None)
        await watchdog.dismiss()  # noqa: ASYNC102  # shielded and bounded by BYE_S in there


async def expect_child() -> None:
    """Have the current watchdog, if there is one, at its post before a child is started.

    Cancelled, it may not be there, and no child may be started.
    """
    watchdog = _current.get()
    if watchdog is not None and sys.platform != "win32":
        await watchdog.stand()


async def take_charge(pid: int, ticks: int) -> None:
    """Have the current watchdog, if there is one, watch a child until `end_charge`.

    Cancelled, the child may be unwatched; `end_charge` is right all the same.
    """
    watchdog = _current.get()
    if watchdog is not None and sys.platform != "win32":
        await watchdog.watch(pid, ticks)


def end_charge(pid: int) -> None:
    """Say that a child is over."""
    watchdog = _current.get()
    if watchdog is not None:
        watchdog.forget(pid)
