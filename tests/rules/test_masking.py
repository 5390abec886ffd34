"""A text that was cut somewhere shows no half of a secret."""

import pytest
from hypothesis import given, strategies as st

from aimux.rules import mask_between, redact

SECRET = "sk-ant-api03-" + "aB3-" * 8
LINE = f"the key is {SECRET} and more"
SAID = LINE.replace(SECRET, "[REDACTED:anthropic]")


@pytest.mark.requirement("stored:redacted")
@pytest.mark.parametrize("cut", range(len(LINE) + 1))
def test_a_secret_across_a_cut_is_masked_on_both_sides(cut: int) -> None:
    first = mask_between(LINE[:cut], after=LINE[cut:])
    second = mask_between(LINE[cut:], before=LINE[:cut])

    assert SAID.startswith(first)
    assert SAID.endswith(second)
    assert "aB3-" not in first + second


def test_a_key_that_began_before_goes_on() -> None:
    begin = "-----BEGIN PRIVATE KEY-----\nabcdef\n"

    assert mask_between("ghijkl\n", before=begin) == ""


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_what_has_no_secret_stays(before: str, text: str, after: str) -> None:
    whole = before + text + after
    if redact(whole) == whole:
        assert mask_between(text, before=before, after=after) == text


@pytest.mark.parametrize("sequence", ["\x1b[0m", "\x1b]0;title\x07", "\x1b(B"])
@pytest.mark.parametrize("cut", [4, 12, 25])
def test_a_sequence_inside_a_key_hides_it_from_nobody(sequence: str, cut: int) -> None:
    """Who reads it at a terminal would see the key whole."""
    said = f"\x1b[1mkey\x1b[0m {SECRET[:cut]}{sequence}{SECRET[cut:]}\n"

    assert mask_between(said) == "key [REDACTED:anthropic]\n"
    whole = mask_between(said[:30], after=said[30:]) + mask_between(said[30:], before=said[:30])
    assert "aB3-aB3-" not in whole


def test_sequences_that_hide_nothing_stay() -> None:
    said = f"\x1b[31mred\x1b[0m {SECRET}"

    assert mask_between(said) == "\x1b[31mred\x1b[0m [REDACTED:anthropic]"


def test_a_coloured_key_without_a_shape_is_found() -> None:
    """The letter that ends the sequence stands right before it."""
    bare = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzK3yQ9pLx1"

    assert redact(bare) == "[REDACTED:aws-secret]"
    assert mask_between(f"\x1b[31m{bare}\x1b[0m") == "[REDACTED:aws-secret]"
