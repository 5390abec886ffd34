"""Audit rules out of YAML files, shipped < user: a file each, its id is the path below the root.

A file of a higher layer with the same id replaces the rule, `disabled: true` takes it away. A
project has no layer here: it would judge itself.
"""

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.files.yaml import Document, YamlFault, YamlReader
from aimux.model import Problem, Severity, Source
from aimux.rules import nearest
from aimux.rules.audit import RULE_KEYS, AuditRule, RuleFault, read_rule

MAX_FILES: Final = 1_000  # of one layer


@attrs.frozen(kw_only=True)
class AuditRules:
    """The rules in effect by id, those that were taken away, and what was wrong with files."""

    rules: Mapping[str, AuditRule]
    disabled: Sequence[str] = ()
    problems: Sequence[Problem] = ()


def read_audit_rules(
    roots: Sequence[tuple[Source, pathlib.Path]], reader: YamlReader
) -> AuditRules:
    """Every rule below `roots`, lowest layer first.

    A file with a fault is told and left out: what stands below it stays in effect.
    """
    rules: dict[str, AuditRule] = {}
    disabled: set[str] = set()
    problems: list[Problem] = []
    for _, root in roots:
        for file in _files(root, problems):
            try:
                document = reader.read(file)
            except YamlFault as fault:
                where = f"{fault.path}:{fault.line}" if fault.line else fault.path
                problems.append(_told(where, fault.what))
                continue
            stem = file.relative_to(root).with_suffix("").as_posix()
            _take(stem, document, rules, disabled, problems)
    return AuditRules(rules=rules, disabled=sorted(disabled), problems=problems)


def _files(root: pathlib.Path, problems: list[Problem]) -> Iterator[pathlib.Path]:
    try:
        found = sorted(each for each in root.rglob("*") if each.suffix in {".yaml", ".yml"})
    except OSError as error:
        problems.append(_told(root, f"cannot be read: {error.strerror}"))
        return
    if len(found) > MAX_FILES:
        problems.append(_told(root, f"{len(found)} files, only the first {MAX_FILES} are read"))
    yield from found[:MAX_FILES]


def _take(
    stem: str,
    document: Document,
    rules: dict[str, AuditRule],
    disabled: set[str],
    problems: list[Problem],
) -> None:
    data = document.data
    if not isinstance(data, dict):
        problems.append(_told(document.path, "a rule is a map of keys"))
        return
    id_ = data.get("id", stem)
    if not isinstance(id_, str):
        problems.append(_told(_where(document, "id"), "id is not a text"))
        return
    for key in sorted(set(data) - set(RULE_KEYS)):
        problem = Problem(
            severity=Severity.WARNING,
            where=_where(document, key),
            message=f"unknown key {key}",
            suggestion=nearest(key, RULE_KEYS),
        )
        problems.append(problem)
    if data.get("disabled") is True:
        rules.pop(id_, None)
        disabled.add(id_)
        return
    try:
        rules[id_] = read_rule(id_, data)
        disabled.discard(id_)
    except RuleFault as fault:
        problems.append(_told(_where(document, fault.key), fault.what))


def _where(document: Document, key: str) -> str:
    line = document.line(key) or document.line(f"match.{key}")
    return f"{document.path}:{line}" if line else document.path


def _told(where: str | pathlib.Path, what: str) -> Problem:
    return Problem(severity=Severity.ERROR, where=str(where), message=what)
