"""critical_thinking: what an argument leans on, and what it left out."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result
from aimux.think._biases import biases_in
from aimux.think._fields import Json
from aimux.think._words import first_words, shared, words

SUPPORTS: Final = 2  # stems in common: the evidence is about it
LONG: Final = 3  # letters; shorter words are not what an assumption is about
_CERTAIN: Final = re.compile(
    r"\b(?:always|never|will|must|cannot|can't|certainly|definitely|surely|all|none|no)\b",
    re.IGNORECASE,
)


@attrs.frozen(kw_only=True)
class Input:
    """An argument, and what it stands on as far as that is known."""

    issue: Annotated[str, "the argument or claim, as it is made"] = ""
    assumptions: Annotated[Sequence[str], "what is taken for granted"] = ()
    alternatives: Annotated[Sequence[str], "other explanations or courses"] = ()
    evidence: Annotated[Sequence[str], "what is known, with where from"] = ()
    conclusion: Annotated[str, "what is concluded"] = ""


def think(given: Input) -> Result:
    """Biases by phrase, assumptions and conclusion without evidence, alternatives not tested."""
    text = " ".join(filter(None, (given.issue, given.conclusion)))
    if not text:
        return Result(missing=["issue"], summary="an argument is needed")
    biases = biases_in(text)
    unsupported = [each for each in given.assumptions if not _support(each, given.evidence)]
    untested = [each for each in given.alternatives if not _support(each, given.evidence)]
    contradicted = [
        each
        for each in given.assumptions
        if _CERTAIN.search(each) and _long(each, text) >= SUPPORTS
    ]
    grounds = _support(given.conclusion, given.evidence) if given.conclusion else None
    data: Json = {
        "detectedBiases": biases,
        "biasCount": len(biases),
        "contradictedAssumptions": contradicted,
        "assumptionCount": len(given.assumptions),
        "unsupportedAssumptions": unsupported,
        "alternativeCount": len(given.alternatives),
        "untestedAlternatives": untested,
        "evidenceCount": len(given.evidence),
        "conclusionSupport": grounds,
        "questions": [each["question"] for each in biases],
        "recommendation": "no bias found by phrase; that is no proof of none"
        if not biases
        else f"{plural(len(biases), 'phrase')} to look at twice: answer the questions",
    }
    gate = [f"evidence for the assumption: {first_words(each)}" for each in unsupported]
    gate += [] if given.alternatives else ["at least one alternative"]
    gate += [] if given.evidence else ["evidence"]
    gate += ["evidence for the conclusion"] if grounds == [] else []
    return Result(
        data=data,
        summary=f"{plural(len(biases), 'possible bias')}"
        f"{': ' + ', '.join(str(each['bias']) for each in biases[:3]) if biases else ''}; "
        f"{len(unsupported)} of {plural(len(given.assumptions), 'assumption')} without evidence",
        gate=gate,
        following=Following(
            pattern="decision_framework" if biases else "structured_argumentation",
            reason="weigh it by criteria" if biases else "map claims and evidence",
            fields={"prompt": given.issue or given.conclusion},
        ),
    )


def _support(text: str, evidence: Sequence[str]) -> list[str]:
    return [each for each in evidence if shared(text, each) >= SUPPORTS]


def _long(one: str, two: str) -> int:
    """How many longer words two texts share."""
    return len({word for word in words(one) if len(word) > LONG} & set(words(two)))


PATTERN: Final = Pattern(name="critical_thinking", input=Input, think=think)
