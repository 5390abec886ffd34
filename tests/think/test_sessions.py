"""What a session keeps, refuses and advises."""

from typing import Any

import pytest

from aimux.think import answer, choose, overview, placed, run, stored, watched
from aimux.think._advisor import advise, best_match
from aimux.think._base import MAX_ENTRIES

from .helpers import Json, steps


def test_a_prediction_without_a_hypothesis_is_not_taken() -> None:
    """It says what is missing, and the session stays as it was."""
    step = steps("scientific_method", {"entry_type": "prediction", "entry_text": "p"})
    shown = answer(step)

    assert step.session is None
    assert shown["status"] == "blocked"
    assert step.result.blocked
    assert step.result.blocked.code == "prediction_without_hypothesis"
    assert step.result.blocked.fields == {"entry_type": "hypothesis"}


@pytest.mark.parametrize(
    ("name", "before", "fields", "code"),
    [
        ("sequential_thinking", [{"thought": "a"}], {"thought": "b", "revisesThought": 9},
         "unknown_thought"),
        ("scientific_method", [{"hypothesis": "h"}], {"entry_type": "prediction",
         "entry_text": "p", "link_to": "E-9"}, "unknown_entry"),
        ("scientific_method", [{"observation": "o"}, {"hypothesis": "h"}],
         {"entry_type": "prediction", "entry_text": "p", "link_to": "E-1"}, "wrong_link"),
        ("debugging_approach", [{"issue": "i"}], {"hypothesis_action": "refute"}, "no_hypothesis"),
        ("debugging_approach", [{"issue": "i"}], {"hypothesisUpdate": {"id": "H-4",
         "status": "tested"}}, "unknown_hypothesis"),
        ("structured_argumentation", [{"topic": "t"}], {"argument_type": "evidence",
         "argument_text": "e", "supports_claim_id": "A-7"}, "unknown_argument"),
        ("collaborative_reasoning", [{"topic": "t", "personas": ["a", "b"]}],
         {"contribution_type": "synthesis", "contribution_text": "s"}, "silent_personas"),
        ("tree_of_thought", [{"problem": "p"}], {"nodes": [{"id": "a", "parent": "z"}]},
         "unknown_node"),
        ("devils_advocate", [{"issue": "i"}], {"objections": [{"text": "o", "targets": "C-9"}]},
         "unknown_claim"),
    ],
)  # fmt: skip
def test_what_stands_on_nothing_is_refused(
    name: str, before: list[Json], fields: Json, code: str
) -> None:
    """Every link leads to something of the session."""
    found = steps(name, *before, fields).result.blocked

    assert found
    assert found.code == code


def test_a_session_is_bounded() -> None:
    """Its entries are counted; the refusal says to begin another."""
    thoughts = [{"number": at, "text": f"t{at}"} for at in range(MAX_ENTRIES)]
    body: Json = {"states": {"sequential_thinking": {"thoughts": thoughts}}}
    step = run(choose("sequential"), {"thought": "one more"}, (), body)
    huge = run(choose("sequential"), {"thought": "x" * 60_000}, (), {"states": {
        "sequential_thinking": {"thoughts": [
            {"number": at, "text": f"{at} " + "y" * 60_000} for at in range(4)]}}})  # fmt: skip

    assert step.result.blocked
    assert step.result.blocked.code == "session_full"
    assert huge.result.blocked
    assert huge.session is None


def test_patterns_share_a_session_and_keep_their_own_state() -> None:
    """The second pattern does not disturb the first."""
    first = run(choose("sequential"), {"thought": "a"}, (), {})
    assert first.session
    second = run(choose("debugging"), {"issue": "b"}, (), stored(first.session))
    assert second.session
    third = run(choose("sequential"), {"thought": "c"}, (), stored(second.session))

    assert third.session
    assert third.session.steps == 3
    assert third.result.data["totalInSession"] == 2


def test_a_call_without_anything_new_shows_what_there_is() -> None:
    """The steps so far; nothing is added."""
    first = run(choose("sequential"), {"thought": "a"}, (), {})
    assert first.session
    seen = run(choose("sequential"), {}, (), stored(first.session))

    assert seen.session is None
    assert seen.result.data["session"]["thoughts"][0]["text"] == "a"  # type: ignore[index]


def test_three_results_alike_advise_another_pattern() -> None:
    """The one whose description fits; three times at most; different results never."""
    said = {"decision_framework": "rank options by criteria", "mental_model": "apply a model"}
    same = ["nothing new"] * 3

    assert advise(same, 0, "x", "rank the options", said)["target"] == "decision_framework"
    assert advise(same, 3, "x", "rank the options", said)["action"] == "continue"
    assert advise(["a", "b", "c"], 0, "x", "rank", said)["action"] == "continue"
    assert best_match("a model", said) == "mental_model"


def test_an_advised_switch_is_counted() -> None:
    """So that the fourth is not given."""
    body: Json = {}
    actions = []
    for _ in range(7):
        step = run(choose("sequential"), {"thought": "same", "thoughtNumber": 1}, (), body)
        assert step.session
        body = stored(step.session)
        actions.append(step.advice["action"])

    assert actions == ["continue"] * 2 + ["switch"] * 3 + ["continue"] * 2


@pytest.mark.parametrize(
    ("given", "expected", "mapped"),
    [
        ({"sub_problems": ["a"]}, {"problem": "p", "subProblems": ["a"]}, "sub_problems"),
        ({"issue": "q"}, {"problem": "q"}, "issue -> problem"),
        ({"dependencies": [{"from": "a", "to": "b"}], "sub-problems": [{"name": "a"}]},
         {"problem": "p", "dependencies": [{"from": "a", "to": "b"}],
          "subProblems": [{"id": "a"}]}, "name -> id"),
    ],
)  # fmt: skip
def test_fields_are_found_under_the_names_people_use(
    given: Json, expected: Json, mapped: str
) -> None:
    """Other spellings, other names of the main field; what was mapped is told."""
    prompt = "" if "issue" in given else "p"
    fields, told = placed(choose("decompose"), given, prompt)

    assert fields == expected
    assert any(mapped in each for each in told)


def test_a_preset_gives_way_to_what_is_said() -> None:
    """`inversion` is a mental model, unless another is named."""
    assert placed(choose("inversion"), {}, "p")[0]["modelName"] == "inversion"
    named: Any = placed(choose("inversion"), {"model_name": "pareto"}, "p")[0]
    assert named["modelName"] == "pareto"


def test_a_session_is_told_by_its_patterns_steps_and_last_words() -> None:
    """Reasoning under watch by its task; one without a step says nothing."""
    kept = steps("sequential_thinking", {"thought": "a"}, {"thought": "b"}).session
    assert kept is not None
    _, watch = watched("start", {"task": "which car", "context_summary": "two"}, {})
    assert watch is not None
    found, under_watch, empty = (overview(each) for each in (stored(kept), watch, {}))

    assert (found.patterns, found.steps) == (["sequential_thinking"], 2)
    assert found.summary == kept.summaries[-1]
    assert (under_watch.patterns, under_watch.summary) == (["harness"], "which car")
    assert (empty.patterns, empty.steps, empty.summary) == ([], 0, "")
