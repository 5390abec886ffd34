"""The shipped rules and the corpus, as tests ask for them."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.library.audit import AuditRules, read_audit_rules
from aimux.model import Finding, Source
from aimux.rules.audit import AuditRule, Scan, read_rule, scan

CORPUS: Final = Path(__file__).resolve().parents[2] / "corpus" / "audit"
SUFFIXES: Final = {
    "python": ".py", "javascript": ".ts", "go": ".go", "shell": ".sh", "general": ".txt",
}  # fmt: skip


@functools.cache
def shipped_rules() -> AuditRules:
    """All that come with aimux."""
    return read_audit_rules([(Source.SHIPPED, shipped("profiles") / "audit-rules")], YamlReader())


def shipped_rule(id_: str) -> AuditRule:
    """One of them, without the rest being read: a module may ask for it when it is collected."""
    file = shipped("profiles") / "audit-rules" / f"{id_}.yaml"
    data = YamlReader().read(file).data
    assert isinstance(data, dict)
    return read_rule(id_, data)


def rule(match: Mapping[str, object], language: str = "javascript", **more: object) -> AuditRule:
    """A rule with a matcher, and as little else as it can do with."""
    values = {"title": "t", "category": "errors", "severity": "low", "languages": [language]}
    return read_rule(f"{language}/t", {**values, "match": match, **more})


def scanned(text: str, *rules: AuditRule, language: str = "javascript") -> Scan:
    """What rules say about a text."""
    return scan(f"x{SUFFIXES[language]}", text.encode(), rules)


def hits(text: str, *patterns: str, language: str = "javascript", **more: object) -> list[int]:
    """The lines that patterns match."""
    one = rule({"tokens": list(patterns), **more}, language)
    return [each.line for each in scanned(text, one, language=language).findings]


class Planted(NamedTuple):
    """A file of the corpus: what was planted in it, and what the rules found."""

    name: str
    language: str
    defects: Sequence[Mapping[str, object]]
    look_alikes: Sequence[Mapping[str, object]]
    findings: Sequence[Finding]


def corpus(*, is_held_out: bool) -> Iterator[Planted]:
    """One half of the corpus under the shipped rules."""
    rules = list(shipped_rules().rules.values())
    for side in sorted(CORPUS.rglob("*.json")):
        said = json.loads(side.read_text(encoding="utf-8"))
        if said["held_out"] is is_held_out:
            source = side.with_suffix("")
            found = scan(source.name, source.read_bytes(), rules)
            assert not found.skipped
            yield Planted(
                source.name, said["language"], said["defects"], said["look_alikes"], found.findings
            )
