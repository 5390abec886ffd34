"""Whether what a text says of a file is there."""

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.files.tree import FileLines
from aimux.model import Evidence, SourcePlace, Verified
from aimux.rules import check_places, find_places

LINES = (
    "import os",
    "",
    "def first(name):",
    "    return os.path.join('/srv', name)",
    "",
    "",
    "def second(name):",
    "    value = first(name)",
    "    if not value:",
    "        raise LookupError(name)",
    "    return os.path.join('/srv', name)",
    *["# nothing"] * 200,
    "def third(name):",
    "    return os.path.join('/srv', name)",
)
FILE = FileLines("src/a.py", LINES)
JOIN = "return os.path.join('/srv', name)"


def judge(place: SourcePlace, found: FileLines | str) -> Evidence:
    """What one place comes to in a file, or where that cannot be read."""
    (evidence,) = check_places([place], lambda _: found)
    return evidence


def judged(line: int | None = 4, end_line: int | None = None, quote: str = JOIN) -> Evidence:
    return judge(SourcePlace(path="a.py", line=line, end_line=end_line, quote=quote), FILE)


def test_a_quote_in_its_line_is_verified() -> None:
    """The path is the one in the tree."""
    assert judged() == Evidence(path="src/a.py", line=4, quote=JOIN, verified=Verified.QUOTE)


@pytest.mark.parametrize(
    "quote",
    [
        "return  os.path.join('/srv',\tname)",
        "\n    return os.path.join('/srv', name)\n\n",
        "def first(name):\n    return os.path.join('/srv', name)",
        "def first(name): return os.path.join(",
        "import os\n\n\ndef first(name):",
    ],
)
def test_white_space_is_folded(quote: str) -> None:
    """Over lines too."""
    assert judged(1, 4, quote).verified is Verified.QUOTE


@pytest.mark.parametrize(
    "quote", ["Return os.path.join('/srv', name)", "return os.path . join('/srv')"]
)
def test_nothing_but_white_space_is_folded(quote: str) -> None:
    """Case counts, and so does white space where there is none."""
    assert judged(4, None, quote).verified is Verified.NO
    assert judged(4, None, quote).why == "the quote is not in the file"


@pytest.mark.parametrize(("line", "end_line"), [(2, None), (6, None), (1, 2), (1, 300), (12, 3)])
def test_a_line_counted_slightly_wrong_is_forgiven(line: int, end_line: int | None) -> None:
    """A range written from its end is turned, and one too long does no harm to a quote."""
    evidence = judged(line, end_line)

    assert evidence.verified is Verified.QUOTE
    assert evidence.why == ""
    assert evidence.line == min(line, end_line or line)


@pytest.mark.parametrize(
    ("line", "found"), [(7, 4), (8, 11), (14, 11), (200, 213), (99_999, 213), (0, 4)]
)
def test_a_quote_that_moved_is_verified_with_its_true_line(line: int, found: int) -> None:
    """The nearest one; a line beyond the end is a wrong line like another."""
    evidence = judged(line, None, JOIN)
    is_near = abs(found - line) <= 2

    assert evidence.verified is Verified.QUOTE
    assert (evidence.line, evidence.why) == (
        (line, "") if is_near else (found, f"found at line {found}, not {line}")
    )


def test_a_moved_quote_of_lines_has_its_range() -> None:
    quote = "value = first(name)\n    if not value:"
    evidence = judged(100, 101, quote)

    assert (evidence.line, evidence.end_line) == (8, 9)


def test_a_place_without_a_line_is_found_by_its_quote() -> None:
    """How often it is there is told."""
    once, thrice = judged(None, None, "raise LookupError(name)"), judged(None)

    assert (once.verified, once.line, once.why) == (Verified.QUOTE, 10, "found at line 10")
    assert thrice.why == "found at line 4, and 2 more times"
    assert judged(None, None, "").why == "neither a line nor a quote"
    assert not judged(None, None, "").verified


@pytest.mark.parametrize("quote", ["", "   \n", "import os", "d e f s e c o n d", "no such one"])
def test_without_a_quote_of_some_length_a_line_exists_at_best(quote: str) -> None:
    """Under twelve characters, white space left out, proves nothing."""
    assert judged(4, None, quote).verified is Verified.LINE_EXISTS
    assert judged(4, 11, quote).verified is Verified.LINE_EXISTS
    assert judged(4, 400, quote).verified is Verified.NO
    assert judged(400, None, quote).why == "the file has 213 lines"
    assert judged(0, None, quote).why == "lines are counted from 1"


