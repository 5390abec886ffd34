"""Who may run a turn now: slots of turns, as one pure ledger.

Theory of operation. A turn that is known is in one of four states:

    waiting    in the queue, holds nothing
    running    counts among all turns, its client's, its CLI's; its root is active
    moving     keeps its share of all turns and of its client's, waits for that of another CLI
    borrowing  runs beside all limits and counts in none

What is free goes out in this order: to turns that move, in order of waiting; to the queue, clients
taking turns, first come first served within a client; at last one loan for each lender. A turn
whose CLI, client or root is full holds up nobody behind it. After each method nobody who waits
fits, so a newcomer that fits takes no place from anybody.

A root job becomes active with the first slot of any of its turns and stays so until `end_root`.
`root_jobs` bounds active roots and holds up no turns but those of roots that are not active.

Why nobody waits in a circle: a turn in the queue holds nothing; a turn that moves has given its
CLI's share back before it waits for the other; and a turn that the CLI of another turn called for,
its lender, does not wait for the slot that its lender holds: it borrows, one at a time for each
lender. Whether a lender still runs is not looked at: the caller names one that does, or none.

The methods change the ledger and say what to do; waiting, and waking the turns that were granted a
slot, is the caller's.
"""

import itertools
from collections import Counter
from collections.abc import Iterator

import attrs
from attrs.validators import ge

from ._slot_queue import Line, SlotQueue, SlotRequest, Turn, TurnState, remove


@attrs.frozen(kw_only=True)
class SlotLimits:
    """How many turns and root jobs run at once."""

    turns: int = attrs.field(default=10, validator=ge(1))  # all that run
    turns_per_cli: int = attrs.field(default=0, validator=ge(0))  # 0: no limit of its own
    turns_per_client: int = attrs.field(default=0, validator=ge(0))  # 0: no limit of its own
    root_jobs: int = attrs.field(default=10, validator=ge(1))  # had a slot and have not ended
    queued_jobs: int = attrs.field(default=100, validator=ge(0))  # root jobs without a slot so far


@attrs.frozen(kw_only=True)
class Moved:
    """What a move did: whether the turn has its new share, and the keys that got the old one."""

    has_share: bool
    granted: list[str]


@attrs.frozen(kw_only=True)
class SlotStatistics:
    """The ledger at one moment. A turn that moves is in `running` and in `waiting`."""

    limits: SlotLimits
    running: int  # turns that count against the limits
    borrowed: int  # turns that run beside them
    waiting: int
    by_cli: dict[str, int]  # shares held
    by_client: dict[str, int]
    active_roots: int
    queued_roots: int  # roots that wait and are not active


