"""A machine with one daemon, its emulated CLIs and a host, for runs that share it."""

import contextlib
import json
import os
import random
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import attrs

from tests.daemon._world import World, open_host
from tests.e2e._host import Host, Json, error_of
from tests.e2e._stand import GRACE_S, Stand

from ._table import FAMILIES, Found

SETTINGS: Final = {
    "max_concurrent_jobs": 60,
    "max_concurrent_turns": 60,
    "max_turns_per_cli": 0,
    "max_turns_per_client": 0,
    "max_chars": 100_000,
    "idle_exit_seconds": 300,
    "drain_seconds": 0.5,
}
ENDED: Final = frozenset({"completed", "partial", "failed", "cancelled", "timed_out", "aborted"})
BUG: Final = re.compile(r"Traceback|internal error", re.IGNORECASE)


@attrs.define(eq=False)
class Machine:
    """One machine, and the moments at which things happen on it."""

    world: World
    chance: random.Random
    log_read: int = 0
    env: dict[str, str] = attrs.field(factory=dict)

    @asynccontextmanager
    async def host(self) -> AsyncIterator[Host]:
        """A host on the machine; it starts a daemon where none is."""
        async with open_host(self.world, env=self.env) as host:
            yield host

    def end_sleepers(self) -> None:
        """End the children of faults that are still there, once they were told of."""
        for pid in self.world.stand.turns_log():
            _kill_sleeper(pid)

    def bugs(self) -> str:
        """The first line of the daemon's log since the last look that tells of a bug of ours."""
        path = self.world.stand.state / "aimux.log"
        if not path.exists():
            return ""
        data = path.read_bytes()
        start = self.log_read if self.log_read <= len(data) else 0  # the log has begun anew
        self.log_read = len(data)
        lines = data[start:].decode(errors="replace").splitlines()
        return next((line[-600:] for line in lines if BUG.search(line)), "")


@contextmanager
def open_machine(
    seed: int, clis: Iterable[str] = FAMILIES, **settings: object
) -> Iterator[Machine]:
    """A machine; nothing of it is left running afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="axf", ignore_cleanup_errors=True) as place,
        tempfile.TemporaryDirectory(prefix="ax") as runtime,  # a short path, for its socket
    ):
        root = Path(place) / "m"
        stand = Stand(root=root)
        stand.home.mkdir(parents=True)
        (root / "tmp").mkdir()
        stand.emulate(clis)
        stand.configure(server={**SETTINGS, **settings})
        for cli in clis:
            stand.overlay(
                cli,
                stop={"grace_s": GRACE_S, "leave_s": GRACE_S},
                model={"cooldown_s": 0.0001},
                limits={"max_steps": 40, "max_events": 1_000, "max_bytes": 30_000_000},
            )
        world = World(stand=stand, runtime=Path(runtime))
        machine = Machine(world, random.Random(seed), env={"TMPDIR": str(root / "tmp")})
        try:
            yield machine
        finally:
            world.close()
            machine.end_sleepers()


def _kill_sleeper(pid: int) -> None:
    path = Path(f"/proc/{pid}/cmdline")
    with contextlib.suppress(OSError):  # it is gone by now
        if b"time.sleep(" in path.read_bytes():
            os.kill(pid, signal.SIGKILL)


def end_of(body: Json) -> str:
    """The end of a job in the words of the table."""
    kind, code = error_of(body)
    return str(body["status"]) if kind is None else f"{body['status']} {kind}/{code}"


def found_in(body: Json, took_s: float, word: str) -> Found:
    """What a result says; an answer without the word that was to be in it has lost it."""
    lost = ""
    is_whole = body["status"] in ("completed", "partial") and not body["truncated"]
    if is_whole and word not in str(body.get("content")):
        lost = f"{word} is not in {json.dumps(body.get('content'))[:80]}"
    return Found(end=end_of(body), took_s=took_s, lost=lost)
