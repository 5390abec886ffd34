"""A log's entries in memory: their numbers, which of them are stored, who waits for more.

Memory is bounded whatever a CLI says: beyond `KEPT_ENTRIES` or `KEPT_ENTRY_CHARS` the oldest
*stored* entries are dropped and are read from the store. While the store cannot take them, the
oldest are lost instead.
"""

import datetime
import itertools
from collections import deque
from typing import Final

import attrs
import trio

from aimux.model import (
    Entry,
    Event,
    Message,
    Reasoning,
    Text,
    ToolUse,
    TurnFailed,
    TurnFinished,
)
from aimux.waiting import Broadcast

UNSTORED_ENTRIES: Final = 64  # at once: then the store gets them before `COALESCE_S` is over
KEPT_ENTRIES: Final = 2_000  # per open job, of those that are stored
KEPT_ENTRY_CHARS: Final = 2**20  # of them together


@attrs.define(eq=False)
class EntryBuffer:
    """The newest entries of one log. Cancelling a wait only ends the waiting."""

    last_seq: int = 0
    stored_seq: int = 0
    _entries: deque[Entry] = attrs.field(factory=deque)
    _chars: int = 0
    _changed: Broadcast = attrs.field(factory=Broadcast)
    _lacking: trio.Event = attrs.field(factory=trio.Event)  # the store does not have everything
    _crowded: trio.Event = attrs.field(factory=trio.Event)  # and that is too much

    def __repr__(self) -> str:
        return (
            f"<EntryBuffer: {self.last_seq} entries, {self.last_seq - self.stored_seq} not stored>"
        )

    def append(self, turn: int, event: Event, *, offset_s: float, at: datetime.datetime) -> None:
        """Add an event with the next number; `announce` tells who waits."""
        self.last_seq += 1
        self._entries.append(
            Entry(seq=self.last_seq, offset_s=offset_s, at=at, turn=turn, event=event)
        )
        self._chars += _chars(event)
        if self.last_seq - self.stored_seq >= UNSTORED_ENTRIES:
            self._crowded.set()

    def announce(self) -> None:
        """There is more to read and to store: entries, or text that will be one."""
        self._lacking.set()
        self._changed.notify()

    @property
    def first_seq(self) -> int:
        """The oldest entry still in memory; older ones are in the store."""
        return self._entries[0].seq if self._entries else self.last_seq + 1

    def since(self, seq: int) -> list[Entry]:
        """Entries in memory after `seq`, oldest first."""
        if seq >= self.last_seq:
            return []
        skip = max(0, seq + 1 - self.first_seq)
        return list(itertools.islice(self._entries, skip, None))

    async def wait_change(self) -> None:
        """Return after the next append (or the first piece of gathered text). A checkpoint."""
        await self._changed.wait()

    async def wait_after(self, seq: int) -> None:
        """Return once there is an entry after `seq`."""
        while self.last_seq <= seq:
            await self._changed.wait()

    async def wait_unstored(self) -> None:
        """Return once there is something to be stored, gathered text included."""
        await self._lacking.wait()

    async def wait_crowded(self) -> None:
        """Return once `UNSTORED_ENTRIES` entries are not stored."""
        await self._crowded.wait()

    def unstored(self) -> list[Entry]:
        """Entries the store does not have yet."""
        return self.since(self.stored_seq)

    def stored(self, seq: int, *, has_pending: bool) -> None:
        """Note that the store has everything up to `seq`, and forget what is too much to keep."""
        self.stored_seq = max(self.stored_seq, seq)
        if self.stored_seq >= self.last_seq and not has_pending:
            self._lacking = trio.Event()
        if self.last_seq - self.stored_seq < UNSTORED_ENTRIES:
            self._crowded = trio.Event()
        entries = self._entries
        while self._is_heavy() and entries[0].seq <= self.stored_seq:
            self._chars -= _chars(entries.popleft().event)

    def give_up_excess(self) -> int:
        """Forget the oldest entries beyond the limit although they are not stored; how many."""
        before = self.stored_seq
        while self._is_heavy():
            oldest = self._entries.popleft()
            self._chars -= _chars(oldest.event)
            self.stored_seq = max(self.stored_seq, oldest.seq)
        return self.stored_seq - before

    def _is_heavy(self) -> bool:
        """Too much to keep; the newest stays, who follows the log goes on from it."""
        count = len(self._entries)
        return count > KEPT_ENTRIES or (count > 1 and self._chars > KEPT_ENTRY_CHARS)

    @property
    def kept_chars(self) -> int:
        """What the entries in memory say, together."""
        return self._chars


def _chars(event: Event) -> int:
    """How long an event is, near enough."""
    match event:
        case Text() | Message() | Reasoning():
            return len(event.text)
        case ToolUse():
            return len(event.summary)
        case TurnFinished() | TurnFailed():
            return len(event.result.content)
        case _:
            return 0
