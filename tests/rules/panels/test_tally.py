"""Counting answers without a model: each number is right."""

import pytest
from hypothesis import given, strategies as st

from aimux.rules.panels._tally import (
    Ballot,
    Tally,
    apply_veto,
    confidence,
    is_decided,
    named_choice,
    tally,
)


def ballots(*answers: str) -> list[Ballot]:
    """Seats A, B, … with these short answers."""
    return [Ballot(seat=chr(65 + at), answer=each) for at, each in enumerate(answers)]


def groups(found: Tally) -> list[tuple[str, str]]:
    """Position and seats of each group."""
    return [(each.position, "".join(each.seats)) for each in found.groups]


@pytest.mark.parametrize(
    ("answers", "method", "expected", "winner"),
    [
        (["Yes.", "yes, it is", "NO"], "choice", [("yes", "AB"), ("no", "C")], "yes"),
        (["Approved", "accept", "rejected"], "choice", [("approve", "AB"), ("reject", "C")],
         "approve"),
        (["true", "yes", "False"], "choice", [("yes", "AB"), ("no", "C")], "yes"),
        (["yes", "no"], "choice", [("yes", "A"), ("no", "B")], None),
        (["no", "yes", "yes"], "choice", [("yes", "BC"), ("no", "A")], "yes"),
        (["yes, as it stands", "'no'"], "choice", [("yes", "A"), ("no", "B")], None),
        (["1_000 ms", "1000 ms"], "number", [("1000 ms", "AB")], "1000 ms"),
        (["42", "42.0", "41"], "number", [("42", "AB"), ("41", "C")], "42"),
        (["1,000 ms", "1000ms", "1 s"], "number", [("1000 ms", "AB"), ("1 s", "C")], "1000 ms"),
        (["1e400", "5"], "similarity", [("1e400", "A"), ("5", "B")], None),
        (["5", "five of them"], "similarity", [("5", "A"), ("five of them", "B")], None),
        (["unsafe at any speed here", "safe"], "similarity",
         [("unsafe at any speed here", "A"), ("safe", "B")], None),
    ],
)  # fmt: skip
def test_answers_are_counted_in_the_firmest_way(
    answers: list[str], method: str, expected: list[tuple[str, str]], winner: str | None
) -> None:
    """As words of judgement, as numbers with their unit, else as texts."""
    found = tally(ballots(*answers))

    assert found.method == method
    assert groups(found) == expected
    assert found.winner == winner
    assert found.agreement == round(len(expected[0][1]) / len(answers), 3)


def test_with_choices_nothing_else_is_counted() -> None:
    """Not even where all answers are words of judgement, or numbers."""
    found = tally(ballots("true", "yes"), ["yes", "no"])

    assert groups(found) == [("true", "A"), ("yes", "B")]


def test_nothing_is_nothing() -> None:
    """Nobody answered: nobody has won, and nothing is decided."""
    found = tally([])

    assert (found.groups, found.agreement, found.winner) == ([], 0.0, None)
    assert not is_decided(found, 3)


def test_choices_are_found_in_the_answer_else_the_position() -> None:
    """Who names none of them, or several, stands alone with its own words."""
    found = tally(
        [
            Ballot(seat="A", answer="`Redis`"),
            Ballot(seat="B", answer="", position="I would use Redis here."),
            Ballot(seat="C", answer="either Redis or Postgres"),
            Ballot(seat="D", answer="", position="SQLite"),
        ],
        ["Redis", "Postgres"],
    )

    assert found.method == "choice"
    assert groups(found) == [
        ("Redis", "AB"), ("either Redis or Postgres", "C"), ("SQLite", "D"),
    ]  # fmt: skip
    assert (found.agreement, found.winner) == (0.5, "Redis")


