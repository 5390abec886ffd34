"""What an agent is told, what ends its run, and what that comes to."""

import pytest

from aimux.model import Agent, Failure, FailureClass, JobStatus, TurnResult
from aimux.rules.agents import (
    AgentEnd,
    AgentRecord,
    first_prompt,
    next_prompt,
    read_agent_turn,
    report_agent,
)

NONCE = "5eed"
DONE = f"AGENT-DONE-{NONCE}"
AGENT = Agent(id="cook", description="Soups", when="never told", text="Stir.", tools=["Bash"])


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (f"Soup.\n{DONE}", "Soup."),
        (f"Soup.\n\n**{DONE}**\n\n", "Soup."),
        (f"```\nladle\n```\n{DONE}", "```\nladle\n```"),
        (f"~~~~\n```\n~~~\n~~~~\n{DONE}", "~~~~\n```\n~~~\n~~~~"),
        (f"{DONE}\r\n", ""),
    ],
)
@pytest.mark.requirement("agents:end")
def test_the_line_at_the_end_of_an_answer_ends_a_run(answer: str, text: str) -> None:
    """It is no part of the answer."""
    turn = read_agent_turn(answer, NONCE)

    assert (turn.text, turn.end) == (text, AgentEnd.DONE)


@pytest.mark.parametrize(
    "answer",
    [
        f"```\n{DONE}\n```",
        f"```\n{DONE}",  # a fence that nobody closes
        f"````\n```\n{DONE}",
        f"~~~\n```\n{DONE}",
        f"> {DONE}",
        f"`{DONE}`",
        f'"{DONE}"',
        f"    {DONE}",
        f"\t{DONE}",
        f"I shall say {DONE}",
        f"{DONE}\nbut there is more to do",
        "AGENT-DONE-other",
        "AGENT-DONE",
        "TASK_COMPLETE",
        f"{DONE.lower()}x",
        "",
    ],
)
@pytest.mark.requirement("agents:end")
def test_a_line_that_is_quoted_or_not_last_ends_nothing(answer: str) -> None:
    """Nor one of another run; the answer stays as it is."""
    turn = read_agent_turn(answer, NONCE)

    assert turn.end is None
    assert turn.text == answer.strip()


def test_an_agent_can_say_that_it_cannot_go_on() -> None:
    """By a line of its own."""
    turn = read_agent_turn(f"Which pot?\nAGENT-BLOCKED-{NONCE}", NONCE)

    assert (turn.text, turn.end) == ("Which pot?", AgentEnd.BLOCKED)


@pytest.mark.requirement("agents:front")
def test_a_prompt_has_instructions_task_and_ends_and_nothing_of_the_front_matter() -> None:
    """The line in a prompt is the one that is read."""
    prompt = first_prompt(AGENT, "Cook.", NONCE)

    assert prompt.startswith("Stir.\n\n# Task\n\nCook.\n")
    assert f"\n{DONE}\n" in prompt
    assert not any(each in prompt for each in ("Soups", "never told", "Bash"))
    assert f"\n{DONE}\n" in next_prompt(NONCE, turn=2, max_turns=4)
    assert "Turn 2 of 4." in next_prompt(NONCE, turn=2, max_turns=4)
    assert "last turn" in next_prompt(NONCE, turn=4, max_turns=4)


def record(end: AgentEnd, *texts: str, last: TurnResult | None = None) -> AgentRecord:
    return AgentRecord(
        agent=AGENT, selection=None, texts=texts, end=end, max_turns=4, last=last, warnings=()
    )


def test_only_who_says_so_is_done() -> None:
    """Everything said is the answer, in order."""
    report = report_agent(record(AgentEnd.DONE, "One.", "", "Two."))

    assert (report.status, report.content) == (JobStatus.COMPLETED, "One.\n\nTwo.")
    assert report.failure is None
    assert isinstance(report.data, dict)
    assert (report.data["stopped_by"], report.data["turns_used"]) == ("done", 3)


@pytest.mark.parametrize(
    "end", [AgentEnd.BLOCKED, AgentEnd.TURN_LIMIT, AgentEnd.REPEATED, AgentEnd.BUDGET]
)
def test_a_run_that_stops_before_is_partial(end: AgentEnd) -> None:
    """And says by what."""
    report = report_agent(record(end, "One."))

    assert (report.status, report.content) == (JobStatus.PARTIAL, "One.")
    assert report.failure is not None
    assert report.failure.code == f"agent_{end}"


def test_nothing_said_is_a_failure() -> None:
    """Not a success with an empty answer."""
    report = report_agent(record(AgentEnd.EMPTY, ""))

    assert report.status is JobStatus.FAILED
    assert report.failure is not None
    assert report.failure.code == "agent_empty"


def test_a_turn_that_failed_says_how() -> None:
    """With its own failure; what was said before is kept."""
    failure = Failure(failure_class=FailureClass.QUOTA, code="quota", message="used up")
    last = TurnResult(turn=2, status=JobStatus.FAILED, failure=failure)
    kept = report_agent(record(AgentEnd.FAILED, "One.", "", last=last))
    late = TurnResult(turn=1, status=JobStatus.TIMED_OUT, failure=failure)
    lost = report_agent(record(AgentEnd.FAILED, "", last=late))

    assert (kept.status, kept.failure) == (JobStatus.PARTIAL, failure)
    assert (lost.status, lost.failure) == (JobStatus.TIMED_OUT, failure)
