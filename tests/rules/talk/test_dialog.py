"""Drafts and critiques: how they are read, when two drafts say the same, what is still open."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import Evidence, SourcePlace, Verified
from aimux.rules.talk import (
    Critique,
    Draft,
    Point,
    Task,
    criticise_prompt,
    is_settled,
    last_draft,
    open_points,
    propose_prompt,
    read_critique,
    read_draft,
)

LETTERS = "abcdefghijklmnopqrst"
LONG = " ".join(f"word{one}{two}" for one in LETTERS for two in LETTERS)
DRAFT = Draft(turn=1, seat="A", text="Keep it for 60 s.")


@pytest.mark.parametrize(
    ("said", "text", "objections"),
    [
        ("A plan.\n", "A plan.", ""),
        ("A plan.\n\n## Not followed\n\nNo lock.", "A plan.", "No lock."),
        ("A plan.\n### not followed:\nNo lock.", "A plan.", "No lock."),
        ("# Not followed\n\nthat is all", "# Not followed\n\nthat is all", ""),
        ("```markdown\nA plan.\n```", "A plan.", ""),
        ("```\nA plan.\n```\nand\n```\nmore\n```", "```\nA plan.\n```\nand\n```\nmore\n```", ""),
        ("We have not followed it.", "We have not followed it.", ""),
    ],
)
def test_a_draft_is_its_text_without_its_objections(said: str, text: str, objections: str) -> None:
    """Objections stand under the last heading of that name; a fence around all of it goes."""
    draft = read_draft(3, "A", said)

    assert (draft.turn, draft.seat) == (3, "A")
    assert (draft.text, draft.objections) == (text, objections)


def test_a_critique_is_points_with_places_and_notes() -> None:
    """Places are those listed, else those in the words of the point."""
    data = {
        "blocking": [
            {"point": "stale", "evidence": [{"path": "a.py", "line": 3, "quote": "x = 1"}]},
            {"point": "see b.py:7"},
            {"point": "  "},
            "no object",
        ],
        "notes": ["name it", " "],
    }
    critique = read_critique(2, "B", data, "")

    assert [point.text for point in critique.blocking] == ["stale", "see b.py:7"]
    assert critique.places == [
        SourcePlace(path="a.py", line=3, quote="x = 1"),
        SourcePlace(path="b.py", line=7),
    ]
    assert critique.notes == ["name it"]
    assert not critique.is_prose


@pytest.mark.parametrize("data", [None, [], "fine", {"notes": ["fine"]}, {"blocking": None}])
def test_what_cannot_be_read_blocks(data: object) -> None:
    """With its whole text, its places looked up too."""
    critique = read_critique(2, "B", data, "All is well in a.py:3, approved.")

    assert critique.is_prose
    assert [point.text for point in critique.blocking] == ["All is well in a.py:3, approved."]
    assert critique.places == [SourcePlace(path="a.py", line=3)]


def test_evidence_goes_to_the_points_it_is_of() -> None:
    """In the order of the places."""
    points = [
        Point(text="one", places=[SourcePlace(path="a"), SourcePlace(path="b")]),
        Point(text="two"),
        Point(text="three", places=[SourcePlace(path="c")]),
    ]
    found = [Evidence(path=path, verified=Verified.QUOTE) for path in "abc"]
    critique = Critique(turn=2, seat="B", blocking=points).with_evidence(found)

    assert [[each.path for each in point.evidence] for point in critique.blocking] == [
        ["a", "b"],
        [],
        ["c"],
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Keep it.", "keep   it.\n", True),
        ("Keep it.", "Drop it.", False),
        (LONG, LONG.replace("wordah ", "other "), True),
        (LONG, LONG.replace("wordah ", "not wordah "), False),
        (f"{LONG} for 60 s", f"{LONG} for 600 s", False),
        (LONG, LONG + " and" + LONG[: len(LONG) // 10].replace("word", "more"), False),
        ("", "", True),
    ],
)
def test_two_drafts_that_say_the_same_have_settled(before: str, after: str, expected: bool) -> None:
    """A word among hundreds is nothing; a number or a "not" is another draft."""
    assert is_settled(before, after) is expected


@given(st.text(), st.text())
def test_settling_goes_both_ways(before: str, after: str) -> None:
    """And a draft has always settled against itself."""
    assert is_settled(before, before)
    assert is_settled(before, after) == is_settled(after, before)


def test_open_points_are_those_of_the_last_critique() -> None:
    """And it is told whether that was of the last draft."""
    critique = Critique(turn=2, seat="B", blocking=[Point(text="stale")])
    later = Draft(turn=3, seat="A", text="Drop it.")

    assert open_points([]) == ([], False)
    assert open_points([DRAFT]) == ([], False)
    assert open_points([DRAFT, critique]) == ([Point(text="stale")], True)
    assert open_points([DRAFT, critique, later]) == ([Point(text="stale")], False)
    assert last_draft([DRAFT, critique, later]) is later
    assert last_draft([]) is None


def test_a_long_task_is_repeated_in_part() -> None:
    """Whole at the beginning, cut at the end; of many earlier requests the last few stand."""
    task = Task(prompt="x" * 10_000, earlier=[f"request {number}" for number in range(9)])
    prompt = propose_prompt(task, [])

    assert prompt.count("x" * 10_000) == 1
    assert "characters cut" in prompt
    assert "request 0" in prompt
    assert "request 1" not in prompt
    assert "request 8" in prompt
    with pytest.raises(ValueError, match="no draft"):
        criticise_prompt(task, [])


def test_the_critic_is_told_when_the_work_is_over() -> None:
    """Each prompt says whose turn is next and what ends it."""
    said = [DRAFT, Critique(turn=2, seat="B", blocking=[Point(text="stale")], notes=["name it"])]

    assert "An empty `blocking` ends the work" in criticise_prompt(Task(prompt="Plan."), said)
    assert "the critic's is next" in propose_prompt(Task(prompt="Plan."), said)
    assert "- name it" in propose_prompt(Task(prompt="Plan."), said)
