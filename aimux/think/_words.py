"""Words and sentences: stems, similarity, negation, conflict. English, without a dictionary."""

import difflib
import functools
import re
from collections.abc import Collection, Iterable
from typing import Final


def listed(text: str) -> frozenset[str]:
    """The words of a text that is a list of words."""
    return frozenset(text.split())


STOP: Final = listed(
    """a an and are as at be been being but by can could did do does for from had has have how i if
    in into is it its may might of on or our shall should so than that the their them then there
    these they this those to was we were what when where which who why will with would you your
    us not no about any all also am because"""
)
_WORD: Final = re.compile(r"[^\W_]+(?:[-_'][^\W_]+)*")
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|none|cannot|without|neither|nor|wrong|incorrect|false|disagree|contrary"
    r"|opposite|however|\w+n't|isnt|doesnt|cant|wont|fails? to)\b",
    re.IGNORECASE,
)
_DENIAL: Final = listed(
    "not never no none cannot without neither nor wrong incorrect false fail fails"
)
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_BREAK: Final = re.compile(
    r"(?<!\b[A-Za-z])(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)[.!?]+(?=\s|$)"
)
_SUFFIXES: Final = ("ingly", "ments", "ment", "ings", "ing", "ions", "ion", "edly", "ies", "ied",
                    "ers", "ed", "es", "er", "ly", "s")  # fmt: skip
SAME: Final = 0.8  # as similar as a repetition
ALIKE: Final = 0.5  # about the same thing


def words(text: str) -> list[str]:
    """The words of a text in order, lower case."""
    return _WORD.findall(text.lower())


@functools.lru_cache(4_096)
def stem(word: str) -> str:
    """A word without its ending: `migrating`, `migration` and `migrates` are one."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            base = word[: -len(suffix)]
            return base + "y" if suffix in ("ies", "ied") else base.rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word


@functools.lru_cache(2_048)
def stems(text: str) -> frozenset[str]:
    """The stems of a text's words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in STOP)


def keywords(text: str) -> list[str]:
    """The words of a text that carry meaning, each once, sorted."""
    return sorted({word for word in words(text) if word not in STOP and len(word) > 1})


def jaccard(one: str, two: str) -> float:
    """How many of the words of two texts are the same: 0 to 1; punctuation counts."""
    first, second = _tokens(one), _tokens(two)
    both = len(first & second)
    either = len(first) + len(second) - both
    return both / either if either else 0.0


@functools.lru_cache(2_048)  # a session is compared with itself at every step
def _tokens(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


def alike(one: str, two: str) -> float:
    """How much two texts are about the same thing, whether they affirm or deny it: 0 to 1."""
    first, second = _subject(one), _subject(two)
    either = len(first | second)
    return len(first & second) / either if either else 0.0


@functools.lru_cache(2_048)
def _subject(text: str) -> frozenset[str]:
    denied = {stem(word) for word in _DENIAL}
    return frozenset(
        each for each in stems(text) if each not in denied and not each[0].isdigit()
    ) or stems(text)


def mentions(text: str, name: str) -> bool:
    """Whether every word of a name that carries meaning is in a text."""
    wanted = stems(name)
    return bool(wanted) and wanted <= stems(text)


def shared(one: str, two: str) -> int:
    """How many stems two texts have in common."""
    return len(stems(one) & stems(two))


def is_negated(text: str) -> bool:
    """Whether a text denies something, by whole words."""
    return _NEGATION.search(text) is not None


def figures(text: str) -> frozenset[float]:
    """The numbers in a text."""
    return frozenset(float(each) for each in _NUMBER.findall(text))


def conflict(one: str, two: str) -> str:
    """Why two texts cannot both be true; nothing if they can, as far as words tell."""
    if alike(one, two) < ALIKE:
        return ""
    if is_negated(one) != is_negated(two):
        return "one denies what the other says"
    first, second = figures(one), figures(two)
    if first and second and first != second:
        return "they give different numbers"
    return ""


def sentences(text: str) -> list[str]:
    """The sentences of a text; abbreviations and decimals do not end one."""
    return [each.strip() for each in _BREAK.split(text) if each.strip()]


def first_words(text: str, count: int = 8) -> str:
    """The beginning of a text, for a line that names it."""
    parts = text.split()
    return " ".join(parts[:count]) + ("…" if len(parts) > count else "")


def nearest(name: str, known: Collection[str], count: int = 3) -> list[str]:
    """The known names most like one, the nearest first."""
    close = difflib.get_close_matches(name, sorted(known), n=count, cutoff=0.0)
    return close[:count]


def duplicates(texts: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs of positions whose texts say the same, the later one second."""
    found, before = [], list[str]()
    for at, text in enumerate(texts):
        twin = next((i for i, each in enumerate(before) if jaccard(each, text) >= SAME), None)
        if twin is not None:
            found.append((twin, at))
        before.append(text)
    return found
