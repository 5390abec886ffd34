"""What a reviewer says counts as it is meant, and nothing else approves."""

from typing import Final

import pytest

from aimux.model import Evidence, Verified as Found
from aimux.rules import check_answer
from aimux.rules.pair import (
    REVIEW_SCHEMA,
    ReplacementFault,
    UnitReview,
    Verdict,
    assemble,
    bound_together,
    frozen_lines,
    parse_diff,
    read_review,
    replaced,
    touches,
    unit_key,
    with_places,
)

from .test_diff import BINARY, DOS, GONE, NEW, RENAMED, TO_LINK, TWO

DIFF: Final = parse_diff(TWO)


def said(*items: object) -> list[UnitReview]:
    return read_review(DIFF, [0, 1], {"hunks": list(items)})


def item(hunk: object, verdict: object = "approved", **more: object) -> dict[str, object]:
    return {"hunk": hunk, "verdict": verdict, **more}


def words(reviews: list[UnitReview]) -> list[str]:
    return [str(each.verdict) for each in reviews]


@pytest.mark.requirement("pair:verdicts")
@pytest.mark.parametrize(
    "data",
    [
        None,
        "approved",
        [],
        {},
        {"hunks": "all approved"},
        {"hunks": [item("0"), item("1")]},
        {"hunks": [item(True), item(7)]},
        {"hunks": [item(0, "LGTM"), item(1, None)]},
        {"hunks": [item(0), item(0, "whatever"), item(1, "fine")]},
    ],
)
def test_what_is_no_verdict_never_approves(data: object) -> None:
    """Missing, of another type, on a hunk that is not there, or in another word."""
    reviews = read_review(DIFF, [0, 1], data)

    assert words(reviews) == ["unreviewed", "unreviewed"]
    assert not any(each.is_taken for each in reviews)


def test_a_list_is_as_good_as_an_object() -> None:
    """Both forms are in the contract."""
    reviews = read_review(DIFF, [0, 1], [item(1), item(0, "changes_requested", comment=" no ")])

    assert words(reviews) == ["changes_requested", "approved"]
    assert reviews[0].comment == "no"
    for text in (
        '[{"hunk":0,"verdict":"approved"}]',
        '{"hunks":[{"hunk":0,"verdict":"approved"}]}',
    ):
        assert not check_answer(text, REVIEW_SCHEMA).problems
    for text in ("[]", '{"hunks":[]}', '[{"hunk":0}]', '[{"hunk":0,"verdict":"ok"}]', "fine"):
        assert check_answer(text, REVIEW_SCHEMA).problems


def test_of_two_verdicts_the_stricter_counts() -> None:
    """Whichever comes first."""
    no = "changes_requested"

    assert words(said(item(0), item(0, no), item(1, no), item(1))) == [no, no]


def test_a_replacement_that_does_not_fit_rejects() -> None:
    """And says why; one that fits is used."""
    reviews = said(
        item(0, "modified", comment="better", replacement="@@ -1 +1 @@\n-other\n+lines"),
        item(1, "modified", replacement="Eleven"),
    )

    assert words(reviews) == ["changes_requested", "modified"]
    assert reviews[0].comment.startswith("better (its replacement cannot be used: its old lines")
    assert reviews[1].lines is not None
    patch = assemble(DIFF, {1: reviews[1].lines})
    assert "-eleven\n+Eleven\n" in patch


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n", [" one", "-two", "+2", " three"]),
        (" one\n-two\n+2\n three", [" one", "-two", "+2", " three"]),
        ("```diff\n one\n-two\n+2\n three\n```", [" one", "-two", "+2", " three"]),
        ("2", [" one", "-two", "+2", " three"]),
        ("one\n2\nthree\n", [" one", "-two", "+2", " three"]),
        ("- a\n- b", [" one", "-two", "+- a", "+- b", " three"]),
    ],
)
def test_a_replacement_is_a_hunk_or_the_text_in_its_place(text: str, lines: list[str]) -> None:
    """With or without head, fence and the lines around."""
    assert list(replaced(DIFF, DIFF.units[0], text).lines) == lines


