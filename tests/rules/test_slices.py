"""Parts of a long text, cut where people see characters end."""

import pytest
from hypothesis import given, strategies as st

from aimux.errors import PeerFault
from aimux.rules import Slice, cut

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one sign of five code points


def test_a_short_text_is_whole() -> None:
    assert cut("abc", 3) == Slice(text="abc", offset=0, total=3)
    assert not cut("abc", 3).truncated
    assert cut("") == Slice(text="", offset=0, total=0)


def test_a_long_text_says_how_to_go_on() -> None:
    part = cut("abcdef", 4)

    assert part == Slice(
        text="abcd",
        offset=0,
        total=6,
        next_offset=4,
        hint="characters 0 to 4 of 6; go on with offset=4, or see the end with tail=2000",
    )
    assert part.truncated


def test_an_offset_goes_on_and_ends() -> None:
    part = cut("abcdef", 4, offset=4)

    assert (part.text, part.next_offset, part.truncated) == ("ef", None, True)
    assert part.hint == "characters 4 to 6 of 6; what comes before starts at offset=0"
    assert cut("abc", offset=99) == Slice(
        text="",
        offset=3,
        total=3,
        hint="characters 3 to 3 of 3; what comes before starts at offset=0",
    )


def test_a_tail_is_the_end_within_the_limit() -> None:
    assert cut("abcdef", 4, tail=2).text == "ef"
    assert cut("abcdef", 4, tail=99).text == "cdef"
    assert cut("abcdef", 9, tail=99).text == "abcdef"
    assert cut("abcdef", 4, tail=2).next_offset is None


@pytest.mark.parametrize(
    ("text", "max_chars", "first"),
    [
        ("ae\u0301b", 2, "a"),  # an accent of its own
        ("a\r\nb", 2, "a"),
        (f"x{FAMILY}y", 3, "x"),
        ("x\U0001f44d\U0001f3fdy", 2, "x"),  # skin tone
        ("x\u2764\ufe0f", 2, "x"),
        ("e\u0301", 1, "e"),  # a limit smaller than the character still makes progress
    ],
)
def test_no_character_is_parted(text: str, max_chars: int, first: str) -> None:
    assert cut(text, max_chars).text == first


def test_a_tail_starts_with_a_whole_character() -> None:
    assert cut("ae\u0301b", tail=2).text == "b"


def test_endless_marks_are_no_character() -> None:
    text = "a" + "\u0301" * 100

    assert len(cut(text, 50).text) == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"offset": -1}, "offset is -1"),
        ({"tail": 0}, "tail is 0"),
        ({"max_chars": 0}, "max_chars is 0"),
        ({"offset": 1, "tail": 1}, "both given"),
    ],
)
def test_figures_that_make_no_sense_are_the_callers_fault(
    arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(PeerFault, match=message) as caught:
        cut("abc", **arguments)

    assert caught.value.code == "invalid_slice"


@given(st.text(st.sampled_from("ab\u0301\u200d\U0001f469\r\n"), max_size=60), st.integers(1, 9))
def test_pages_make_up_the_whole(text: str, max_chars: int) -> None:
    pages, offset = [], 0
    while True:
        part = cut(text, max_chars, offset=offset)
        assert len(part.text) <= max_chars
        assert part.total == len(text)
        pages.append(part.text)
        if part.next_offset is None:
            break
        assert part.next_offset > offset
        offset = part.next_offset

    assert "".join(pages) == text
