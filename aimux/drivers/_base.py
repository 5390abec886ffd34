"""What every way of running a child has in common: the spec, the live child, and how it left.

A driver is one coroutine, `run_…(spec, on_output, task_status=…) -> Exit`. Awaited directly it is
a function call; through `nursery.start()` it hands the live `Child` back first. Output goes to
`on_output(stream, data)`, a plain function called in the order of arrival for each stream from the
child's birth until its pipes end; after its exit until they are silent for `LINGER_S`, at most
`LINGER_MAX_S`. It must not block.

Cancelling a driver stops the child's group, sweeps its descendants, reaps, and only then goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs
import trio

from aimux.model import Stream

LINGER_S: Final = 0.5  # of silence: a grandchild that inherited a pipe must not hold the turn
LINGER_MAX_S: Final = 3.0  # nor may one that goes on printing
CHUNK_BYTES: Final = 65_536  # one read

OnOutput = Callable[[Stream, bytes], None]


@attrs.frozen(kw_only=True)
class ProcessSpec:
    """A child as wanted. `stdin` None means the null device, never an open pipe.

    `argv[0]` is an absolute path or a name looked up in `env`'s PATH. `stop_signal` (TERM or INT)
    goes to the whole group first, KILL follows after `grace_s`. `places` are where the binary was
    searched for, to be told when it is missing. `rows` and `columns` are for terminals,
    and so is `keyboard`: what is typed after `stdin`, until it is closed.
    """

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes | None = None
    stop_signal: str = "TERM"
    grace_s: float = 2.0
    places: Sequence[str] = ()
    keyboard: trio.MemoryReceiveChannel[bytes] | None = None
    rows: int = 50
    columns: int = 4096


@attrs.frozen(kw_only=True)
class Exit:
    """How a child left. `exit_code` is None if a signal ended it (`signal` names it: `SIGKILL`).

    `is_stopped` says that we ended it (`Child.finish` ran out, or `Child.stop`); `swept` counts
    leftover descendants that had to be killed; `is_complete` is False if somebody still held a pipe
    open when we stopped to listen. `max_rss_bytes` is that of the largest process the child waited
    for, itself included; on Linux it is never less than our own size at the spawn.
    """

    exit_code: int | None
    signal: str = ""
    duration_s: float = 0.0
    max_rss_bytes: int = 0
    cpu_s: float = 0.0
    is_stopped: bool = False
    is_complete: bool = True
    swept: int = 0


@attrs.define(eq=False)
class Child:
    """A live child as the engine sees it. Its verbs only ask; the driver coroutine acts.

    Asking again may only hurry: `stop` cuts the time `finish` gave, `stop(grace_s=0)` the grace.
    """

    pid: int
    started: float  # the process's own start time as psutil gives it, to tell a reused pid
    grace_s: float  # between the polite signal and KILL
    leave_s: float = 0.0
    leaving: trio.Event = attrs.field(factory=trio.Event)
    stopping: trio.Event = attrs.field(factory=trio.Event)
    killing: trio.Event = attrs.field(factory=trio.Event)

    def finish(self, leave_s: float) -> None:
        """The answer is complete: let the child leave by itself within `leave_s`, else stop it."""
        self.leave_s = leave_s
        self.leaving.set()

    def stop(self, *, grace_s: float | None = None) -> None:
        """Stop it now; `grace_s=0` skips the polite signal. Output until then is delivered."""
        if grace_s is not None and not self.stopping.is_set():
            self.grace_s = grace_s
        self.leaving.set()
        self.stopping.set()
        if grace_s == 0:
            self.killing.set()


class Driver(Protocol):
    """A way to run a child: `run_piped`, `run_in_terminal`, or a fake."""

    async def __call__(
        self,
        spec: ProcessSpec,
        on_output: OnOutput,
        *,
        task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
    ) -> Exit:
        """Run the child to its end. Cancelling it leaves no process behind.

        Raises:
            BinaryMissing: there is no such binary, or it cannot be executed.
            PeerFault: `cwd` is not a directory, or an argument cannot be passed on.
        """
