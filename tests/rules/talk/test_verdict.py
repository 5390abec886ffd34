"""Rulings of judges: read fail-closed, joined over both orders and several judges."""

import pytest
from hypothesis import given, strategies as st

from aimux.rules.talk import CON, ORDERS, PRO, Ruling, decide_verdict, read_ruling

WINNERS = (PRO, CON, "draw", "neither")


def ruled(judge: str, first: str, second: str, *, sure: float = 0.8) -> list[Ruling]:
    """What a judge said with pro first, and with con first."""
    return [
        Ruling(judge=judge, order=order, winner=winner, confidence=sure, recommendation=winner)
        for order, winner in zip(ORDERS, (first, second), strict=True)
    ]


@pytest.mark.parametrize(
    "data", [None, "pro", [], {}, {"winner": "pro"}, {"winner": None}, {"winner": ["first"]}]
)
def test_what_cannot_be_read_is_no_ruling(data: object) -> None:
    """A judge knows first and second only."""
    ruling = read_ruling("judge", ORDERS[0], data)

    assert ruling.winner == ""
    assert ruling.reason


def test_first_and_second_are_told_as_sides() -> None:
    """By the order in which the judge has heard them."""
    data = {
        "winner": "first",
        "confidence": 1,
        "points": [{"claim": "it is slow", "held_by": "second", "weight": 0.5}, "nothing"],
        "unresolved": ["how slow"],
        "recommendation": " Measure. ",
    }
    one, two = (read_ruling("judge", order, data) for order in ORDERS)

    assert (one.winner, two.winner) == (PRO, CON)
    assert one.points == [{"claim": "it is slow", "held_by": CON, "weight": 0.5}]
    assert two.points == [{"claim": "it is slow", "held_by": PRO, "weight": 0.5}]
    assert (one.confidence, one.recommendation) == (1.0, "Measure.")


@given(st.sampled_from(WINNERS), st.sampled_from(WINNERS))
def test_one_judge_in_both_orders(first: str, second: str) -> None:
    """The same both times is the verdict; anything else a draw without confidence."""
    verdict = decide_verdict(ruled("judge", first, second))

    assert verdict is not None
    if first == second:
        assert (verdict.winner, verdict.confidence) == (first, 0.8)
        assert verdict.recommendation == first
    else:
        assert (verdict.winner, verdict.confidence) == ("draw", 0.0)
        assert "order" in verdict.recommendation
    assert verdict.is_order_sensitive is (first != second)


def test_one_order_is_no_verdict() -> None:
    """Nor is none."""
    one, two = ruled("judge", PRO, PRO)
    lost = Ruling(judge="judge", order=two.order, reason="lost")

    assert decide_verdict([one, lost]) is None
    assert decide_verdict([]) is None


@pytest.mark.parametrize(
    ("votes", "winner", "confidence"),
    [
        ([(PRO, PRO), (PRO, PRO), (CON, CON)], PRO, 0.533),
        ([(PRO, PRO), (CON, CON)], "draw", 0.0),
        ([(PRO, PRO), (PRO, CON)], "draw", 0.0),
        ([(PRO, PRO), (CON, CON), ("neither", "neither")], "draw", 0.0),
        ([("neither", "neither"), ("neither", "neither"), (PRO, CON)], "neither", 0.533),
    ],
)
def test_a_jury_needs_a_majority(
    votes: list[tuple[str, str]], winner: str, confidence: float
) -> None:
    """Who flips votes for a draw; without a majority it is one."""
    rulings = [
        each
        for number, (first, second) in enumerate(votes)
        for each in ruled(f"juror-{number}", first, second)
    ]
    verdict = decide_verdict(rulings)

    assert verdict is not None
    assert verdict.winner == winner
    assert verdict.confidence == pytest.approx(confidence, abs=0.001)


def test_a_jury_that_does_not_agree_says_so() -> None:
    """Its recommendation is nobody's."""
    verdict = decide_verdict([*ruled("a", PRO, PRO), *ruled("b", CON, CON)])

    assert verdict is not None
    assert verdict.recommendation == "The judges do not agree: treat the question as open."
    assert not verdict.is_order_sensitive
