"""Which agent fits a task: told, the same in any order, and right on tasks with labels."""

import json
import random
from pathlib import Path
from typing import Final

import pytest

from aimux.files.cache import Dependencies
from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.library.agents import agent_places, read_agents
from aimux.rules.agents import (
    GENERALIST,
    Candidate,
    Selection,
    rank_candidates,
    select_candidate,
)

CORPUS: Final = json.loads((Path(__file__).parent / "tasks.json").read_text(encoding="utf-8"))
TASKS: Final = [(str(task), str(label)) for task, label in CORPUS["tasks"]]
RIGHT: Final = 0.8


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    """The shipped agents without the one for everything, and four as others write them."""
    nowhere = Path("/nonexistent")
    places = agent_places(
        shipped=shipped("prompts") / "agents", user=nowhere, home=None, project=nowhere
    )
    library = read_agents(places, YamlReader(), Dependencies())
    own = [
        Candidate(
            id=agent.id,
            name=agent.name,
            description=agent.description,
            when=agent.when,
            role=f"{agent.role} {agent.domain}",
        )
        for agent in library.agents.values()
        if agent.id != GENERALIST
    ]
    return [*own, *(Candidate(**each) for each in CORPUS["agents"])]


def chosen(task: str, candidates: list[Candidate]) -> Selection:
    found = select_candidate(task, candidates)
    assert found is not None
    return found


@pytest.mark.requirement("agents:selection")
def test_enough_of_the_labelled_tasks_go_to_the_right_agent(candidates: list[Candidate]) -> None:
    """Forty tasks over fifteen agents."""
    found = {task: chosen(task, candidates).id for task, _ in TASKS}
    right = [task for task, label in TASKS if found[task] == label]

    assert (len(TASKS), len(candidates)) == (40, 15)
    assert {label for _, label in TASKS} == {each.id for each in candidates}
    assert len(right) / len(TASKS) >= RIGHT


@pytest.mark.requirement("agents:selection")
def test_the_order_of_discovery_changes_nothing(candidates: list[Candidate]) -> None:
    """Whole selections, scores and runner-up included."""
    before = [chosen(task, candidates) for task, _ in TASKS]
    for seed in range(5):
        shuffled = list(candidates)
        random.Random(seed).shuffle(shuffled)

        assert [chosen(task, shuffled) for task, _ in TASKS] == before


def test_a_selection_says_by_which_words_and_who_came_next() -> None:
    """The words are the task's own."""
    pair = [Candidate(id="cook", description="Soups"), Candidate(id="baker", when="bread, rolls")]
    found = chosen("Bake me two rolls of bread for the soup", pair)

    assert (found.id, found.ranked[0].words) == ("baker", ("rolls", "bread"))
    assert found.runner_up is not None
    assert (found.runner_up.id, found.runner_up.words) == ("cook", ("soup",))
    assert "rolls" in found.why


def test_equal_scores_go_to_the_first_id() -> None:
    """Whatever comes first in the list."""
    pair = [Candidate(id=name, description="knots and splices") for name in ("b", "a")]

    assert [each.id for each in rank_candidates("tie knots", pair)] == ["a", "b"]
    assert rank_candidates("tie knots", pair)[0].score > 0


def test_who_nobody_fits_goes_to_the_one_for_everything() -> None:
    """Said so; without one there is no selection."""
    others = [Candidate(id="cook", description="Soups")]
    found = select_candidate("tie knots", [*others, Candidate(id=GENERALIST)])

    assert found is not None
    assert (found.id, found.is_fallback) == (GENERALIST, True)
    assert select_candidate("tie knots", others) is None
    assert select_candidate("soup", others) is None  # one word of a description is an accident
    assert select_candidate("tie knots", []) is None


def test_a_description_does_not_win_by_its_length() -> None:
    """Every word there is, against two that fit."""
    stuffed = " ".join(f"word{number}" for number in range(400))
    pair = [
        Candidate(id="a-stuffed", description=f"{stuffed} knots splices"),
        Candidate(id="rigger", description="knots and splices"),
    ]

    assert rank_candidates("knots and splices", pair)[0].id == "rigger"
