"""research_synthesis: findings put together into claims, with who supports and who opposes them."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import PAIRS, Following, Pattern, Result, rounded, share
from aimux.think._fields import Json, Share
from aimux.think._times import moment
from aimux.think._words import ALIKE, alike, conflict, first_words, keywords, mentions, shared

STRONG: Final = 3  # independent sources
MODERATE: Final = 2
UNSURE: Final = 0.5


@attrs.frozen(kw_only=True)
class Finding:
    """Something that was found."""

    SHORT = "text"
    text: str
    source: Annotated[str, "where from; the same source counts once"] = ""
    confidence: Annotated[Share | None, "0 to 1"] = None
    date: Annotated[str, "ISO 8601"] = ""
    stance: Annotated[Literal["supports", "opposes"] | None, "towards the topic's claim"] = None


@attrs.frozen(kw_only=True)
class Input:
    """A topic and what was found."""

    topic: Annotated[str, "the question or claim"] = ""
    findings: Annotated[Sequence[Finding], "texts or {text, source, confidence, date, stance}"] = ()


def think(given: Input) -> Result:
    """Claims by similarity with independent support, contradictions, what fits nowhere."""
    if not given.findings:
        return Result(
            data={"topicTerms": keywords(given.topic)},
            missing=["findings"] if given.topic else ["topic", "findings"],
            summary="findings are needed",
        )
    findings = given.findings[:PAIRS]
    against = [
        (one, two, why)
        for one in range(len(findings))
        for two in range(one + 1, len(findings))
        if (why := _conflict(findings[one], findings[two]))
    ]
    claims = [_claim(group, findings, against) for group in _groups(findings)]
    claims.sort(key=lambda each: -int(str(each["independentSources"])))
    terms = keywords(given.topic)
    uncovered = [term for term in terms if not any(mentions(each.text, term) for each in findings)]
    unmatched = [
        each.text for each in findings if given.topic and not shared(given.topic, each.text)
    ]
    disputed = [each for each in claims if each["disputed"]]
    dates = {each.text: at for each in findings if (at := moment(each.date)) is not None}
    stances = [each.stance for each in findings if each.stance]
    data: Json = {
        "findingCount": len(findings),
        "synthesizedClaims": claims,
        "contradictoryPairs": [
            {"a": findings[one].text, "b": findings[two].text, "why": why}
            for one, two, why in against
        ],
        "disputedClaims": [each["claim"] for each in disputed],
        "unmatchedFindings": unmatched,
        "uncoveredTerms": uncovered,
        "overallConclusion": _strength(claims, disputed),
        "stance": {
            "supports": stances.count("supports"),
            "opposes": stances.count("opposes"),
            "balance": share(stances.count("supports") - stances.count("opposes"), len(stances)),
        },
        "latest": max(dates, key=lambda text: dates[text]) if dates else None,
        "unsourced": [each.text for each in findings if not each.source],
        "openQuestions": _questions(claims, uncovered, given.topic),
    }
    warnings = []
    if len(given.findings) > PAIRS:
        warnings.append(f"the first {PAIRS} of {len(given.findings)} findings are put together")
    low = [each for each in findings if each.confidence is not None and each.confidence < UNSURE]
    if low:
        warnings.append(f"{plural(len(low), 'finding')} of low confidence")
    return Result(
        data=data,
        summary=f"{data['overallConclusion']}: {plural(len(claims), 'claim')} from "
        f"{plural(len(findings), 'finding')}, {plural(len(against), 'contradiction')}",
        warnings=warnings,
        gate=[f"settle: {first_words(str(each['claim']))}" for each in disputed],
        following=Following(
            pattern="structured_argumentation" if disputed else "metacognitive_monitoring",
            reason="argue out what is disputed" if disputed else "say how sure this is",
            fields={"topic": given.topic} if disputed else {"task": given.topic},
        ),
    )


def _conflict(one: Finding, two: Finding) -> str:
    if (
        one.stance
        and two.stance
        and one.stance != two.stance
        and alike(one.text, two.text) >= ALIKE
    ):
        return "one supports what the other opposes"
    return conflict(one.text, two.text)


def _groups(findings: Sequence[Finding]) -> list[list[int]]:
    """Findings about the same thing: each joins the first group whose first one it resembles."""
    groups: list[list[int]] = []
    for at, each in enumerate(findings):
        for group in groups:
            if alike(findings[group[0]].text, each.text) >= ALIKE:
                group.append(at)
                break
        else:
            groups.append([at])
    return groups


def _claim(
    group: Sequence[int], findings: Sequence[Finding], against: Sequence[tuple[int, int, str]]
) -> Json:
    """What a group says: who agrees with its first finding, and who does not."""
    opposed = {two for one, two, _ in against if one == group[0]}
    opposing = [findings[at] for at in group if at in opposed]
    supporting = [findings[at] for at in group if at not in opposed]
    sources = _sources(supporting)
    known = [each.confidence for each in supporting if each.confidence is not None]
    mean = rounded(sum(known) / len(known)) if known else None
    level = "high" if sources >= STRONG else "medium" if sources >= MODERATE else "low"
    if opposing or (mean is not None and mean < UNSURE):
        level = "medium" if level == "high" else "low"
    return {
        "claim": findings[group[0]].text,
        "supportingFindings": [each.text for each in supporting],
        "opposingFindings": [each.text for each in opposing],
        "independentSources": sources,
        "meanConfidence": mean,
        "confidenceLevel": level,
        "disputed": bool(opposing),
    }


def _sources(findings: Sequence[Finding]) -> int:
    """Independent sources: each named one once, and those without a name as one together."""
    named = {each.source.lower() for each in findings if each.source}
    return len(named) + any(not each.source for each in findings)


def _strength(claims: Sequence[Json], disputed: Sequence[Json]) -> str:
    firm = [each for each in claims if each["confidenceLevel"] == "high"]
    if firm and not disputed:
        return "strong"
    return "moderate" if any(each["confidenceLevel"] != "low" for each in claims) else "limited"


def _questions(claims: Sequence[Json], uncovered: Sequence[str], topic: str) -> list[str]:
    found = [
        f"which is right: {first_words(str(each['claim']))}?" for each in claims if each["disputed"]
    ]
    found += [
        f"who else found that {first_words(str(each['claim']))}?"
        for each in claims
        if each["confidenceLevel"] == "low" and not each["disputed"]
    ]
    return found + [f"what of {term} in {first_words(topic)}?" for term in uncovered]


PATTERN: Final = Pattern(name="research_synthesis", input=Input, think=think)
