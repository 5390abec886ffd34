"""An agent at work over a fake `ask`: turns, what ends them, and what is told meanwhile."""

import re

import attrs
import pytest
import trio

from aimux.model import Agent, Budget, JobStatus, Report
from aimux.strategies.seats import AgentRequest, run_agent
from aimux.testing import FakeAsk, Reply

from ..tools.calls import Clock

NONCE = "5eed"
DONE = f"AGENT-DONE-{NONCE}"
REQUEST = AgentRequest(
    agent=Agent(id="cook", text="Stir."), task="Cook.", nonce=NONCE, max_turns=3, limit_s=60
)


async def play(*said: Reply | str, request: AgentRequest = REQUEST) -> tuple[Report, FakeAsk]:
    """A run whose CLI says these, one after the other."""
    left = list(said)
    fake = FakeAsk(lambda seat, prompt: left.pop(0))
    report = await run_agent(request)(fake.ask, fake.note)
    return report, fake


def stopped_by(report: Report) -> object:
    assert isinstance(report.data, dict)
    return report.data["stopped_by"]


@pytest.mark.requirement("tools:agents")
async def test_turns_follow_until_the_agent_is_done(autojump_clock: Clock) -> None:
    """The first has instructions and task, the next ones go on; each is told."""
    report, fake = await play("One.", "Two.", f"Three.\n{DONE}")

    assert (report.status, report.content) == (JobStatus.COMPLETED, "One.\n\nTwo.\n\nThree.")
    assert fake.asked[0].prompt.startswith("Stir.\n\n# Task\n\nCook.")
    assert all("Stir." not in each.prompt and DONE in each.prompt for each in fake.asked[1:])
    assert {each.limit_s for each in fake.asked} == {60}
    assert {each.seat for each in fake.asked} == {""}
    texts = [text for text, _ in fake.notes]
    assert texts == [*(f"cook: turn {turn} of 3" for turn in (1, 2, 3)), "cook: done"]
    assert report.turn == 3


async def test_the_limit_of_turns_ends_a_run(autojump_clock: Clock) -> None:
    """It says that it is not done, and asks no further."""
    report, fake = await play("One.", "Two.", "Three.")

    assert (report.status, stopped_by(report)) == (JobStatus.PARTIAL, "turn_limit")
    assert len(fake.asked) == 3
    assert "last turn" in fake.asked[-1].prompt


@pytest.mark.parametrize("said", ["", "  \n", DONE])
async def test_an_empty_answer_is_a_failure(autojump_clock: Clock, said: str) -> None:
    """Also one with nothing but the line that ends it."""
    report, fake = await play(said)

    assert (report.status, stopped_by(report)) == (JobStatus.FAILED, "empty")
    assert len(fake.asked) == 1


async def test_the_line_alone_ends_a_run_that_has_said_something(autojump_clock: Clock) -> None:
    """There is nothing to add."""
    report, _ = await play("One.", DONE)

    assert (report.status, report.content) == (JobStatus.COMPLETED, "One.")


async def test_an_empty_answer_after_others_keeps_them(autojump_clock: Clock) -> None:
    """Partial, and said by what."""
    report, _ = await play("One.", "")

    assert (report.status, report.content) == (JobStatus.PARTIAL, "One.")
    assert stopped_by(report) == "empty"


@pytest.mark.requirement("agents:end")
async def test_a_quoted_line_does_not_end_a_run(autojump_clock: Clock) -> None:
    """The agent that reads its own instruction aloud is not done."""
    report, fake = await play(f"```\n{DONE}\n```", f"Done.\n{DONE}")

    assert report.status is JobStatus.COMPLETED
    assert len(fake.asked) == 2


async def test_a_turn_that_fails_ends_a_run(autojump_clock: Clock) -> None:
    """With the failure of the turn, whatever its text says."""
    report, fake = await play("One.", Reply(text=f"Half.\n{DONE}", fails="quota"))

    assert (report.status, report.content) == (JobStatus.PARTIAL, "One.\n\nHalf.")
    assert report.failure is not None
    assert report.failure.code == "quota"
    assert len(fake.asked) == 2


async def test_the_same_answer_twice_ends_a_run(autojump_clock: Clock) -> None:
    """It is there once."""
    report, fake = await play("One.", "One.")

    assert (report.content, stopped_by(report)) == ("One.", "repeated")
    assert len(fake.asked) == 2


async def test_an_agent_that_cannot_go_on_says_so(autojump_clock: Clock) -> None:
    """No further turn is spent on it."""
    report, fake = await play(f"Which pot?\nAGENT-BLOCKED-{NONCE}")

    assert (report.status, stopped_by(report)) == (JobStatus.PARTIAL, "blocked")
    assert report.content == "Which pot?"
    assert len(fake.asked) == 1


async def test_a_spent_budget_keeps_what_was_said(autojump_clock: Clock) -> None:
    """The job may not take another turn."""
    fake = FakeAsk(lambda seat, prompt: f"Turn {len(fake.asked)}.", budget=Budget(turns=1))
    report = await run_agent(REQUEST)(fake.ask, fake.note)

    assert (report.status, stopped_by(report)) == (JobStatus.PARTIAL, "budget")
    assert report.content == "Turn 1."


async def test_cancelling_a_run_ends_its_turn(autojump_clock: Clock) -> None:
    """Nothing goes on behind it."""
    fake = FakeAsk(lambda seat, prompt: Reply(text="One.", hangs=True))
    with trio.move_on_after(5) as scope:
        await run_agent(attrs.evolve(REQUEST, limit_s=None))(fake.ask, fake.note)

    assert scope.cancelled_caught
    assert fake.running == 0
    assert re.search("cancelled", str(fake.results[0].failure))