def test_a_replacement_keeps_the_ends_of_lines() -> None:
    """CR LF stays, and so does a file that ends without a line feed."""
    dos, new = parse_diff(DOS), parse_diff(NEW)

    assert replaced(dos, dos.units[0], "3").lines == (" one\r", "-two\r", "+3\r")
    assert replaced(new, new.units[0], "hi\nyou").lines == (
        "+hi", "+you", "\\ No newline at end of file",
    )  # fmt: skip


@pytest.mark.parametrize("text", [GONE, BINARY, RENAMED])
def test_what_has_no_lines_cannot_have_others(text: str) -> None:
    """A deletion, data, a name."""
    diff = parse_diff(text)

    with pytest.raises(ReplacementFault):
        replaced(diff, diff.units[0], "other lines")


@pytest.mark.parametrize("text", ["", "\n\n", "two", "@@ -1 +1 @@\n one\n two"])
def test_a_replacement_that_changes_nothing_is_none(text: str) -> None:
    """Nor is an empty one."""
    with pytest.raises(ReplacementFault):
        replaced(DIFF, DIFF.units[0], text)


def test_hunks_go_with_the_new_name_of_their_file() -> None:
    """Approved or not."""
    diff = parse_diff(RENAMED)
    data = [item(0, "changes_requested"), item(1)]
    reviews = bound_together(diff, read_review(diff, [0, 1], data))

    assert words(reviews) == ["changes_requested", "changes_requested"]
    assert words(bound_together(diff, read_review(diff, [0, 1], [item(0), item(1)]))) == [
        "approved", "approved",
    ]  # fmt: skip


def test_places_are_read_from_every_form_of_evidence() -> None:
    """A text, an object, a list; the checker's findings go back to their verdicts."""
    reviews = said(
        item(0, "changes_requested", evidence="see a.py:3"),
        item(
            1, "changes_requested", evidence=[{"path": "b.py", "line": 2, "quote": "q"}, "c.py:1"]
        ),
    )
    found = [
        Evidence(path=place.path, line=place.line, verified=Found.NO)
        for each in reviews
        for place in each.places
    ]
    checked = with_places(reviews, found)

    assert [(place.path, place.line) for place in reviews[0].places] == [("a.py", 3)]
    assert [each.path for each in checked[0].evidence] == ["a.py"]
    assert [each.path for each in checked[1].evidence] == ["b.py", "c.py"]


def test_lines_that_were_approved_are_frozen() -> None:
    """A later hunk may stand beside them, not take them away."""
    frozen = frozen_lines(DIFF)
    beside = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -4,1 +4,2 @@\n three\n+more\n")
    over = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -2,2 +2,1 @@\n TWO\n-two and a half\n")
    gone = parse_diff(GONE.replace("old.txt", "a.py"))

    assert frozen == {"a.py": [(2, 2), (3, 3), (12, 12)]}
    assert not touches(beside, beside.units[0], frozen)
    assert touches(over, over.units[0], frozen)
    assert touches(gone, gone.units[0], frozen)
    assert not touches(parse_diff(BINARY), parse_diff(BINARY).units[0], frozen)


def test_a_unit_is_known_again_wherever_it_stands() -> None:
    """By its changed lines, not by its number or place."""
    moved = parse_diff(TWO.replace("-10,2 +11,2", "-30,2 +31,2"))

    assert unit_key(moved, moved.units[1]) == unit_key(DIFF, DIFF.units[1])
    assert unit_key(DIFF, DIFF.units[0]) != unit_key(DIFF, DIFF.units[1])
    link = parse_diff(TO_LINK)
    assert unit_key(link, link.units[0]).startswith("here\nreplaced\n")
    assert Verdict.UNREVIEWED not in {each.verdict for each in said(item(0), item(1))}
