"""What members hold: read, checked, set apart, put together."""

import pytest

from aimux.model import Evidence, Verified
from aimux.rules.panels._consensus import (
    Claim,
    Position,
    count_evidence,
    evidence_json,
    join_groups,
    minority,
    only_one_said,
    places_of,
    read_position,
    with_evidence,
)
from aimux.rules.panels._tally import Ballot, Tally, tally

from .seats import claim

WHOLE = {
    "position": " Yes. ",
    "answer": True,
    "claims": [
        {"text": " it ends ", "evidence": [
            {"path": "a.py", "line": 3, "end_line": 4, "quote": "for x in y:"},
            {"path": "b.py", "line": 0, "quote": None},
            "odd",
        ]},
        "odd",
        {"text": "second", "evidence": "odd"},
    ],
    "assumptions": ["y is finite", "", 3],
    "would_change": " a counterexample ",
}  # fmt: skip


def test_an_answer_is_read_as_far_as_it_goes() -> None:
    """Odd parts are left out; a boolean is a word; line 0 is no line."""
    found = read_position("A", WHOLE, "ignored")

    assert (found.seat, found.position, found.answer) == ("A", "Yes.", "yes")
    assert [each.text for each in found.claims] == ["it ends", "second"]
    first, second = found.claims[0].places
    assert (first.path, first.line, first.end_line, first.quote) == ("a.py", 3, 4, "for x in y:")
    assert (second.line, second.quote) == (None, "")
    assert found.assumptions == ["y is finite", "3"]
    assert found.would_change == ["a counterexample"]
    assert found.ballot == Ballot(seat="A", answer="yes", position="Yes.")


@pytest.mark.parametrize(
    ("data", "answer", "would_change"),
    [
        ({"position": "p", "answer": 3.5, "would_change": ["a", "b"]}, "3.5", ["a", "b"]),
        ({"position": "p", "answer": False, "would_change": None}, "no", []),
        ({"position": "p", "would_change": ""}, "", []),
        ({"position": "p", "claims": 3}, "", []),
    ],
)
def test_what_is_left_out_is_empty(data: object, answer: str, would_change: list[str]) -> None:
    found = read_position("A", data, "")

    assert (found.answer, found.would_change, found.claims) == (answer, would_change, [])


def test_missing_texts_are_empty() -> None:
    """Nothing is made up for them."""
    found = read_position("A", {"claims": [{}]}, "prose")

    assert (found.position, found.claims[0].text) == ("", "")


def test_what_was_found_is_told_as_json() -> None:
    """`verified` is a word or false."""
    found = Evidence(path="a.py", line=3, quote="x", verified=Verified.NO, why="there is no line 3")

    assert evidence_json(found) == {
        "path": "a.py", "line": 3, "end_line": None, "quote": "x", "verified": False,
        "why": "there is no line 3",
    }  # fmt: skip


def test_prose_is_a_position_without_claims() -> None:
    """Kept whole."""
    found = read_position("A", ["no", "mapping"], "  Two lines\nof prose. ")

    assert found == Position(seat="A", position="Two lines\nof prose.")


def test_only_so_many_claims_and_places_are_read() -> None:
    """Whoever floods is heard as much as others."""
    many = {"text": "t", "evidence": [{"path": "a", "line": 1}] * 50}
    found = read_position("A", {"position": "p", "claims": [many] * 9}, "")

    assert len(found.claims) == 5
    assert len(places_of(found)) == 5 * 20


def test_what_was_found_goes_back_to_its_claim() -> None:
    """In the order of the places."""
    position = read_position("A", WHOLE | {"claims": [WHOLE["claims"][0], WHOLE["claims"][0]]}, "")  # type: ignore[index]
    found = [
        Evidence(path=f"{number}", line=1, quote="", verified=verified)
        for number, verified in enumerate(
            (Verified.NO, Verified.LINE_EXISTS, Verified.QUOTE, Verified.NO)
        )
    ]
    checked = with_evidence(position, found)

    assert [[each.path for each in one.evidence] for one in checked.claims] == [
        ["0", "1"],
        ["2", "3"],
    ]
    assert [each.is_verified for each in checked.claims] == [False, True]
    assert count_evidence([checked, checked]) == (8, 2)
    assert count_evidence([]) == (0, 0)


def test_the_minority_speaks_with_its_best_claim() -> None:
    """One whose quote was found before one that comes first; none where there is none."""
    positions = [
        Position(seat="A", position="yes", answer="yes"),
        Position(seat="B", position="yes", answer="yes"),
        Position(seat="C", position="no", answer="no", claims=[
            claim("loud", Verified.NO), claim("proven", Verified.QUOTE)]),
        Position(seat="D", position="maybe so", answer="unsure", claims=[claim("first")]),
        Position(seat="E", position="unknown", answer="unknown"),
    ]  # fmt: skip
    found = tally([each.ballot for each in positions])

    assert minority(found, positions) == [
        {"position": "no", "seats": ["C"], "strongest_claim": "proven"},
        {"position": "unsure", "seats": ["D"], "strongest_claim": "first"},
        {"position": "unknown", "seats": ["E"], "strongest_claim": None},
    ]


def test_what_only_one_said_is_listed() -> None:
    """A claim that another made in other words is not; one's own repetition is no second voice."""
    positions = [
        Position(seat="A", position="", claims=[Claim(text="Use Postgres."),
                                                Claim(text="It leaks.")]),
        Position(seat="B", position="", claims=[Claim(text="PostgreSQL it is.")]),
        Position(seat="C", position="", claims=[Claim(text="Rate limits hold."),
                                                Claim(text="Rate limits hold.")]),
    ]  # fmt: skip

    assert only_one_said(positions) == [
        {"seat": "A", "claim": "It leaks."},
        {"seat": "C", "claim": "Rate limits hold."},
        {"seat": "C", "claim": "Rate limits hold."},
    ]


def free() -> Tally:
    """Four seats that hold three things, in free text."""
    texts = {"A": "Use Postgres.", "B": "Use MongoDB.", "C": "A document store.", "D": "Postgres."}
    return tally([Ballot(seat=seat, position=text) for seat, text in texts.items()])


def test_a_reader_may_join_what_wording_told_apart() -> None:
    """The count is then one of labels, and the largest group may change."""
    joined = join_groups(free(), [["B", "C"], ["Z"], ["C", "B"]])

    assert [list(group.seats) for group in joined.groups] == [["A", "D"], ["B", "C"]]
    assert (joined.method, joined.agreement, joined.winner) == ("labels", 0.5, None)
    assert [group.position for group in joined.groups] == ["Postgres.", "Use MongoDB."]
    all_one = join_groups(free(), [["A", "B"], ["B", "C"]])
    assert (all_one.agreement, len(all_one.groups)) == (1.0, 1)


def test_counted_answers_stay_as_they_are() -> None:
    """Yes and no are not one, whatever a synthesiser says; nor is anything joined for nothing."""
    counted = tally([Ballot(seat="A", answer="yes"), Ballot(seat="B", answer="no")])

    assert join_groups(counted, [["A", "B"]]) == counted
    assert join_groups(free(), []) == free()
    assert join_groups(free(), [["A", "D"]]) == free()
