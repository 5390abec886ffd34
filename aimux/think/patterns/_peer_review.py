"""peer_review: objections to an artifact by the criteria of its kind, resolved over rounds."""

import math
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, rounded
from aimux.think._fields import Json
from aimux.think._words import ALIKE, alike, first_words, listed, words

Severity = Literal["P0", "P1", "P2", "P3"]
WEIGHTS: Final = {"P0": 4, "P1": 3, "P2": 2, "P3": 1}
MENTIONS: Final = 2  # words of a field before it is asked about
_CODE: Final = re.compile(
    r"\bdef |\bclass |\breturn\b|\bimport |\bfunc |[{};]\s*$|=>|\(\)", re.MULTILINE
)
_KINDS: Final = {  # kind -> words that betray it
    "paper": "abstract hypothesis experiment results dataset baseline method study participants",
    "plan": "milestone deadline week timeline phase owner rollout schedule budget",
    "design": "architecture component service interface api schema module endpoint queue",
}
# kind -> (category, severity, what must be there, the objection)
_CRITERIA: Final = {
    "paper": (
        ("empirical_rigor", "P1", "method|sample|experiment|dataset|participants", "no method"),
        ("clarity", "P2", "limit|threat|future work|caveat", "no limitations"),
    ),
    "plan": (
        ("ownership", "P1", "owner|responsible|team|lead", "nobody owns it"),
        ("schedule", "P1", r"\d|deadline|week|month|milestone", "no dates"),
        ("rollback", "P2", "rollback|revert|fallback|undo|abort", "no way back"),
        ("measure", "P2", "metric|success|measure|criteria|kpi", "no measure of success"),
    ),
    "design": (
        ("failure", "P1", "fail|error|timeout|retry|outage|fallback", "nothing about failure"),
        ("alternatives", "P2", "alternative|instead|rejected|considered|trade", "no alternatives"),
        ("testing", "P2", "test|verif|check", "nothing about testing"),
        ("migration", "P3", "migrat|compatib|version|rollout", "nothing about rollout"),
    ),
    "code": (
        ("errors", "P1", "try|except|catch|error|raise|throw|assert|if err", "errors unhandled"),
        ("documentation", "P3", '"""|///|/\\*|#|//', "no comment or docstring"),
        ("debris", "P3", r"^(?!.*\b(?:print\(|console\.log|debugger)\b)", "debugging left over"),
    ),
}
# field -> (words that say it is touched, what should be said then, severity)
_FIELDS: Final = {
    "security": ("password token auth secret login user input sql credential",
                 "encrypt|hash|validat|sanit|authori[sz]|permission|escape|parametri", "P1"),
    "performance": ("loop cache query latency throughput load scale memory",
                    "index|limit|complexity|measur|benchmark|profil|paginat|O\\(", "P2"),
    "api": ("endpoint request response api client http route",
            "version|status|error|schema|document|compatib", "P2"),
    "data_consistency": ("transaction write concurrent update database replicate lock",
                         "atomic|isolation|idempot|rollback|lock|consisten", "P1"),
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Claim:
    """Something the artifact claims."""

    SHORT = "text"
    text: str
    evidence: Annotated[str, "what it rests on"] = ""


@attrs.frozen(kw_only=True)
class Objection:
    """An objection of the caller's own."""

    SHORT = "text"
    text: str
    severity: Severity = "P2"
    category: str = "reviewer"


@attrs.frozen(kw_only=True)
class Input:
    """What is reviewed, and what speaks for it."""

    artifact: Annotated[str, "the text that is reviewed"] = ""
    kind: Annotated[
        Literal["code", "design", "plan", "paper"] | None, "by default what it reads like"
    ] = None
    claims: Annotated[Sequence[Claim], "texts or {text, evidence}"] = ()
    methodology: Annotated[str, "how it was arrived at"] = ""
    novelty: Annotated[str, "what is new"] = ""
    baselines: Annotated[Sequence[str], "what it is compared with"] = ()
    objections: Annotated[Sequence[Objection], "your own: [{text, severity, category}]"] = ()
    resolved: Annotated[Sequence[str], "ids (R-…) of objections that are answered"] = ()
    waived: Annotated[Sequence[str], "ids that are accepted as they are"] = ()


def think(given: Input) -> Result:
    """Open objections by severity with a verdict, what is strong, and the plan to revise."""
    if not given.artifact:
        return Result(missing=["artifact"], summary="an artifact is needed")
    kind = given.kind or kind_of(given.artifact)
    found = [*_by_kind(given, kind), *_by_field(given.artifact), *_by_claims(given, kind)]
    own, warnings = _own(given, [said for _, _, said in found])
    found += own
    objections: list[Json] = [
        {"id": f"R-{category}-{at}", "severity": severity, "category": category, "objection": text}
        for at, (category, severity, text) in enumerate(found, 1)
    ]
    known = {str(each["id"]) for each in objections}
    settled = {*given.resolved, *given.waived}
    still = [each for each in objections if each["id"] not in settled]
    warnings += [f"there is no objection {each}" for each in sorted(settled) if each not in known]
    count = {name: sum(each["severity"] == name for each in still) for name in WEIGHTS}
    verdict = verdict_of(count)
    waived = [
        str(each["id"])
        for each in objections
        if each["id"] in given.waived and each["severity"] in ("P0", "P1")
    ]
    if waived:
        warnings.append(f"grave objections are waived: {', '.join(waived)}")
    bare = [each.text for each in given.claims if not each.evidence]
    density = sum(WEIGHTS[str(each["severity"])] for each in still)
    return Result(
        data={
            "kind": kind,
            "reviewVerdict": verdict,
            "objections": still,
            "settled": sorted(known & settled),
            "objectionCounts": count,
            "objectionDensity": rounded(density / math.log(len(given.artifact) + math.e)),
            "revisionPlan": [
                f"{each['id']}: answer that {each['objection']}" for each in still
            ],
            "strengths": _strengths(given),
            "noEvidenceClaims": bare,
            "reviewSource": "keyword-analysis",
        },
        summary=f"{verdict}: {plural(len(still), 'objection')} to this {kind}",
        warnings=warnings,
        gate=[f"an answer to {each['id']}" for each in still if each["severity"] in ("P0", "P1")],
        following=Following(
            pattern="problem_decomposition" if verdict in ("reject", "major_revision") else
            "metacognitive_monitoring",
            reason="plan the revision" if still else "say how sure the review is",
            fields={"problem": "revise", "subProblems": [str(each["id"]) for each in still]}
            if verdict in ("reject", "major_revision")
            else {"task": f"review of {first_words(given.artifact)}"},
        ),
    )  # fmt: skip


def kind_of(text: str) -> str:
    """code, paper, plan or design, by what is in a text."""
    if len(_CODE.findall(text)) >= MENTIONS:
        return "code"
    said = set(words(text))
    hits = {kind: len(said & listed(signs)) for kind, signs in _KINDS.items()}
    best = max(hits, key=lambda kind: hits[kind])
    return best if hits[best] else "design"


def verdict_of(count: dict[str, int]) -> str:
    """What open objections amount to."""
    if count["P0"]:
        return "reject"
    if count["P1"] > 1:
        return "major_revision"
    return "minor_revision" if count["P1"] or sum(count.values()) > 2 else "accept"


def _by_kind(given: Input, kind: str) -> list[tuple[str, str, str]]:
    text = f"{given.artifact} {given.methodology if kind == 'paper' else ''}"
    return [
        (category, severity, said)
        for category, severity, wanted, said in _CRITERIA[kind]
        if not re.search(wanted, text, re.IGNORECASE | re.DOTALL)
    ]


def _by_field(text: str) -> list[tuple[str, str, str]]:
    said = set(words(text))
    return [
        (
            field,
            severity,
            f"it touches {field.replace('_', ' ')} and says nothing of how it is kept",
        )
        for field, (signs, wanted, severity) in _FIELDS.items()
        if len(said & listed(signs)) >= MENTIONS and not re.search(wanted, text, re.IGNORECASE)
    ]


def _by_claims(given: Input, kind: str) -> list[tuple[str, str, str]]:
    found = [
        ("evidence", "P2", f"the claim has no evidence: {first_words(each.text)}")
        for each in given.claims
        if each.text and not each.evidence
    ]
    found += [("clarity", "P2", "an empty claim") for each in given.claims if not each.text]
    if kind == "paper":
        if not given.novelty:
            found.append(("novelty", "P2", "it does not say what is new"))
        if not given.baselines:
            found.append(("baselines", "P2", "it is compared with nothing"))
    return found


def _own(given: Input, before: Sequence[str]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The caller's objections; one that says what was found already is told and left out."""
    found: list[tuple[str, str, str]] = []
    warnings = []
    for each in given.objections:
        if any(alike(each.text, said) >= ALIKE for said in before):
            warnings.append(f"found already: {first_words(each.text)}")
        else:
            found.append((each.category, each.severity, each.text))
    return found, warnings


def _strengths(given: Input) -> list[str]:
    found = []
    if given.methodology:
        found.append("the way it was arrived at is told")
    if given.novelty:
        found.append("it says what is new")
    if given.baselines:
        found.append(f"it is compared with {', '.join(map(first_words, given.baselines))}")
    backed = sum(bool(each.evidence) for each in given.claims)
    if backed:
        found.append(f"{plural(backed, 'claim')} with evidence")
    return found


PATTERN: Final = Pattern(name="peer_review", input=Input, think=think)
