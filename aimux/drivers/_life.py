"""A child's life from birth to grave, the same for pipes and terminals.

Two who attend to the child are the only ones that touch it. One lives through its life, from the
first output to the grave, under a shield: the output a child gives while it leaves is wanted too,
and a half-stopped child is nobody's. The other, beside it, waits to be asked to stop the child;
being cancelled is to be asked. From there the shield is bounded by the grace, `LINGER_MAX_S` and
`GONE_S`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import attrs
import trio

from aimux.errors import first_leaf
from aimux.model import Stream

from ._base import LINGER_MAX_S, LINGER_S, Child, Exit, OnOutput, ProcessSpec
from ._watchdog import end_charge, take_charge

Task = Callable[[], Awaitable[None]]
Pump = Callable[[OnOutput], Awaitable[None]]


class ProcessLeader(Protocol):
    """A child in the hands of its system: the leader of a POSIX group, or of a Windows job.

    Cancelled in `watch`, `stop` or `sweep`, who is alive stays alive, and the call can be made
    again; whoever lives through a child's life makes them under a shield.
    """

    pid: int
    started: float
    ticks: int  # the same since boot, as the kernel counts it; 0 if it does not
    gone: trio.Event
    max_rss_bytes: int
    cpu_s: float

    @property
    def code(self) -> int | None:
        """The exit code; None after a signal."""

    @property
    def signal_name(self) -> str:
        """What ended it, as `SIGKILL`; empty if it left by itself."""

    async def watch(self) -> None:
        """Wait for its death and set `gone`."""

    async def stop(self, *, polite: str, grace_s: float, hurry: trio.Event) -> None:
        """Ask it to leave, insist after `grace_s` or at `hurry`, and wait until it is dead."""

    async def sweep(self) -> int:
        """End whatever it has left behind, return how many that were."""

    def reap(self) -> None:
        """Collect what the system knows about its end, and let go of it."""


@attrs.define(eq=False)
class Wires:
    """What a driver connected a child with. Each task runs from birth and closes its stream."""

    pumps: Sequence[Pump]  # each returns at the end of its stream, or is cancelled after a while
    feeder: Task | None = None  # cancelled when the child is gone


async def attend(
    leader: ProcessLeader,
    spec: ProcessSpec,
    wires: Wires,
    on_output: OnOutput,
    task_status: trio.TaskStatus[Child],
) -> Exit:
    """Run a child that was just born to its end, and tell how it left.

    Cancelling it stops the child as `Child.stop()` does and waits for the end.
    """
    child = Child(pid=leader.pid, started=leader.started, grace_s=spec.grace_s)
    life = _Life(leader, spec, wires, on_output, child)
    return await shelter(child, life.live, task_status, life.obey)


async def shelter(
    child: Child,
    live: Callable[[], Awaitable[Exit]],
    task_status: trio.TaskStatus[Child],
    obey: Task = trio.sleep_forever,
) -> Exit:
    """Hand `child` over and run `live` beyond the reach of cancellation, which asks it to stop.

    `live` must end soon after `child.stop()`. `obey` runs beside it and is cancelled by whoever
    cancels us, or when `live` is over. What they raise comes out bare.
    """
    left: Exit | None = None
    faults: BaseExceptionGroup[Exception] | None = None

    async def listen() -> None:
        try:
            await obey()
        finally:
            child.stop()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            with trio.CancelScope(shield=True):  # bounded: see the top of the module
                task_status.started(child)
                left = await live()
            nursery.cancel_scope.cancel(reason="the child is gone")
    except* Exception as group:  # noqa: BLE001  raised bare below
        faults = group
    if faults is not None:
        raise first_leaf(faults)
    assert left is not None
    return left


@attrs.define(eq=False)
class _Life:
    leader: ProcessLeader
    spec: ProcessSpec
    wires: Wires
    on_output: OnOutput
    child: Child
    is_stopped: bool = False  # we ended it, or tried to
    is_stop_over: bool = False  # the child is dead, or hangs in the kernel
    _run_scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _feeding: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _listening: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _listen_until: float | None = None  # set when the child is dead
    _held: int = 0  # streams that somebody holds open

    async def obey(self) -> None:
        """Stop the child when it is asked for, or when this is cancelled before it is dead."""
        child, leader = self.child, self.leader
        try:
            await child.leaving.wait()
            with trio.move_on_after(child.leave_s):
                await child.stopping.wait()
        finally:
            if not leader.gone.is_set():
                self.is_stopped = True
                with trio.CancelScope(shield=True):  # bounded by the grace and GONE_S
                    await leader.stop(
                        polite=self.spec.stop_signal, grace_s=child.grace_s, hurry=child.killing
                    )
                self.is_stop_over = True
                self._run_scope.cancel(reason="stopped, or beyond help")

    async def live(self) -> Exit:
        leader, born = self.leader, trio.current_time()
        swept = 0
        await take_charge(leader.pid, leader.ticks)
        try:
            async with trio.open_nursery() as pumps:
                self._listening = pumps.cancel_scope
                for run in self.wires.pumps:
                    self._held += 1
                    pumps.start_soon(self._pump, run)
                if self.wires.feeder is not None:
                    pumps.start_soon(self._feed, self.wires.feeder)
                await self._watch()
                self._feeding.cancel(reason="nobody reads any more")
                duration_s = trio.current_time() - born
                if self.is_stopped:  # nobody's last words are waited for who was not asked to leave
                    swept = await leader.sweep()
                self._listen_until = trio.current_time() + LINGER_MAX_S
                pumps.cancel_scope.deadline = trio.current_time() + LINGER_S
        finally:
            if not leader.gone.is_set():  # a pump failed: nobody takes its output any more
                self.child.stop(grace_s=0)
                await self._watch()  # noqa: ASYNC102  # under shelter's shield
            swept += await leader.sweep()  # noqa: ASYNC102  # bounded by GONE_S
            end_charge(leader.pid)
            leader.reap()
        return Exit(
            exit_code=leader.code,
            signal=leader.signal_name,
            duration_s=duration_s,
            max_rss_bytes=leader.max_rss_bytes,
            cpu_s=leader.cpu_s,
            is_stopped=self.is_stopped,
            is_complete=self._held == 0,
            swept=swept,
        )

    async def _watch(self) -> None:
        """Wait until the child is dead. One that hangs in the kernel is given up on; then
        `leader.gone` is not set.
        """
        if not self.is_stop_over:
            with trio.CancelScope() as self._run_scope:
                await self.leader.watch()

    async def _pump(self, run: Pump) -> None:
        await run(self._hear)
        self._held -= 1

    def _hear(self, stream: Stream, data: bytes) -> None:
        if self._listen_until is not None:
            quiet_at = trio.current_time() + LINGER_S
            self._listening.deadline = min(quiet_at, self._listen_until)
        self.on_output(stream, data)

    async def _feed(self, run: Task) -> None:
        with self._feeding:
            await run()
