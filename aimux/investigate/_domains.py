"""Domains: what has to be looked at for a kind of question, how, and from which angles.

A domain is data: shipped ones and the user's own are files of one shape, read here from plain
values, so that a fault says its key.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ._state import MAX_TEXT_CHARS, Severity

GENERIC: Final = "generic"
ALIASES: Final[Mapping[str, str]] = {"general": GENERIC}
MAX_AREAS: Final = 30
MAX_LISTED: Final = 50  # of anything else
QUESTION: Final = "{question}"  # in an angle: the question that is investigated
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_WORD: Final = re.compile(r"[^\W_]+")
KEYS: Final = (
    "summary", "keywords", "areas", "indicators", "anti_patterns", "angles", "min_verified",
    "priority",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Indicator:
    """What is often found in a domain, how grave it usually is, and what mends it."""

    text: str
    severity: Severity
    fix: str = ""


@attrs.frozen(kw_only=True)
class Angle:
    """One way to think about the question: a pattern of `think` and fields beside its prompt."""

    name: str
    pattern: str
    prompt: str = QUESTION
    fields: Mapping[str, object] = attrs.field(factory=dict)

    def prompt_for(self, question: str) -> str:
        """What is thought about."""
        return self.prompt.replace(QUESTION, question)


@attrs.frozen(kw_only=True)
class Domain:
    """One domain. `areas` are names with the method to look at each, in their order."""

    name: str
    summary: str = ""
    keywords: Sequence[str] = ()
    areas: Mapping[str, str]
    indicators: Sequence[Indicator] = ()
    anti_patterns: Sequence[str] = ()
    angles: Sequence[Angle] = ()
    min_verified: int = 3
    priority: int = 50  # among domains that fit a question equally well, the lower wins

    def method(self, area: str) -> str:
        """How to look at an area."""
        return self.areas.get(area) or f"Look at {area.replace('_', ' ')} itself, not at its docs."


@attrs.frozen(kw_only=True)
class Detection:
    """Which domain fits a question, and by which of its words."""

    domain: str
    scores: Mapping[str, int]
    matched: Sequence[str]


def detect(question: str, domains: Mapping[str, Domain]) -> Detection:
    """The domain most of whose keywords are in a question as whole words; `generic` for none."""
    words = {_singular(word) for word in _WORD.findall(question.casefold())}
    text = f" {' '.join(_singular(word) for word in _WORD.findall(question.casefold()))} "
    found: dict[str, list[str]] = {}
    for name, domain in domains.items():
        hits = [
            keyword
            for keyword in domain.keywords
            if _singular(keyword) in words or (" " in keyword and f" {_spaced(keyword)} " in text)
        ]
        if hits:
            found[name] = hits
    best = min(
        found, key=lambda name: (-len(found[name]), domains[name].priority, name), default=GENERIC
    )
    return Detection(
        domain=best,
        scores={name: len(hits) for name, hits in sorted(found.items())},
        matched=found.get(best, []),
    )


def _spaced(keyword: str) -> str:
    return " ".join(_singular(word) for word in _WORD.findall(keyword.casefold()))


def _singular(word: str) -> str:
    folded = word.casefold()
    if len(folded) > 3 and folded.endswith("ies"):
        return f"{folded[:-3]}y"
    if len(folded) > 3 and folded.endswith("s") and not folded.endswith(("ss", "us", "is")):
        return folded[:-1]
    return folded


# --------------------------------------------------------------------------------- from plain data


@attrs.define
class _Reader:
    """Reads one file's values and keeps what was wrong with them, by key."""

    data: Mapping[str, object]
    faults: list[tuple[str, str]] = attrs.field(factory=list)

    def say(self, key: str, what: str) -> None:
        self.faults.append((key, what))

    def text(self, key: str, value: object) -> str:
        if isinstance(value, str) and len(value) <= MAX_TEXT_CHARS:
            return " ".join(value.split())
        self.say(key, f"expected a text of at most {MAX_TEXT_CHARS} characters")
        return ""

    def texts(self, key: str) -> list[str]:
        listed = [self.text(f"{key}.{at}", each) for at, each in enumerate(self.items(key))]
        return [each for each in listed if each]

    def items(self, key: str) -> Sequence[object]:
        value = self.data.get(key, ())
        if isinstance(value, list | tuple) and len(value) <= MAX_LISTED:
            return value
        self.say(key, f"expected a list of at most {MAX_LISTED}")
        return ()

    def number(self, key: str, default: int) -> int:
        value = self.data.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100:
            return value
        self.say(key, "expected a whole number from 0 to 100")
        return default

    def areas(self) -> dict[str, str]:
        value = self.data.get("areas")
        if isinstance(value, list):  # names alone are enough
            value = {str(each): "" for each in value}
        if not isinstance(value, Mapping) or not 0 < len(value) <= MAX_AREAS:
            self.say("areas", f"expected 1 to {MAX_AREAS} names, each with a method")
            return {}
        areas: dict[str, str] = {}
        for name, method in value.items():
            if _NAME.fullmatch(str(name)) is None:
                self.say(f"areas.{name}", "expected a name of lower-case letters, digits and _")
            else:
                areas[str(name)] = self.text(f"areas.{name}", method) if method else ""
        return areas

    def indicators(self) -> list[Indicator]:
        found = []
        for at, each in enumerate(self.items("indicators")):
            match each:
                case {"text": str(text), "severity": str(severity), **more} if severity in list(
                    Severity
                ):
                    fix = self.text(f"indicators.{at}.fix", more.get("fix", ""))
                    found.append(Indicator(text=text, severity=Severity(severity), fix=fix))
                case _:
                    self.say(f"indicators.{at}", "expected text, severity (P0 to P3) and fix")
        return found

    def angles(self) -> list[Angle]:
        found = []
        for at, each in enumerate(self.items("angles")):
            match each:
                case {"name": str(name), "pattern": str(pattern), **more}:
                    fields = more.get("fields") or {}
                    if not isinstance(fields, Mapping):
                        self.say(f"angles.{at}.fields", "expected fields of the pattern")
                        fields = {}
                    prompt = self.text(f"angles.{at}.prompt", more.get("prompt", QUESTION))
                    found.append(
                        Angle(
                            name=name, pattern=pattern, prompt=prompt or QUESTION,
                            fields={str(key): value for key, value in fields.items()},
                        )
                    )  # fmt: skip
                case _:
                    self.say(f"angles.{at}", "expected name, pattern and, if it needs them, fields")
        return found


def read_domain(name: str, data: object) -> tuple[Domain | None, list[tuple[str, str]]]:
    """The domain that plain values describe, and each fault with its key.

    None where nothing can be made of them: no map, a wrong name, no area.
    """
    if not isinstance(data, Mapping):
        return None, [("", "expected a map of keys")]
    if _NAME.fullmatch(name) is None or name in {"auto", *ALIASES}:
        return None, [("", f"{name!r} cannot be the name of a domain")]
    reader = _Reader(data)
    for key in sorted({*data} - {*KEYS}):
        reader.say(str(key), f"unknown key, known are {', '.join(KEYS)}")
    areas = reader.areas()
    domain = Domain(
        name=name,
        summary=reader.text("summary", data.get("summary", "")),
        keywords=reader.texts("keywords"),
        areas=areas,
        indicators=reader.indicators(),
        anti_patterns=reader.texts("anti_patterns"),
        angles=reader.angles(),
        min_verified=reader.number("min_verified", 3),
        priority=reader.number("priority", 50),
    )
    return (domain if areas else None), reader.faults
