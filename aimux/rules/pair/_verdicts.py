"""What a reviewer says of each unit of a diff. What is missing, unknown or unfit never approves."""

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, SourcePlace
from aimux.rules import find_places

from ._diff import Diff, Hunk, Unit
from ._units import ReplacementFault, replaced

MAX_PLACES: Final = 5  # of the evidence of one verdict
_ITEM: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "hunk": {"type": "integer", "minimum": 0},
        "verdict": {"enum": ["approved", "modified", "changes_requested"]},
        "rule": {"type": ["string", "null"]},
        "category": {"type": ["string", "null"]},
        "comment": {"type": ["string", "null"]},
        "evidence": {"type": ["string", "array", "object", "null"]},
        "replacement": {"type": ["string", "null"]},
    },
    "required": ["hunk", "verdict"],
}
REVIEW_SCHEMA: Final[Mapping[str, object]] = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"hunks": {"type": "array", "items": _ITEM, "minItems": 1}},
            "required": ["hunks"],
        },
        {"type": "array", "items": _ITEM, "minItems": 1},
    ]
}


class Verdict(enum.StrEnum):
    """What becomes of a unit. The words of reviewers, and one for units without a verdict."""

    APPROVED = "approved"
    MODIFIED = "modified"
    CHANGES_REQUESTED = "changes_requested"
    UNREVIEWED = "unreviewed"


_STRICTEST: Final = (Verdict.CHANGES_REQUESTED, Verdict.MODIFIED, Verdict.APPROVED)


@attrs.frozen(kw_only=True)
class UnitReview:
    """One unit's verdict. `lines` is the hunk as the reviewer would have it, where it fits."""

    hunk: int
    path: str
    kind: str
    verdict: Verdict
    rule: str = ""
    category: str = ""
    comment: str = ""
    places: Sequence[SourcePlace] = ()
    evidence: Sequence[Evidence] = ()
    replacement: str = ""
    lines: Hunk | None = None
    contested: str = ""  # the driver's reason against an earlier rejection

    @property
    def is_taken(self) -> bool:
        """Whether the unit goes on, as it is or changed."""
        return self.verdict in (Verdict.APPROVED, Verdict.MODIFIED)


def read_review(diff: Diff, asked: Collection[int], data: object) -> list[UnitReview]:
    """The verdict of each unit that was asked for, in order.

    Of two verdicts on a unit the stricter one counts. A replacement that does not fit rejects.
    """
    items = data.get("hunks") if isinstance(data, Mapping) else data
    said: dict[int, list[Mapping[str, object]]] = {}
    for item in items if isinstance(items, Sequence) and not isinstance(items, str) else ():
        number = item.get("hunk") if isinstance(item, Mapping) else None
        if isinstance(number, int) and not isinstance(number, bool):
            said.setdefault(number, []).append(item)
    return [
        _read_one(diff, unit, said.get(unit.number, []))
        for unit in diff.units
        if unit.number in asked
    ]


def _read_one(diff: Diff, unit: Unit, said: Sequence[Mapping[str, object]]) -> UnitReview:
    known = [each for each in said if each.get("verdict") in _STRICTEST]
    if not known or len(known) < len(said):
        return bare_review(unit, Verdict.UNREVIEWED, "the reviewer gave no verdict on it")
    item = min(known, key=lambda each: _STRICTEST.index(Verdict(str(each["verdict"]))))
    review = UnitReview(
        hunk=unit.number,
        path=unit.path,
        kind=unit.kind,
        verdict=Verdict(str(item["verdict"])),
        rule=_text(item.get("rule")),
        category=_text(item.get("category")),
        comment=_text(item.get("comment")),
        places=_places(item.get("evidence")),
        replacement=str(item.get("replacement") or ""),
    )
    if review.verdict is not Verdict.MODIFIED:
        return review
    try:
        return attrs.evolve(review, lines=replaced(diff, unit, review.replacement))
    except ReplacementFault as fault:
        comment = f"{review.comment} (its replacement cannot be used: {fault})".strip()
        return attrs.evolve(review, verdict=Verdict.CHANGES_REQUESTED, comment=comment)


def bare_review(unit: Unit, verdict: Verdict, comment: str) -> UnitReview:
    """A verdict that no reviewer gave."""
    return UnitReview(
        hunk=unit.number, path=unit.path, kind=unit.kind, verdict=verdict, comment=comment
    )


def bound_together(diff: Diff, reviews: Sequence[UnitReview]) -> list[UnitReview]:
    """The verdicts where one needs another: without its new name a file's hunks cannot stand."""
    by_number = {each.hunk: each for each in reviews}
    barred = {
        unit.files[0]
        for unit in diff.units
        if unit.kind == "renamed" and not by_number[unit.number].is_taken
    }
    found = []
    for unit in diff.units:
        review = by_number[unit.number]
        if unit.kind != "renamed" and unit.files[0] in barred and review.is_taken:
            review = attrs.evolve(
                review,
                verdict=Verdict.CHANGES_REQUESTED,
                comment="the new name of its file is not approved",
            )
        found.append(review)
    return found


def with_places(reviews: Sequence[UnitReview], found: Sequence[Evidence]) -> list[UnitReview]:
    """The verdicts with what a checker found of the places they name, in their order."""
    left = list(found)
    checked = []
    for review in reviews:
        count = len(review.places)
        checked.append(attrs.evolve(review, evidence=tuple(left[:count])))
        left = left[count:]
    return checked


def _places(said: object) -> list[SourcePlace]:
    if isinstance(said, str):
        return find_places(said)[:MAX_PLACES]
    items = [said] if isinstance(said, Mapping) else said if isinstance(said, Sequence) else ()
    places: list[SourcePlace] = []
    for item in items:
        if isinstance(item, str):
            places += find_places(item)
        elif isinstance(item, Mapping) and item.get("path"):
            places.append(
                SourcePlace(
                    path=str(item["path"]),
                    line=_line(item.get("line")),
                    end_line=_line(item.get("end_line")),
                    quote=str(item.get("quote") or ""),
                )
            )
    return places[:MAX_PLACES]


def _line(value: object) -> int | None:
    is_one = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_one and isinstance(value, int) else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
