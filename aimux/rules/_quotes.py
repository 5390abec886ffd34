"""Which code in a Markdown text is quoted from a place that the text names beside it.

A quote that is wrongly taken for one makes a true claim look false, so only what stands right
beside the place counts: inline code with a few joining words between, a fence that follows or
precedes. Names of functions, other paths, and what the text wants written there are no quotes.
"""

import bisect
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MAX_GAP_CHARS: Final = 60  # between a place and the inline code that belongs to it
MAX_TAIL_CHARS: Final = 120  # between a place and the fence on the next line
MAX_QUOTE_CHARS: Final = 4_000  # whole lines; the rest of a longer fence is not compared

_FENCE = re.compile(
    r"^(?P<lead>[ \t>]{0,40}(?:(?:[-*+]|\d{1,3}[.)])[ \t]{1,4})?)(?P<ticks>`{3,20}|~{3,20})"
    r"(?P<info>[^`\n]{0,400})$",
    re.MULTILINE,
)
_SPAN = re.compile(
    r"(?<!`)``(?!`)(?P<double>(?:[^`\n]|`(?!`)){1,600})``(?!`)|(?<!`)`(?P<single>[^`\n]{1,600})`(?!`)"
)
_NAME = re.compile(r"[\w.$@/\\:#~*-]+(?:\(\))?")  # foo, self.foo(), --flag, a/b.py:3
_PROPOSED = re.compile(
    r"\b(?:should|instead|replace|with|use|using|change|to|not|never|missing|lacks|without|add"
    r"|adding|insert|must|would|could|fix|fixed|prefer|rather|than|by|becomes?|suggest\w*"
    r"|no longer|example|propos\w*|patch|version|new|rewritten)\b|->|→|=>|⇒",
    re.IGNORECASE,
)
_WANTED = re.compile(  # the word before inline code that is not there yet
    r"(?:\b(?:with|use|using|to|by|add|adding|insert|instead of|be|want|write|try)|->|→|=>)\s*$",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(
    r"\b(?:should|must|would|could)\s+(?:be|read|say|have)\s*:?\s*$", re.IGNORECASE
)
_SENTENCE = re.compile(r"[.;!?](?:\s|$)|\n\s*\n")
_JOINED = re.compile(  # between inline code and the place after it
    r"[\s(\[:,*_|\u2013\u2014-]*(?:(?:at|in|on|from|see|of|is|was|found|line|lines|appears|here)[\s:(\[*_]+)*"
)
_WRAPPED = re.compile(r"[\s:*_`)]*")  # the code stands on the next line, which is no next item
_NEXT = re.compile(r"\s*(?:[,;]|and\b)")
_OPENS = re.compile(r"[(\[]|\b(?:at|in|on|from|see|of|found)\b")
_GUTTER = re.compile(r"\s*(?:[>→*]\s*)?\d{1,7}(?:\s*[|│:→\t]|\s{2})\s?")
_COMMENT = re.compile(r"\s*(?:#|//|--|;|/\*|<!--|%|\"\"\")")
_DIFFS: Final = frozenset({"diff", "patch", "suggestion"})  # what is wanted, not what is there


class Fence(NamedTuple):
    """A block of code between fences."""

    start: int
    stop: int
    info: str
    head: int  # offset of the end of the opening line
    body: str


class Span(NamedTuple):
    """Inline code."""

    start: int
    stop: int
    body: str


class Markdown:
    """The fences and inline code of a text, in its order."""

    def __init__(self, text: str, fences: Sequence[Fence], spans: Sequence[Span]) -> None:
        self._text = text
        self._fences = fences
        self._spans = spans
        self._fence_starts = [each.start for each in fences]
        self._span_starts = [each.start for each in spans]
        self._used: set[int] = set()  # starts of fences and inline code that have their place

    def quote_beside(self, start: int, stop: int, floor: int, ceiling: int) -> str:
        """The code that is quoted from the place at `start`, or nothing.

        What lies before `floor` or after `ceiling` belongs to other places. What was given once is
        not given to another place.
        """
        at = bisect.bisect_right(self._fence_starts, start) - 1
        if at >= 0 and start < self._fences[at].stop:
            return self._of_own_fence(self._fences[at], start, floor)
        at = bisect.bisect_right(self._span_starts, start) - 1
        if at >= 0 and stop <= self._spans[at].stop:  # the place stands in inline code itself
            start, stop = self._spans[at].start, self._spans[at].stop
        before, after = self._span_before(start, floor), self._span_after(stop, ceiling)
        if before and (
            _OPENS.search(self._text[before.stop : start]) or self._is_next_item(stop, after)
        ):
            return self._take(before)
        for each in (after, self._fence_after(stop, ceiling), before, self._fence_before(start)):
            if each is not None and each.start not in self._used and each.start >= floor:
                return self._take(each)
        return ""

    def _take(self, code: Fence | Span) -> str:
        self._used.add(code.start)
        return code.body.strip("\n")[:MAX_QUOTE_CHARS]

    # ------------------------------------------------------------------------ inline code

    def _span_before(self, start: int, floor: int) -> Span | None:
        at = bisect.bisect_left(self._span_starts, start) - 1
        if at < 0:
            return None
        span = self._spans[at]
        gap = self._text[span.stop : start]
        is_beside = span.start >= floor and len(gap) <= MAX_GAP_CHARS and "\n" not in gap
        if not is_beside or span.start in self._used or not _JOINED.fullmatch(gap):
            return None
        return span if self._is_quote(span) else None

    def _span_after(self, stop: int, ceiling: int) -> Span | None:
        at = bisect.bisect_left(self._span_starts, stop)
        if at == len(self._spans):
            return None
        span = self._spans[at]
        gap = self._text[stop : span.start]
        if span.start >= ceiling or len(gap) > MAX_GAP_CHARS or gap.count("\n") > 1:
            return None
        if "\n" in gap and not _WRAPPED.fullmatch(gap):
            return None
        if _SENTENCE.search(gap) or _PROPOSED.search(gap):
            return None
        return span if self._is_quote(span) else None

    def _is_next_item(self, stop: int, after: Span | None) -> bool:
        """Whether a comma stands between: `code` - a.py:3, `code` - b.py:4."""
        return after is not None and _NEXT.match(self._text, stop) is not None

    def _is_quote(self, span: Span) -> bool:
        if _NAME.fullmatch(span.body.strip()):
            return False
        lead = self._text[max(0, span.start - 24) : span.start]
        return not (_WANTED.search(lead) or _NOT_THERE.search(lead))

    # ----------------------------------------------------------------------------- fences

    def _of_own_fence(self, fence: Fence, start: int, floor: int) -> str:
        """A place in a fence has the rest of it, if it is its title."""
        if start <= fence.head:
            return fence.body.strip("\n")[:MAX_QUOTE_CHARS]
        first, _, rest = fence.body.partition("\n")
        is_title = floor <= fence.head and start <= fence.head + 1 + len(first)
        return rest.strip("\n")[:MAX_QUOTE_CHARS] if is_title and _COMMENT.match(first) else ""

    def _fence_after(self, stop: int, ceiling: int) -> Fence | None:
        at = bisect.bisect_left(self._fence_starts, stop)
        if at == len(self._fences) or self._fences[at].start > ceiling:
            return None
        fence = self._fences[at]
        gap, _, below = self._text[stop : min(fence.start, stop + MAX_TAIL_CHARS)].partition("\n")
        is_far = fence.start - stop > MAX_TAIL_CHARS or bool(below.strip())
        if is_far or _PROPOSED.search(gap) or fence.info.lower() in _DIFFS:
            return None
        line = self._text.rfind("\n", max(0, stop - 400), stop) + 1
        return None if _WANTED_LINE.match(self._text, line) else fence

    def _fence_before(self, start: int) -> Fence | None:
        at = bisect.bisect_left(self._fence_starts, start) - 1
        if at < 0:
            return None
        fence = self._fences[at]
        gap = self._text[fence.stop : start] if start - fence.stop <= MAX_GAP_CHARS else "no"
        return fence if _SOURCE.fullmatch(gap) and fence.info.lower() not in _DIFFS else None


_SOURCE = re.compile(
    r"\s*[\s(\[\u2013\u2014*_>-]*(?:(?:from|source|see|in|at)\b[\s:*_]*)?", re.IGNORECASE
)
_WANTED_LINE = re.compile(
    r"[\s>*_#\d.-]*(?:fix|change|replace|rewrite|update|add|insert|suggest\w*|propos\w*)\b",
    re.IGNORECASE,
)


def read_markdown(text: str) -> Markdown:
    """Find the fences and the inline code of a text; a fence left open ends with the text."""
    fences: list[Fence] = []
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match["ticks"].startswith(opened["ticks"]) and not match["info"].strip():
            fences.append(_fence(text, opened, match.start(), match.end()))
            opened = None
    if opened is not None:
        fences.append(_fence(text, opened, len(text), len(text)))
    starts = [each.start for each in fences]
    spans = [
        Span(match.start(), match.end(), match["single"] or match["double"] or "")
        for match in _SPAN.finditer(text)
        if (at := bisect.bisect_right(starts, match.start()) - 1) < 0
        or fences[at].stop <= match.start()
    ]
    return Markdown(text, fences, spans)


def _fence(text: str, opened: re.Match[str], end: int, stop: int) -> Fence:
    lines = text[opened.end() + 1 : end].split("\n")
    if ">" in opened["lead"]:
        lines = [re.sub(r"^[ \t]*> ?", "", each) for each in lines]
    numbered = [each for each in lines if each.strip()]
    if numbered and all(_GUTTER.match(each) for each in numbered):
        lines = [_GUTTER.sub("", each, count=1) for each in lines]
    info = opened["info"].strip().split(" ")[0]
    return Fence(opened.start(), stop, info, opened.end(), "\n".join(lines))
