"""Text of others in a prompt: between fences it cannot close, within a budget."""

import re

from hypothesis import given, strategies as st

from aimux.rules import fence_for, fenced, share_out, shorten

TEXTS = st.text(alphabet="`ab\n \x1b\0", max_size=60)


@given(TEXTS)
def test_no_text_closes_its_fence(text: str) -> None:
    """The only lines that are the fence are the first and the last."""
    first, *within, last = fenced(text).split("\n")

    assert first == last
    assert set(first) == {"`"}
    assert len(first) >= 3
    assert not any(line.strip() == first or first in line for line in within)
    assert "\x1b" not in fenced(text)


def test_a_fence_is_longer_than_any_in_its_texts() -> None:
    """Three where there is none."""
    assert fence_for() == fence_for("a", "`b`") == "```"
    assert fence_for("````", "```") == "`````"


def test_what_is_cut_says_how_much() -> None:
    """Two thirds from the beginning, a third from the end."""
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("a" * 60 + "z" * 60, 30) == "a" * 20 + "\n[… 90 characters cut …]\n" + "z" * 10


@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=9), st.integers(2_000, 9_000))
def test_a_budget_is_kept_and_short_texts_stay_whole(lengths: list[int], most: int) -> None:
    """Who says little leaves room for others; each keeps a little whatever the budget."""
    texts = ["x" * each for each in lengths]
    shared = share_out(texts, most)
    kept = [len(re.sub(r"[^x]", "", each)) for each in shared]
    share = most // len(texts)

    assert sum(kept) <= most + 200 * len(texts)
    for text, length in zip(texts, kept, strict=True):
        assert length >= min(len(text), 200)
        if len(text) <= share:
            assert length == len(text)
    if sum(lengths) <= most:
        assert shared == texts
