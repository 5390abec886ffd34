"""The fake `ask` and the real one hold the same promises."""

import pathlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.model import Ask, Budget, Note, Report, RouteRequest, Seat
from aimux.testing import ASK_CHECKS, FakeAsk, Reply, Say, Turn, check_ask
from aimux.testing._check_ask import Results

from ..engine.house import ALPHA, finished, open_house, record

Clock = trio.testing.MockClock
ReplyTo = Callable[[str, str], Reply | str]


@asynccontextmanager
async def open_fake(
    reply: ReplyTo, *, budget: Budget, limit_s: float
) -> AsyncIterator[tuple[Ask, Results]]:
    fake = FakeAsk(reply, budget=budget, limit_s=limit_s)
    yield fake.ask, lambda: fake.results
    assert fake.running == 0


def played(reply: Reply | str) -> Turn:
    """The reply as a child that prints it."""
    said = Reply(text=reply) if isinstance(reply, str) else reply
    fields = {"answer": said.text} if said.text else {}
    if said.usage is not None:
        fields |= {
            "input": said.usage.input_tokens,
            "output": said.usage.output_tokens,
            "cost": said.usage.cost_usd,
        }
    begin = [Say(record(**fields))] if fields else []
    if said.hangs:
        return Turn(says=begin, hangs=True)
    message = said.fails.replace("_", " ")
    end = record(type="error", message=message) if message else record(type="end")
    return Turn(says=[*begin, Say(end, after_s=said.takes_s)], exit_code=bool(message))


@asynccontextmanager
async def open_real(
    root: pathlib.Path, reply: ReplyTo, *, budget: Budget, limit_s: float
) -> AsyncIterator[tuple[Ask, Results]]:
    """A job of the real engine whose work is the test's own."""

    def turn_for(spec: ProcessSpec) -> Turn:
        return played(reply(spec.env["SEAT"], (spec.stdin or b"").decode()))

    opened = trio.Event()
    closing = trio.Event()
    asks: list[Ask] = []

    async def work(ask: Ask, note: Note) -> Report:
        note("begun")
        asks.append(ask)
        opened.set()
        await closing.wait()
        return finished()

    seats = [Seat(name=name, route=RouteRequest(cli=f"cli-{name}")) for name in ("A", "B")]
    profiles = [seat_profile(seat) for seat in seats]
    async with open_house(root, turn_for, profiles=profiles) as house:
        request = house.request(seats=seats, budget=budget, timeout_s=limit_s)
        handle = await house.engine.start(await house.engine.prepare(request), work)
        await opened.wait()
        yield asks[0], lambda: handle.log.results
        closing.set()
        await handle.done.wait()


def seat_profile(seat: Seat) -> object:
    import attrs

    from aimux.model import EnvRule

    return attrs.evolve(
        ALPHA,
        name=f"cli-{seat.name}",
        binary=f"cli-{seat.name}",
        command=[f"cli-{seat.name}"],
        model=attrs.evolve(ALPHA.model, fallback=()),
        env=EnvRule(sets={"SEAT": seat.name}),
    )


@pytest.mark.parametrize("case", ASK_CHECKS)
async def test_the_fake_is_an_ask(autojump_clock: Clock, case: str) -> None:
    """What strategies are tested with behaves as what they run on."""
    await check_ask(open_fake, cases=[case])


@pytest.mark.parametrize("case", ASK_CHECKS)
async def test_the_real_one_is_an_ask(
    tmp_path: pathlib.Path, autojump_clock: Clock, case: str
) -> None:
    """Over the whole engine, with children of a fake driver."""
    await check_ask(partial(open_real, tmp_path), cases=[case])
