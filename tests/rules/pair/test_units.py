"""Where a unit begins and ends: what is taken, put in its place, or frozen."""

import pytest

from aimux.model import SourcePlace
from aimux.rules.pair import (
    Verdict,
    assemble,
    frozen_lines,
    parse_diff,
    read_review,
    replaced,
    touches,
    unit_key,
)

from .test_diff import BINARY, GONE, MODE, RENAMED, TWO

OPEN = "\\ No newline at end of file"
FIVE = [("a.py", at, None, "") for at in range(1, 6)]
HEAD = "--- a/d.txt\n+++ b/d.txt\n"


def hunk(*lines: str, at: int = 1) -> str:
    """A diff of one file and hunk."""
    old, new = (sum(line[0] in signs for line in lines) for signs in (" -", " +"))
    return "\n".join([f"{HEAD}@@ -{at},{old} +{at},{new} @@", *lines, ""])


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ((" one", "-two", OPEN, "+2"), "3", (" one", "-two", OPEN, "+3")),
        ((" one", "-two", "+2", OPEN), "3", (" one", "-two", "+3", OPEN)),
        (("-two", OPEN, "+2", OPEN), "3", ("-two", OPEN, "+3", OPEN)),
        (("+2", "-two", OPEN), "3", ("-two", OPEN, "+3")),
        (("-a", " b", "+c", " d"), "x\ny", ("-a", "-b", "+x", "+y", " d")),
        ((" a", "-b", " c", OPEN), "x", (" a", "-b", "+x", " c", OPEN)),
        ((" a", "-b", "+c", " d"), "a\nd", None),
        ((" a", "-b", "+c", " d"), "a\nx", (" a", "-b", "+a", "+x", " d")),
        ((" a", "-b", "+c", " d"), "x\nd", (" a", "-b", "+x", "+d", " d")),
        ((" a", " a2", "-b", "+c"), "a\na2\nx", (" a", " a2", "-b", "+x")),
        (("-b", "+c", " d", " d2"), "x\nd\nd2", ("-b", "+x", " d", " d2")),
    ],
)
def test_text_stands_from_the_first_changed_line_to_the_last(
    before: tuple[str, ...], text: str, after: tuple[str, ...] | None
) -> None:
    """The lines around are left away if all of them are given; a file left open stays open."""
    diff = parse_diff(hunk(*before))
    found = replaced(diff, diff.units[0], text)

    if after is None:  # the lines around alone: nothing comes
        assert found.lines == (" a", "-b", " d")
    else:
        assert found.lines == after


def test_lines_of_a_head_that_git_does_not_write_are_read() -> None:
    """A time after the name, a lost blank before a carriage return, no line feed at the end."""
    timed = parse_diff(HEAD.replace("txt\n", "txt\t2026-01-01\n") + "@@ -1 +1 @@\n-a\n+b\n")
    bare = parse_diff(f"{HEAD}@@ -1,2 +1,2 @@\n\r\n-two\r\n+2\r\n")

    assert timed.paths == ["d.txt"]
    assert bare.files[0].hunks[0].lines == (" \r", "-two\r", "+2\r")
    assert parse_diff(MODE.rstrip("\n")).units[0].kind == "mode"


def test_a_mode_is_known_only_where_it_is_told() -> None:
    """Each from its own line."""
    told = [(each.old_mode, each.new_mode) for each in parse_diff(TWO + MODE + GONE).files]

    assert told == [("", ""), ("100644", "100755"), ("100644", "")]


def test_data_may_be_one_line_and_keeps_its_mode() -> None:
    """A new mode of data goes with it."""
    short = "\n".join(BINARY.split("\n")[:5]) + "\n"
    mode = "old mode 100644\nnew mode 100755\nindex "
    both = parse_diff(short.replace("index ", mode, 1))

    assert [each.kind for each in both.units] == ["binary"]
    assert "old mode 100644\nnew mode 100755\n" in assemble(both, {0: None})


def test_a_file_that_goes_is_known_by_its_lines() -> None:
    """As a new one is; names and modes by their kind."""
    gone, renamed = parse_diff(GONE), parse_diff(RENAMED)

    assert unit_key(gone, gone.units[0]) == "old.txt\ndeleted\n-bye"
    assert unit_key(renamed, renamed.units[0]) == (
        "y.py\nrenamed\nrename from x.py\nrename to y.py"
    )
    assert unit_key(renamed, renamed.units[1]) == "y.py\ntext\n-one\n+ONE"


@pytest.mark.parametrize(
    ("lines", "at", "is_touched"),
    [
        ((" two and a half", "-three"), 3, False),
        (("-two and a half", " three"), 3, True),
        (("-one", " TWO"), 1, False),
        ((" one", "+x", "-TWO"), 1, True),
        ((" one", "-x", "+y"), 3, False),
        (("+x", "-ELEVEN"), 12, True),
        (("+x", "-ten"), 11, False),
    ],
)
def test_only_lines_that_go_touch_frozen_ones(
    lines: tuple[str, ...], at: int, is_touched: bool
) -> None:
    """Lines 2, 3 and 12 were approved; what is beside them may change."""
    diff = parse_diff(hunk(*lines, at=at).replace("d.txt", "a.py"))

    assert touches(diff, diff.units[0], frozen_lines(parse_diff(TWO))) is is_touched


@pytest.mark.parametrize(
    ("evidence", "places"),
    [
        ({"path": "a.py", "line": 3, "end_line": 4, "quote": "q"}, [("a.py", 3, 4, "q")]),
        ({"path": "a.py", "line": 0, "end_line": -1}, [("a.py", None, None, "")]),
        ({"path": "a.py", "line": True, "end_line": "4"}, [("a.py", None, None, "")]),
        ({"path": "a.py", "line": 1}, [("a.py", 1, None, "")]),
        ({"path": "", "line": 1}, []),
        ([1, None, ["b.py:2"], "b.py:2"], [("b.py", 2, None, "")]),
        (" ".join(f"a.py:{at}" for at in range(1, 9)), FIVE),
        ([f"a.py:{at}" for at in range(1, 9)], FIVE),
        (7, []),
        (None, []),
    ],
)
def test_a_place_of_a_verdict_is_what_can_be_looked_up(
    evidence: object, places: list[tuple[str, int | None, int | None, str]]
) -> None:
    """Five of them; a number that counts no line is left away."""
    said = {"hunk": 0, "verdict": "approved", "rule": 7, "category": [], "evidence": evidence}
    (review,) = read_review(parse_diff(TWO), [0], [said])

    assert list(review.places) == [
        SourcePlace(path=path, line=line, end_line=last, quote=quote)
        for path, line, last, quote in places
    ]
    assert (review.rule, review.category, review.comment) == ("", "", "")


def test_a_unit_without_a_verdict_keeps_what_it_is() -> None:
    """Its number, file and kind."""
    (review,) = read_review(parse_diff(RENAMED), [1], [])

    assert (review.hunk, review.path, review.kind) == (1, "y.py", "text")
    assert (review.verdict, review.is_taken) == (Verdict.UNREVIEWED, False)