def test_twelve_characters_are_a_quote() -> None:
    assert judged(4, None, "return os.pat").verified is Verified.QUOTE
    assert judged(4, None, "return os.pa").verified is Verified.LINE_EXISTS


@pytest.mark.parametrize(
    "quote",
    [
        "def second(name):\n    ...\n    raise LookupError(name)",
        "def second(name):\n    # ...\n}\n",
        "... value = first(name) \u2026 raise LookupError(name) [...]",
        "def second(name): // ... \n value = first(name)",
        "...\n    raise LookupError(name)",
    ],
)
def test_a_quote_may_omit_something(quote: str) -> None:
    """What it has is there in that order."""
    assert judged(7, 11, quote).verified is Verified.QUOTE


@pytest.mark.parametrize(
    "quote",
    [
        "raise LookupError(name) ... def second(name):",
        "def second(name): ... raise KeyError(name)",
        "def second(name): ... def third(name):",
        "imp ... def ... name ... a b c d",
        "...",
    ],
)
def test_an_omission_covers_neither_order_nor_everything(quote: str) -> None:
    """Nor two hundred lines, and one of the pieces has to be a quote by itself."""
    assert judged(7, 11, quote).verified is not Verified.QUOTE


def test_a_quote_that_is_everywhere_is_found_in_bounded_time() -> None:
    """In a generated file; with an omission after it, not all of its beginnings are tried."""
    file = FileLines("a.py", ("call(first, second)",) * 20_000)
    quoted = SourcePlace(path="a.py", line=19_000, quote="call(first, second)")
    omitting = SourcePlace(path="a.py", line=9, quote="call(first, second) ... other(thing)")

    assert judge(quoted, file).verified is Verified.QUOTE
    assert judge(quoted, file).why == ""
    assert judge(omitting, file).verified is Verified.NO


def test_a_file_that_cannot_be_read_has_its_reason() -> None:
    """The claim is as it was."""
    place = SourcePlace(path="../a.py", line=9, end_line=3, quote=JOIN)
    evidence = judge(place, "leads out of the tree")

    assert evidence == Evidence(
        path="../a.py", line=9, end_line=3, quote=JOIN, why="leads out of the tree"
    )


def test_how_a_file_was_found_is_told() -> None:
    """Before what else there is to say."""
    file = attrs.evolve(FILE, note="taken for src/a.py")

    assert judge(SourcePlace(path="a.py", line=4), file).why == "taken for src/a.py"
    assert judge(SourcePlace(path="a.py", line=400), file).why == (
        "taken for src/a.py; the file has 213 lines"
    )


def test_a_verdict_is_true_or_not() -> None:
    """A caller may ask `if evidence.verified`."""
    assert [bool(each) for each in Verified] == [True, True, False]


def test_each_file_is_read_once_and_the_order_stays() -> None:
    asked: list[str] = []

    def read(path: str) -> FileLines | str:
        asked.append(path)
        return FILE if path == "a.py" else "no such file"

    text = "a.py:3, b.py:4, a.py:7: `def second(name):`, a.py:400"
    evidence = check_places(find_places(text), read)

    assert asked == ["a.py", "b.py"]
    assert [(each.line, each.verified.value) for each in evidence] == [
        (3, "line_exists"),
        (4, False),
        (7, "quote"),
        (400, False),
    ]


NUMBERS = st.none() | st.integers(-3, 300) | st.just(2**63)
TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from([*LINES[:12], "...", "\u2026", "\n", "  ", "no"]), max_size=6
).map("\n".join)


@given(line=NUMBERS, end_line=NUMBERS, quote=TEXTS, lines=st.lists(TEXTS, max_size=6))
def test_every_place_has_a_verdict(
    line: int | None, end_line: int | None, quote: str, lines: list[str]
) -> None:
    """Nothing is raised; a verified line is one of the file's; what is not verified says why."""
    place = SourcePlace(path="a.py", line=line, end_line=end_line, quote=quote)
    for file in (FILE, FileLines("a.py", tuple(lines))):
        evidence = judge(place, file)

        assert evidence.quote == quote
        assert evidence.verified or evidence.why
        if evidence.verified is Verified.LINE_EXISTS:
            assert evidence.line is not None
            assert 1 <= evidence.line <= len(file.lines)


