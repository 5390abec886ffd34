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
