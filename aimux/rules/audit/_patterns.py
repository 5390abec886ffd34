"""Patterns over tokens: what rules for JavaScript, Go and shell are written in.

A pattern is words with spaces between, each for one token unless it says otherwise:

| word | matches |
|---|---|
| `exec`, `(`, `===` | a token that reads so |
| `a|b|c` | one of these |
| `_` | any token |
| `WORD` `NUMBER` `STRING` `REGEX` | a token of that kind; a `STRING` has no values in it |
| `LITERAL` | any of the last three |
| `BUILT` | a template or shell word that values are put into |
| `BARE` | a shell word that is split where a value is put in |
| `/re/` | a name or shell word that is all like this, whatever its case |
| `"re"` | a string in which this is found, whatever its case, its quotes left out |
| `$x` | a name, and the same one again wherever the rule says `$x` |
| `!word` | one token that is not this |
| `word?` | this or nothing |
| `...` | any tokens of the same statement, brackets whole; the fewest that will do |
| `{...}` | any tokens up to the end of the brackets around them, the fewest that will do |
| `^`, `$` | where a statement begins, or ends |

A backslash before a word takes its meaning away (`\\_`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from ._parameters import RuleFault, compiled
from ._tokens import Kind, Stream, Token

MAX_GAP: Final = 300  # tokens that `...` goes over
MAX_STEPS: Final = 3_000_000  # of all rules on one file: some seconds
MAX_WORDS: Final = 60  # of one pattern

Bound: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[Token], bool]
_KINDS: Final[Mapping[str, Test]] = {
    "_": lambda token: True,
    "WORD": lambda token: token.kind is Kind.WORD,
    "NUMBER": lambda token: token.kind is Kind.NUMBER,
    "STRING": lambda token: token.kind is Kind.STRING and not token.has_values,
    "REGEX": lambda token: token.kind is Kind.REGEX,
    "LITERAL": lambda token: (
        token.kind in {Kind.STRING, Kind.NUMBER, Kind.REGEX} and not token.has_values
    ),
    "BUILT": lambda token: token.has_values,
    "BARE": lambda token: token.is_bare,
}
_OPERATORS: Final = re.compile(r"[^\w\s]+")
_WITH_BAR: Final = frozenset({"|", "||", "|=", "||=", "|&"})
_GAPS: Final = ("...", "{...}")
_STOPS: Final = frozenset({";", ")", "]", "}"})
_SHELL_STOPS: Final = frozenset({";", ")", "&&", "||", "|", "&"})
_CLOSERS: Final = frozenset({")", "]", "}"})


class TooDense(Exception):
    """A file asks for more steps than one may take."""


@attrs.define
class Steps:
    """How many comparisons a file may still cost."""

    left: int = MAX_STEPS

    def take(self, count: int = 1) -> None:
        """Count some.

        Raises:
            TooDense: there are none left.
        """
        self.left -= count
        if self.left < 0:
            raise TooDense


@attrs.frozen(kw_only=True)
class _Word:
    """One word of a pattern."""

    test: Test | None = None  # None: `^`, `$`, `...` or a name
    mark: str = ""
    texts: frozenset[str] = frozenset()  # all it can be, where that is known
    is_optional: bool = False


@attrs.frozen
class Match:
    """Where a pattern matches, up to before `end`, and what its names stand for."""

    start: int
    end: int
    bound: Bound


@attrs.frozen(kw_only=True)
class Pattern:
    """A pattern, and where in it the word is that it is looked for by."""

    source: str
    words: Sequence[_Word]
    pivot: int = -1  # tokens from the start; -1: it is looked for everywhere
    texts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, source: str) -> "Pattern":
        """A pattern as it is written.

        Raises:
            RuleFault: it is empty, too long, or has a regular expression that is none.
        """
        words = [_word(each) for each in source.split()]
        if not words or len(words) > MAX_WORDS:
            raise RuleFault(f"a pattern has 1 to {MAX_WORDS} words: {source!r}", key="tokens")
        offset = 0
        for word in words:
            if word.texts and not word.is_optional:
                return cls(source=source, words=words, pivot=offset, texts=word.texts)
            if word.mark in _GAPS or word.is_optional:
                break
            offset += word.mark not in {"^", "$"}
        return cls(source=source, words=words)

    def find(
        self,
        stream: Stream,
        steps: Steps,
        start: int = 0,
        end: int = -1,
        bound: Bound | None = None,
    ) -> Iterator[Match]:
        """Every match that begins from `start` to before `end`, and is over before it.

        Raises:
            TooDense: `steps` are used up.
        """
        end = len(stream.tokens) if end < 0 else end
        places: Sequence[int] = range(start, end)
        if self.pivot >= 0:
            shift = self.pivot
            found = (stream.where(text, start + shift, end) for text in self.texts)
            places = sorted(each - shift for several in found for each in several)
        for place in places:
            steps.take()
            match = _match(self.words, 0, stream, place, end, bound or {}, steps)
            if match is not None:
                yield Match(place, *match)


def _word(text: str) -> _Word:
    if text in {*_GAPS, "^", "$"}:
        return _Word(mark=text)
    if text.startswith("\\") and len(text) > 1:
        return _literal(text[1:])
    if text.endswith("?") and _OPERATORS.fullmatch(text) is None:
        return attrs.evolve(_word(text[:-1]), is_optional=True)
    if text.startswith("!") and len(text) > 1 and text[1] != "=":
        word = _word(text[1:])
        test = word.test
        if test is None:
            raise RuleFault(f"{text}: only a word for one token can be denied", key="tokens")
        return _Word(test=lambda token: not test(token))
    if text in _KINDS:
        return _Word(test=_KINDS[text])
    if text.startswith("$") and _OPERATORS.fullmatch(text) is None:
        return _Word(mark=text)
    if len(text) > 2 and text[0] == text[-1] == "/":
        name = compiled(text[1:-1], "tokens")
        return _Word(
            test=lambda token: (
                (token.kind is Kind.WORD or token.is_bare or token.has_values)
                and name.fullmatch(token.text) is not None
            )
        )
    if len(text) > 2 and text[0] == text[-1] == '"':
        said = re.compile(compiled(text[1:-1], "tokens").pattern, re.IGNORECASE | re.DOTALL)
        return _Word(
            test=lambda token: (
                token.kind is Kind.STRING and said.search(token.text[1:-1]) is not None
            )
        )
    return _literal(*([text] if text in _WITH_BAR else text.split("|")))


def _literal(*texts: str) -> _Word:
    known = frozenset(texts)
    return _Word(test=lambda token: token.text in known, texts=known)


def _match(
    words: Sequence[_Word],
    at: int,
    stream: Stream,
    index: int,
    end: int,
    bound: Bound,
    steps: Steps,
) -> tuple[int, Bound] | None:
    """Before which token the words from `at` on are over when they begin at `index`."""
    tokens = stream.tokens
    while at < len(words):
        word = words[at]
        if word.is_optional:
            rest = [attrs.evolve(word, is_optional=False), *words[at + 1 :]]
            taken = _match(rest, 0, stream, index, end, bound, steps)
            return taken or _match(words, at + 1, stream, index, end, bound, steps)
        steps.take()
        if word.mark in _GAPS:
            is_deep = word.mark == "{...}"
            return _gap(words, at + 1, stream, index, end, bound, steps, is_deep=is_deep)
        if word.mark in {"^", "$"}:
            holds = stream.is_statement_start if word.mark == "^" else stream.is_statement_end
            if not holds(index):
                return None
            at += 1
            continue
        if index >= end:
            return None
        token = tokens[index]
        if word.test is not None:
            if not word.test(token):
                return None
        elif token.kind is not Kind.WORD or bound.get(word.mark, token.text) != token.text:
            return None
        else:
            bound = {**bound, word.mark: token.text}
        at, index = at + 1, index + 1
    return index, bound


def _gap(
    words: Sequence[_Word],
    at: int,
    stream: Stream,
    index: int,
    end: int,
    bound: Bound,
    steps: Steps,
    *,
    is_deep: bool,
) -> tuple[int, Bound] | None:
    stops = _SHELL_STOPS if stream.language == "shell" else _STOPS
    start, stop = index, min(end, index + MAX_GAP)
    while True:
        found = _match(words, at, stream, index, end, bound, steps)
        if found is not None or index >= stop:
            return found
        partner = stream.partner.get(index, index)
        if is_deep:
            if partner < start or (partner == index and stream.tokens[index].text in _CLOSERS):
                return None
            index += 1
        elif stream.tokens[index].text in stops:
            return None
        else:
            index = max(index, partner) + 1
