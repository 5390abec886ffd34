"""A suggestion for a mistyped name."""

import pytest

from aimux.rules import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [("claud", "claude"), ("GEMINY", "gemini"), ("qqq", ""), ("codexx", "Codex"), ("c" * 65, "")],
)
def test_the_most_alike_is_suggested_or_none(name: str, found: str) -> None:
    assert nearest(name, ["Codex", "claude", "gemini"]) == found


def test_suggestions_do_not_depend_on_order() -> None:
    assert nearest("ab", ["abc", "abd"]) == nearest("ab", ["abd", "abc"])


def test_a_hint_names_the_nearest_if_there_is_one() -> None:
    assert did_you_mean("codx", ["codex", "claude"]) == "did you mean codex?"
    assert did_you_mean("zzz", ["codex", "claude"]) is None
