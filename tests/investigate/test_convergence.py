"""Scores, coverage and conflicts, by the vectors they were specified with."""

import pytest

from aimux.investigate import (
    CheckedPlace,
    Severity,
    Verdict,
    conflicts_of,
    coverage_of,
    iteration_score,
    jaccard,
    recommend,
    says_the_same,
    severity_distance,
    words_of,
)
from aimux.investigate._words import contradicts

from ._values import FOUND, MISSING, add, clear, make


@pytest.mark.parametrize(
    ("iteration", "findings", "corrections", "score"),
    [
        (0, 0, 0, 0.5),
        (0, 5, 0, 0.5),
        (2, 4, 1, 0.75),
        (1, 1, 1, 0.0),
        (3, 2, 0, 1.0),
        (3, 0, 0, 0.25),  # nothing was said: it keeps what it had
        (3, 0, 1, 0.0),  # a correction by a finding that was there
    ],
)
def test_convergence_of_an_iteration(
    iteration: int, findings: int, corrections: int, score: float
) -> None:
    """How little of what was said was a correction."""
    assert iteration_score(iteration, findings, corrections, 0.25) == score


@pytest.mark.parametrize(
    ("convergence", "coverage", "verdict"),
    [
        (1.0, 1.0, Verdict.COMPLETE),
        (1.0, 0.8, Verdict.MAY_STOP),
        (1.0, 0.79, Verdict.CONTINUE),
        (0.99, 1.0, Verdict.CONTINUE),
        (0.0, 0.0, Verdict.CONTINUE),
    ],
)
def test_what_the_scores_recommend(convergence: float, coverage: float, verdict: Verdict) -> None:
    """Both have to be high."""
    assert recommend(convergence, coverage) is verdict


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("P0", "P3", 3), ("P0", "P2", 2), ("P1", "P3", 2), ("P1", "P2", 1), ("P2", "P2", 0)],
)
def test_how_far_severities_are_apart(one: str, other: str, distance: int) -> None:
    """By rank."""
    assert severity_distance([Severity(one), Severity(other)]) == distance


def test_words_that_are_shared() -> None:
    """The vector of the specification: alike, and the one denies the other."""
    one, other = "The cache is the bottleneck", "The cache is not the bottleneck"

    assert jaccard(words_of(one).every, words_of(other).every) == 0.8
    assert contradicts(one, other)
    assert not says_the_same(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The cache never evicts entries", "Entries are never evicted by the cache", True),
        ("It doesn\u2019t wait", "it doesn't wait", True),
        ("Queries are sent in a loop", "Queries were sent in loops", True),
        ("no test is not run", "test is run", True),  # denied twice
        ("retry_loop drops errors", "send_loop drops errors", False),
        ("line 3 is wrong", "line 4 is wrong", False),
        ("parsing copies files", "sessions outlive users", False),
        ("", "", False),
    ],
)
def test_what_says_the_same(one: str, other: str, same: bool) -> None:
    """Wording aside, with the same names and numbers in it."""
    assert says_the_same(one, other) is same
    assert says_the_same(other, one) is same


@pytest.mark.parametrize(
    ("confidence", "places", "score", "effective"),
    [
        ("VERIFIED", (FOUND,), 0.2, 0.2),
        ("INFERRED", (), 0.2, 0.12),
        ("INFERRED", (MISSING,), 0.0, 0.0),
        ("VERIFIED", (MISSING,), 0.0, 0.0),
        ("STALE", (), 0.0, 0.06),
        ("BLOCKED", (), 0.0, 0.0),
        ("UNKNOWN", (), 0.0, 0.0),
    ],
)
def test_an_area_counts_by_what_is_known_of_it(
    confidence: str, places: tuple[CheckedPlace, ...], score: float, effective: float
) -> None:
    """A place that is not there counts nothing, whatever the finding says of itself."""
    state = add(make(), area="alpha", confidence=confidence, places=places)
    coverage = coverage_of(state)

    assert (coverage.score, round(coverage.effective, 4)) == (score, effective)
    assert coverage.refuted == (["alpha"] if MISSING in places else [])


def test_a_cleared_area_counts_in_full() -> None:
    """And a corrected finding does not count."""
    state = clear(make(), "alpha")
    corrected = add(add(make(), area="beta"), "it is elsewhere", area="gamma", corrects="F-0-1")

    assert coverage_of(state).effective == 0.2
    assert coverage_of(corrected).unchecked == ["alpha", "beta", "delta", "epsilon"]
    assert coverage_of(corrected).weak == ["gamma"]
    assert coverage_of(make(areas=())).score == 1.0


@pytest.mark.parametrize(
    ("first", "second", "score", "holds"),
    [
        (("locks are taken twice", "P0"), ("locks are taken twice", "P3"), 3, True),
        (("locks are taken twice", "P0"), ("locks are taken twice", "P1"), 1, True),
        (("locks are taken twice", "P1"), ("locks are taken twice", "P2"), 1, False),
        (("locks are taken twice", "P2"), ("locks are not taken twice", "P2"), 2, True),
        (("locks taken twice by readers", "P1"), ("locks taken twice by writers", "P3"), 2, True),
        (("locks taken twice by readers", "P0"), ("locks taken twice by writers", "P1"), 1, False),
        (("locks are taken twice", "P0"), ("parsing copies files", "P3"), 0, False),
    ],
)
def test_findings_at_odds(
    first: tuple[str, str],
    second: tuple[str, str],
    score: int,
    holds: bool,
) -> None:
    """Only like claims can be; a grave one holds the investigation open."""
    state = make()
    for said, severity in (first, second):
        state = add(state, said, severity=severity, area="alpha")
    found = conflicts_of(state)

    assert [(each.score, each.holds_back) for each in found] == ([(score, holds)] if score else [])


def test_the_widest_conflict_comes_first() -> None:
    """Whatever was said first."""
    state = add(make(), "locks are taken twice", severity="P2")
    state = add(state, "locks are taken twice", severity="P3")
    state = add(state, "backups are never restored", severity="P0")
    state = add(state, "backups are never restored", severity="P3")

    assert [each.score for each in conflicts_of(state)] == [3, 1]


def test_a_conflict_ends_when_one_of_both_is_corrected() -> None:
    """It is about active findings."""
    state = add(make(), "the disk is slow")
    state = add(state, "the network is slow", contradicts="F-0-1")
    settled = add(state, "the disk is fast enough", corrects="F-0-1")

    assert len(conflicts_of(state)) == 1
    assert conflicts_of(settled) == []