@attrs.define(eq=False)
class SlotLedger:
    """The turns that run and wait."""

    limits: SlotLimits = attrs.field(factory=SlotLimits)
    _turns: dict[str, Turn] = attrs.field(factory=dict, init=False)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)
    _running: int = attrs.field(default=0, init=False)
    _by_cli: Counter[str] = attrs.field(factory=Counter, init=False)
    _by_client: Counter[str] = attrs.field(factory=Counter, init=False)
    _queue: SlotQueue = attrs.field(factory=SlotQueue, init=False)
    _movers: Line = attrs.field(factory=dict, init=False)
    _lenders: set[str] = attrs.field(factory=set, init=False)  # who has lent its slot
    _hopeful: dict[str, Line] = attrs.field(factory=dict, init=False)
    """Lender -> turns that wait and may borrow from it."""
    _active: set[str] = attrs.field(factory=set, init=False)  # roots
    _known: Counter[str] = attrs.field(factory=Counter, init=False)  # turns by root
    _ended: set[str] = attrs.field(factory=set, init=False)  # roots that end with their last turn

    def __repr__(self) -> str:
        said = self.statistics()
        return (
            f"<SlotLedger: {said.running} running, {said.waiting} waiting of {said.limits.turns}>"
        )

    def request(self, request: SlotRequest) -> int | None:
        """0: the turn has a slot. From 1: it waits as that number in the queue.

        None: it is refused and nothing has changed. That happens to the only turn of a root that is
        not active, if it would have to wait and `queued_jobs` roots wait for their first slot.

        Raises:
            ValueError: the key is known already.
        """
        if request.key in self._turns:
            msg = f"turn {request.key} waits or runs already"
            raise ValueError(msg)
        turn = Turn(request=request, number=next(self._numbers), cli=request.cli)
        if self._fits(request):
            self._add(turn)
            self._start(turn)
            return 0
        if self._may_borrow(request):
            self._add(turn)
            self._borrow(turn)
            return 0
        is_new = request.root not in self._active and request.root not in self._known
        if is_new and self._queue.inactive_roots >= self.limits.queued_jobs:
            return None
        self._add(turn)
        self._hope(turn)
        number = self._queue.add(turn, is_active=request.root in self._active)
        return len(self._movers) + number

    def move(self, key: str, cli: str) -> Moved:
        """The running turn `key` goes on with another CLI.

        It keeps its share of all turns and of its client's, and gives the old CLI's back at once;
        `granted` are the keys that got a slot or share by that. With `has_share` it may go on.
        Without, it waits before everybody in the queue, and its key comes in a later list of
        granted keys. One with a lender borrows rather than waits, if no other turn does.

        Raises:
            ValueError: the turn has no slot.
        """
        turn = self._turns.get(key)
        if turn is None or turn.state is TurnState.WAITING:
            msg = f"turn {key} has no slot to move with"
            raise ValueError(msg)
        is_there = turn.state is TurnState.RUNNING and turn.cli == cli
        if is_there or turn.state is TurnState.BORROWING:
            turn.cli = cli
            return Moved(has_share=True, granted=[])
        if turn.state is TurnState.RUNNING:
            _take_one(self._by_cli, turn.cli)
        else:  # it waits already, for a third CLI
            self._stop_waiting(turn)
        turn.state, turn.cli, turn.number = TurnState.MOVING, cli, next(self._numbers)
        if self._has_cli_share(cli):
            self._arrive(turn)
        elif self._may_borrow(turn.request):
            self._borrow(turn)
        else:
            self._movers[key] = turn
            self._hope(turn)
        return Moved(has_share=turn.state is not TurnState.MOVING, granted=self._grant())

    def release(self, key: str) -> list[str]:
        """The turn is gone, running, moving or waiting; the keys granted by it, in order.

        A key that is not known changes nothing.
        """
        turn = self._turns.pop(key, None)
        if turn is None:
            return []
        root, lender = turn.request.root, turn.request.lender
        if turn.state in {TurnState.WAITING, TurnState.MOVING}:
            self._stop_waiting(turn)
        if turn.state in {TurnState.RUNNING, TurnState.MOVING}:
            self._leave_shares(turn)
        if turn.state is TurnState.RUNNING:
            _take_one(self._by_cli, turn.cli)
        _take_one(self._known, root)
        if root in self._ended and root not in self._known:
            self._ended.discard(root)
            self._active.discard(root)
        granted = self._grant()
        if turn.state is TurnState.BORROWING:
            self._lenders.discard(lender)
            granted += self._lend(lender)
        return granted

    def end_root(self, root: str) -> list[str]:
        """The root job and all below it have ended: its place is free; the granted keys.

        A root with turns that are not released keeps its place until they are.
        """
        if root in self._known:
            self._ended.add(root)
            return []
        self._active.discard(root)
        return self._grant()

    def resize(self, limits: SlotLimits) -> list[str]:
        """Other limits from now on; the granted keys. Who has a slot keeps it."""
        self.limits = limits
        return self._grant()

    def position(self, key: str) -> int:
        """The number in the queue, from 1, as turns are taken now; 0 for one that does not wait."""
        return self.positions().get(key, 0)

    def positions(self) -> dict[str, int]:
        """All waiting keys with their numbers, in order, those that move first."""
        return {key: n for n, key in enumerate([*self._movers, *self._queue.keys()], start=1)}

    def statistics(self) -> SlotStatistics:
        """The ledger at this moment."""
        return SlotStatistics(
            limits=self.limits,
            running=self._running,
            borrowed=len(self._lenders),
            waiting=len(self._movers) + len(self._queue),
            by_cli=dict(sorted(self._by_cli.items())),
            by_client=dict(sorted(self._by_client.items())),
            active_roots=len(self._active),
            queued_roots=self._queue.inactive_roots,
        )

    # --------------------------------------------------------------------------- what is free

    def _has_cli_share(self, cli: str) -> bool:
        most = self.limits.turns_per_cli
        return not most or self._by_cli[cli] < most

    def _has_client_share(self, client: str) -> bool:
        most = self.limits.turns_per_client
        return not most or self._by_client[client] < most

    def _has_root(self) -> bool:
        return len(self._active) < self.limits.root_jobs

    def _fits(self, request: SlotRequest) -> bool:
        return (
            self._running < self.limits.turns
            and self._has_cli_share(request.cli)
            and self._has_client_share(request.client)
            and (request.root in self._active or self._has_root())
        )

    def _may_borrow(self, request: SlotRequest) -> bool:
        return bool(request.lender) and request.lender not in self._lenders

    def _first(self) -> Turn | None:
        if self._running >= self.limits.turns:
            return None
        return self._queue.first(
            has_client_share=self._has_client_share,
            has_cli_share=self._has_cli_share,
            has_root=self._has_root(),
        )

    # ------------------------------------------------------------------------- giving it away

    def _grant(self) -> list[str]:
        """Give away what is free, until nobody who waits fits."""
        granted = []
        for turn in list(self._movers.values()):
            if self._has_cli_share(turn.cli):
                self._stop_waiting(turn)
                self._arrive(turn)
                granted.append(turn.request.key)
        while (first := self._first()) is not None:
            self._stop_waiting(first)
            self._start(first)
            self._queue.rotate(first.request.client)
            granted.append(first.request.key)
        return granted

    def _lend(self, lender: str) -> list[str]:
        """A loan has been given back: it goes to the next one, turns that move first."""
        if lender not in self._hopeful:
            return []
        turn = min(
            self._hopeful[lender].values(),
            key=lambda each: (each.state is TurnState.WAITING, each.number),
        )
        self._stop_waiting(turn)
        self._borrow(turn)
        return [turn.request.key, *self._grant()]  # one that moved leaves its shares

    def _start(self, turn: Turn) -> None:
        self._running += 1
        self._by_client[turn.request.client] += 1
        self._arrive(turn)
        if turn.request.root not in self._active:
            self._active.add(turn.request.root)
            self._queue.activate(turn.request.root)

    def _arrive(self, turn: Turn) -> None:
        self._by_cli[turn.cli] += 1
        turn.state = TurnState.RUNNING

    def _borrow(self, turn: Turn) -> None:
        if turn.state is TurnState.MOVING:
            self._leave_shares(turn)
        self._lenders.add(turn.request.lender)
        turn.state = TurnState.BORROWING

    def _leave_shares(self, turn: Turn) -> None:
        """Of all turns and of its client's; the CLI's is another matter."""
        self._running -= 1
        _take_one(self._by_client, turn.request.client)

    # ------------------------------------------------------------------------------ who waits

    def _add(self, turn: Turn) -> None:
        self._turns[turn.request.key] = turn
        self._known[turn.request.root] += 1

    def _hope(self, turn: Turn) -> None:
        if turn.request.lender:
            self._hopeful.setdefault(turn.request.lender, {})[turn.request.key] = turn

    def _stop_waiting(self, turn: Turn) -> None:
        remove(self._hopeful, turn.request.lender, turn.request.key)
        if turn.state is TurnState.MOVING:
            del self._movers[turn.request.key]
        else:
            self._queue.remove(turn)


def _take_one(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
