"""Free text put into groups: thirty labelled pairs, and what must never be together."""

import json
import pathlib

import pytest
from hypothesis import given, strategies as st

from aimux.rules.panels import are_alike, group_alike, read_stance

PAIRS = pathlib.Path(__file__).parents[2] / "corpus" / "consensus" / "pairs.json"


@pytest.mark.requirement("consensus:grouping")
def test_labelled_pairs_are_told_apart() -> None:
    """F1 of 0.8 or more, and nothing that contradicts itself is put together."""
    pairs = json.loads(PAIRS.read_text(encoding="utf-8"))["pairs"]
    found = [are_alike(read_stance(one), read_stance(other)) for one, other, _ in pairs]
    hits = sum(is_alike and label for is_alike, (_, _, label) in zip(found, pairs, strict=True))
    wrong = [pair for is_alike, pair in zip(found, pairs, strict=True) if is_alike and not pair[2]]
    f1 = 2 * hits / (sum(found) + sum(label for _, _, label in pairs))

    assert len(pairs) == 30
    assert wrong == []
    assert f1 >= 0.8, f1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("use Redis", "do not use Redis"),
        ("use Redis", "do not\nuse Redis"),
        ("Yes.", "No."),
        ("Yes, thanks", "No, thanks"),
        ("Enable it.", "Disable it."),
        ("Cache it for 5 minutes.", "Cache it for 50 minutes."),
        ("avoid threads here", "threads are right here"),
        ("src/a.py is wrong", "src/b.py is wrong"),
    ],
)
def test_opposites_are_never_alike(one: str, other: str) -> None:
    assert not are_alike(read_stance(one), read_stance(other))
    assert group_alike([one, other]) == [[0], [1]]


def test_all_members_of_a_group_are_alike() -> None:
    """Not a chain in which the ends contradict each other; the largest group comes first."""
    texts = ["Use MongoDB.", "Use Postgres.", "PostgreSQL it is.", "postgres"]

    assert group_alike(texts) == [[1, 2, 3], [0]]


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_texts_fall_into_groups(texts: list[str]) -> None:
    """Each stands in exactly one; equal texts stand together."""
    groups = group_alike(texts)

    assert sorted(each for group in groups for each in group) == list(range(len(texts)))
    assert len(groups) <= len(set(texts))