@pytest.mark.parametrize(
    ("line", "end_line", "quote", "verified", "why"),
    [
        (1, None, "", Verified.LINE_EXISTS, ""),
        (213, None, "", Verified.LINE_EXISTS, ""),
        (214, None, "", Verified.NO, "the file has 213 lines"),
        (4, 213, "", Verified.LINE_EXISTS, ""),
        (4, 214, "", Verified.NO, "the file has 213 lines"),
        (-1, None, "", Verified.NO, "lines are counted from 1"),
        (4, None, "name", Verified.LINE_EXISTS, "a quote under 12 characters proves nothing"),
        (None, None, "name", Verified.NO, "a quote under 12 characters proves nothing"),
        (4, None, " ", Verified.LINE_EXISTS, ""),
    ],
)
def test_lines_are_counted_to_the_last(
    line: int | None, end_line: int | None, quote: str, verified: Verified, why: str
) -> None:
    """From the first; a short quote is told to prove nothing."""
    evidence = judged(line, end_line, quote)

    assert (evidence.verified, evidence.why) == (verified, why)
    assert (evidence.line, evidence.end_line) == (line, end_line)


def test_a_range_from_its_end_is_turned() -> None:
    """A range of one line stays one; a file of one line has one line."""
    turned, one = judged(9, 3, ""), judged(3, 3, "")
    short = judge(SourcePlace(path="a.py", line=2), FileLines("a.py", ("a",)))

    assert (turned.line, turned.end_line, turned.verified) == (3, 9, Verified.LINE_EXISTS)
    assert (one.line, one.end_line) == (3, 3)
    assert short.why == "the file has 1 line"
    assert judged(200).end_line is None


@pytest.mark.parametrize(
    ("quote", "is_there"),
    [
        ("def second(name): ... zzz", True),  # three characters are not looked for
        ("def second(name): ... zzzz", False),
        ("return os.pat ... name)", True),  # twelve, without white space
        ("return os.pa ... name)", False),
        (".............", False),
        ("import os ... def first(name): ... def second(name):", True),
        ("def first(name): ... def first(name):", False),  # once each
        ("import os ... path.join ... def second(name):", True),  # the first join, not the last
    ],
)
def test_each_piece_of_a_quote_counts_in_its_place(quote: str, is_there: bool) -> None:
    """One of twelve characters at least, the others of four."""
    assert (judged(1, 11, quote).verified is Verified.QUOTE) is is_there


@pytest.mark.parametrize(("omitted", "is_there"), [(99, True), (100, False)])
def test_a_quote_omits_a_hundred_lines_at_most(omitted: int, is_there: bool) -> None:
    """From the line of its first piece to that of its last."""
    file = FileLines("a.py", ("call(first, second)", *["x"] * omitted, "done_here = True"))
    place = SourcePlace(path="a.py", line=1, quote="call(first, second) ... done_here = True")

    assert (judge(place, file).verified is Verified.QUOTE) is is_there


def test_the_beginning_of_a_quote_is_looked_for_near_its_line_first() -> None:
    """Of two hundred alike it is none of the first fifty."""
    file = FileLines("a.py", ("def run(self):",) * 200 + ("raise KeyError(name)",))
    quote = "def run(self): ... raise KeyError(name)"
    near = judge(SourcePlace(path="a.py", line=200, quote=quote), file)
    far = judge(SourcePlace(path="a.py", line=20, quote=quote), file)

    assert (near.verified, near.line, near.why) == (Verified.QUOTE, 200, "")
    assert far.verified is Verified.NO


def test_a_beginning_that_leads_nowhere_is_passed_over() -> None:
    """The very first line may be the right one, or not."""
    call, end = "call(first, second)", "done_here = True"
    quote = f"{call} ... {end}"
    late = FileLines("a.py", (call, *["x"] * 150, call, end))
    early = FileLines("a.py", (call, "x", end, *["x"] * 150))
    found = judge(SourcePlace(path="a.py", quote=quote), late)
    moved = judge(SourcePlace(path="a.py", line=150, quote=quote), early)

    assert (found.line, found.end_line, found.why) == (152, 153, "found at line 152")
    assert (moved.line, moved.end_line, moved.why) == (1, 3, "found at line 1, not 150")
