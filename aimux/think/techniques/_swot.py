"""swot: four lists weighed against each other, and the posture they ask for."""

from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.think._base import Following, Pattern, Result, rounded, seed, share
from aimux.think._fields import Json, Rating, Share
from aimux.think._words import first_words, keywords, mentions, shared

QUADRANTS: Final = ("strengths", "weaknesses", "opportunities", "threats")
TOP: Final = 3  # of each list, in the matrix
BIASED: Final = 0.5  # of all items in one quadrant
_QUESTIONS: Final = {
    "strengths": "what is done better than by others, and by what proof?",
    "weaknesses": "what was complained about, what is missing?",
    "opportunities": "what changes outside that would help, and how likely?",
    "threats": "who or what outside could take this away, and how likely?",
}


@attrs.frozen(kw_only=True)
class Inner:
    """A strength or a weakness."""

    SHORT = "text"
    text: str
    weight: Annotated[Rating, "1 to 5; 3 if not given"] = 3


@attrs.frozen(kw_only=True)
class Outer:
    """An opportunity or a threat."""

    SHORT = "text"
    text: str
    weight: Annotated[Rating, "1 to 5; 3 if not given"] = 3
    likelihood: Annotated[Share, "0 to 1; 1 if not given"] = 1.0


Item = Inner | Outer


@attrs.frozen(kw_only=True)
class Input:
    """A decision seen from four sides."""

    decision: Annotated[str, "what is looked at"] = ""
    strengths: Annotated[Sequence[Inner], "[{text, weight}]"] = ()
    weaknesses: Annotated[Sequence[Inner], "[{text, weight}]"] = ()
    opportunities: Annotated[Sequence[Outer], "[{text, weight, likelihood}]"] = ()
    threats: Annotated[Sequence[Outer], "[{text, weight, likelihood}]"] = ()
    options: Annotated[Sequence[str], "what could be done"] = ()


def think(given: Input) -> Result:
    """Balance inside and outside, posture, cross matrix; questions while a list is all empty."""
    lists: dict[str, list[Item]] = {name: list(getattr(given, name)) for name in QUADRANTS}
    count = sum(map(len, lists.values()))
    empty = [name for name in QUADRANTS if not lists[name]]
    if not count:
        return Result(
            data={
                "technique": {
                    **{
                        name: [seed(_QUESTIONS[name], subject=given.decision)] for name in QUADRANTS
                    },
                    "empty_quadrants": empty,
                }
            },
            summary="four empty lists: answer the questions in each",
            missing=list(QUADRANTS),
        )
    inside = {name: sum(each.weight for each in lists[name]) for name in QUADRANTS[:2]}
    outside = {name: sum(map(_force, lists[name])) for name in QUADRANTS[2:]}
    internal = inside["strengths"] - inside["weaknesses"]
    external = rounded(outside["opportunities"] - outside["threats"])
    posture, quadrant = _posture(internal, external)
    matrix = _matrix(lists)
    warnings = [
        f"{name} hold {len(each)} of {count} items: the picture leans"
        for name, each in lists.items()
        if count > 1 and len(each) / count > BIASED
    ]
    technique: Json = {
        "internal": internal,
        "external": external,
        "internal_ratio": share(internal, sum(inside.values())),
        "external_ratio": share(external, sum(outside.values())),
        "posture": posture,
        "quadrant": quadrant,
        "matrix": matrix,
        "options": [_option(each, lists) for each in given.options],
        "empty_quadrants": empty,
        "uncovered_terms": [
            word
            for word in keywords(given.decision)
            if not any(mentions(each.text, word) for items in lists.values() for each in items)
        ],
    }
    return Result(
        data={"technique": technique},
        summary=f"{posture} ({quadrant}): internal {internal:+g}, external {external:+g}",
        warnings=warnings,
        gate=[f"{name} is empty" for name in empty],
        following=Following(
            pattern="decision_framework",
            reason=f"choose a strategy for {quadrant}",
            fields={"decision": given.decision, "options": list(given.options)},
        ),
    )


def _force(item: Item) -> float:
    return item.weight * (item.likelihood if isinstance(item, Outer) else 1.0)


def _posture(internal: float, external: float) -> tuple[str, str]:
    if internal >= 0:
        return ("aggressive", "SO") if external >= 0 else ("diversify", "ST")
    return ("turnaround", "WO") if external >= 0 else ("defensive", "WT")


def _matrix(lists: dict[str, list[Item]]) -> Json:
    """For each corner the strongest pairs, each with a slot for what to do about it."""
    found: Json = {}
    for inner in ("strengths", "weaknesses"):
        for outer in ("opportunities", "threats"):
            pairs = [
                (one.weight * _force(two), one.text, two.text)
                for one in sorted(lists[inner], key=lambda each: -each.weight)[:TOP]
                for two in sorted(lists[outer], key=_force, reverse=True)[:TOP]
            ]
            corner = (inner[0] + outer[0]).upper()
            found[corner] = [
                {"score": rounded(score), "pair": [one, two], "strategy": None}
                for score, one, two in sorted(pairs, key=lambda each: (-each[0], each[1:]))
            ]
    return found


def _option(text: str, lists: dict[str, list[Item]]) -> Json:
    """What an option touches, by its words."""
    touched = {
        name: [first_words(each.text) for each in items if shared(text, each.text)]
        for name, items in lists.items()
    }
    return {"option": text, **{name: found for name, found in touched.items() if found}}


PATTERN: Final = Pattern(name="swot", input=Input, think=think)
