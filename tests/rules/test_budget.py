"""A budget is spent when nothing of one figure is left."""

import functools

import pytest
from hypothesis import given, strategies as st

from aimux.model import Budget, Spent, Usage
from aimux.rules import exhausted


def test_each_turn_adds_what_it_used() -> None:
    """Tokens in and out; cached and reasoning tokens are parts of these."""
    first = Spent().plus(
        Usage(input_tokens=5, output_tokens=2, cached_tokens=4, reasoning_tokens=1, cost_usd=0.25)
    )

    assert first == Spent(tokens=7, cost_usd=0.25)
    assert first.plus(Usage(output_tokens=3)) == Spent(tokens=10, cost_usd=0.25)


def test_a_turn_without_figures_adds_none() -> None:
    """Turns themselves are counted when they are asked for."""
    assert Spent(turns=1, tokens=3).plus(None) == Spent(turns=1, tokens=3)
    assert Spent(tokens=3).plus(Usage()) == Spent(tokens=3)


@pytest.mark.parametrize(
    ("budget", "spent", "words"),
    [
        (Budget(), Spent(turns=99, tokens=10**9, cost_usd=1e6), ""),
        (Budget(turns=3), Spent(turns=2), ""),
        (Budget(turns=3), Spent(turns=3), "turns (3 of 3)"),
        (Budget(turns=3), Spent(turns=4), "turns (4 of 3)"),
        (Budget(tokens=1000), Spent(turns=9, tokens=999), ""),
        (Budget(tokens=1000), Spent(tokens=1000), "tokens (1000 of 1000)"),
        (Budget(cost_usd=0.5), Spent(cost_usd=0.499), ""),
        (Budget(cost_usd=0.5), Spent(cost_usd=0.5), "cost (0.5 of 0.5 US dollars)"),
        (Budget(cost_usd=0.003), Spent(cost_usd=0.0041), "cost (0.0041 of 0.003 US dollars)"),
        (Budget(cost_usd=10), Spent(cost_usd=12.0), "cost (12 of 10 US dollars)"),
        (
            Budget(cost_usd=1_234_567.5),
            Spent(cost_usd=1_234_568.0),
            "cost (1234568 of 1234567.5 US dollars)",
        ),
        (Budget(turns=1, tokens=1), Spent(turns=1, tokens=1), "turns (1 of 1)"),
        (Budget(turns=9, tokens=1, cost_usd=1), Spent(tokens=2, cost_usd=2), "tokens (2 of 1)"),
    ],
)
def test_a_spent_budget_says_which_figure_and_both_numbers(
    budget: Budget, spent: Spent, words: str
) -> None:
    assert exhausted(budget, spent) == words


def test_cents_add_up() -> None:
    """Though binary fractions do not: eight times 0.1 are less than 0.8."""
    spent = functools.reduce(Spent.plus, [Usage(cost_usd=0.1)] * 8, Spent())

    assert spent.cost_usd < 0.8
    assert exhausted(Budget(cost_usd=0.8), spent) == "cost (0.8 of 0.8 US dollars)"


@pytest.mark.parametrize("figures", [{"turns": 0}, {"tokens": 0}, {"cost_usd": 0.0}])
def test_a_budget_of_nothing_is_none(figures: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(figures))):
        Budget(**figures)  # type: ignore[arg-type]  # one of three names


@given(
    st.builds(
        Budget,
        turns=st.none() | st.integers(1, 9),
        tokens=st.none() | st.integers(1, 9),
        cost_usd=st.none() | st.integers(1, 9).map(float),
    ),
    st.builds(
        Spent,
        turns=st.integers(0, 10),
        tokens=st.integers(0, 10),
        cost_usd=st.integers(0, 10).map(float),
    ),
)
def test_a_budget_is_spent_when_one_of_its_figures_is(budget: Budget, spent: Spent) -> None:
    used_up = [
        name
        for name in ("turns", "tokens", "cost_usd")
        if getattr(budget, name) is not None and getattr(spent, name) >= getattr(budget, name)
    ]
    said = exhausted(budget, spent)

    assert bool(said) is bool(used_up)
    assert not used_up or said.startswith(used_up[0].removesuffix("_usd"))
