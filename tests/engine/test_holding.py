"""A supervisor that is to end when it can: what runs goes on, nothing else begins."""

import pytest
import trio.testing

from aimux.errors import Refusal

from .supervised import hang, open_stand

Clock = trio.testing.MockClock


async def test_no_job_begins_that_is_held_back(autojump_clock: Clock) -> None:
    """The refusal says why and when to come again; nothing of it is left."""
    async with open_stand() as stand:
        running = await stand.open(hang)
        stand.supervisor.hold("it begins anew", "in a moment")
        with pytest.raises(Refusal, match="begins anew") as caught:
            await stand.open()
        waiting = len(stand.supervisor.open_handles())
        running.cancel("enough")
        ended = await stand.end(running)

    assert (caught.value.code, caught.value.hint) == ("begins_anew", "in a moment")
    assert caught.value.retryable
    assert waiting == 1
    assert ended.outcome is not None


async def test_what_a_running_job_is_made_of_begins_all_the_same(autojump_clock: Clock) -> None:
    """Its children, and what its turns call: it could not end without them."""
    async with open_stand() as stand:
        running = await stand.open(hang)
        stand.supervisor.hold("it begins anew", "in a moment")
        child = await stand.open(parent=running)
        called = await stand.open(above=running.id, depth=1)
        await stand.end(child)
        await stand.end(called)

        assert not running.is_ending
