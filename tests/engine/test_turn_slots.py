"""Turns of many jobs: who may run, for how long, at what cost, and what ends with what."""

import pathlib
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.engine import JobHandle
from aimux.errors import TooManyJobs
from aimux.model import (
    Ask,
    Budget,
    JobStatus,
    Mode,
    Note,
    Report,
    RouteRequest,
    Seat,
)
from aimux.rules import LINEAGE_VARIABLE, lineage
from aimux.testing import Say, Turn

from .house import (
    BETA,
    SERVER,
    answers,
    finished,
    make_profile,
    open_house,
    record,
)
from .many import HANG, PLAIN, A, B, begin, both, end, hang_both

Clock = trio.testing.MockClock


# --------------------------------------------------------------------------------- slots


@pytest.mark.requirement("slots:no_self_wait")
async def test_a_job_that_opens_a_job_at_capacity_one_ends(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A parent holds no slot while it waits, so its step gets the only one."""
    server = attrs.evolve(SERVER, max_concurrent_jobs=1, max_concurrent_turns=1, max_queued_jobs=0)
    async with open_house(tmp_path, lambda _: answers(), server=server) as house:
        opened: list[JobHandle] = []

        async def work(ask: Ask, note: Note) -> Report:
            first = await ask(A, "plan it")
            step = await begin(house, _one, parent=opened[0], seats=[B])
            await step.done.wait()
            assert step.job.outcome is not None
            return finished(first.content + step.job.outcome.content)

        handle = await begin(house, work, seats=[A])
        opened.append(handle)
        with trio.fail_after(1_000):
            await handle.done.wait()
        children = await house.store.jobs(parent_id=handle.id)

    assert handle.job.status is JobStatus.COMPLETED
    assert [child.status for child in children.jobs] == [JobStatus.COMPLETED]


async def _one(ask: Ask, note: Note) -> Report:
    result = await ask(B, "step")
    return finished(result.content)


async def test_a_cli_that_calls_aimux_at_capacity_one_ends(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The turn that made the call lends its slot: nested calls never wait for their own root."""
    server = attrs.evolve(SERVER, max_concurrent_jobs=1, max_concurrent_turns=1, max_queued_jobs=0)
    slow = Turn(says=[Say(record(answer="outer answer") + record(type="end"), after_s=60)])
    turns = iter([slow, answers("inner answer")])
    async with open_house(tmp_path, lambda _: next(turns), server=server) as house:
        outer = await house.start("outer")
        await trio.sleep(1)
        child_env = house.driver.specs[0].env
        nested = attrs.evolve(
            house.client,
            key="nested",
            env={**house.client.env, LINEAGE_VARIABLE: child_env[LINEAGE_VARIABLE]},
        )
        inner = await house.start("inner", client=nested)
        with trio.fail_after(30):
            await inner.done.wait()
        with pytest.raises(TooManyJobs):
            await house.start("from outside")
        await outer.done.wait()

    assert inner.job.status is JobStatus.COMPLETED
    assert outer.job.status is JobStatus.COMPLETED


@pytest.mark.requirement("slots:bounded")
async def test_many_jobs_of_many_turns_never_run_more_children_than_allowed(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Ten jobs of five asks at four slots: never a fifth child, and all of them finish."""
    server = attrs.evolve(SERVER, max_concurrent_turns=4, max_turns_per_cli=0)
    most = 0

    def turn_for(_: ProcessSpec) -> Turn:
        nonlocal most
        most = max(most, house.driver.running + 1)
        return Turn(says=[Say(record(answer="fine, done") + record(type="end"), after_s=3)])

    async def work(ask: Ask, note: Note) -> Report:
        seats = [Seat(name=str(number), route=RouteRequest(cli="alpha")) for number in range(5)]
        return finished(str(len([each for each in await both(ask, *seats) if each.is_answer])))

    async with open_house(tmp_path, turn_for, server=server) as house:
        handles = [await begin(house, work, seats=[A], timeout_s=900) for _ in range(10)]
        for handle in handles:
            with trio.fail_after(1_000):
                await handle.done.wait()

    assert most == 4
    assert [each.job.outcome.content for each in handles if each.job.outcome] == ["5"] * 10


@pytest.mark.requirement("slots:crossing")
async def test_fallbacks_that_cross_both_end(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A to B and B to A at one slot per CLI: each gives its own back before it waits."""
    server = attrs.evolve(SERVER, max_turns_per_cli=1)

    def turn_for(spec: ProcessSpec) -> Turn:
        cli = pathlib.PurePath(spec.argv[0]).name
        is_first = sum(cli in each.argv[0] for each in house.driver.specs) == 1
        late = record(type="error", message="log in first")
        refused = Turn(says=[Say(late, after_s=5)], exit_code=1)
        return refused if is_first else answers(f"{cli} answers")

    profiles = [PLAIN, make_profile("beta", priority=2)]
    async with open_house(tmp_path, turn_for, server=server, profiles=profiles) as house:
        routes = [RouteRequest(cli=cli, fallback=True) for cli in ("alpha", "beta")]
        handles = [await house.start("go", route=route) for route in routes]
        for handle in handles:
            with trio.fail_after(1_000):
                await handle.done.wait()

    contents = [each.job.outcome.content for each in handles if each.job.outcome]
    assert contents == ["beta answers", "alpha answers"]


async def test_turns_that_wait_say_where_they_stand(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each change of a waiting turn's position is in the log; the job itself is running."""
    server = attrs.evolve(SERVER, max_concurrent_turns=1)
    slow = Turn(says=[Say(record(answer="done at last") + record(type="end"), after_s=10)])
    seats = [A, B, Seat(name="C", route=RouteRequest(cli="alpha"))]

    async def work(ask: Ask, note: Note) -> Report:
        return finished(str(len(await both(ask, *seats))))

    async with open_house(tmp_path, lambda _: slow, server=server) as house:
        handle = await end(house, work)
        entries = await house.store.entries(handle.id)

    queued = [
        (each.event.seat, each.event.position)
        for each in entries
        if each.event.kind == "turn_queued"
    ]
    waiting = [each for each in queued if each[1] == 2]
    assert len(waiting) == 1
    assert (waiting[0][0], 1) in queued
    assert handle.job.outcome is not None
    assert handle.job.outcome.content == "3"


async def test_a_turn_that_gets_no_slot_in_time_is_told_so(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The job's deadline ends the wait; the turn is a value that says why."""
    server = attrs.evolve(SERVER, max_concurrent_turns=1)
    writers = [attrs.evolve(each, mode=Mode.WRITE) for each in (A, B)]

    async def work(ask: Ask, note: Note) -> Report:
        await both(ask, *writers)
        return finished()

    async with open_house(tmp_path, lambda _: HANG, server=server) as house:
        handle = await begin(house, work, timeout_s=30, seats=writers)
        await handle.done.wait()
        waited = await house.engine.jobs.turn(handle.id, 2)

    assert waited.status is JobStatus.TIMED_OUT
    assert waited.failure is not None
    assert waited.failure.message == "no slot before the job's deadline"
    assert waited.mode is Mode.WRITE
    assert len(house.driver.specs) == 1


# --------------------------------------------------------------------------------- time, budget


@pytest.mark.requirement("recursion:time_left")
async def test_a_child_is_told_the_time_that_is_left_when_it_starts(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """An attempt at 200 s of 300 tells its child 100 s, an attempt before it more."""
    late = Turn(says=[Say(record(type="error", message="log in first"), after_s=200)], exit_code=1)
    profiles = [PLAIN, BETA]
    async with open_house(tmp_path, [late, answers()], profiles=profiles) as house:
        await house.run("go", timeout_s=300.0)
        left = [lineage(spec.env)[0].left_s for spec in house.driver.specs]

    assert left == [300.0, 100.0]


async def test_a_spent_budget_ends_the_job_with_a_refusal_that_names_it(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What was answered before it stays; the parent's budget counts what its steps use."""

    async def work(ask: Ask, note: Note) -> Report:
        while True:
            await ask(A, "more")

    async with open_house(tmp_path, lambda _: answers()) as house:
        handle = await end(house, work, budget=Budget(turns=3))
        parents: list[JobHandle] = []

        async def parent(ask: Ask, note: Note) -> Report:
            step = await begin(house, work, parent=parents[0], seats=[A])
            await step.done.wait()
            await ask(B, "one more")
            return finished()

        above = await begin(house, parent, budget=Budget(tokens=40), seats=[B])
        parents.append(above)
        await above.done.wait()

    assert handle.job.status is JobStatus.FAILED
    outcome = handle.job.outcome
    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.retryable) == ("budget_spent", False)
    assert f"the budget of {handle.id} is spent: turns (3 of 3)" in outcome.error.message
    assert outcome.content == "a fine answer"
    assert len(outcome.turns) == 3
    assert above.job.outcome is not None
    assert above.job.outcome.error is not None
    assert "tokens (45 of 40)" in above.job.outcome.error.message


async def test_what_is_below_a_job_ends_with_it(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Cancelling, killing and the end of a parent reach its children; so does its deadline."""
    causes: list[str] = []
    async with open_house(tmp_path, lambda _: HANG) as house:

        async def play(act: Callable[[JobHandle], object], limit_s: float) -> None:
            parents: list[JobHandle] = []
            steps: list[JobHandle] = []

            async def work(ask: Ask, note: Note) -> Report:
                steps.append(await begin(house, hang_both, parent=parents[0]))
                if act is _return:
                    await trio.sleep(1)
                    return finished()
                await steps[0].done.wait()
                return finished()

            parents.append(await begin(house, work, timeout_s=limit_s))
            await trio.sleep(3)
            act(parents[0])
            with trio.fail_after(1_000):
                await parents[0].done.wait()
            assert steps[0].done.is_set()  # an end is told when nothing is left
            outcome = steps[0].job.outcome
            assert outcome is not None
            causes.append(outcome.error.message if outcome.error is not None else outcome.content)
            assert steps[0].deadline <= parents[0].deadline

        await play(lambda handle: handle.cancel("enough"), 900)
        await play(lambda handle: handle.cancel("now", is_kill=True), 900)
        await play(_return, 900)
        await play(lambda _: None, 50)

    assert causes[:2] == ["enough", "now"]
    assert causes[2].startswith("its parent job_")
    assert causes[3] == "2"


def _return(_: JobHandle) -> None:
    """The parent has returned by itself."""


async def test_a_mode_is_the_seats(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """One job may let one seat write and the others only read."""
    writer = attrs.evolve(A, mode=Mode.WRITE)

    async def work(ask: Ask, note: Note) -> Report:
        await both(ask, writer, B)
        return finished()

    async with open_house(tmp_path, lambda _: answers()) as house:
        await end(house, work, seats=[writer, B])
        flags = {pathlib.PurePath(spec.argv[0]).name: spec.argv[2] for spec in house.driver.specs}

    assert flags == {"alpha": "--write", "beta": "--read"}


async def test_a_seat_that_was_not_prepared_is_decided_when_it_speaks(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A strategy may seat another one later; what cannot be seated is an error of the job."""
    late = Seat(name="late", route=RouteRequest(cli="beta"))
    nobody = Seat(name="nobody", route=RouteRequest(cli="no-such-cli"))

    async def work(seat: Seat, ask: Ask, note: Note) -> Report:
        await ask(A, "go")
        return finished((await ask(seat, "you too")).content)

    async with open_house(tmp_path, lambda _: answers()) as house:
        fine = await end(house, partial(work, late), seats=[A])
        wrong = await end(house, partial(work, nobody), seats=[A])

    assert fine.job.status is JobStatus.COMPLETED
    assert wrong.job.status is JobStatus.FAILED
    assert wrong.job.outcome is not None
    assert wrong.job.outcome.error is not None
    assert wrong.job.outcome.error.code == "cli_unknown"


async def test_a_child_of_a_parent_that_ended_meanwhile_is_cancelled(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """While its row is committed its parent ends: it has its end too, and has run nothing."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        create = house.store.create

        async def slow_create(*args: Any) -> None:
            await trio.sleep(5)
            await create(*args)

        parents: list[JobHandle] = []
        steps: list[JobHandle] = []

        async def work(ask: Ask, note: Note) -> Report:
            house.store.create = slow_create  # type: ignore[method-assign]
            await trio.sleep(1)
            return finished()

        parents.append(await begin(house, work))

        async def open_step() -> None:
            steps.append(await begin(house, _one, parent=parents[0], seats=[B]))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_step)
        with trio.fail_after(100):
            await steps[0].done.wait()
        row = await house.stored(steps[0].id)

    assert row.status is JobStatus.CANCELLED
    assert house.driver.specs == []
