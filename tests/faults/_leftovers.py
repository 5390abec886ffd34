"""What a machine has more of than before: processes, zombies, descriptors, threads, files."""

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import psutil
import trio

from tests.daemon._world import World

SETTLE_S: Final = 10.0  # what design.md gives a stop
POLL_S: Final = 0.2
ULID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
# what a daemon keeps on purpose: store, log, what jobs printed, what CLIs keep in our place
KEPT: Final = (
    *("spool", "sessions.db", "aimux.log", "daemon.", "start.lock", "versions.json"),
    "data",
)

# the store opens up to four readers beside its writer, when they are first needed, and keeps them
POOL: Final = Counter({"sessions.db": 5, "sessions.db-wal": 5})


@attrs.frozen(kw_only=True)
class Count:
    """What there is at one moment."""

    pid: int  # of the daemon; 0 if there is none
    descriptors: Counter[str] = attrs.field(factory=Counter)
    zombies: int = 0
    processes: tuple[str, ...] = ()
    files: Counter[str] = attrs.field(factory=Counter)

    def more_than(self, before: "Count") -> tuple[str, ...]:
        """What there is more of, in words. Descriptors only of the same daemon."""
        found = [f"process {each}" for each in self.processes]
        if self.zombies:
            found.append(f"{self.zombies} zombies")
        if self.pid == before.pid:
            more = self.descriptors - before.descriptors
            found += [f"{number} descriptors of {name}" for name, number in sorted(more.items())]
        found += [f"file {name}" for name in sorted((self.files - before.files).elements())]
        return tuple(found)


def count(world: World) -> Count:
    """What there is now. Blocks for a scan of the process table."""
    pid = world.daemon
    zombies = 0
    with contextlib.suppress(psutil.Error, OSError):
        children = psutil.Process(pid).children(recursive=True) if pid else []
        zombies = sum(each.status() == psutil.STATUS_ZOMBIE for each in children)
    return Count(
        pid=pid,
        descriptors=Counter(_descriptors(pid)) | POOL,
        zombies=zombies,
        processes=tuple(_processes(world)),
        files=Counter(_files(world)),
    )


def _descriptors(pid: int) -> Iterator[str]:
    """What the descriptors of a process lead to; numbers of sockets and pipes left out."""
    folder = Path(f"/proc/{pid}/fd")
    with contextlib.suppress(OSError):
        for each in folder.iterdir() if pid else ():
            with contextlib.suppress(OSError):
                name = os.readlink(each)  # noqa: PTH115  # what is no path has a name as well
                yield re.sub(r"\[\d+\]", "", _nameless(name.rpartition("/")[2] or name))


def threads(world: World) -> int:
    """How many the daemon has."""
    pid = world.daemon
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).num_threads() if pid else 0
    return 0


def _processes(world: World) -> Iterator[str]:
    found = world.stand.survivors()
    for pid in world.stand.turns_log():
        with contextlib.suppress(psutil.Error):
            words = psutil.Process(pid).cmdline()
            if any("time.sleep(" in word for word in words):  # not another's by now
                found[pid] = " ".join(words)[:200]
    yield from (f"{pid} {words[:80]}" for pid, words in found.items())


def _files(world: World) -> Iterator[str]:
    stand = world.stand
    for root in (stand.state, stand.root / "tmp", world.runtime, stand.project()):
        for path in _below(root):
            name = path.relative_to(root).as_posix()
            if not (root == stand.state and (name == "tmp" or name.startswith(KEPT))):
                yield f"{root.name if root != world.runtime else 'run'}/{_nameless(name)}"


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *names))


def _nameless(name: str) -> str:
    return ULID.sub("ULID", name)


async def settle(world: World, before: Count, limit_s: float = SETTLE_S) -> tuple[str, ...]:
    """What there is more of than before, once it is nothing or the time is over."""
    left: tuple[str, ...] = ()
    with trio.move_on_after(limit_s):
        while True:
            now = await trio.to_thread.run_sync(count, world)
            left = now.more_than(before)
            if not left:
                return ()
            await trio.sleep(POLL_S)
    return left
