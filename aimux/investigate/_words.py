"""How alike two claims are: by their words, never by what they mean.

Two measures, the greater counts: the share of all words, and the share of the words that carry
meaning, cut to their stems, so that "entries are never evicted" is "never evicts entries". What
denies is kept apart: claims of the same words that differ in it contradict each other.
"""

import functools
import re
from typing import Final

import attrs

ALIKE: Final = 0.8  # claims at least this alike say the same
RELATED: Final = 0.5  # and these are about the same thing
MAX_WORDS: Final = 400  # of one claim: comparing is linear in them, and all are compared with all

_WORD: Final = re.compile(r"[\w.:/#-]*\w")
_PLAIN: Final = re.compile(r"[^\W\d_]+")
_DENYING: Final = frozenset({
    "no", "not", "never", "none", "nothing", "nowhere", "neither", "nor", "cannot", "without",
    "isn't", "aren't", "wasn't", "weren't", "doesn't", "don't", "didn't", "won't", "can't",
    "couldn't", "shouldn't", "wouldn't", "hasn't", "haven't", "hadn't",
})  # fmt: skip
_EMPTY: Final = frozenset({
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "and", "or", "but",
    "is", "are", "was", "were", "be", "been", "being", "it", "its", "this", "that", "these",
    "those", "there", "here", "as", "if", "then", "than", "so", "do", "does", "did", "has", "have",
    "had", "will", "would", "can", "could", "should", "may", "might", "must", "which", "who",
    "whose", "what", "when", "where", "while", "into", "onto", "about", "also", "very", "just",
})  # fmt: skip
_ENDINGS: Final = ("ations", "ation", "ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es",
                   "ly", "s", "e")  # fmt: skip
_STEM_CHARS: Final = 3  # what has to be left of a word


@attrs.frozen(kw_only=True)
class Words:
    """What a claim is compared by.

    `marks` are the names, numbers and paths in it: claims with different ones are about different
    things, however alike the rest is.
    """

    every: frozenset[str]
    stems: frozenset[str]
    marks: frozenset[str]
    is_denied: bool


@functools.lru_cache(maxsize=4_096)
def words_of(text: str) -> Words:
    """The words of a claim, as many as count."""
    folded = text.replace("\u2019", "'").casefold()
    spoken = re.findall(r"[\w']+", folded)[:MAX_WORDS]
    written = _WORD.findall(text)[:MAX_WORDS]
    denials = sum(word in _DENYING for word in spoken)
    plain = [word for word in spoken if word not in _EMPTY and word not in _DENYING]
    return Words(
        every=frozenset(spoken),
        stems=frozenset(_stem(word) for word in plain),
        marks=frozenset(word.casefold() for word in written if _is_mark(word)),
        is_denied=denials % 2 == 1,
    )


def _is_mark(word: str) -> bool:
    """Whether a word names one thing: `retry_loop`, `a.py:3`, `maxSize`, `42`, `HTTP`."""
    if _PLAIN.fullmatch(word) is None:
        return True
    return word[1:] != word[1:].lower()


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_CHARS:
            return word[: -len(ending)]
    return word


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The shared words of two sets among all of theirs; 0 where there are none."""
    every = one | other
    return len(one & other) / len(every) if every else 0.0


def alike(one: Words, other: Words, least: float) -> bool:
    """Whether at least this share of the words of two claims is the same, denial aside."""
    return _shares(one.stems, other.stems, least) or _shares(one.every, other.every, least)


def _shares(one: frozenset[str], other: frozenset[str], least: float) -> bool:
    shared = len(one & other)
    return shared > 0 and shared >= least * (len(one) + len(other) - shared)


def names_other_things(one: Words, other: Words) -> bool:
    """Whether each of two claims names something that the other does not."""
    return bool(one.marks - other.marks and other.marks - one.marks)


def likeness(one: str, other: str) -> float:
    """How alike two claims are, from 0 to 1, whether they deny or not."""
    first, second = words_of(one), words_of(other)
    return max(jaccard(first.every, second.every), jaccard(first.stems, second.stems))


def says_the_same(one: str, other: str) -> bool:
    """Whether two claims differ in wording at most."""
    first, second = words_of(one), words_of(other)
    return first.is_denied == second.is_denied and _is_one_matter(first, second)


def contradicts(one: str, other: str) -> bool:
    """Whether one claim denies what the other says."""
    first, second = words_of(one), words_of(other)
    return first.is_denied != second.is_denied and _is_one_matter(first, second)


def _is_one_matter(one: Words, other: Words) -> bool:
    return not names_other_things(one, other) and alike(one, other, ALIKE)


def is_related(one: str, other: str) -> bool:
    """Whether two claims are about the same thing; those that say or deny the same are too."""
    return alike(words_of(one), words_of(other), RELATED)
