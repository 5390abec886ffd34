"""Children that die with their server, even if nothing is left to run a `finally`.

Hosts kill servers with SIGKILL. The kernel's parent-death signal would do, but it has to be set
between fork and exec, which costs `preexec_fn` (a fork of the whole server, unsafe beside threads,
ten times slower than vfork), and it fires when the *thread* that forked ends: Trio's worker
threads do after ten idle seconds. So a tiny process of its own session holds the other end of a
pipe. When the server is gone the pipe is at its end, and `_last_rites` kills the groups it was
told of and everybody whose environment carries this server's mark.

It starts with the first child, takes about 8 MB, and costs a child two short writes.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from ._processes import MARK, look
from ._stop import OWNER, begin_spawn, disown, end_spawn

BYE_S: Final = 1.0  # the warden has nothing to do but to leave


class Warden:
    """Knows who must not outlive this process. Made by `open_warden`."""

    def __init__(self) -> None:
        self._charges: dict[int, int] = {}
        self._process: trio.Process | None = None
        self._pipe = -1
        self._starting = trio.Lock()

    def __repr__(self) -> str:
        pid = "not started" if self._process is None else f"pid {self._process.pid}"
        return f"<Warden: {pid}, {len(self._charges)} in charge>"

    async def watch(self, pid: int) -> None:
        """Put a child in charge; it stays there until `forget`. Starts the warden if need be."""
        proc = look(pid)
        self._charges[pid] = proc.ticks if proc else 0
        async with self._starting:
            if self._process is not None and self._tell(self._line(pid)):
                return
            await self._lose()
            await self._start()
            self._tell("".join(map(self._line, self._charges)))

    def forget(self, pid: int) -> None:
        """Take a child that is over out of charge."""
        if self._charges.pop(pid, None) is not None:
            self._tell(f"-{pid}\n")

    async def dismiss(self) -> None:
        """Send the warden home; what is still in charge is nobody's concern any more."""
        self._tell("bye\n")
        await self._lose()

    def _line(self, pid: int) -> str:
        return f"+{pid} {self._charges[pid]}\n"

    def _tell(self, text: str) -> bool:
        """Write to the warden; False if it is gone."""
        if self._pipe < 0:
            return False
        data = text.encode()
        try:
            return os.write(self._pipe, data) == len(data)
        except (
            BrokenPipeError,
            BlockingIOError,
        ):  # killed or stopped; the next child starts another
            return False

    async def _start(self) -> None:
        read, write = os.pipe()
        token, pid = begin_spawn(), None
        program = str(Path(__file__).with_name("_last_rites.py"))
        try:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-I", "-S", program, f"{MARK}={OWNER}."],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,
            )
            pid = self._process.pid
            os.set_blocking(write, False)
            self._pipe = write
        except OSError:  # then a killed server leaves its children, as any program does
            os.close(write)
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


_current: trio.lowlevel.RunVar[Warden | None] = trio.lowlevel.RunVar("aimux_warden", None)


@asynccontextmanager
async def open_warden() -> AsyncIterator[Warden]:
    """Let every child that is started inside die with this process, however it dies.

    On Windows jobs see to that, and the warden stays at home.
    """
    warden = Warden()
    _current.set(warden)
    try:
        yield warden
    finally:
        _current.set(None)
        await warden.dismiss()  # noqa: ASYNC102  # shielded and bounded by BYE_S in there


@asynccontextmanager
async def in_charge(pid: int) -> AsyncIterator[None]:
    """Have the current warden, if there is one, watch a child while the body runs."""
    warden = _current.get()
    if warden is None or sys.platform == "win32":
        yield
        return
    await warden.watch(pid)
    try:
        yield
    finally:
        warden.forget(pid)
