"""What a job has used adds up."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import Budget, Spent, Usage

FIGURES = st.none() | st.integers(0, 10**6)
USAGES = st.none() | st.builds(
    Usage,
    input_tokens=FIGURES,
    output_tokens=FIGURES,
    cached_tokens=FIGURES,
    reasoning_tokens=FIGURES,
    cost_usd=st.none() | st.integers(0, 400).map(lambda cents: cents / 4),  # exact in any order
)


def test_a_turn_adds_its_tokens_and_its_cost() -> None:
    """Cached and reasoning tokens are parts of those in and out."""
    usage = Usage(
        input_tokens=5, output_tokens=2, cached_tokens=4, reasoning_tokens=1, cost_usd=0.25
    )

    spent = Spent(turns=3, tokens=10, cost_usd=0.5).plus(usage)

    assert spent == Spent(turns=3, tokens=17, cost_usd=0.75)


@pytest.mark.parametrize("usage", [None, Usage(), Usage(cached_tokens=9)])
def test_figures_nobody_reported_count_nothing(usage: Usage | None) -> None:
    assert Spent(tokens=3, cost_usd=0.5).plus(usage) == Spent(tokens=3, cost_usd=0.5)


@given(
    st.lists(USAGES, max_size=6).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_the_order_of_turns_does_not_matter(
    drawn: tuple[list[Usage | None], list[Usage | None]],
) -> None:
    sums = []
    for usages in drawn:
        spent = Spent()
        for usage in usages:
            spent = spent.plus(usage)
        sums.append(spent)

    assert sums[0] == sums[1]


def test_a_budget_has_no_limits_unless_they_are_set() -> None:
    assert Budget() == Budget(turns=None, tokens=None, cost_usd=None)


@pytest.mark.parametrize("figure", [{"turns": 0}, {"tokens": 0}, {"cost_usd": 0.0}, {"turns": -1}])
def test_a_budget_of_nothing_is_refused(figure: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(figure))):
        Budget(**figure)
