"""A strategy of a few lines over a fake `ask` and over the whole engine."""

import pathlib

import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.model import JobStatus, RouteRequest
from aimux.strategies import Seat
from aimux.testing import FakeAsk, Reply, Turn

from ..engine.house import ALPHA, answers, fails, make_profile, open_house
from .three_seats import three_seats

Clock = trio.testing.MockClock
SEATS = [Seat(name=name, route=RouteRequest(cli=f"cli-{name.lower()}")) for name in "ABC"]
JUDGE = Seat(name="judge", route=RouteRequest(cli="cli-judge"))


async def test_a_lost_seat_makes_it_partial(autojump_clock: Clock) -> None:
    """Three at once, one dies, the judge hears two: partial, and who was lost."""

    def reply(seat: str, prompt: str) -> Reply:
        if seat == "B":
            return Reply(fails="context_overflow", takes_s=2)
        return Reply(text=f"{seat} on {prompt[:20]!r}", takes_s=5)

    fake = FakeAsk(reply)
    report = await three_seats("Which way?", SEATS, JUDGE)(fake.ask, fake.note)

    assert trio.current_time() == 10
    assert report.status is JobStatus.PARTIAL
    assert report.data == {"heard": ["A", "C"], "lost": {"B": "context_overflow"}}
    assert sorted(each.seat for each in fake.asked[:3]) == ["A", "B", "C"]
    assert "A said: A on" in fake.asked[3].prompt
    assert fake.notes == [("the answers are in", {"heard": 2, "lost": report.data["lost"]})]


async def test_it_runs_over_the_engine(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """The same code with children: turns, notes, sum and seats are in the job."""

    def turn_for(spec: ProcessSpec) -> Turn:
        name = pathlib.PurePath(spec.argv[0]).name.removeprefix("cli-")
        return fails("context overflow") if name == "b" else answers(f"{name} has an answer")

    profiles = [make_profile(seat.route.cli, model=ALPHA.model) for seat in [*SEATS, JUDGE]]
    async with open_house(tmp_path, turn_for, profiles=profiles) as house:
        request = house.request("Which way?", tool="three", seats=[*SEATS, JUDGE])
        prepared = await house.engine.prepare(request)
        work = three_seats("Which way?", SEATS, JUDGE)
        handle = await house.engine.start(prepared, work)
        await handle.done.wait()
        job = await house.stored(handle.id)
        body = await house.ask("status", job_id=handle.id)
        turn = await house.ask("status", job_id=handle.id, turn=4)

    assert job.status is JobStatus.PARTIAL
    assert job.outcome is not None
    assert job.outcome.content == "judge has an answer"
    assert {(each.seat, str(each.status)) for each in job.outcome.turns} == {
        ("A", "completed"),
        ("B", "failed"),
        ("C", "completed"),
        ("judge", "completed"),
    }
    assert job.outcome.usage is not None
    assert job.outcome.usage.input_tokens == 30
    assert body["data"] == {"heard": ["A", "C"], "lost": {"B": "context_overflow"}}
    assert [each["turn"] for each in body["turns"]] == [1, 2, 3, 4]
    assert (turn["seat"], turn["content"]) == ("judge", "judge has an answer")
    assert turn["guidance"]["next"][-1] == {
        "tool": "status",
        "arguments": {"job_id": handle.id},
        "when": "the job it belongs to is wanted",
    }
