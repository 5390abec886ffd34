"""A job of many turns: what is kept apart, what is added up, and that each has one end."""

import pathlib
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
import trio.testing

from aimux.engine import JobHandle
from aimux.model import (
    Ask,
    JobStatus,
    Note,
    Report,
    ResumeRule,
    RouteRequest,
    Seat,
    Text,
    Work,
)
from aimux.testing import Say, Turn

from .house import (
    ALPHA,
    BETA,
    answers,
    fails,
    finished,
    open_house,
    record,
)
from .many import HANG, PLAIN, A, B, begin, both, by_cli, end, hang_both, turn_ends

Clock = trio.testing.MockClock


# --------------------------------------------------------------------------------- kept apart


@pytest.mark.requirement("turns:apart")
async def test_turns_side_by_side_keep_what_is_theirs(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Text, usage, native session and end never mix, however the words interleave."""

    def talk(name: str, tokens: int) -> Turn:
        words = [Say(record(delta=f"{name}{number} "), after_s=1) for number in range(3)]
        last = record(session=f"n-{name}", input=tokens, output=1) + record(type="end")
        return Turn(says=[*words, Say(last, after_s=tokens)])

    async def work(ask: Ask, note: Note) -> Report:
        first, second = await both(ask, A, B)
        return finished(f"{first.content}|{second.content}")

    children = by_cli(alpha=talk("a", 5), beta=talk("b", 2))
    async with open_house(tmp_path, children) as house:
        handle = await begin(house, work)
        await trio.sleep(2.5)
        live = {turn.seat: turn.text_so_far for turn in handle.log.live_turns}
        await handle.done.wait()
        job = await house.stored(handle.id)
        turns = [await house.engine.jobs.turn(handle.id, number) for number in (1, 2)]
        one, two = sorted(turns, key=lambda each: each.seat)
        logged = await house.store.entries(handle.id)
        session = await house.store.session(job.session_id)

    assert live == {"A": "a0 a1 ", "B": "b0 b1 "}
    assert job.outcome is not None
    assert job.outcome.content == "a0 a1 a2|b0 b1 b2"
    assert (one.seat, one.native_session, one.content) == ("A", "n-a", "a0 a1 a2")
    assert (two.seat, two.native_session, two.content) == ("B", "n-b", "b0 b1 b2")
    assert one.usage is not None
    assert two.usage is not None
    assert (one.usage.input_tokens, two.usage.input_tokens) == (5, 2)
    assert job.outcome.usage is not None
    assert job.outcome.usage.input_tokens == 7
    said = {
        each.seat: "".join(
            e.event.text for e in logged if e.turn == each.turn and isinstance(e.event, Text)
        )
        for each in (one, two)
    }
    assert said == {"A": "a0 a1 a2 ", "B": "b0 b1 b2 "}
    assert {name: seat.native_id for name, seat in session.seats.items()} == {
        "A": "n-a",
        "B": "n-b",
    }


async def test_questions_of_turns_side_by_side_are_answered_apart(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Two children ask at once: each gets its own answer, and none closes the other's question."""

    def asks(name: str) -> Turn:
        end = record(answer=f"{name} is served") + record(type="end")
        return Turn(says=[Say(f"{name}? ".encode()), Say(b"\n" + end, when_typed=True)])

    async def work(ask: Ask, note: Note) -> Report:
        return finished("|".join(each.content for each in await both(ask, A, B)))

    turns = by_cli(alpha=asks("Alpha"), beta=asks("Beta"))
    async with open_house(tmp_path, turns) as house:
        handle = await begin(house, work, wants_terminal=True, timeout_s=5_000)
        handle.questions.expect()
        await trio.sleep(10)
        questions = {each.text: each for each in handle.questions.open_ones}
        assert sorted(questions) == ["Alpha?", "Beta?"]
        assert {each.turn for each in questions.values()} == {1, 2}
        assert handle.questions.answer(questions["Beta?"].number, "for beta")
        assert handle.questions.open_ones == [questions["Alpha?"]]
        assert handle.questions.answer(questions["Alpha?"].number, "for alpha")
        await handle.done.wait()

    assert sorted(house.driver.typed) == [b"for alpha\n", b"for beta\n"]
    assert handle.job.outcome is not None
    assert handle.job.outcome.content == "Alpha is served|Beta is served"


async def test_a_seat_is_a_conversation(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Its second turn goes on by the CLI's own session, or is told; another seat knows nothing."""
    turns = [answers("blue!", native="n-1"), answers("as I said, blue"), answers("what colour?")]

    async def work(ask: Ask, note: Note) -> Report:
        await ask(A, "which colour?")
        await ask(A, "sure?")
        await ask(B, "and you?")
        return finished()

    async with open_house(tmp_path, turns) as house:
        await end(house, work)
        first, second, third = house.driver.specs

    assert "--resume" not in first.argv
    assert second.argv[-2:] == ["--resume", "n-1"]
    assert second.stdin == b"sure?"
    assert third.stdin == b"and you?"


async def test_a_seat_that_restates_is_told_nothing_twice(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Its prompts say all that counts; a repair goes on with the answer that it is about."""
    turns = [answers("blue!"), answers("prose"), answers("[1]"), answers("[2]")]
    seat = attrs.evolve(A, restates=True)
    schema = {"type": "array"}

    async def work(ask: Ask, note: Note) -> Report:
        await ask(seat, "which colour?")
        await ask(seat, "which colour? You said blue.", schema=schema)
        await ask(seat, "which colour? You said 1.", schema=schema)
        return finished()

    async with open_house(
        tmp_path, turns, profiles=[attrs.evolve(ALPHA, resume=ResumeRule())]
    ) as house:
        await end(house, work, seats=[seat])
        _, second, repair, last = [(each.stdin or b"").decode() for each in house.driver.specs]

    assert second.startswith("which colour? You said blue.")
    assert "Turn 1, answered:\n\n```\nprose\n```" in repair
    assert "blue!" not in repair
    assert last.startswith("which colour? You said 1.")


async def test_a_seat_that_restates_outlives_a_lost_session(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The CLI has forgotten: the same prompt is enough for it to begin anew."""
    lost = fails("No conversation found with session ID n-1")
    turns = [answers("blue", native="n-1"), lost, answers("still blue", native="n-2")]
    seat = attrs.evolve(A, restates=True)

    async def work(ask: Ask, note: Note) -> Report:
        await ask(seat, "which colour?")
        return finished((await ask(seat, "which colour? You said blue.")).content)

    async with open_house(tmp_path, turns) as house:
        handle = await end(house, work, seats=[seat])

    assert handle.job.outcome is not None
    assert handle.job.outcome.content == "still blue"
    assert house.driver.specs[2].stdin == b"which colour? You said blue."
    assert "--resume" not in house.driver.specs[2].argv


async def test_a_named_seat_goes_on_or_begins_anew(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """In a later job of its session: with its own CLI it goes on, with another it begins anew, and
    one that has not spoken is nobody's.
    """
    turns = [answers("blue!", native="n-1"), answers("still"), answers("new"), answers("I too")]
    other = Seat(name="A", route=RouteRequest(cli="beta"))

    async def work(ask: Ask, note: Note) -> Report:
        await ask(A, "which colour?")
        return finished("blue")

    async def replaced(ask: Ask, note: Note) -> Report:
        await ask(other, "sure?")
        await ask(B, "and you?")
        return finished("new")

    async with open_house(tmp_path, turns) as house:
        first = await end(house, work, seats=[A])
        session_id = first.job.session_id
        await end(house, work, seats=[A], session_id=session_id)
        await end(house, replaced, seats=[other, B], session_id=session_id)
        session = await house.store.session(session_id)
        _, second, third, fourth = house.driver.specs

    assert second.argv[-2:] == ["--resume", "n-1"]
    assert "--resume" not in third.argv
    assert third.argv[0].endswith("beta")
    assert fourth.argv[0].endswith("beta")
    assert {name: seat.cli for name, seat in session.seats.items()} == {"A": "beta", "B": "beta"}


async def test_another_cli_that_steps_in_is_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The seat's CLI fails in its second turn: the next one gets the conversation so far."""
    seat = Seat(name="A")  # no CLI named: another may follow
    turns = [answers("blue, of course", native="n-1"), fails("log in first"), answers("still blue")]

    async def work(ask: Ask, note: Note) -> Report:
        await ask(seat, "which colour?")
        second = await ask(seat, "sure?")
        return finished(second.content)

    async with open_house(tmp_path, turns, profiles=[PLAIN, BETA]) as house:
        handle = await end(house, work, seats=[seat])
        told = house.driver.specs[2].stdin or b""

    assert b"which colour?" in told
    assert b"blue, of course" in told
    assert handle.job.outcome is not None
    assert [each.cli for each in handle.job.outcome.turns] == ["alpha", "beta"]


# --------------------------------------------------------------------------------- the sum


@pytest.mark.requirement("turns:usage_sum")
async def test_tokens_of_a_retry_and_of_a_repair_are_in_the_sum(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A first answer that did not fit, and an attempt that failed, have cost something too."""
    spent = record(answer="half", input=100, output=50)
    hiccup = Turn(
        says=[Say(spent), Say(record(type="error", message="server hiccup"))], exit_code=1
    )
    turns = [hiccup, answers("no JSON"), answers('{"n": 3}')]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with open_house(tmp_path, turns, profiles=[PLAIN]) as house:
        job = await house.run("count", schema=schema)

    assert job.status is JobStatus.COMPLETED
    outcome = job.outcome
    assert outcome is not None
    assert outcome.usage is not None
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (120, 60)
    assert [each.turn for each in outcome.turns] == [1, 2]
    assert outcome.turns[0].usage is not None
    assert outcome.turns[0].usage.input_tokens == 110
    assert [each.outcome for each in outcome.attempts] == ["transient", "completed", "completed"]


# --------------------------------------------------------------------------------- one end each


async def _cancel_job(handle: JobHandle) -> None:
    await trio.sleep(5)
    handle.cancel("by hand")


async def _kill_job(handle: JobHandle) -> None:
    await trio.sleep(5)
    handle.cancel("now", is_kill=True)


async def _wait(_: JobHandle) -> None:
    await trio.lowlevel.checkpoint()


async def _cancel_asks(ask: Ask, note: Note) -> Report:
    with trio.move_on_after(5):
        await both(ask, A, B)
    return finished("went on without them")


async def _break(ask: Ask, note: Note) -> Report:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, A, "go")
        nursery.start_soon(ask, B, "go")
        await trio.sleep(5)
        raise ZeroDivisionError


@pytest.mark.requirement("turns:one_end")
@pytest.mark.parametrize(
    ("work", "during", "job_status", "turn_status"),
    [
        (hang_both, _cancel_job, JobStatus.CANCELLED, JobStatus.CANCELLED),
        (hang_both, _kill_job, JobStatus.CANCELLED, JobStatus.CANCELLED),
        (hang_both, _wait, JobStatus.COMPLETED, JobStatus.TIMED_OUT),
        (_cancel_asks, _wait, JobStatus.COMPLETED, JobStatus.CANCELLED),
        (_break, _wait, JobStatus.FAILED, JobStatus.CANCELLED),
    ],
    ids=["cancel of the job", "kill", "deadline", "cancel of the asks", "bug"],
)
async def test_each_started_turn_has_one_end(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    work: Work,
    during: Callable[[JobHandle], Awaitable[None]],
    job_status: JobStatus,
    turn_status: JobStatus,
) -> None:
    """Whatever ends it, the log has its end once, with what it had said."""
    async with open_house(tmp_path, lambda _: HANG, strict=False) as house:
        handle = await begin(house, work, timeout_s=60)
        await during(handle)
        with trio.fail_after(1_000):
            await handle.done.wait()
        ends, started = await turn_ends(house, handle)
        results = [await house.engine.jobs.turn(handle.id, number) for number in (1, 2)]

    assert handle.job.status is job_status
    assert started == {1, 2}
    assert ends == {1: 1, 2: 1}
    assert [each.status for each in results] == [turn_status, turn_status]
    assert [each.content for each in results] == ["so far", "so far"]


async def test_a_stopping_server_ends_each_turn(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The turns under way are aborted with their text, and so is the job."""
    async with open_house(tmp_path, lambda _: HANG) as house:
        handle = await begin(house, hang_both)
        await trio.sleep(5)

    ends, started = await turn_ends(house, handle)
    row = await house.stored(handle.id)
    assert started == {1, 2}
    assert ends == {1: 1, 2: 1}
    assert row.status is JobStatus.ABORTED
    assert row.outcome is not None
    assert "so far" in row.outcome.content
    assert [each.status for each in row.outcome.turns] == [JobStatus.ABORTED] * 2
