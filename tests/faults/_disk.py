"""What goes badly at the daemon's directories: full, not to be written, gone."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trio

from ._mounts import MountFault, mounted
from ._scene import WORD, Results, Scene, Skip, open_scene

DISK_BYTES: Final = 16 << 20


def _fill(place: Path) -> Path:
    """A file that takes what is left."""
    path = place / "filler"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    return path


@contextmanager
def _mounted(place: Path, size_bytes: int, *, is_read_only: bool = False) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    try:
        with mounted(place, size_bytes, is_read_only=is_read_only):
            yield
    except MountFault as fault:
        raise Skip(str(fault)) from fault


async def state_full(seed: int) -> Results:
    """No byte can be written where the store is, while jobs run and begin."""
    fault = "state disk full"
    async with _on_disk(fault, seed) as scene:
        async with scene.machine.host() as host:
            job = await scene.begin(host, f"[[sleep 1.5]] {WORD} [[say 300000]]")
            filler = _fill(scene.machine.world.stand.state)
            await scene.step("job that ends", lambda: scene.end(host, job))
            await scene.step("call", lambda: scene.use(host))
            await scene.step("large prompt", lambda: scene.use(host, WORD + "x" * 200_000))
            filler.unlink()
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


@contextlib.asynccontextmanager
async def _on_disk(fault: str, seed: int) -> AsyncIterator[Scene]:
    """A scene with a small disk for its state, there before its daemon is."""
    async with open_scene(fault, seed) as scene:
        world = scene.machine.world
        os.kill(world.daemon, 15)
        await world.gone()
        with _mounted(world.stand.state, DISK_BYTES):
            async with scene.machine.host() as host:
                await scene.use(host)
            scene.told.clear()
            yield scene
            world.close()


async def temporary_full(seed: int) -> Results:
    """TMPDIR is full and the state directory is not."""
    async with open_scene("temporary directory full", seed) as scene:
        with _mounted(scene.machine.world.stand.root / "tmp", 64 << 10):
            _fill(scene.machine.world.stand.root / "tmp")
            async with scene.machine.host() as host:
                await scene.step("call", lambda: scene.use(host))
                await scene.step("large prompt", lambda: scene.use(host, WORD + "x" * 200_000))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


async def read_only_start(seed: int) -> Results:
    """The state directory cannot be written when a host starts; later it can."""
    async with _on_disk("read-only state at the start", seed) as scene:
        world = scene.machine.world
        os.kill(world.daemon, 15)
        await world.gone()
        with _mounted(world.stand.state, DISK_BYTES, is_read_only=True):
            await scene.step("host", lambda: _greet(scene))
        async with scene.machine.host() as host:
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


def _remove(place: Path) -> None:
    """At once, though somebody goes on writing there."""
    gone = place.with_name("gone")
    place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


async def _greet(scene: Scene) -> str:
    """What a host hears where no server can be had: it leaves, and says why."""
    word = ""
    try:
        async with scene.machine.host() as host:
            word = await scene.use(host)
    except* (AssertionError, trio.BrokenResourceError) as group:
        stderr = max(
            scene.machine.world.stand.root.glob("stderr-*"),
            key=lambda each: each.stat().st_mtime_ns,
        )
        text = stderr.read_text(encoding="utf-8")
        is_told = "AIMUX_STATE_DIR" in text and "Traceback" not in text
        word = "refused with a reason" if is_told else f"refused: {text[:300]} {group}"
    return word


async def read_only_below(seed: int) -> Results:
    """Another file system, which nobody can write, comes over the state directory."""
    async with open_scene("read-only state under the daemon", seed) as scene:
        async with scene.machine.host() as host:
            job = await scene.begin(host, f"[[sleep 1]] {WORD}")
            with _mounted(scene.machine.world.stand.state, DISK_BYTES, is_read_only=True):
                await scene.step("job that ends", lambda: scene.end(host, job))
                await scene.step("call", lambda: scene.use(host))
        async with scene.machine.host() as host:
            await scene.step("call after", lambda: scene.use(host))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found


async def removed(seed: int) -> Results:
    """Somebody removes the whole state directory."""
    async with open_scene("removed state", seed) as scene:
        scene.told.clear()  # what was in the files is gone with them
        async with scene.machine.host() as host:
            job = await scene.begin(host, f"[[sleep 1]] {WORD}")
            _remove(scene.machine.world.stand.state)
            await scene.step("job that ends", lambda: scene.end(host, job))
            await scene.step("call", lambda: scene.use(host))
            await scene.step("second call", lambda: scene.use(host, cli="claude"))
        await scene.step("restart", scene.restart, is_last=True)
        return scene.found
