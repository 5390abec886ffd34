"""What tests of jobs of many turns share: two seats, children by CLI, and short ways to begin."""

import pathlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import trio

from aimux.drivers import ProcessSpec
from aimux.engine import JobHandle
from aimux.model import (
    Ask,
    JobStatus,
    Note,
    Report,
    RouteRequest,
    Seat,
    TurnFailed,
    TurnFinished,
    TurnResult,
    TurnStarted,
    Work,
)
from aimux.testing import Say, Turn

from .house import ALPHA, House, record

A = Seat(name="A", route=RouteRequest(cli="alpha"))
B = Seat(name="B", route=RouteRequest(cli="beta"))
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)
PLAIN = attrs.evolve(ALPHA, model=attrs.evolve(ALPHA.model, fallback=()))


async def begin(house: House, work: Work, **more: Any) -> JobHandle:
    """Start a job of the house's client with this work."""
    given = {"seats": [A, B]} | more
    prepared = await house.engine.prepare(house.request(**given))
    return await house.engine.start(prepared, work)


async def end(house: House, work: Work, **more: Any) -> JobHandle:
    handle = await begin(house, work, **more)
    with trio.fail_after(100_000):
        await handle.done.wait()
    return handle


async def both(ask: Ask, *seats: Seat, prompt: str = "go") -> list[TurnResult]:
    """A turn of each seat at once, in the order of the seats."""
    results: dict[str, TurnResult] = {}

    async def one(seat: Seat) -> None:
        results[seat.name] = await ask(seat, prompt)

    async with trio.open_nursery() as nursery:
        for seat in seats:
            nursery.start_soon(one, seat)
    return [results[seat.name] for seat in seats]


def by_cli(**turns: Turn) -> Callable[[ProcessSpec], Turn]:
    """A turn by the name of the program that is run."""
    return lambda spec: turns[pathlib.PurePath(spec.argv[0]).name]


async def turn_ends(house: House, handle: JobHandle) -> tuple[Counter[int], set[int]]:
    """How many ends each turn has in the stored log, and which turns were started."""
    entries = await house.store.entries(handle.id)
    ends = Counter(e.turn for e in entries if isinstance(e.event, TurnFinished | TurnFailed))
    return ends, {e.turn for e in entries if isinstance(e.event, TurnStarted)}


async def hang_both(ask: Ask, note: Note) -> Report:
    """Two turns at once."""
    return Report(status=JobStatus.COMPLETED, content=str(len(await both(ask, A, B))))
