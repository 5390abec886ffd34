"""metacognitive_monitoring: how sure one may be, by what there is to be sure of."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, rounded, seed
from aimux.think._fields import Json
from aimux.think._levels import level
from aimux.think._words import keywords, mentions

SURE: Final = 0.8
CLAIMS: Final = 3  # that carry a high confidence
PER_UNCERTAINTY: Final = 0.05
PER_BIAS: Final = 0.1
MOST: Final = 0.3  # of each penalty
_HEDGE: Final = re.compile(
    r"\b(?:guess|unsure|not sure|maybe|perhaps|probably|think|vague|rough|no idea|little)\b",
    re.IGNORECASE,
)
_CHECK: Final = re.compile(r"\b(?:check|verif|test|review|measur|compar|prov)\w*", re.IGNORECASE)
FRAMEWORK: Final = (
    "knowledge depth: what do you know first hand?",
    "assumption quality: which would hurt most if wrong?",
    "evidence strength: what was checked, what only heard?",
    "reasoning clarity: which step would another person question?",
)


@attrs.frozen(kw_only=True)
class Claim:
    """Something held to be true."""

    SHORT = "text"
    text: str
    evidence: Annotated[str, "what it rests on"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A task, and how sure you are."""

    task: Annotated[str, "what you are doing or have answered"] = ""
    confidence: Annotated[float | str | None, "0 to 1, or exploring … certain"] = None
    claims: Annotated[Sequence[Claim], "what you hold: texts or {text, evidence}"] = ()
    biases: Annotated[Sequence[str], "biases you may have"] = ()
    uncertainties: Annotated[Sequence[str], "what you do not know"] = ()
    cognitive_processes: Annotated[Sequence[str], "how you came to it: recall, test, …"] = ()
    knowledge_assessment: Annotated[str, "how well you know the field, in words"] = ""


def think(given: Input) -> Result:
    """Confidence less what speaks against it; claims without evidence, terms without a claim."""
    if not given.task:
        return Result(missing=["task"], summary="a task is needed")
    warnings: list[str] = []
    confidence = level(given.confidence, warnings)
    bare = [each.text for each in given.claims if not each.evidence]
    said = " ".join(each.text for each in given.claims)
    is_bare = not (given.claims or given.biases or given.uncertainties)
    data: Json = {
        "claimsCount": len(given.claims),
        "biasesCount": len(given.biases),
        "uncertaintiesCount": len(given.uncertainties),
        "cognitiveProcessCount": len(given.cognitive_processes),
        "confidence": confidence,
        **_calibrated(given, confidence),
        "unsupportedClaims": bare,
        "uncoveredTerms": [word for word in keywords(given.task) if not mentions(said, word)],
        "uncheckedReasoning": bool(given.cognitive_processes)
        and not any(map(_CHECK.search, given.cognitive_processes)),
        "assessmentFramework": [seed(each) for each in FRAMEWORK] if is_bare else [],
    }
    hedges = sorted({each.lower() for each in _HEDGE.findall(given.knowledge_assessment)})
    if hedges and confidence is not None and confidence > 0.5:
        warnings.append(f"{confidence:g} sure, yet the assessment says: {', '.join(hedges)}")
    data["hedges"] = hedges
    gate = [] if confidence is not None else ["a confidence"]
    if len(given.claims) < CLAIMS:
        gate.append(f"{CLAIMS} claims, {len(given.claims)} so far")
    missing = ["confidence", "claims"] if confidence is None and is_bare else []
    calibrated = data["calibratedConfidence"]
    return Result(
        data=data,
        summary="no confidence was given: nothing to calibrate"
        if confidence is None
        else f"{confidence:g} becomes {calibrated:g}"
        f" by {plural(len(given.uncertainties), 'uncertainty')}"
        f" and {plural(len(given.biases), 'bias')}",
        warnings=warnings,
        missing=missing,
        gate=[] if missing else gate,
        following=Following(
            pattern="decision_framework",
            reason="decide with this confidence in mind",
            fields={"decision": given.task},
        ),
    )


def _calibrated(given: Input, confidence: float | None) -> Json:
    if confidence is None:
        return {
            "calibratedConfidence": None,
            "uncertaintyPenalty": None,
            "biasPenalty": None,
            "overconfident": None,
            "overconfidenceWarning": "",
            "adjustmentReason": "",
        }
    unsure = min(PER_UNCERTAINTY * len(given.uncertainties), MOST)
    biased = min(PER_BIAS * len(given.biases), MOST)
    calibrated = rounded(min(max(confidence - unsure - biased, 0.0), 1.0))
    parts = []
    if unsure:
        parts.append(f"uncertainties -{unsure:.2f}")
    if biased:
        parts.append(f"biases -{biased:.2f}")
    few = len(given.claims) < CLAIMS
    return {
        "calibratedConfidence": calibrated,
        "uncertaintyPenalty": rounded(unsure),
        "biasPenalty": rounded(biased),
        "overconfident": few and calibrated > SURE,
        "overconfidenceWarning": f"{confidence:g} sure with {plural(len(given.claims), 'claim')}"
        if few and confidence > SURE
        else "",
        "adjustmentReason": ", ".join(parts) or "no adjustments",
    }


PATTERN: Final = Pattern(name="metacognitive_monitoring", input=Input, think=think)
