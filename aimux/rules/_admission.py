"""Who gets the next place: a fair queue as pure books.

There are `capacity` places, of which one CLI and one client may hold only so many. Who finds none
waits, first come first served within a client, clients taking turns; a handle whose CLI or client
is full does not hold up those behind it. The methods change the books and say what to do; waiting,
and waking those who were granted a place, is the caller's.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import attrs

NO_LIMIT: Final = 0


@attrs.frozen(kw_only=True)
class Admitted:
    """A handle is in the books: with a place (`position` 0), or waiting as number `position`."""

    handle: str
    position: int


@attrs.frozen(kw_only=True)
class AdmissionView:
    """The books at one moment."""

    capacity: int
    running: int
    queued: int
    by_cli: dict[str, int]  # places held
    by_client: dict[str, int]


@attrs.frozen(kw_only=True)
class _Entry:
    handle: str
    client: str
    cli: str


@attrs.define(eq=False, kw_only=True)
class Admission:
    """The books. Limits of 0 mean none of its own; a `queue` of 0 refuses when all is taken."""

    capacity: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    per_cli: int = NO_LIMIT
    per_client: int = NO_LIMIT
    queue: int = attrs.field(default=100, validator=attrs.validators.ge(0))
    _running: dict[str, _Entry] = attrs.field(factory=dict, init=False)
    _waiting: dict[str, dict[str, _Entry]] = attrs.field(factory=dict, init=False)
    """client -> its handles in order; the clients stand in the order of their next turn."""

    def __repr__(self) -> str:
        said = self.statistics()
        return f"<Admission: {said.running} running, {said.queued} queued of {said.capacity}>"

    def ask(self, handle: str, client: str = "", cli: str = "") -> Admitted | None:
        """Into the books; None if all is taken and the queue is full: then nothing has changed.

        Raises:
            ValueError: the handle is in the books already.
        """
        if handle in self._running or any(handle in each for each in self._waiting.values()):
            msg = f"handle {handle} is in the books already"
            raise ValueError(msg)
        entry = _Entry(handle=handle, client=client, cli=cli)
        # whoever waits could not start, so a newcomer that fits takes no place from anybody
        if self._fits(entry):
            self._running[handle] = entry
            return Admitted(handle=handle, position=0)
        if self.statistics().queued >= self.queue:
            return None
        self._waiting.setdefault(client, {})[handle] = entry
        return Admitted(handle=handle, position=self.position(handle))

    def leave(self, handle: str) -> list[str]:
        """Out of the books, running or waiting; the handles that get a place by it, in order.

        A handle that is not there changes nothing.
        """
        if self._running.pop(handle, None) is None:
            self._forget(handle)
        return list(self._grant())

    def resize(
        self,
        *,
        capacity: int | None = None,
        per_cli: int | None = None,
        per_client: int | None = None,
        queue: int | None = None,
    ) -> list[str]:
        """With other limits; the handles that get a place by it. Who has a place keeps it."""
        self.capacity = self.capacity if capacity is None else capacity
        self.per_cli = self.per_cli if per_cli is None else per_cli
        self.per_client = self.per_client if per_client is None else per_client
        self.queue = self.queue if queue is None else queue
        return list(self._grant())

    def position(self, handle: str) -> int:
        """The number in the queue, from 1, as turns are taken now; 0 for one that does not wait."""
        for number, entry in enumerate(self._in_turn(), start=1):
            if entry.handle == handle:
                return number
        return 0

    def positions(self) -> dict[str, int]:
        """All waiting handles with their numbers, in order."""
        return {entry.handle: number for number, entry in enumerate(self._in_turn(), start=1)}

    def statistics(self) -> AdmissionView:
        """The books at this moment."""
        running = self._running.values()
        return AdmissionView(
            capacity=self.capacity,
            running=len(self._running),
            queued=sum(map(len, self._waiting.values())),
            by_cli=dict(sorted(Counter(each.cli for each in running if each.cli).items())),
            by_client=dict(sorted(Counter(each.client for each in running).items())),
        )

    # ------------------------------------------------------------------------------------- parts

    def _fits(self, entry: _Entry) -> bool:
        running = self._running.values()
        if len(self._running) >= self.capacity:
            return False
        if entry.cli and self.per_cli and self.per_cli <= sum(e.cli == entry.cli for e in running):
            return False
        held = sum(each.client == entry.client for each in running)
        return not self.per_client or held < self.per_client

    def _grant(self) -> Iterator[str]:
        """Give free places away until nobody who waits fits."""
        while (entry := self._next()) is not None:
            self._running[entry.handle] = entry
            self._forget(entry.handle)
            if entry.client in self._waiting:  # its next turn comes after everybody else's
                self._waiting[entry.client] = self._waiting.pop(entry.client)
            yield entry.handle

    def _next(self) -> _Entry | None:
        for handles in self._waiting.values():
            for entry in handles.values():
                if self._fits(entry):
                    return entry
        return None

    def _in_turn(self) -> Iterator[_Entry]:
        """Who waits, one of each client in turn."""
        rows = [list(handles.values()) for handles in self._waiting.values()]
        for place in range(max(map(len, rows), default=0)):
            for row in rows:
                if place < len(row):
                    yield row[place]

    def _forget(self, handle: str) -> None:
        for client, handles in list(self._waiting.items()):
            if handles.pop(handle, None) is not None and not handles:
                del self._waiting[client]
