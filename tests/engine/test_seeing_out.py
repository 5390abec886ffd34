"""How long a child is left alone after its end-of-turn record."""

import pathlib

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import Activity
from aimux.engine.turns._seeing_out import WORK_MAX_S
from aimux.model import JobStatus, StopRule
from aimux.testing import Say, Turn

from .house import ALPHA, open_house, record

Clock = trio.testing.MockClock
FIVE = attrs.evolve(
    ALPHA,
    stop=StopRule(leave_s=5.0, grace_s=2.0),
    model=attrs.evolve(ALPHA.model, fallback=()),
)
OVER = record(answer="the first answer") + record(type="end")


async def took(
    tmp_path: pathlib.Path, turn: Turn, *, timeout_s: float = 900.0
) -> tuple[float, str]:
    """How long a job of this turn takes, and what it answers."""
    async with open_house(tmp_path, [turn], profiles=[FIVE]) as house:
        began = trio.current_time()
        job = await house.run(timeout_s=timeout_s)
        assert job.outcome is not None
        assert job.status is JobStatus.COMPLETED
        return trio.current_time() - began, job.outcome.content


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Activity]:
    """What the child is about at each reading; the last one stays."""
    shown: list[Activity] = [Activity()]

    async def read(_: int) -> Activity:
        await trio.lowlevel.checkpoint()
        return shown.pop(0) if len(shown) > 1 else shown[0]

    monkeypatch.setattr("aimux.engine.turns._seeing_out.activity", read)
    return shown


async def test_a_child_that_does_nothing_is_stopped(
    tmp_path: pathlib.Path, autojump_clock: Clock, figures: list[Activity]
) -> None:
    """No sign of work for `leave_s` after the record."""
    assert await took(tmp_path, Turn(says=[Say(OVER)], hangs=True)) == (5.0, "the first answer")


async def test_a_child_that_leaves_is_not_waited_for(
    tmp_path: pathlib.Path, autojump_clock: Clock, figures: list[Activity]
) -> None:
    """It costs nothing to be polite to those who go."""
    assert (await took(tmp_path, Turn(says=[Say(OVER)])))[0] == 0.0


async def test_what_it_prints_keeps_it(
    tmp_path: pathlib.Path, autojump_clock: Clock, figures: list[Activity]
) -> None:
    """Each line is a sign of work; after the last one the time runs anew."""
    noise = [Say(record(type="status"), after_s=3) for _ in range(3)]
    assert (await took(tmp_path, Turn(says=[Say(OVER), *noise], hangs=True)))[0] == 9 + 5


async def test_a_helper_or_a_busy_processor_keeps_it(
    tmp_path: pathlib.Path, autojump_clock: Clock, figures: list[Activity]
) -> None:
    """As long as there is one; an event loop that idles is none."""
    figures[:] = [
        Activity(),
        *(Activity(helpers=1) for _ in range(4)),
        *(Activity(cpu_s=float(number)) for number in range(1, 4)),
        Activity(cpu_s=3.01),
    ]

    seconds, _ = await took(tmp_path, Turn(says=[Say(OVER)], hangs=True))

    assert seconds == pytest.approx(0.25 + 7 + 5)


async def test_it_is_left_alone_only_so_long(
    tmp_path: pathlib.Path, autojump_clock: Clock, figures: list[Activity]
) -> None:
    """A helper that never ends holds a turn for a minute, or until its deadline."""
    figures[:] = [Activity(helpers=1)]
    turn = Turn(says=[Say(OVER)], hangs=True)

    assert (await took(tmp_path, turn))[0] == WORK_MAX_S
    assert (await took(tmp_path, turn, timeout_s=20.0))[0] == 20.0
