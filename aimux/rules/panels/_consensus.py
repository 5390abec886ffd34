"""What a panel's answers amount to: positions, claims, who stands alone, and how it reads.

Nothing is averaged away: a position of few stands in the minority, a claim of one in
`only_one_said`, and who could not be heard is named with the reason.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, SourcePlace, Verified

from ._alike import are_alike, read_stance
from ._cited import EVIDENCE_SCHEMA, read_places
from ._tally import LABELS, SIMILARITY, Ballot, Group, Tally, count_groups

MAX_CLAIMS: Final = 5  # of a member; what it is asked for

MEMBER_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "position": {"type": "string", "minLength": 1},
        "answer": {"type": ["string", "number", "boolean"]},
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "minLength": 1},
                    "evidence": EVIDENCE_SCHEMA,
                },
                "required": ["text"],
            },
        },
        "assumptions": {"type": "array", "items": {"type": "string"}},
        "would_change": {"type": ["string", "array", "null"]},
    },
    "required": ["position"],
}


@attrs.frozen(kw_only=True)
class Claim:
    """One claim of a member, with what the checker found of its evidence."""

    text: str
    places: Sequence[SourcePlace] = ()
    evidence: Sequence[Evidence] = ()

    @property
    def is_verified(self) -> bool:
        """Some of its evidence was found where it is said to be."""
        return any(each.verified is Verified.QUOTE for each in self.evidence)


@attrs.frozen(kw_only=True)
class Position:
    """What one seat holds."""

    seat: str
    position: str
    answer: str = ""
    claims: Sequence[Claim] = ()
    assumptions: Sequence[str] = ()
    would_change: Sequence[str] = ()

    @property
    def ballot(self) -> Ballot:
        """What is counted of it."""
        return Ballot(seat=self.seat, answer=self.answer, position=self.position)


def read_position(seat: str, data: object, content: str) -> Position:
    """A member's answer. Prose in the place of JSON is kept whole as its position."""
    if not isinstance(data, Mapping):
        return Position(seat=seat, position=content.strip())
    claims = data.get("claims")
    return Position(
        seat=seat,
        position=str(data.get("position", "")).strip(),
        answer=_text(data.get("answer")),
        claims=[
            _claim(each)
            for each in (claims if isinstance(claims, Sequence) else ())[:MAX_CLAIMS]
            if isinstance(each, Mapping)
        ],
        assumptions=_texts(data.get("assumptions")),
        would_change=_texts(data.get("would_change")),
    )


def with_evidence(position: Position, found: Sequence[Evidence]) -> Position:
    """The position with the checker's findings, which are of `places_of` in their order."""
    left = list(found)
    claims = []
    for claim in position.claims:
        count = len(claim.places)
        claims.append(attrs.evolve(claim, evidence=left[:count]))
        left = left[count:]
    return attrs.evolve(position, claims=claims)


def places_of(position: Position) -> list[SourcePlace]:
    """Every place that a position points at, in the order of its claims."""
    return [place for claim in position.claims for place in claim.places]


def evidence_json(found: Evidence) -> dict[str, object]:
    """What was found, as it stands in results."""
    return attrs.asdict(found) | {"verified": found.verified.value}


def count_evidence(positions: Sequence[Position]) -> tuple[int, int]:
    """How many places were claimed, and at how many the quote was found."""
    found = [each for position in positions for claim in position.claims for each in claim.evidence]
    return len(found), sum(each.verified is Verified.QUOTE for each in found)


def minority(found: Tally, positions: Sequence[Position]) -> list[dict[str, object]]:
    """Every group but the largest, each with the claim that speaks best for it."""
    by_seat = {position.seat: position for position in positions}
    return [
        {
            "position": group.position,
            "seats": list(group.seats),
            "strongest_claim": _strongest([by_seat[seat] for seat in group.seats]),
        }
        for group in found.groups[1:]
    ]


def only_one_said(positions: Sequence[Position]) -> list[dict[str, object]]:
    """Claims that nobody else made."""
    said = [
        (position.seat, claim.text, read_stance(claim.text))
        for position in positions
        for claim in position.claims
    ]
    return [
        {"seat": seat, "claim": text}
        for seat, text, stance in said
        if not any(other != seat and are_alike(stance, its) for other, _, its in said)
    ]


def join_groups(found: Tally, same: Sequence[Sequence[str]]) -> Tally:
    """The tally with groups put together that a reader judged to be one; `same` names seats.

    Only what was told apart by its wording can be: counted answers stay as they are.
    """
    if found.method != SIMILARITY:
        return found
    group_of = {seat: index for index, group in enumerate(found.groups) for seat in group.seats}
    root = list(range(len(found.groups)))
    for seats in same:
        known = [root[group_of[seat]] for seat in seats if seat in group_of]
        for each in known[1:]:
            root = [known[0] if it == each else it for it in root]
    if len(set(root)) == len(root):
        return found
    groups = []
    for each in dict.fromkeys(root):
        parts = [found.groups[index] for index, it in enumerate(root) if it == each]
        seats = sorted(seat for part in parts for seat in part.seats)
        groups.append(Group(position=parts[0].position, seats=seats))
    return count_groups(LABELS, groups)


def _strongest(positions: Sequence[Position]) -> str | None:
    claims = [claim for position in positions for claim in position.claims]
    return next((each.text for each in claims if each.is_verified), None) or (
        claims[0].text if claims else None
    )


def _claim(raw: Mapping[str, object]) -> Claim:
    places = read_places(raw.get("evidence"))
    return Claim(text=str(raw.get("text", "")).strip(), places=places)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).strip()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    found = value if isinstance(value, Sequence) else ()
    return [text for each in found if (text := _text(each))]
