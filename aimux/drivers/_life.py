"""A child's life from birth to grave, the same for pipes and terminals.

The attendant is the only one who touches the child. It works under a shield, because the output a
child gives while it leaves is wanted too, and because a half-stopped child is nobody's. Cancelling
reaches the shell around it, which does what anybody may do: it asks the attendant to stop. From
there the shield is bounded by the grace, `LINGER_MAX_S` and `GONE_S`.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import attrs
import trio

from aimux.model import Stream

from ._base import LINGER_MAX_S, LINGER_S, Child, Exit, OnOutput, Order
from ._warden import in_charge

Task = Callable[[], Awaitable[None]]
Pump = Callable[[OnOutput], Awaitable[None]]


class Mortal(Protocol):
    """A child in the hands of its system: the leader of a POSIX group, or of a Windows job."""

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
    feeders: Sequence[Task]  # cancelled when the child is gone


async def attend(
    leader: Mortal,
    order: Order,
    wires: Wires,
    on_output: OnOutput,
    task_status: trio.TaskStatus[Child],
) -> Exit:
    """Run a child that was just born to its end, and tell how it left.

    Cancelling it stops the child as `Child.stop()` does and waits for the end.
    """
    child = Child(pid=leader.pid, started=leader.started, grace_s=order.grace_s)
    return await shelter(child, partial(_live, leader, order, wires, on_output, child), task_status)


async def shelter(
    child: Child, live: Callable[[], Awaitable[Exit]], task_status: trio.TaskStatus[Child]
) -> Exit:
    """Hand `child` over and run `live` beyond the reach of cancellation, which asks it to stop.

    `live` must end soon after `child.stop()`. What it raises comes out bare.
    """
    over = trio.Event()
    exits: list[Exit] = []
    faults: BaseExceptionGroup[Exception] | None = None

    async def work() -> None:
        with trio.CancelScope(shield=True):  # bounded: see the top of the module
            exits.append(await live())
        over.set()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            try:
                task_status.started(child)
                await over.wait()
            finally:
                child.stop()
    except* Exception as group:  # noqa: BLE001  raised bare below
        faults = group
    if faults is not None:
        raise _first_leaf(faults)
    return exits[0]


async def _live(
    leader: Mortal, order: Order, wires: Wires, on_output: OnOutput, child: Child
) -> Exit:
    born = trio.current_time()
    listen_until: float | None = None  # set when the child is dead
    held = len(wires.pumps)
    swept = 0

    async def pump(run: Pump) -> None:
        nonlocal held
        await run(hear)
        held -= 1

    def hear(stream: Stream, data: bytes) -> None:
        if listen_until is not None:
            quiet_at = trio.current_time() + LINGER_S
            pumps.cancel_scope.deadline = min(quiet_at, listen_until)
        on_output(stream, data)

    async with in_charge(leader.pid, leader.ticks):
        try:
            async with trio.open_nursery() as pumps:
                for run in wires.pumps:
                    pumps.start_soon(pump, run)
                is_stopped = await _leave(leader, order, wires.feeders, child)
                duration_s = trio.current_time() - born
                if is_stopped:  # nobody's last words are waited for who was not asked to leave
                    swept = await leader.sweep()
                listen_until = trio.current_time() + LINGER_MAX_S
                pumps.cancel_scope.deadline = trio.current_time() + LINGER_S
        finally:
            if not leader.gone.is_set():  # a pump failed: nobody takes its output any more
                child.stop(grace_s=0)
                await _leave(leader, order, (), child)  # noqa: ASYNC102  # under shelter's shield
            swept += await leader.sweep()  # noqa: ASYNC102  # bounded by GONE_S
            leader.reap()
    return Exit(
        exit_code=leader.code,
        signal=leader.signal_name,
        duration_s=duration_s,
        max_rss_bytes=leader.max_rss_bytes,
        cpu_s=leader.cpu_s,
        is_stopped=is_stopped,
        is_complete=held == 0,
        swept=swept,
    )


async def _leave(leader: Mortal, order: Order, feeders: Sequence[Task], child: Child) -> bool:
    """Wait until the child is dead, ending it when asked to; return whether we ended it.

    One that hangs in the kernel is given up on; then `leader.gone` is not set.
    """
    is_stopped = False
    async with trio.open_nursery() as life:

        async def obey() -> None:
            nonlocal is_stopped
            await child.leaving.wait()
            with trio.move_on_after(child.leave_s):
                await child.stopping.wait()
            is_stopped = True
            with trio.CancelScope(shield=True):  # the leader's death does not end the sequence
                await leader.stop(
                    polite=order.stop_signal, grace_s=child.grace_s, hurry=child.killing
                )
            life.cancel_scope.cancel(reason="stopped, or beyond help")

        life.start_soon(obey)
        for task in feeders:
            life.start_soon(task)
        await leader.watch()
        life.cancel_scope.cancel(reason="the child is gone")
    return is_stopped


def _first_leaf(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the first single exception in a group: our nurseries are nobody else's business."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
