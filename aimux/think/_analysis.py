"""What a text says by its words alone: names, negations, questions, gaps. English heuristics."""

import functools
import re
from collections.abc import Sequence
from typing import Final

from ._domains import DOMAINS, domain_of
from ._fields import Json
from ._words import listed, sentences, stems, words

ANALYSED: Final = 16_384  # characters; the rest of a longer text adds nothing but time
SHOWN: Final = 40

_NAME: Final = re.compile(r"\b[A-Z][A-Za-z0-9]{2,}\b")
_QUOTED: Final = re.compile(r'"([^"\n]{1,80})"')
_TERM: Final = re.compile(r"\b[a-z0-9]+(?:[-.][a-z0-9]+)+\b")
_NUMERIC: Final = re.compile(r"[\d.\-]+")
_RELATION: Final = re.compile(r"\b([\w-]+) (with|for|using) ([\w-]+)\b", re.IGNORECASE)
_NEGATED: Final = re.compile(
    r"\b(?:without|no|not|exclude|avoid) ([^.,;!?\n]{2,41})", re.IGNORECASE
)
_QUESTION: Final = re.compile(r"([^.!?\n]{3,}\?)")
_OPEN: Final = re.compile(r"\b((?:should we|which|how to|whether) [^.,;!?\n]{3,80})", re.IGNORECASE)
_VERBS: Final = {"with": "includes", "for": "serves", "using": "uses"}
_STARTERS: Final = listed(
    """The This That These Those There Here What When Where Which Who Why How Should Would Could
    Can Will Shall May Might Must Are Were Was Does Did Has Have Had Our Your Their Its His Her
    They You She And But For With Without From Into Use Add Make Build Create Write Fix Find Let
    Please Consider Design Implement Migrate Move Run Set Get Give Keep Take Try Check Test Not
    Also After Before While Since Because Then Now Some Any All Each Every One Two"""
)
_JOINING: Final = frozenset({"and", "or", "but", "also", "additionally"})


def analyse(text: str) -> Json:
    """Entities, relationships, gaps, negations, questions and complexity of a text."""
    text = text[:ANALYSED]
    domain = domain_of(text)
    said = stems(text)
    gaps = [
        {"expected": each, "why": f"usual in {domain.name}"}
        for each, wanted in _expected(domain.name)
        if not wanted <= said
    ] if domain else []  # fmt: skip
    questions = [each.strip() for each in _QUESTION.findall(text)] if "?" in text else []
    asked = " ".join(questions)
    questions += [each.strip() for each in _OPEN.findall(text) if each.strip() not in asked]
    return {
        "entities": entities(text)[:SHOWN],
        "relationships": _relationships(text)[:SHOWN],
        "gaps": gaps,
        "negations": list(dict.fromkeys(each.strip() for each in _NEGATED.findall(text)))[:SHOWN],
        "questions": list(dict.fromkeys(questions))[:SHOWN],
        "complexity": complexity_of(text),
    }


@functools.cache
def _expected(name: str) -> Sequence[tuple[str, frozenset[str]]]:
    """What is usual in a domain, sorted, with the stems that say it is there."""
    domain = next(each for each in DOMAINS if each.name == name)
    return [(each, stems(each.replace("-", " "))) for each in sorted(domain.expected)]


def entities(text: str) -> list[str]:
    """Names, quoted phrases and technical terms of a text, sorted."""
    names = {each for each in _NAME.findall(text) if each not in _STARTERS}
    terms = {each for each in _TERM.findall(text) if not _NUMERIC.fullmatch(each)}
    return sorted(names | terms | set(_QUOTED.findall(text)))


def _relationships(text: str) -> list[Json]:
    found = {
        (subject, _VERBS[verb.lower()], other) for subject, verb, other in _RELATION.findall(text)
    }
    return [
        {"subject": subject, "verb": verb, "object": other}
        for subject, verb, other in sorted(found)
    ]


@functools.lru_cache(4)  # both the score's policy and the analysis ask it of a call's text
def complexity_of(text: str) -> str:
    """`low`, `medium`, `high` or `epic`, by sentences and conjunctions."""
    count = len(sentences(text))
    joined = sum(word in _JOINING for word in words(text))
    if count > 10:
        return "epic"
    if count >= 6 or joined >= 4:
        return "high"
    return "medium" if count >= 3 or joined >= 2 else "low"
