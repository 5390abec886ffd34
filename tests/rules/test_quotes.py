"""Which code stands beside a place: each distance, each word between, each kind of fence."""

import pytest

from aimux.rules._quotes import MAX_QUOTE_CHARS, Markdown, read_markdown

PLACE = "a.py:3"
CODE = "x = f(y)"


def beside(text: str, *, floor: int = 0, ceiling: int | None = None) -> str:
    """The quote of the place in a text."""
    start = text.index(PLACE)
    last = len(text) if ceiling is None else ceiling
    return read_markdown(text).quote_beside(start, start + len(PLACE), floor, last)


def shape(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Info and body of each fence, and the inline code."""
    found = read_markdown(text)
    return [(each.info, each.body) for each in found._fences], [each.body for each in found._spans]


@pytest.mark.parametrize(
    ("text", "fences", "spans"),
    [
        ("", [], []),
        ("```\na\nb\n```", [("", "a\nb\n")], []),
        ("```py title\na\n```\n", [("py", "a\n")], []),
        ("~~~\n```\n~~~", [("", "```\n")], []),
        ("````\n```\n````", [("", "```\n")], []),
        ("```\na\n````", [("", "a\n")], []),
        ("```\na\n``` b\n```", [("", "a\n``` b\n")], []),
        ("```\na", [("", "a")], []),
        ("```\na\n```\n\n```sh\nb\n```", [("", "a\n"), ("sh", "b\n")], []),
        ("``a", [], []),
        ("- ```\na\n```", [("", "a\n")], []),
        ("12. ~~~\na\n~~~", [("", "a\n")], []),
        ("> ```\n> a\n>b\n>  c\n> ```", [("", "a\nb\n c\n")], []),
        ("```\n> a\n```", [("", "> a\n")], []),
        ("```\n1 | a\n\n22 | b\n```", [("", "a\n\nb\n")], []),
        ("```\n1 | a\nb\n```", [("", "1 | a\nb\n")], []),
        ("```\n\u2192 7: 8: a\n```", [("", "8: a\n")], []),
        ("```\n\n```", [("", "\n")], []),
        ("`a` and ``b ` c``", [], ["a", "b ` c"]),
        ("`a`\n```\n`b`\n```\n`c`", [("", "`b`\n")], ["a", "c"]),
        ("```\n`b`", [("", "`b`")], []),
        ("`a\nb`", [], []),
    ],
)
def test_fences_and_inline_code_are_found(
    text: str, fences: list[tuple[str, str]], spans: list[str]
) -> None:
    """A fence ends with one as long of its kind, or with the text; what is in it is no inline code.

    Signs of a quotation and numbers of lines are no code, if all lines have them.
    """
    assert shape(text) == (fences, spans)


@pytest.mark.parametrize(
    "text",
    [
        "`x = f(y)` in a.py:3",
        "`x = f(y)` (see a.py:3)",
        "`x = f(y)`, line a.py:3",
        "`x = f(y)` is found at a.py:3",
        "`x = f(y)`" + " " * 60 + "a.py:3",
        "a.py:3 `x = f(y)`",
        "a.py:3" + "a" * 60 + "`x = f(y)`",
        "a.py:3\n`x = f(y)`",
        "a.py:3:**\n  `x = f(y)`",
        "`a.py:3`: `x = f(y)`",
        "`see a.py:3 now` `x = f(y)`",
        "a.py:3 ``x = f(y)``",
        "a.py:3\n```\nx = f(y)\n```",
        "a.py:3 says:\n\n\n```py\nx = f(y)\n```",
        "a.py:3" + "a" * 119 + "\n```\nx = f(y)\n```",
        "```\nx = f(y)\n```\na.py:3",
        "```\nx = f(y)\n```\n\nSource: a.py:3",
        "```\nx = f(y)\n```\n" + " " * 59 + "a.py:3",
        "```a.py:3\nx = f(y)\n```",
        "```\n# a.py:3\nx = f(y)\n```",
        "```\n// in a.py:3\nx = f(y)\n```",
        "So:\n```\n<!-- a.py:3 -->\n\nx = f(y)\n\n```",
        "Fix it.\nThen a.py:3\n```\nx = f(y)\n```",
        "```\n\n\nx = f(y)\n\n```\na.py:3",
        "The old text. Fix it. Then a.py:3\n```\nx = f(y)\n```",
    ],
)
def test_code_beside_a_place_is_its_quote(text: str) -> None:
    """With joining words between, up to sixty characters; a fence up to a hundred and twenty."""
    assert beside(text) == CODE


@pytest.mark.parametrize(
    "text",
    [
        "a.py:3",
        "`x = f(y)`" + " " * 61 + "a.py:3",
        "`x = f(y)`\na.py:3",
        "`x = f(y)` else a.py:3",
        "`x.f()` in a.py:3",
        "`  name  ` in a.py:3",
        "use `x = f(y)` in a.py:3",
        "it could be: `x = f(y)` in a.py:3",
        "a.py:3" + "a" * 61 + "`x = f(y)`",
        "a.py:3\n\n`x = f(y)`",
        "a.py:3 too\n`x = f(y)`",
        "a.py:3! `x = f(y)`",
        "a.py:3 lacks `x = f(y)`",
        "a.py:3, try `x = f(y)`",
        "a.py:3 `name`",
        "a.py:3" + "a" * 120 + "\n```\nx = f(y)\n```",
        "a.py:3\nb\n```\nx = f(y)\n```",
        "a.py:3 without\n```\nx = f(y)\n```",
        "a.py:3\n```Suggestion\nx = f(y)\n```",
        "text\nFix: a.py:3\n```\nx = f(y)\n```",
        "a.py:3\n\nsays `x = f(y)`",
        "- **Replace a.py:3**\n```\nx = f(y)\n```",
        "```\nx = f(y)\n```\nbut a.py:3",
        "```\nx = f(y)\n```\n" + " " * 60 + "a.py:3",
        "```PATCH\nx = f(y)\n```\na.py:3",
        "```\na.py:3\nx = f(y)\n```",
        "```\nx = f(y)\n# a.py:3\n```",
    ],
)
def test_code_further_away_or_wanted_is_none(text: str) -> None:
    """Nor a name, nor what the text would have there."""
    assert beside(text) == ""


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("`x = 1` in a.py:3 `y = 2`", "x = 1"),
        ("`x = 1` a.py:3 `y = 2`", "y = 2"),
        ("`x = 1`: a.py:3 `y = 2`", "y = 2"),
        ("`x = 1` (a.py:3): `y = 2`", "x = 1"),
        ("`x = 1` - a.py:3, `y = 2`", "x = 1"),
        ("`x = 1` - a.py:3 and `y = 2`", "x = 1"),
        ("`x = 1` - a.py:3, and name", "x = 1"),
        ("`x = 1` - a.py:3\n```\ny = 2\n```", "y = 2"),
        ("a.py:3 `x = 1`\n```\ny = 2\n```", "x = 1"),
        ("```\ny = 2\n```\n`x = 1`: a.py:3", "x = 1"),
        ("```\ny = 2\n```\nsee a.py:3\n```\nx = 1\n```", "x = 1"),
    ],
)
def test_of_two_the_nearer_reading_counts(text: str, quote: str) -> None:
    """What opens with a word belongs to what is before; else what follows goes first."""
    assert beside(text) == quote


def test_code_is_given_once() -> None:
    """Between two places it belongs to the first, and then to none."""
    text = "a.py:3 `x = f(y)` b.py:4"
    both = read_markdown(text)
    fence = read_markdown("a.py:3\n```\nx = 1\n```\nb.py:4")

    assert both.quote_beside(0, 6, 0, 18) == CODE
    assert both.quote_beside(18, 24, 6, len(text)) == ""
    assert fence.quote_beside(0, 6, 0, 21) == "x = 1"
    assert fence.quote_beside(21, 27, 6, 27) == ""


def test_a_quote_reaches_over_no_other_place() -> None:
    """Neither before the one that ends at the floor nor after the one at the ceiling."""
    before, after = f"`{CODE}` in {PLACE}", f"{PLACE} `{CODE}`"
    below = f"{PLACE}\n```\n{CODE}\n```"
    above = f"```\n{CODE}\n```\n{PLACE}"
    title = f"```\n# {PLACE}\n{CODE}\n```"

    assert (beside(before, floor=0), beside(before, floor=1)) == (CODE, "")
    assert (beside(after, ceiling=8), beside(after, ceiling=7)) == (CODE, "")
    assert (beside(below, ceiling=7), beside(below, ceiling=6)) == (CODE, "")
    assert (beside(above, floor=0), beside(above, floor=1)) == (CODE, "")
    assert (beside(title, floor=3), beside(title, floor=4)) == (CODE, "")


@pytest.mark.parametrize("text", ["{p}\n```\n{c}\n```", "```{p}\n{c}\n```", "```\n# {p}\n{c}\n```"])
def test_a_long_fence_is_cut(text: str) -> None:
    """At the same length wherever its place stands; blank lines around it are none of it."""
    quote = beside(text.format(p=PLACE, c="\n" + "x" * (MAX_QUOTE_CHARS + 9) + "\n"))

    assert quote == "x" * MAX_QUOTE_CHARS


def test_a_text_without_code_has_no_quotes() -> None:
    assert Markdown(PLACE, [], []).quote_beside(0, 6, 0, 6) == ""
