"""source_comparison: where sources agree, where they conflict, and which are not independent."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import PAIRS, Following, Pattern, Result, rounded, share
from aimux.think._fields import Json, Share
from aimux.think._times import moment
from aimux.think._words import ALIKE, alike, conflict, keywords, mentions

NEEDED: Final = 3


@attrs.frozen(kw_only=True)
class Source:
    """A source and what it claims."""

    SHORT = "name"
    name: str
    claim: Annotated[str, "its main claim"] = ""
    claims: Annotated[Sequence[str], "further claims"] = ()
    type: Annotated[str, "such as study, blog, vendor"] = ""
    date: Annotated[str, "ISO 8601"] = ""
    reliability: Annotated[Share | None, "0 to 1"] = None
    origin: Annotated[str, "where it has it from; the same origin counts once"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A topic and its sources."""

    topic: Annotated[str, "what is compared"] = ""
    sources: Annotated[Sequence[Source], "names or {name, claim, claims, date, origin, …}"] = ()


def think(given: Input) -> Result:
    """Every pair with agreement or conflict and why, consensus, outliers, shared origin."""
    sources = given.sources[:PAIRS]
    if len(sources) < 2:
        return Result(
            data={"sourceCount": len(sources), "topicTerms": keywords(given.topic)},
            missing=["sources"] if given.topic else ["topic", "sources"],
            summary="at least two sources are needed",
        )
    matrix = [
        {"source_a": one.name, "source_b": two.name, **_compared(one, two)}
        for one, two in itertools.combinations(sources, 2)
    ]
    decided = [each for each in matrix if each["agreement"] != "uncertain"]
    agreeing = [each for each in decided if each["agreement"] == "agree"]
    scores = _scores(sources, matrix)
    origins: dict[str, list[str]] = {}
    for each in sources:
        if each.origin:
            origins.setdefault(each.origin.lower(), []).append(each.name)
    dependent = {origin: names for origin, names in origins.items() if len(names) > 1}
    dates = {each.name: at for each in sources if (at := moment(each.date)) is not None}
    kinds = sorted({each.type for each in sources if each.type})
    data: Json = {
        "sourceCount": len(sources),
        "independentSources": len(sources) - sum(len(each) - 1 for each in dependent.values()),
        "comparisonMatrix": matrix,
        "overallConsensus": share(100 * len(agreeing), len(decided)) if decided else None,
        "weightedConsensus": _weighted(sources, decided),
        "sourceAgreementScores": scores,
        "outlierSources": _outliers(scores),
        "conflicts": [each for each in matrix if each["agreement"] == "disagree"],
        "sharedOrigins": dependent,
        "types": kinds,
        "newest": max(dates, key=lambda name: dates[name]) if dates else None,
        "undated": [each.name for each in sources if each.name not in dates],
        "topicCoverage": {each.name: _coverage(given.topic, each) for each in sources},
    }
    warnings = [
        f"{', '.join(names)} have it from the same origin: they count as one"
        for names in dependent.values()
    ]
    if len(kinds) == 1 and len(sources) > 1:
        warnings.append(f"every source is of one type: {kinds[0]}")
    if len(given.sources) > PAIRS:
        warnings.append(f"the first {PAIRS} of {len(given.sources)} sources are compared")
    gate = []
    if len(sources) < NEEDED:
        gate.append(f"{NEEDED} sources, {len(sources)} so far")
    silent = [each.name for each in sources if not _claims(each)]
    gate += [f"a claim of {name}" for name in silent]
    return Result(
        data=data,
        summary=f"{plural(len(sources), 'source')}: {len(agreeing)} of "
        f"{plural(len(decided), 'decided pair')} agree",
        warnings=warnings,
        gate=gate,
        following=Following(
            pattern="research_synthesis",
            reason="put the claims together",
            fields={
                "topic": given.topic,
                "findings": [
                    {"text": claim, "source": each.name}
                    for each in sources
                    for claim in _claims(each)
                ],
            },
        ),
    )


def _claims(source: Source) -> list[str]:
    return [each for each in (source.claim, *source.claims) if each]


def _compared(one: Source, two: Source) -> Json:
    """Agreement of two sources by their most similar claims; one conflict makes it a conflict."""
    pairs = [(first, second) for first in _claims(one)[:20] for second in _claims(two)[:20]]
    if not pairs:
        return {"agreement": "uncertain", "similarity": None, "why": "a claim is missing"}
    for first, second in pairs:
        if why := conflict(first, second):
            return {
                "agreement": "disagree",
                "similarity": rounded(alike(first, second)),
                "why": why,
            }
    best = max(alike(first, second) for first, second in pairs)
    if best >= ALIKE:
        return {"agreement": "agree", "similarity": rounded(best), "why": "they claim the same"}
    return {"agreement": "uncertain", "similarity": rounded(best), "why": "about other things"}


def _scores(sources: Sequence[Source], matrix: Sequence[Json]) -> dict[str, float | None]:
    """Share of the decided pairs in which a source agrees."""
    found: dict[str, float | None] = {}
    for each in sources:
        own = [row for row in matrix if each.name in (row["source_a"], row["source_b"])]
        decided = [row["agreement"] for row in own if row["agreement"] != "uncertain"]
        found[each.name] = share(decided.count("agree"), len(decided)) if decided else None
    return found


def _outliers(scores: Mapping[str, float | None]) -> list[str]:
    """Sources that agree less than the mean by more than one deviation."""
    known = {name: score for name, score in scores.items() if score is not None}
    if len(known) < NEEDED:
        return []
    mean = sum(known.values()) / len(known)
    spread = math.sqrt(sum((each - mean) ** 2 for each in known.values()) / len(known))
    return [name for name, score in known.items() if spread and score < mean - spread]


def _weighted(sources: Sequence[Source], decided: Sequence[Json]) -> float | None:
    """Consensus with pairs weighed by the reliability of both."""
    weights = {each.name: 0.5 if each.reliability is None else each.reliability for each in sources}
    total = agreeing = 0.0
    for row in decided:
        weight = weights[str(row["source_a"])] * weights[str(row["source_b"])]
        total += weight
        agreeing += weight if row["agreement"] == "agree" else 0.0
    return share(100 * agreeing, total) if total else None


def _coverage(topic: str, source: Source) -> float:
    terms = keywords(topic)
    said = " ".join([source.name, *_claims(source)])
    return share(sum(mentions(said, term) for term in terms), len(terms))


PATTERN: Final = Pattern(name="source_comparison", input=Input, think=think)
