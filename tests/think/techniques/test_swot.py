"""Four lists weighed by hand."""

import pytest

from aimux.think._base import Following

from ..helpers import data, steps

SHOES = {
    "decision": "sell shoes online",
    "strengths": ["known brand", {"text": "old staff", "weight": 2}],
    "weaknesses": [{"text": "no shop online", "weight": 4}],
    "opportunities": [{"text": "people buy shoes online", "weight": 5, "likelihood": 0.6}],
    "threats": [{"text": "big rivals", "weight": 4, "likelihood": 0.5}],
    "options": ["use the brand online", "close"],
}


def pair(score: float, one: str, two: str) -> dict[str, object]:
    return {"score": score, "pair": [one, two], "strategy": None}


def test_four_lists_are_weighed_against_each_other() -> None:
    """Inside 5 against 4, outside 3 against 2."""
    result = steps("swot", SHOES).result
    web = "people buy shoes online"

    assert result.data["technique"] == {
        "internal": 1,
        "external": 1.0,
        "internal_ratio": 0.1111,
        "external_ratio": 0.2,
        "posture": "aggressive",
        "quadrant": "SO",
        "matrix": {
            "SO": [pair(9.0, "known brand", web), pair(6.0, "old staff", web)],
            "ST": [pair(6.0, "known brand", "big rivals"), pair(4.0, "old staff", "big rivals")],
            "WO": [pair(12.0, "no shop online", web)],
            "WT": [pair(8.0, "no shop online", "big rivals")],
        },
        "options": [
            {
                "option": "use the brand online",
                "strengths": ["known brand"],
                "weaknesses": ["no shop online"],
                "opportunities": [web],
            },
            {"option": "close"},
        ],
        "empty_quadrants": [],
        "uncovered_terms": ["sell"],
    }
    assert (result.warnings, result.gate, result.missing) == ([], [], ())
    assert result.following == Following(
        pattern="decision_framework",
        reason="choose a strategy for SO",
        fields={"decision": "sell shoes online", "options": ["use the brand online", "close"]},
    )


@pytest.mark.parametrize(
    ("inside", "outside", "posture", "quadrant"),
    [
        ((2, 2), (2, 2), "aggressive", "SO"),
        ((2, 2), (2, 3), "diversify", "ST"),
        ((2, 3), (2, 2), "turnaround", "WO"),
        ((2, 3), (2, 3), "defensive", "WT"),
    ],
)
def test_a_balance_counts_for_the_better_side(
    inside: tuple[int, int], outside: tuple[int, int], posture: str, quadrant: str
) -> None:
    """Of strengths and weaknesses, of opportunities and threats."""
    names = ("strengths", "weaknesses", "opportunities", "threats")
    lists = {
        name: [{"text": "x", "weight": weight}]
        for name, weight in zip(names, (*inside, *outside), strict=True)
    }
    found = data("swot", **lists)

    assert (found["posture"], found["quadrant"]) == (posture, quadrant)


def test_the_strongest_three_of_each_list_meet() -> None:
    """Best pair first, equal ones by name."""
    found = data(
        "swot",
        strengths=[{"text": f"s{at}", "weight": at} for at in (1, 2, 3, 4)],
        threats=[{"text": f"t{at}", "weight": 5, "likelihood": at / 5} for at in (1, 2, 3, 4)],
    )
    told = [(row["score"], "".join(row["pair"])) for row in found["matrix"]["ST"]]

    assert told == [
        *[(16, "s4t4"), (12, "s3t4"), (12, "s4t3"), (9, "s3t3"), (8, "s2t4")],
        *[(8, "s4t2"), (6, "s2t3"), (6, "s3t2"), (4, "s2t2")],
    ]


@pytest.mark.parametrize(
    ("strengths", "threats", "warnings"),
    [
        (1, 0, []),
        (2, 2, []),
        (1, 2, ["threats hold 2 of 3 items: the picture leans"]),
        (2, 0, ["strengths hold 2 of 2 items: the picture leans"]),
    ],
)
def test_more_than_half_in_one_list_is_warned_of(
    strengths: int, threats: int, warnings: list[str]
) -> None:
    """One item alone says nothing yet; empty lists are to be filled."""
    result = steps("swot", {"strengths": ["a"] * strengths, "threats": ["b"] * threats}).result

    assert result.warnings == warnings
    assert [each for each in result.gate if "weaknesses" in each] == ["weaknesses is empty"]
    assert len(result.gate) == 2 + (not threats)


def test_four_empty_lists_become_four_questions() -> None:
    """About the decision, marked as a template's."""
    result = steps("swot", {"decision": "sell"}).result
    block = result.data["technique"]

    assert isinstance(block, dict)
    assert list(block) == [*result.missing, "empty_quadrants"]
    assert block["empty_quadrants"] == ["strengths", "weaknesses", "opportunities", "threats"]
    assert [(len(block[name]), block[name][0]["subject"]) for name in result.missing] == [
        (1, "sell")
    ] * 4
    assert len({block[name][0]["text"] for name in result.missing}) == 4
    assert block["threats"][0]["source"] == "template"
    assert result.following is None
