"""Audit rules by layer: what replaces what, and what is wrong with files."""

import pathlib

from aimux.files.yaml import YamlReader
from aimux.library.audit import AuditRules, read_audit_rules
from aimux.model import Severity, Source

RULE = """\
title: A text is run as code
category: security
severity: high
languages: [javascript]
match:
  tokens: ["eval ("]
"""


def write(root: pathlib.Path, id_: str, text: str = RULE, suffix: str = ".yaml") -> pathlib.Path:
    """A file of a layer."""
    path = root / f"{id_}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: pathlib.Path) -> AuditRules:
    """Both layers of a test."""
    roots = [(Source.SHIPPED, tmp_path / "shipped"), (Source.USER, tmp_path / "user")]
    return read_audit_rules(roots, YamlReader())


def test_the_id_of_a_rule_is_its_path_or_what_it_says(tmp_path: pathlib.Path) -> None:
    """However deep, whatever the suffix."""
    write(tmp_path / "shipped", "javascript/eval")
    write(tmp_path / "user", "own/deep/rule", suffix=".yml")
    write(tmp_path / "user", "other", f"id: javascript/other\n{RULE}")
    found = read(tmp_path)

    assert set(found.rules) == {"javascript/eval", "own/deep/rule", "javascript/other"}
    assert found.rules["own/deep/rule"].id == "own/deep/rule"
    assert list(found.problems) == []


def test_a_rule_of_the_user_replaces_one_with_the_same_id(tmp_path: pathlib.Path) -> None:
    """Whole: nothing of the old one is left."""
    write(tmp_path / "shipped", "javascript/eval", f"{RULE}certain: true\n")
    write(tmp_path / "user", "mine", f"id: javascript/eval\n{RULE.replace('high', 'low')}")
    found = read(tmp_path)

    assert list(found.rules) == ["javascript/eval"]
    assert found.rules["javascript/eval"].severity == "low"
    assert not found.rules["javascript/eval"].certain


def test_a_rule_can_be_disabled_and_nothing_else_is_needed_for_it(tmp_path: pathlib.Path) -> None:
    """A later file may bring it back."""
    write(tmp_path / "shipped", "javascript/eval")
    write(tmp_path / "shipped", "javascript/exec")
    write(tmp_path / "user", "javascript/eval", "disabled: true\n")
    write(tmp_path / "user", "a", "id: javascript/exec\ndisabled: true\n")
    write(tmp_path / "user", "b", f"id: javascript/exec\ndisabled: false\n{RULE}")
    found = read(tmp_path)

    assert list(found.rules) == ["javascript/exec"]
    assert list(found.disabled) == ["javascript/eval"]
    assert list(found.problems) == []


def test_a_file_with_a_fault_is_told_with_its_line_and_what_is_below_stays(
    tmp_path: pathlib.Path,
) -> None:
    """No mistake in an override takes a rule away."""
    write(tmp_path / "shipped", "javascript/eval")
    user = tmp_path / "user"
    bad = write(user, "javascript/eval", RULE.replace("eval (", "/[/"))
    tab = write(user, "b", "title: [\n")
    text = write(user, "c", "only words\n")
    number = write(user, "d", f"id: 3\n{RULE}")
    missing = write(user, "e", "title: t\n")
    found = read(tmp_path)
    told = {str(each.where): each.message for each in found.problems}

    assert list(found.rules) == ["javascript/eval"]
    assert {each.severity for each in found.problems} == {Severity.ERROR}
    assert "is not a regular expression" in told[f"{bad}:6"]
    assert any(where.startswith(f"{tab}:") for where in told)
    assert told[str(text)] == "a rule is a map of keys"
    assert told[f"{number}:1"] == "id is not a text"
    assert told[str(missing)] == "category is missing"


def test_an_unknown_key_costs_only_that_key(tmp_path: pathlib.Path) -> None:
    """The nearest one is named."""
    path = write(tmp_path / "user", "a", f"{RULE}sevrity: low\n")
    found = read(tmp_path)
    (problem,) = found.problems

    assert "a" in found.rules
    assert (problem.severity, problem.suggestion) == (Severity.WARNING, "severity")
    assert problem.where == f"{path}:7"


def test_a_missing_directory_has_no_rules(tmp_path: pathlib.Path) -> None:
    """Most people have none of their own."""
    assert read(tmp_path) == AuditRules(rules={}, disabled=[], problems=[])


def test_only_so_many_files_are_read(tmp_path: pathlib.Path) -> None:
    """A home directory given by mistake is not."""
    for number in range(1_001):
        write(tmp_path / "user", f"{number:04}", "disabled: true\n")
    found = read(tmp_path)

    assert len(found.disabled) == 1_000
    assert [each.message for each in found.problems] == ["1001 files, only the first 1000 are read"]
