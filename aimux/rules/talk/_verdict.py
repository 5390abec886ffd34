"""What judges made of a debate: each in both orders, a flip is a draw, several vote.

A judge knows the sides as first and second only. What it says is told of pro and con here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.rules.panels import are_alike, read_stance

from ._debate import CON, PRO

DRAW: Final = "draw"
NEITHER: Final = "neither"
ORDERS: Final = ((PRO, CON), (CON, PRO))
MAX_POINTS: Final = 20

JUDGE_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "winner": {"enum": ["first", "second", DRAW, NEITHER]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "points": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "claim": {"type": "string"},
                    "held_by": {"enum": ["first", "second"]},
                    "weight": {"type": ["number", "string", "null"]},
                },
                "required": ["claim", "held_by"],
            },
        },
        "unresolved": {"type": "array", "items": {"type": "string"}},
        "recommendation": {"type": "string"},
    },
    "required": ["winner", "confidence", "recommendation"],
}


@attrs.frozen(kw_only=True)
class Ruling:
    """What one judge said in one order; `reason` says why there is none."""

    judge: str
    order: tuple[str, str]
    winner: str = ""
    confidence: float = 0.0
    points: Sequence[Mapping[str, object]] = ()
    unresolved: Sequence[str] = ()
    recommendation: str = ""
    reason: str = ""


@attrs.frozen(kw_only=True)
class DebateVerdict:
    """What the judges came to together."""

    winner: str
    confidence: float
    points: Sequence[Mapping[str, object]]
    unresolved: Sequence[str]
    recommendation: str
    is_order_sensitive: bool


def read_ruling(judge: str, order: tuple[str, str], data: object) -> Ruling:
    """A judge's answer, said of sides. What does not fit is no ruling."""
    if not isinstance(data, Mapping) or data.get("winner") not in (
        "first",
        "second",
        DRAW,
        NEITHER,
    ):
        return Ruling(judge=judge, order=order, reason="its verdict cannot be read")
    side = {"first": order[0], "second": order[1]}
    points, unresolved, confidence = (
        data.get(name) for name in ("points", "unresolved", "confidence")
    )
    return Ruling(
        judge=judge,
        order=order,
        winner=side.get(str(data["winner"]), str(data["winner"])),
        confidence=float(confidence) if isinstance(confidence, int | float) else 0.0,
        points=[
            {
                "claim": str(each.get("claim", "")),
                "held_by": side.get(str(each.get("held_by")), ""),
                "weight": each.get("weight"),
            }
            for each in (points if isinstance(points, Sequence) else ())
            if isinstance(each, Mapping)
        ][:MAX_POINTS],
        unresolved=[str(each) for each in (unresolved if isinstance(unresolved, Sequence) else ())],
        recommendation=str(data.get("recommendation", "")).strip(),
    )


def decide_verdict(rulings: Sequence[Ruling]) -> DebateVerdict | None:
    """The verdict of all judges that ruled in both orders; None if there is no such judge.

    A judge who rules otherwise in the other order has seen a draw; several vote, and without a
    majority of one side it is a draw.
    """
    by_judge: dict[str, list[Ruling]] = {}
    for each in rulings:
        by_judge.setdefault(each.judge, []).append(each)
    whole = [
        found
        for found in by_judge.values()
        if {each.order for each in found if each.winner} == set(ORDERS)
    ]
    if not whole:
        return None
    votes = [found[0].winner if not _is_flip(found) else DRAW for found in whole]
    winner = max(votes, key=votes.count)
    if 2 * votes.count(winner) <= len(votes) and len(set(votes)) > 1:
        winner = DRAW
    is_flipped = any(_is_flip(found) for found in whole)
    holding = [
        each
        for found, vote in zip(whole, votes, strict=True)
        if vote == winner and not _is_flip(found)
        for each in found
    ]
    share = votes.count(winner) / len(votes)
    sure = sum(each.confidence for each in holding) / len(holding) if holding else 0.0
    every = [each for found in whole for each in found]
    return DebateVerdict(
        winner=winner,
        confidence=round(share * sure, 3),
        points=_joined_points(holding or every),
        unresolved=list(dict.fromkeys(text for each in every for text in each.unresolved)),
        recommendation=_recommended(holding, is_flipped=is_flipped),
        is_order_sensitive=is_flipped,
    )


def _is_flip(found: Sequence[Ruling]) -> bool:
    return len({each.winner for each in found}) > 1


def _recommended(holding: Sequence[Ruling], *, is_flipped: bool) -> str:
    if holding:
        return next((each.recommendation for each in holding if each.recommendation), "")
    if is_flipped:
        return "The verdict changed with the order of the sides: treat the question as open."
    return "The judges do not agree: treat the question as open."


def _joined_points(rulings: Sequence[Ruling]) -> list[Mapping[str, object]]:
    """Every point once, however it is worded."""
    points: list[Mapping[str, object]] = []
    for point in (point for each in rulings for point in each.points):
        stance = read_stance(str(point["claim"]))
        if not any(
            point["held_by"] == known["held_by"]
            and are_alike(stance, read_stance(str(known["claim"])))
            for known in points
        ):
            points.append(point)
    return points[:MAX_POINTS]
