"""Matchers over tokens and over lines: a pattern, and what holds inside and around a match."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from ._hits import Hit
from ._parameters import Parameters, RuleFault, compiled
from ._patterns import Match, Pattern, Steps
from ._secrets import is_secret
from ._tokens import Comment, Stream

MAX_LINE_CHARS: Final = 1_000  # of a line that is looked at: longer ones are generated
MAX_HITS: Final = 200  # of one rule in one file

_PARTS: Final = ("", "body_", "near_", "function_", "after_", "block_", "header_", "file_")
_CONDITIONS: Final = tuple(f"{part}{verb}" for part in _PARTS for verb in ("has", "lacks"))
_FLAGS: Final = ("is_secret", "without_comment", "at_end")


@attrs.frozen(kw_only=True)
class TokenText:
    """A file in tokens, as matchers ask about it."""

    streams: Sequence[Stream] = ()
    comments: Sequence[Comment] = ()
    first_line: str = ""

    def has_comment(self, hit: Hit) -> bool:
        """Whether a comment begins in these lines."""
        return any(hit.line <= each.line <= hit.end_line for each in self.comments)


@attrs.frozen(kw_only=True)
class TokenMatcher:
    """Patterns of which one matches, and what else must be found, or not, in parts around it.

    `has`/`lacks`: in the match. `body_…`: in the brackets that its last token opens. `near_…`: in
    its whole statement, or before its function's body. `function_…`: in its function; `after_…`:
    in the rest of it. `block_…`: before a block around it, inside its function. `header_…`: before
    its function's body. `file_…`: anywhere. Of several patterns one is enough, and names keep what
    they stand for. `first_line`: a regular expression that it is like. `is_secret`: what the last
    token says looks like a secret, by the name `$name` or the word before its `=`.
    `without_comment`: no comment stands in its lines. `at_end`: the last token is where it is.
    """

    tokens: Sequence[Pattern]
    conditions: Mapping[str, Sequence[Pattern]]
    first_line: re.Pattern[str] | None = None
    is_secret: bool = False
    without_comment: bool = False
    at_end: bool = False

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "TokenMatcher":
        """A matcher out of a rule's keys.

        Raises:
            RuleFault: an unknown key, or a pattern that is none.
        """
        given = Parameters(values)
        for key in values:
            if key not in {"tokens", "first_line", *_FLAGS, *_CONDITIONS}:
                raise RuleFault(f"a matcher of tokens has no {key}", key=key)
        if not given.words("tokens"):
            raise RuleFault("tokens are missing", key="tokens")
        parts = {key: [Pattern.of(each) for each in given.words(key)] for key in _CONDITIONS}
        return cls(
            tokens=[Pattern.of(each) for each in given.words("tokens")],
            conditions={key: several for key, several in parts.items() if several},
            first_line=given.pattern("first_line"),
            is_secret=given.flag("is_secret"),
            without_comment=given.flag("without_comment"),
            at_end=given.flag("at_end"),
        )

    def find(self, text: TokenText, steps: Steps) -> Iterator[Hit]:
        """Where it hits, in the order of patterns.

        Raises:
            TooDense: `steps` are used up.
        """
        if self.first_line is not None and self.first_line.match(text.first_line) is None:
            return
        for stream in text.streams:
            for pattern in self.tokens:
                for match in pattern.find(stream, steps):
                    first = stream.tokens[match.start]
                    last = stream.tokens[max(match.start, match.end - 1)]
                    hit = Hit(last.line if self.at_end else first.line, last.end_line)
                    is_told = self.without_comment and text.has_comment(hit)
                    if not is_told and self._holds(text, stream, match, steps):
                        yield hit

    def _holds(self, text: TokenText, stream: Stream, match: Match, steps: Steps) -> bool:
        if self.is_secret and not _is_secret(stream, match):
            return False
        for key, patterns in self.conditions.items():
            part, _, verb = key.rpartition("_")
            if part == "file":
                parts = [(each, 0, len(each.tokens)) for each in text.streams]
            else:
                parts = [(stream, *each) for each in _ranges(stream, match, part)]
            found = any(_is_in(patterns, *each, match.bound, steps) for each in parts)
            if found is not (verb == "has"):
                return False
        return True


def _is_in(
    patterns: Sequence[Pattern],
    stream: Stream,
    start: int,
    end: int,
    bound: Mapping[str, str],
    steps: Steps,
) -> bool:
    found = (pattern.find(stream, steps, start, end, bound) for pattern in patterns)
    return any(next(each, None) is not None for each in found)


def _ranges(stream: Stream, match: Match, part: str) -> Iterator[tuple[int, int]]:
    """Where a condition looks: from, to before."""
    match part:
        case "":
            yield match.start, match.end
        case "body":
            last = match.end - 1
            yield last + 1, stream.end_of(last)
        case "block":
            for block in stream.blocks(match.start):
                yield stream.header(block)
        case "near":
            yield stream.statement(match.start)
            yield from _header(stream, match.start)
        case "header":
            yield from _header(stream, match.start)
        case _:
            brace = stream.function(match.start)
            start = match.end if part == "after" else stream.header(brace)[0] if brace >= 0 else 0
            yield start, stream.end_of(brace)


def _header(stream: Stream, index: int) -> Iterator[tuple[int, int]]:
    brace = stream.function(index)
    if brace >= 0:
        yield stream.header(brace)


def _is_secret(stream: Stream, match: Match) -> bool:
    text = stream.tokens[match.end - 1].text
    name = match.bound.get("$name", "")
    if not name:
        name, _, text = text.partition("=")
    return is_secret(name, text.strip("\"'`"))


@attrs.frozen(kw_only=True)
class LineMatcher:
    """Regular expressions of which one is found in a line, comments and strings too.

    `lacks`: none of these is found in the same line.
    """

    lines: Sequence[re.Pattern[str]]
    lacks: Sequence[re.Pattern[str]] = ()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "LineMatcher":
        """A matcher out of a rule's keys.

        Raises:
            RuleFault: an unknown key, or a regular expression that is none.
        """
        given = Parameters(values)
        for key in values:
            if key not in {"lines", "lacks"}:
                raise RuleFault(f"a matcher of lines has no {key}", key=key)
        lines = [compiled(each, "lines") for each in given.words("lines")]
        if not lines:
            raise RuleFault("lines are missing", key="lines")
        return cls(lines=lines, lacks=[compiled(each, "lacks") for each in given.words("lacks")])

    def find(self, text: str) -> Iterator[Hit]:
        """Where it hits, in the order of lines."""
        for number, line in enumerate(text.split("\n"), 1):
            said = line[:MAX_LINE_CHARS]
            is_it = any(each.search(said) for each in self.lines)
            if is_it and not any(each.search(said) for each in self.lacks):
                yield Hit(number, number)
