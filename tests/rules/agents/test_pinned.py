"""Scores of a choice computed by hand; reports whole; what is said, as a person has read it."""

import math

import attrs
import pytest

from aimux.errors import Refusal
from aimux.model import (
    Agent,
    Failure,
    FailureClass,
    JobStatus,
    Mode,
    Report,
    Role,
    RouteRequest,
    Source,
    TurnResult,
    Warned,
)
from aimux.rules import RoutingFacts
from aimux.rules.agents import (
    GENERALIST,
    AgentEnd,
    AgentRecord,
    Candidate,
    agent_mode,
    agent_origin,
    agent_route,
    first_prompt,
    next_prompt,
    rank_candidates,
    report_agent,
    role_of,
    select_candidate,
)

from ...golden import pinned

COOK = Agent(
    id="cook", source=Source.PROJECT, origin="/clone/cook.md", host="claude", text="Stir.",
    hidden=("/home/cook.md", "/shipped/cook.md"),
)  # fmt: skip
CODING = Role(name="coding", mode=Mode.WRITE)
FACTS = RoutingFacts(
    roles={"coding": CODING}, overrides={}, profiles={}, ready=("claude",), health={}
)
WARNED = [Warned(code="w", message="m")]


@pytest.mark.parametrize(
    ("task", "fields", "score", "words"),
    [
        ("knots", {"description": "knots"}, 1.1, ("knots",)),  # ln 3
        ("knots", {"role": "knot"}, 1.65, ("knots",)),
        ("knots", {"when": "knotted knots"}, 2.2, ("knots",)),
        ("knots", {"name": "knots"}, 3.3, ("knots",)),
        ("knots", {"name": "Knots, splices"}, 2.33, ("knots",)),  # over the root of two
        ("knots", {"name": "knots", "description": "knots", "when": "knots"}, 3.3, ("knots",)),
        ("knots", {"name": "knots a b c d e f", "when": "knots"}, 3.3, ("knots",)),
        ("oar", {"description": "soups, oar"}, 1.1, ("oar",)),
        ("oar", {"name": "ax"}, 0.0, ()),
        ("soups", {"description": "soup"}, 0.69, ("soups",)),  # both have it: ln 2
        ("splice a splice of splices", {"description": "splices"}, 1.1, ("splice",)),
        ("eee", {"description": "eee"}, 1.1, ("eee",)),
        ("a traceback", {"description": "bug"}, 1.1, ("traceback",)),
        ("knots", {"description": " ".join(["knots", *(f"w{n:03}" for n in range(99))])}, 0.55,
         ("knots",)),  # a hundred words, four times the usual
        ("knots", {"description": " ".join(["knots", *(f"w{n:03}" for n in range(24))])}, 1.1,
         ("knots",)),
        ("x" * 4_000 + " knots", {"description": "knots"}, 0.0, ()),
        ("and the of", {"description": "and the of"}, 0.0, ()),
    ],
)  # fmt: skip
def test_a_score_is_weights_by_how_few_have_the_word(
    task: str, fields: dict[str, str], score: float, words: tuple[str, ...]
) -> None:
    """Of two candidates, of whom the other makes soups."""
    pair = [Candidate(id="a1", **fields), Candidate(id="b2", description="soups")]
    found = next(each for each in rank_candidates(task, pair) if each.id == "a1")

    assert (found.score, found.words) == (score, words)


def test_three_is_enough() -> None:
    """A name that seven of twelve have says 3 ln (1 + 12/7), 2.9956 or 3.00; eight have less."""
    some = [Candidate(id=f"a{at}", name="rope") for at in range(7)]
    others = [Candidate(id=f"b{at}") for at in range(5)]
    found = select_candidate("rope", [*some, *others])

    assert round(3 * math.log(1 + 12 / 7), 4) == 2.9956
    assert found is not None
    assert (found.id, found.is_fallback, found.why) == ("a0", False, "a0 fits best, by: rope")
    assert select_candidate("rope", [*some, Candidate(id="c0", name="rope"), *others[1:]]) is None


def test_the_one_for_everything_is_taken_and_not_chosen() -> None:
    """Also where it has the most in common; the ranks stay."""
    pair = [Candidate(id=GENERALIST, name="ropes"), Candidate(id="cook")]
    found = select_candidate("ropes", pair)

    assert found is not None
    assert (found.id, found.is_fallback) == (GENERALIST, True)
    assert found.why == "nobody reaches 3, so it goes to the one for everything"
    assert [each.id for each in found.ranked] == [GENERALIST, "cook"]
    assert found.runner_up is None


