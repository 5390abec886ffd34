"""The right to run one turn now: waiting for the slots that the ledger in `rules` gives out.

A slot is held around all attempts of one turn and by nothing else; a job holds none, so a job that
waits for its children keeps nobody from running. The ledger decides, this wakes.
"""

from collections.abc import Callable, Sequence

import attrs
import trio

from aimux.rules import SlotLedger, SlotLimits, SlotRequest, SlotStatistics

TellPosition = Callable[[int], None]


@attrs.define(eq=False)
class Slot:
    """One turn's hold on a slot, or its position in the queue. Made by `Slots`."""

    request: SlotRequest
    position: int  # in the queue, from 1; 0 once it is granted
    tell: TellPosition | None = None  # of a position that has changed
    granted: trio.Event = attrs.field(factory=trio.Event)

    @property
    def cli(self) -> str:
        """The CLI whose share it has, or waits for."""
        return self.request.cli


class Slots:
    """Gives out slots to the turns of all jobs."""

    def __init__(self, limits: SlotLimits) -> None:
        self._ledger = SlotLedger(limits=limits)
        self._slots: dict[str, Slot] = {}

    def __repr__(self) -> str:
        said = self.statistics()
        return f"<Slots: {said.running} running, {said.waiting} waiting of {said.limits.turns}>"

    def statistics(self) -> SlotStatistics:
        """The ledger at this moment."""
        return self._ledger.statistics()

    def resize(self, limits: SlotLimits) -> None:
        """Follow other limits from now on; whoever has a slot keeps it."""
        self._grant(self._ledger.resize(limits))

    def request(self, request: SlotRequest) -> Slot | None:
        """A slot, or a position in the queue for one; None if the queue is full for a new root job.

        The caller releases it, whatever becomes of it.
        """
        position = self._ledger.request(request)
        if position is None:
            return None
        slot = self._slots[request.key] = Slot(request, position)
        if position == 0:
            slot.granted.set()
        else:
            self._tell_positions()  # clients take turns: it may stand before others
        return slot

    async def move(self, slot: Slot, cli: str) -> None:
        """Go on with another CLI: its share of the old one is given back before the new is had.

        Cancelling the wait leaves the slot without a CLI's share; it is released by its holder.
        """
        slot.request = attrs.evolve(slot.request, cli=cli)
        moved = self._ledger.move(slot.request.key, cli)
        slot.granted = trio.Event()
        if moved.has_share:
            slot.granted.set()
        self._grant(moved.granted)
        await slot.granted.wait()
        await trio.lowlevel.checkpoint()

    def release(self, slot: Slot) -> None:
        """Give a slot back, or its position in the queue. Nothing to do the second time."""
        if self._slots.pop(slot.request.key, None) is not None:
            self._grant(self._ledger.release(slot.request.key))

    def end_root(self, root: str) -> None:
        """A root job has ended: another one may begin."""
        self._grant(self._ledger.end_root(root))

    def _grant(self, keys: Sequence[str]) -> None:
        for key in keys:
            slot = self._slots.get(key)
            if slot is not None:
                slot.position = 0
                slot.granted.set()
        self._tell_positions()

    def _tell_positions(self) -> None:
        for key, position in self._ledger.positions().items():
            slot = self._slots[key]
            if slot.position != position:
                slot.position = position
                if slot.tell is not None:
                    slot.tell(position)
