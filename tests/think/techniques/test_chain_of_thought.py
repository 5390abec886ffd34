"""A line of reasoning, each step held against those before."""

import pytest

from aimux.think._base import Following

from ..helpers import Json, data, steps


def issue(step: int | None, kind: str, why: str) -> Json:
    return {"step": step, "issue": kind, "why": why}


def test_a_line_of_reasoning_is_taken_apart() -> None:
    """Every kind of fault, with the step that has it."""
    given = {
        "thought": "1. Tea is hot\n2) hot tea burns\n- Tea is hot\n* tea is not hot\n"
        "5. see step 1, Step 5 and line 9\n6. therefore tea burns"
    }
    result = steps("chain_of_thought", given).result
    issues = [
        issue(3, "duplicate", "repeats step 1"),
        issue(4, "contradiction", "against step 1: one denies what the other says"),
        issue(4, "contradiction", "against step 2: one denies what the other says"),
        issue(4, "contradiction", "against step 3: one denies what the other says"),
        issue(5, "jump", "stands on no earlier step"),
        issue(5, "reference", "there is no step 5 before it"),
        issue(5, "reference", "there is no step 9 before it"),
    ]
    texts = [
        *("Tea is hot", "hot tea burns", "Tea is hot", "tea is not hot"),
        *("see step 1, Step 5 and line 9", "therefore tea burns"),
    ]

    assert result.data["technique"] == {
        "steps": [{"n": at, "text": each} for at, each in enumerate(texts, 1)],
        "issues": issues,
        "conclusion": "therefore tea burns",
    }
    assert result.gate == [f"step {each['step']}: {each['why']}" for each in issues]
    assert result.summary == "6 steps, 7 issues: therefore tea burns"
    assert result.following == Following(
        pattern="critical_thinking",
        reason="test where it leads",
        fields={"issue": "therefore tea burns"},
    )


@pytest.mark.parametrize(
    ("given", "conclusion"),
    [
        ({"thought": "Tea is hot. So tea burns. Hot tea is nice"}, "So tea burns"),
        ({"thought": "Thus tea is hot. Hence tea burns. Tea is nice"}, "Hence tea burns"),
        ({"thought": "Tea is hot. Tea burns."}, "Tea burns"),
        ({"thought": "Tea is hot. So tea burns.", "conclusion": "no tea"}, "no tea"),
        ({"thought": "Cats purr", "steps": ["", "tea", "hot tea"]}, "hot tea"),
    ],
)
def test_the_conclusion_is_the_last_step_that_says_so(given: Json, conclusion: str) -> None:
    """Else the last; the caller's own goes first, and so do steps taken apart already."""
    found = data("chain_of_thought", **given)

    assert found["conclusion"] == conclusion
    assert found["issues"] == []


def test_a_conclusion_that_no_step_leads_to_is_a_jump() -> None:
    """It has no number."""
    result = steps(
        "chain_of_thought", {"steps": ["tea is hot", "hot tea"], "conclusion": "buy shoes"}
    ).result

    assert result.data["technique"]["issues"] == [  # type: ignore[index]
        issue(None, "jump", "no step leads to the conclusion")
    ]
    assert result.gate == ["step conclusion: no step leads to the conclusion"]


def test_one_step_stands_alone() -> None:
    """It has nothing before it, and cannot lean on itself."""
    found = data("chain_of_thought", steps=["see step 1 and step 0"])

    assert [(each["step"], each["why"]) for each in found["issues"]] == [
        (1, "there is no step 1 before it"),
        (1, "there is no step 0 before it"),
    ]


def test_a_line_has_at_most_a_hundred_and_twenty_steps() -> None:
    """What comes after is left out."""
    found = data("chain_of_thought", steps=[f"tea number {at}" for at in range(121)])

    assert len(found["steps"]) == 120


def test_nothing_said_is_asked_for() -> None:
    result = steps("chain_of_thought", {"thought": " "}).result

    assert (result.missing, result.data, result.following) == (["thought"], {}, None)
