"""Which lines of which files a text names, and the code that it quotes from there."""

import string
import time

import pytest
from hypothesis import given, strategies as st

from aimux.model import SourcePlace
from aimux.rules import find_places

# a text -> path, first and last line
NAMED = {
    "a.py:3": ("a.py", 3, None),
    "a.py:3-9": ("a.py", 3, 9),
    "a.py:3\u20139": ("a.py", 3, 9),
    "a.py:L3-L9": ("a.py", 3, 9),
    "a.py:3:14": ("a.py", 3, None),
    "a.py:3:1-9:4": ("a.py", 3, 9),
    "a.py:3.": ("a.py", 3, None),
    "a.py#L3": ("a.py", 3, None),
    "a.py#L3-L9": ("a.py", 3, 9),
    "a.py#L3C1-L9C2": ("a.py", 3, 9),
    "notes#L3 and a.unknown#L3": ("a.unknown", 3, None),
    "a.py(3)": ("a.py", 3, None),
    "a.cs(3,14): error": ("a.cs", 3, None),
    "line 12 of a.py": ("a.py", 12, None),
    "Lines 3-9 in the file `src/a.py`": ("src/a.py", 3, 9),
    "L12 of a.py": ("a.py", 12, None),
    "lines 3, 5 and 7 of a.py": ("a.py", 3, None),
    "a.py, lines 3-9": ("a.py", 3, 9),
    "a.py (lines 3 to 9)": ("a.py", 3, 9),
    "a.py (L3)": ("a.py", 3, None),
    "`a.py` at line 3": ("a.py", 3, None),
    "**File:** `a.py`\n**Line:** 3": ("a.py", 3, None),
    '{"path": "a.py", "line": 3}': ("a.py", 3, None),
    "src\\a.py:3": ("src\\a.py", 3, None),
    r"C:\x\a.py:3": (r"C:\x\a.py", 3, None),
    "C:/x/a.py:3": ("C:/x/a.py", 3, None),
    "./a.py:3": ("./a.py", 3, None),
    "../a.py:3": ("../a.py", 3, None),
    "/x/a.py:3": ("/x/a.py", 3, None),
    "file:///x/a.py#L3": ("/x/a.py", 3, None),
    "@src/a.py:3": ("src/a.py", 3, None),
    ".gitignore:3": (".gitignore", 3, None),
    "Makefile:3": ("Makefile", 3, None),
    "bin/run:3": ("bin/run", 3, None),
    "app/[id]/page.tsx:3": ("app/[id]/page.tsx", 3, None),
    "app/(shop)/page.tsx:3": ("app/(shop)/page.tsx", 3, None),
    "src/+page.svelte:3": ("src/+page.svelte", 3, None),
    "in src/a.unknown:3": ("src/a.unknown", 3, None),
    "[a.py:3](src/a.py#L3)": ("src/a.py", 3, None),
    "[`a.py`](src/a.py#L3-L9)": ("src/a.py", 3, 9),
    "[a.py:3-9](src/a.py)": ("src/a.py", 3, 9),
    "[line 3](src/a.py)": ("src/a.py", 3, None),
    "[a.py](src/a.py):3": ("src/a.py", 3, None),
    "[a.py](src/a.py), line 3": ("src/a.py", 3, None),
    "[a.py:3](https://example.com/a.py)": ("a.py", 3, None),
    '[a.py:3](src/a.py "the file")': ("src/a.py", 3, None),
    "[a.py:3](elsewhere)": ("a.py", 3, None),
    '  File "a.py", line 3, in f': ("a.py", 3, None),
    "  --> src/a.rs:3:5": ("src/a.rs", 3, None),
    "Error:a.py:3": ("a.py", 3, None),
    "\u5728a.py:3\u4e2d": ("a.py", 3, None),
    "gr\u00fc\u00dfe.py:3": ("gr\u00fc\u00dfe.py", 3, None),
}

NOT_NAMED = [
    "at 12:30", "http://localhost:8080/a.py:3", "https://x.dev/blob/main/a.py#L3", "localhost:8080",
    "localhost:8080/src/a.js:3:1", "127.0.0.1:80", "example.com:443", "v1.2:3", "v1.2.3:4",
    "python:3.11", "postgres:16", "ghcr.io/org/app:1", "Node.js:18", "std::vector:3", "ratio 3:1",
    "sha256:123", "self.items:3", "os.path(3)", "printf(3)", "and/or:3", "in a.py. Line 3 is",
    "a.py", "a.py: 3 keys", "3 lines in a.py", "[3](a)", "[line 3](elsewhere)", "a.py:12345678", "",
]  # fmt: skip