@pytest.mark.parametrize(
    ("text", "choices", "expected"),
    [
        ("yes", ["yes", "no"], "yes"),
        ("**No!**", ["yes", "no"], "no"),
        ("I know", ["no", "yes"], None),
        ("option B", ["option A", "option B"], "option B"),
        ("take plan B2", ["plan B", "plan B2"], "plan B2"),
        ("not safe", ["safe", "not safe"], "not safe"),
        ("it is not safe to do", ["safe", "not safe"], "not safe"),
        ("safe and not", ["safe", "not"], None),
        ("", ["a", "b"], None),
    ],
)
def test_a_choice_is_named_or_not(text: str, choices: list[str], expected: str | None) -> None:
    """Whole words only; of two of which one holds the other the longer."""
    assert named_choice(text, choices) == expected


def test_free_text_is_grouped_and_the_shortest_stands_for_it() -> None:
    """A position counts before the short answer where answers cannot be counted."""
    found = tally(
        [
            Ballot(seat="A", position="Use PostgreSQL for the orders table."),
            Ballot(seat="B", position="Use Postgres."),
            Ballot(seat="C", position="Use MongoDB."),
        ]
    )

    assert found.method == "similarity"
    assert groups(found) == [("Use Postgres.", "AB"), ("Use MongoDB.", "C")]
    assert (found.agreement, found.winner) == (0.667, "Use Postgres.")


@pytest.mark.parametrize(
    ("answers", "waiting", "decided"),
    [
        (["yes", "yes"], 1, True),
        (["yes", "yes"], 2, False),
        (["yes", "yes", "no"], 1, False),
        (["yes", "yes", "yes", "no"], 1, True),
        (["yes", "no"], 0, False),
        (["yes"], 0, True),
    ],
)
def test_a_vote_is_decided_when_the_rest_cannot_even_tie(
    answers: list[str], waiting: int, decided: bool
) -> None:
    assert is_decided(tally(ballots(*answers)), waiting) is decided


def test_a_veto_takes_the_win_and_nothing_else() -> None:
    """Only of a seat that holds something else; who is silent objects to nothing."""
    found = tally(ballots("yes", "yes", "no"))
    tied = tally(ballots("yes", "no"))

    vetoed, by = apply_veto(found, ["C", "Z"])
    assert (vetoed.winner, by) == (None, ["C"])
    assert vetoed.groups == found.groups
    assert vetoed.agreement == found.agreement
    assert apply_veto(found, ["A", "Z"]) == (found, [])
    assert apply_veto(tied, ["B"]) == (tied, [])


@pytest.mark.parametrize(
    ("agreement", "claimed", "verified", "vendors", "value"),
    [
        (1.0, 4, 4, 3, 1.0),
        (1.0, 4, 2, 3, 0.75),
        (1.0, 4, 0, 3, 0.5),
        (1.0, 0, 0, 3, 0.5),
        (0.667, 3, 2, 2, 0.556),
        (1.0, 4, 4, 1, 0.5),
        (0.5, 0, 0, 1, 0.25),
        (0.0, 0, 0, 0, 0.0),
    ],
)
def test_confidence_is_agreement_weighed_by_evidence(
    agreement: float, claimed: int, verified: int, vendors: int, value: float
) -> None:
    """agreement x (0.5 + 0.5 x verified / claimed), at most 0.5 with one vendor."""
    assert confidence(agreement, claimed, verified, vendors) == value


@given(st.lists(st.sampled_from(["yes", "no", "3", "4 ms", "use it", ""]), min_size=1, max_size=7))
def test_every_seat_is_counted_once(answers: list[str]) -> None:
    """The largest group first; agreement is its share; a winner is alone at the top."""
    found = tally(ballots(*answers))
    sizes = [len(group.seats) for group in found.groups]

    assert sorted(seat for group in found.groups for seat in group.seats) == [
        chr(65 + at) for at in range(len(answers))
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert found.agreement == round(sizes[0] / len(answers), 3)
    assert (found.winner is None) == (sizes.count(sizes[0]) > 1)
