"""literature_review: papers screened by criteria, their themes, and what none of them covers."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, seed, share
from aimux.think._fields import Json, Range
from aimux.think._words import STOP, first_words, keywords, mentions, words

THEMES: Final = 5
SMALL: Final = 5
NEEDED: Final = 2
_YEAR: Final = re.compile(r"\b(1[89]\d\d|2[01]\d\d)\b")
_SINCE: Final = re.compile(r"\b(?:since|after|from)\b", re.IGNORECASE)
_UNTIL: Final = re.compile(r"\b(?:until|before|up to)\b", re.IGNORECASE)
_EXCLUDING: Final = re.compile(r"^(?:not|no|exclude|without)\s+", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Paper:
    """A paper."""

    SHORT = "title"
    title: str
    abstract: str = ""
    year: Annotated[int | None, Range(1500, 3000)] = None
    method: Annotated[str, "such as survey or experiment"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A topic and what is written about it."""

    topic: Annotated[str, "the topic"] = ""
    papers: Annotated[Sequence[Paper], "titles or {title, abstract, year, method}"] = ()
    criteria: Annotated[Sequence[str], "what a paper must name; 'not …' excludes"] = ()
    time_frame: Annotated[str, "years, such as 2015-2020 or since 2018"] = ""


def think(given: Input) -> Result:
    """What was screened out and why, themes with their papers, terms that no paper covers."""
    if not given.papers:
        return Result(
            data={
                "paperCount": 0,
                "searchTerms": [seed(each, "prompt") for each in keywords(given.topic)],
            },
            missing=["papers"] if given.topic else ["topic", "papers"],
            summary="papers are needed",
        )
    first, last = _years(given.time_frame)
    included: list[Paper] = []
    excluded: list[Json] = []
    for paper in given.papers:
        why = _reason(paper, given.criteria, first, last)
        if why:
            excluded.append({"title": paper.title, "reason": why})
        else:
            included.append(paper)
    terms = keywords(given.topic)
    coverage = {
        term: [paper.title for paper in included if mentions(_text(paper), term)] for term in terms
    }
    gaps = [
        {"term": term, "reason": "no paper names it" if not titles else f"only in {titles[0]}"}
        for term, titles in coverage.items()
        if len(titles) < 2
    ]
    methods = Counter(paper.method.lower() for paper in included if paper.method)
    if len(methods) == 1 and len(included) > 1:
        (method,) = methods
        gaps.append({"term": "method", "reason": f"every paper works by {method}"})
    data: Json = {
        "paperCount": len(given.papers),
        "includedCount": len(included),
        "excluded": excluded,
        "themes": themes(included),
        "coverage": {term: len(titles) for term, titles in coverage.items()},
        "uncoveredTerms": [term for term, titles in coverage.items() if not titles],
        "identifiedGaps": gaps,
        "suggestedDirections": [f"look for papers on {each['term']}" for each in gaps],
        "years": dict(sorted(Counter(str(p.year) for p in included if p.year).items())),
        "methods": dict(sorted(methods.items())),
        "withoutAbstract": [paper.title for paper in included if not paper.abstract],
        "topicCoverage": share(sum(map(bool, coverage.values())), len(terms)),
    }
    return Result(
        data=data,
        summary=f"{len(included)} of {plural(len(given.papers), 'paper')} included, "
        f"{plural(len(gaps), 'gap')}",
        warnings=_warnings(given, included, has_years=bool(first or last)),
        gate=[] if len(included) >= NEEDED else [f"{NEEDED} papers, {len(included)} included"],
        following=Following(
            pattern="source_comparison",
            reason="compare what they claim",
            fields={
                "topic": given.topic,
                "sources": [
                    {"name": paper.title, "claim": paper.abstract, "type": paper.method}
                    for paper in included
                ],
            },
        ),
    )


def _warnings(given: Input, included: Sequence[Paper], *, has_years: bool) -> list[str]:
    warnings = []
    if len(included) < SMALL:
        warnings.append(f"{plural(len(included), 'paper')}: too few for a pattern")
    undated = [paper.title for paper in included if paper.year is None]
    if undated and has_years:
        warnings.append(f"no year, so kept: {', '.join(map(first_words, undated[:5]))}")
    if given.time_frame and not has_years:
        warnings.append(f"no year in the time frame {given.time_frame}")
    return warnings


def _text(paper: Paper) -> str:
    return f"{paper.title}. {paper.abstract}. {paper.method}"


def _years(frame: str) -> tuple[int | None, int | None]:
    years = sorted(map(int, _YEAR.findall(frame)))
    if not years:
        return None, None
    if len(years) == 1 and _SINCE.search(frame):
        return years[0], None
    if len(years) == 1 and _UNTIL.search(frame):
        return None, years[0]
    return years[0], years[-1]


def _reason(paper: Paper, criteria: Sequence[str], first: int | None, last: int | None) -> str:
    """Why a paper is left out; nothing if it is not."""
    if paper.year is not None:
        if first is not None and paper.year < first:
            return f"{paper.year} is before {first}"
        if last is not None and paper.year > last:
            return f"{paper.year} is after {last}"
    for each in criteria:
        wanted = _EXCLUDING.sub("", each)
        is_named = mentions(_text(paper), wanted)
        if is_named and wanted != each:
            return f"names {wanted}"
        if not is_named and wanted == each:
            return f"does not name {wanted}"
    return ""


def themes(papers: Sequence[Paper]) -> list[Json]:
    """Pairs of words, else words, that several papers have in common, most papers first."""
    for width in (2, 1):
        found: dict[str, list[str]] = {}
        for paper in papers:
            own = [word for word in words(_text(paper)) if word not in STOP and len(word) > 3]
            runs = zip(*(own[at:] for at in range(width)), strict=False)
            for run in sorted({" ".join(each) for each in runs}):
                found.setdefault(run, []).append(paper.title)
        common = {run: titles for run, titles in found.items() if len(titles) > 1}
        if common:
            ranked = sorted(common, key=lambda run: (-len(common[run]), run))
            return [
                {"theme": run, "count": len(common[run]), "papers": common[run]}
                for run in itertools.islice(ranked, THEMES)
            ]
    return []


PATTERN: Final = Pattern(name="literature_review", input=Input, think=think)