# a text -> the quote of its only place
QUOTED = {
    "a.py:3: `x = f(y)`": "x = f(y)",
    "`a.py:3` has `x = f(y)`.": "x = f(y)",
    "a.py:3 ``x = `f` ``": "x = `f` ",
    "`x = f(y)` in a.py:3": "x = f(y)",
    "`x = f(y)` (a.py:3), see `g(h, i)`": "x = f(y)",
    "**a.py:3**\n  `x = f(y)`": "x = f(y)",
    "| a.py:3 | `x = f(y)` |": "x = f(y)",
    "[a.py](a.py#L3): `x = f(y)`": "x = f(y)",
    "a.py:3\n```python\n    x = f(y)\n    z = 1\n```": "    x = f(y)\n    z = 1",
    "a.py:3. It reads:\n\n~~~\nx = f(y)\n~~~": "x = f(y)",
    "a.py:3\n```\nx = f(y)": "x = f(y)",
    "```\nx = f(y)\n```\n(a.py:3)": "x = f(y)",
    "```\nx = f(y)\n```\n\u2014 from a.py:3": "x = f(y)",
    "```3:9:src/a.py\nx = f(y)\n```": "x = f(y)",
    "```py a.py:3\nx = f(y)\n```": "x = f(y)",
    "```py\n# a.py:3\nx = f(y)\n```": "x = f(y)",
    "> a.py:3\n> ```\n> x = f(y)\n> ```": "x = f(y)",
    "a.py:3\n```\n3 | x = f(y)\n4 | z = 1\n```": "x = f(y)\nz = 1",
    # no quotes
    "`f()` in a.py:3": "",
    "`some.name` in a.py:3": "",
    "`b.py` and a.py:3": "",
    "a.py:3. But `x = f(y)` is elsewhere": "",
    "a.py:3 should be `x = f(y)`": "",
    "a.py:3 -> `x = f(y)`": "",
    "a.py:3 is not `x = f(y)`": "",
    "replace it with `x = f(y)` in a.py:3": "",
    "it should read `x = f(y)` in a.py:3": "",
    "a.py:3\n- `x = f(y)` is the next item": "",
    "`x = f(y)` is a long way from all that is said later about lines and a.py:3": "",
    "a.py:3 should be\n```\nx = f(y)\n```": "",
    "Fix a.py:3 so:\n```\nx = f(y)\n```": "",
    "a.py:3\n```diff\n-x = f(y)\n```": "",
    "```diff\n-x = f(y)\n```\na.py:3": "",
    "a.py:3\n\nAnother thing.\n```\nx = f(y)\n```": "",
    "```\nx = f(y)\na.py:3: error\n```": "",
    "```\nx = f(y)\n```\nAnd then there is a.py:3": "",
}


def of(place: SourcePlace) -> tuple[str, int | None, int | None]:
    return place.path, place.line, place.end_line


@pytest.mark.parametrize(("text", "place"), NAMED.items(), ids=NAMED)
def test_a_place_is_found_as_models_write_it(text: str, place: tuple[str, int, int | None]) -> None:
    """In every form, in the middle of a sentence too."""
    assert [of(each) for each in find_places(text)] == [place]
    assert [of(each) for each in find_places(f"So: {text}, and more.")] == [place]


@pytest.mark.parametrize("text", NOT_NAMED)
def test_what_only_looks_like_a_place_is_none(text: str) -> None:
    """Addresses with ports, times, versions, image tags, attributes."""
    assert find_places(text) == []


@pytest.mark.parametrize(("text", "quote"), QUOTED.items(), ids=QUOTED)
def test_a_quote_is_code_right_beside_its_place(text: str, quote: str) -> None:
    """Neither a name, nor what the text wants written there, nor what stands further away."""
    assert [each.quote for each in find_places(text)] == [quote]


def test_each_place_has_its_own_quote() -> None:
    """Whether the quotes follow their places or precede them."""
    after = "a.py:3 `x = f(y)`, b.py:4 `z = g(h)`"
    before = "`x = f(y)` \u2014 a.py:3, `z = g(h)` \u2014 b.py:4"

    for text in (after, before):
        assert [(each.path, each.quote) for each in find_places(text)] == [
            ("a.py", "x = f(y)"),
            ("b.py", "z = g(h)"),
        ]


def test_places_come_in_the_order_of_the_text_and_once() -> None:
    """The one with a quote, if a place is named with and without."""
    found = find_places("line 12 of b.py, line 3 of a.py; a.py:3 has `x = f(y)`; b.py:12")

    assert [(*of(each), each.quote) for each in found] == [
        ("b.py", 12, None, ""),
        ("a.py", 3, None, "x = f(y)"),
    ]


def test_a_listing_ends_somewhere() -> None:
    assert len(find_places(" ".join(f"a.py:{line}" for line in range(1, 2_000)))) == 1_000


def test_a_long_fence_is_compared_in_part() -> None:
    body = "x = f(y)\n" * 1_000
    (place,) = find_places(f"a.py:3\n```\n{body}```")

    assert 3_900 < len(place.quote) <= 4_000


PIECES = st.lists(
    st.sampled_from([
        "a.py", ":3", "-9", "#L3", "(3)", " line 3", " of ", "`", "``", "```", "~~~", "\n", "[",
        "](", ")", " ", "x = f(y)", "\\", "/", "C:", "http://", "..", "> ", "- ", "**", "\u2014",
        "# ", "3 | ",
    ]),
    max_size=40,
)  # fmt: skip


@given(text=st.text(max_size=200) | PIECES.map("".join))
def test_any_text_can_be_searched(text: str) -> None:
    """Nothing is raised, and what is found stands in the text."""
    for place in find_places(text):
        assert place.path
        assert place.path in text
        assert place.line is not None
        assert str(place.line) in text


HOSTILE = [
    "a", "a/", "/[a", "a.py:3 ", "`", "``a ", "`x", "[", "[a](", "[a.py:3](", "line 3 of ", "```\n",
    " ", "\n", "a.py, ", "a.py:3\n", "`a b`a.py:3 ", ">", "-", "x://", "C:\\", "1", "a.py:1",
    "> - ", "a.py:3 lines 3-", "- `a b` a.py:3 (", "lines 1, 1", "\u4e2d", "a.py\n",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_the_time_grows_with_the_length_of_the_text_only(piece: str) -> None:
    """What is squared at this length takes minutes."""
    text = (piece * 50_000)[:50_000]
    before = time.process_time()
    find_places(text)

    assert time.process_time() - before < 5


@pytest.mark.slow
def test_a_megabyte_is_searched_in_seconds() -> None:
    text = "".join(
        f"see a.py:{n} `{string.ascii_letters} = f({n})`\n```\nx\n```\n" for n in range(15_000)
    )
    before = time.process_time()
    find_places(text)

    assert len(text) > 1_000_000
    assert time.process_time() - before < 20
