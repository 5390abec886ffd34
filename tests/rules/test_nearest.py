"""A suggestion for a mistyped name."""

import pytest

from aimux.rules import nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [("claud", "claude"), ("GEMINY", "gemini"), ("qqq", ""), ("codexx", "Codex"), ("c" * 65, "")],
)
def test_the_most_alike_is_suggested_or_none(name: str, found: str) -> None:
    assert nearest(name, ["Codex", "claude", "gemini"]) == found


def test_suggestions_do_not_depend_on_order() -> None:
    assert nearest("ab", ["abc", "abd"]) == nearest("ab", ["abd", "abc"])
