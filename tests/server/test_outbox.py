"""The outbox by itself: who writes, what is dropped, what a torn frame means."""

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from aimux.protocol import Outgoing
from aimux.server import _outbox
from aimux.server._outbox import Outbox

Clock = trio.testing.MockClock


class Client:
    """Takes what is written, a batch at a time, for as long as it is open."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.opened = trio.Event()

    async def take(self, messages: Sequence[Outgoing]) -> None:
        await self.opened.wait()
        self.batches.append([each.data for each in messages])


async def test_what_is_added_is_written_together_and_in_order(autojump_clock: Clock) -> None:
    """The writer takes all there is; what comes meanwhile is its next batch."""
    client = Client()
    outbox = Outbox(client.take)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        for data in (b"1", b"2"):
            outbox.push(Outgoing(data))
        outbox.push(None)
        await trio.testing.wait_all_tasks_blocked()
        outbox.push(Outgoing(b"3"))
        client.opened.set()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert client.batches == [[b"1", b"2"], [b"3"]]
    assert repr(outbox) == "<Outbox: 0 waiting, 0 dropped>"


async def test_a_held_outbox_wakes_no_writer(autojump_clock: Clock) -> None:
    """Whoever holds it writes what was added, so that a call costs one turn of the loop."""
    client = Client()
    client.opened.set()
    outbox = Outbox(client.take)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        outbox.is_held = True
        outbox.push(Outgoing(b"1"))
        await trio.testing.wait_all_tasks_blocked()
        assert (client.batches, len(outbox)) == ([], 1)
        outbox.is_held = False
        await outbox.flush()
        assert client.batches == [[b"1"]]
        nursery.cancel_scope.cancel()


async def test_only_what_may_be_dropped_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is behind loses progress, which is counted; answers wait up to a limit."""
    monkeypatch.setattr(_outbox, "BUSY_MESSAGES", 2)
    monkeypatch.setattr(_outbox, "BUFFER_BYTES", 3)
    outbox = Outbox(Client().take)
    for _ in range(3):
        outbox.push_droppable(Outgoing(b"p"))
    outbox.push_droppable(None)
    assert (len(outbox), outbox.dropped, outbox.is_full) == (2, 1, False)
    outbox.push(Outgoing(b"a"))
    assert not outbox.is_full
    outbox.push(Outgoing(b"b"))

    assert (len(outbox), outbox.is_full) == (4, True)


async def test_nothing_follows_half_a_frame(autojump_clock: Clock) -> None:
    """A write that was cancelled may have written a part: the rest is never sent."""
    client = Client()
    outbox = Outbox(client.take)
    outbox.push(Outgoing(b"half"))
    with trio.move_on_after(1):
        await outbox.flush()
    outbox.push(Outgoing(b"after"))
    client.opened.set()
    await outbox.flush_rest()

    assert client.batches == []
