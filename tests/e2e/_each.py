"""The same for every CLI at once: failures of one do not hide the others."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import trio

from ._stand import CLIS

T = TypeVar("T")


async def each(
    work: Callable[[str], Awaitable[T]], clis: Iterable[str] = CLIS, *, at_once: int = 4
) -> dict[str, T]:
    """What `work` returns for each CLI, in their order."""
    order = list(clis)
    found: dict[str, T] = {}
    limiter = trio.CapacityLimiter(at_once)

    async def one(cli: str) -> None:
        async with limiter:
            found[cli] = await work(cli)

    async with trio.open_nursery() as nursery:
        for cli in order:
            nursery.start_soon(one, cli)
    return {cli: found[cli] for cli in order}
