"""A rule of an audit: what it says to people, and its matcher."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from aimux.model import FindingSeverity

from ._matchers import LineMatcher, TokenMatcher
from ._parameters import Parameters, RuleFault
from ._python import PythonMatcher

CATEGORIES: Final = (
    "security", "correctness", "concurrency", "resources", "errors", "performance",
    "maintainability",
)  # fmt: skip
LANGUAGES: Final = ("python", "javascript", "go", "shell", "general")  # general: every text
RULE_KEYS: Final = (
    "id", "title", "family", "category", "severity", "certain", "languages", "why", "fix", "match",
    "defects", "look_alikes", "disabled",
)  # fmt: skip
NEEDED: Final = ("title", "category", "severity", "languages", "match")

Matcher: TypeAlias = PythonMatcher | TokenMatcher | LineMatcher


@attrs.frozen(kw_only=True)
class AuditRule:
    """One rule; `certain`: what it finds is wrong, whatever stands around it."""

    id: str
    title: str
    family: str
    category: str
    severity: FindingSeverity
    certain: bool = False
    languages: Sequence[str]
    why: str = ""
    fix: str = ""
    matcher: Matcher
    defects: Sequence[str] = ()
    look_alikes: Sequence[str] = ()


def read_rule(id_: str, values: Mapping[str, object]) -> AuditRule:
    """A rule as its file says it.

    Raises:
        RuleFault: a key is missing, or what it says cannot be used.
    """
    given = Parameters(values)
    for key in NEEDED:
        if key not in values:
            raise RuleFault(f"{key} is missing", key=key)
    category, languages = given.word("category"), given.words("languages")
    _check_word("category", category, CATEGORIES)
    _check_word("severity", given.word("severity"), tuple(FindingSeverity))
    for language in languages:
        _check_word("languages", language, LANGUAGES)
    match = values["match"]
    if not isinstance(match, Mapping):
        raise RuleFault("match is not a map", key="match")
    return AuditRule(
        id=id_,
        title=given.word("title"),
        family=given.word("family") or category,
        category=category,
        severity=FindingSeverity(given.word("severity")),
        certain=given.flag("certain"),
        languages=languages,
        why=given.word("why"),
        fix=given.word("fix"),
        matcher=_matcher(match, languages),
        defects=given.words("defects"),
        look_alikes=given.words("look_alikes"),
    )


def _check_word(key: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise RuleFault(f"{key} {word!r} is not one of {', '.join(known)}", key=key)


def _matcher(match: Mapping[str, object], languages: Sequence[str]) -> Matcher:
    if "lines" in match:
        return LineMatcher.of(match)
    if "check" in match:
        if tuple(languages) != ("python",):
            raise RuleFault("a check is for python alone", key="languages")
        return PythonMatcher.of(match)
    if {"python", "general"} & set(languages):
        raise RuleFault("tokens are for javascript, go and shell", key="languages")
    return TokenMatcher.of(match)
