"""What happens more than once wakes whoever waits then."""

import trio
import trio.testing

from aimux.waiting import Broadcast


async def test_each_notice_wakes_those_who_wait_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A notice nobody waits for is gone; one wakes all who wait, and the next wait is for the
    next.
    """
    broadcast, woken = Broadcast(), list[str]()

    async def wait(name: str) -> None:
        await broadcast.wait()
        woken.append(name)

    broadcast.notify()
    assert repr(broadcast) == "<Broadcast: 0 waiting>"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, "one")
        nursery.start_soon(wait, "two")
        await trio.testing.wait_all_tasks_blocked()
        assert (woken, repr(broadcast)) == ([], "<Broadcast: 2 waiting>")
        broadcast.notify()
        nursery.start_soon(wait, "three")
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == ["one", "two"]
        broadcast.notify()

    assert woken[2:] == ["three"]


async def test_a_wait_that_is_cancelled_leaves_the_others(
    autojump_clock: trio.testing.MockClock,
) -> None:
    broadcast, woken = Broadcast(), list[str]()

    async def wait() -> None:
        await broadcast.wait()
        woken.append("other")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        with trio.move_on_after(1):
            await broadcast.wait()
        assert repr(broadcast) == "<Broadcast: 1 waiting>"
        broadcast.notify()

    assert woken == ["other"]