def ended(end: AgentEnd, *texts: str, last: TurnResult | None = None) -> Report:
    return report_agent(
        AgentRecord(
            agent=COOK, selection={"id": "cook"}, texts=texts, end=end, max_turns=4, last=last,
            warnings=WARNED,
        )
    )  # fmt: skip


def test_a_report_holds_who_ran_and_how_it_ended() -> None:
    """Nothing of it is guessed."""
    last = TurnResult(turn=3, status=JobStatus.COMPLETED, is_cut=True)

    assert ended(AgentEnd.DONE, "One.", "", "Two.", last=last) == Report(
        status=JobStatus.COMPLETED,
        content="One.\n\nTwo.",
        is_cut=True,
        data={
            "agent": {
                "id": "cook",
                "source": "project",
                "host": "claude",
                "origin": "/clone/cook.md",
            },
            "selection": {"id": "cook"},
            "stopped_by": "done",
            "turns_used": 3,
            "max_turns": 4,
        },
        failure=None,
        warnings=WARNED,
        turn=3,
    )
    assert ended(AgentEnd.DONE, "One.").turn is None
    assert ended(AgentEnd.DONE, "One.").is_cut is False


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (JobStatus.COMPLETED, JobStatus.FAILED),
        (JobStatus.PARTIAL, JobStatus.FAILED),
        (JobStatus.TIMED_OUT, JobStatus.TIMED_OUT),
        (JobStatus.CANCELLED, JobStatus.CANCELLED),
    ],
)
def test_without_a_word_a_run_ends_as_its_last_turn(status: JobStatus, told: JobStatus) -> None:
    """Half an answer of no words is none."""
    last = TurnResult(turn=1, status=status)

    assert ended(AgentEnd.EMPTY, "", last=last).status is told
    assert ended(AgentEnd.EMPTY, "One.", last=last).status is JobStatus.PARTIAL


def test_only_a_failed_turn_lends_its_failure() -> None:
    """One that was not the end says nothing of the run."""
    lent = Failure(failure_class=FailureClass.QUOTA, code="quota", message="used up")
    last = TurnResult(turn=1, status=JobStatus.FAILED, failure=lent)
    bare = attrs.evolve(last, failure=None)

    assert ended(AgentEnd.FAILED, last=last).failure == lent
    assert ended(AgentEnd.BUDGET, last=last).failure != lent
    for report in (ended(AgentEnd.FAILED), ended(AgentEnd.FAILED, last=bare)):
        assert report.failure is not None
        assert report.failure.code == "agent_failed"


@pytest.mark.parametrize("fallback", [None, True, False])
def test_a_callers_word_on_fallback_stands(fallback: bool | None) -> None:
    """Where the file names the CLI and nobody said a word, another may step in."""
    agent = Agent(id="a", cli="claude")
    route, _ = agent_route(agent, RouteRequest(fallback=fallback), FACTS)

    assert route.fallback is (fallback is not False)


def test_the_role_of_a_run_is_the_callers_or_the_agents() -> None:
    """An unknown one is none."""
    roles = {"coding": CODING, "chat": Role(name="chat")}
    agent = Agent(id="a", role="coding")

    assert role_of(agent, roles, "") is CODING
    assert role_of(agent, roles, "chat") is roles["chat"]
    assert role_of(agent, roles, "wizard") is None
    assert role_of(Agent(id="a"), roles, "") is None


def test_what_is_said_is_as_reviewed(update_golden: bool) -> None:
    """Prompts, warnings, the refusal and every end."""
    with pytest.raises(Refusal) as refused:
        agent_mode(COOK, None, Mode.DANGER, Mode.WRITE)
    told = [
        *agent_mode(attrs.evolve(COOK, mode=Mode.DANGER), None, None, Mode.WRITE)[1],
        *agent_origin(COOK),
        *agent_route(attrs.evolve(COOK, role="wizard", cli="qwen"), RouteRequest(), FACTS)[1],
    ]
    ends = [ended(each).failure for each in AgentEnd]
    texts = [
        first_prompt(COOK, "Cook.", "5eed"),
        next_prompt("5eed", turn=2, max_turns=3),
        next_prompt("5eed", turn=3, max_turns=3),
        f"{refused.value.code}: {refused.value}\n{refused.value.hint}",
        "\n".join(f"{each.code}: {each.message}" for each in told),
        "\n".join(
            f"{each.code} ({each.failure_class}, retryable: {each.retryable}): {each.message}; "
            f"{each.hint}"
            for each in ends
            if each is not None
        ),
    ]
    text = "\n\n=====\n\n".join(texts) + "\n"

    assert refused.value.retryable is False
    assert text == pinned("agents/said.txt", text, update=update_golden)
