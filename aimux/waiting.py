"""Waiting for what happens more than once."""

import trio


class Broadcast:
    """Wakes everybody who waits, each time something happens.

    It keeps nothing: who waits looks at the state first, and has no checkpoint between that look
    and the wait.
    """

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: trio.Event | None = None  # made by the first who waits

    def __repr__(self) -> str:
        waiting = 0 if self._next is None else self._next.statistics().tasks_waiting
        return f"<Broadcast: {waiting} waiting>"

    def notify(self) -> None:
        """Wake everybody who waits now."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self) -> None:
        """Return at the next `notify`. Cancelling it only ends the waiting."""
        if self._next is None:
            self._next = trio.Event()
        await self._next.wait()
