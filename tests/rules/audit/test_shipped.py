"""The shipped rules: each finds its defects and leaves its look-alikes alone."""

from collections import Counter

import pytest

from aimux.rules.audit import CATEGORIES, AuditRule

from .rulebook import scanned, shipped_rules

RULES = shipped_rules().rules
EXAMPLES = [(id_, number) for id_ in sorted(RULES) for number in (0, 1)]


def test_every_shipped_file_is_a_rule() -> None:
    """Without a warning, and its id is its path."""
    assert list(shipped_rules().problems) == []
    assert all(each.id == id_ for id_, each in RULES.items())


def test_there_are_enough_rules_of_each_language() -> None:
    """Fifteen of each that we know, and some for every text."""
    counts = Counter(id_.partition("/")[0] for id_ in RULES)

    assert set(counts) == {"python", "javascript", "go", "shell", "general"}
    assert min(counts[each] for each in ("python", "javascript", "go", "shell")) >= 15
    assert {each.category for each in RULES.values()} == set(CATEGORIES)


@pytest.mark.parametrize("id_", sorted(RULES))
def test_a_rule_says_what_is_wrong_why_and_what_to_do(id_: str) -> None:
    """In sentences, with two examples of each kind."""
    rule = RULES[id_]

    assert rule.languages == (id_.partition("/")[0],)
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.title
    assert (len(rule.defects), len(rule.look_alikes)) == (2, 2)


def language_of(rule: AuditRule) -> str:
    """The one language of a shipped rule."""
    return rule.languages[0]


@pytest.mark.parametrize(("id_", "number"), EXAMPLES)
def test_a_rule_finds_its_defects(id_: str, number: int) -> None:
    """Each of the examples in its own file."""
    rule = RULES[id_]
    scan = scanned(rule.defects[number], rule, language=language_of(rule))

    assert [each.rule for each in scan.findings][:1] == [id_]
    assert list(scan.skipped) == []


@pytest.mark.parametrize(("id_", "number"), EXAMPLES)
def test_a_rule_leaves_its_look_alikes_alone(id_: str, number: int) -> None:
    """Each of the examples in its own file."""
    rule = RULES[id_]
    scan = scanned(rule.look_alikes[number], rule, language=language_of(rule))

    assert list(scan.findings) == []
    assert list(scan.skipped) == []
