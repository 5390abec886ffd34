"""What a dialog is made of: drafts, what the critic says of them, and when it has settled.

A draft is Markdown, its objections under a last heading; a critique is JSON. A critique that cannot
be read blocks with its whole text: what is not understood approves of nothing.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, SourcePlace
from aimux.rules import find_places, shorten
from aimux.rules.panels import EVIDENCE_SCHEMA, read_places

MAX_POINTS: Final = 20  # of each kind in one critique
MAX_POINT_CHARS: Final = 4_000
NOT_FOLLOWED: Final = "Not followed"  # the heading of a draft's objections
SETTLED: Final = 0.97  # of the runs of three words that two drafts have

CRITIQUE_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "blocking": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "point": {"type": "string", "minLength": 1},
                    "evidence": EVIDENCE_SCHEMA,
                },
                "required": ["point"],
            },
        },
        "notes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["blocking"],
}

_OBJECTIONS: Final = re.compile(
    rf"^#{{1,6}}[ \t]*{NOT_FOLLOWED}[ \t]*:?[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_WHOLE_FENCE: Final = re.compile(
    r"\A(?P<fence>`{3,})(?:markdown|md)?[ \t]*\n(?P<body>.*)\n(?P=fence)\s*\Z", re.DOTALL
)
_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*|[^\w\s]")
_DECISIVE: Final = frozenset(
    {"not", "no", "never", "without", "none", "only", "except", "must", "t"}  # don't
)


class StoppedBy(enum.StrEnum):
    """Why a dialog ended."""

    MAX_TURNS = "max_turns"
    FIXED_POINT = "fixed_point"  # the last two drafts are nearly the same
    NO_BLOCKING_POINTS = "no_blocking_points"
    BUDGET = "budget"
    DEADLINE = "deadline"
    SEAT_LOST = "seat_lost"


@attrs.frozen(kw_only=True)
class Point:
    """Something that has to be settled first, with what the checker found of its evidence."""

    text: str
    places: Sequence[SourcePlace] = ()
    evidence: Sequence[Evidence] = ()


@attrs.frozen(kw_only=True)
class Draft:
    """What a proposer wrote, and why it did not follow what it did not."""

    turn: int
    seat: str
    text: str
    objections: str = ""


@attrs.frozen(kw_only=True)
class Critique:
    """What a critic said of a draft. `is_prose`: it could not be read, and blocks as it stands."""

    turn: int
    seat: str
    blocking: Sequence[Point] = ()
    notes: Sequence[str] = ()
    is_prose: bool = False

    @property
    def places(self) -> list[SourcePlace]:
        """Every place that it points at, in the order of its points."""
        return [place for point in self.blocking for place in point.places]

    def with_evidence(self, found: Sequence[Evidence]) -> "Critique":
        """The critique with the checker's findings, which are of `places` in their order."""
        left = list(found)
        points = []
        for point in self.blocking:
            count = len(point.places)
            points.append(attrs.evolve(point, evidence=left[:count]))
            left = left[count:]
        return attrs.evolve(self, blocking=points)


Said = Draft | Critique


def read_draft(turn: int, seat: str, content: str) -> Draft:
    """A proposer's answer: the draft, and its objections to points of the critic."""
    text = content.strip()
    whole = _WHOLE_FENCE.match(text)
    if whole is not None and whole["fence"] not in whole["body"]:
        text = whole["body"].strip()
    found = list(_OBJECTIONS.finditer(text))
    if not found or not text[: found[-1].start()].strip():
        return Draft(turn=turn, seat=seat, text=text)
    last = found[-1]
    objections = text[last.end() :].strip()
    return Draft(turn=turn, seat=seat, text=text[: last.start()].strip(), objections=objections)


def read_critique(turn: int, seat: str, data: object, content: str) -> Critique:
    """A critic's answer; prose in the place of JSON is one blocking point."""
    if not isinstance(data, Mapping) or not isinstance(data.get("blocking"), Sequence):
        text = shorten(content.strip(), MAX_POINT_CHARS)
        point = Point(text=text, places=find_places(text))
        return Critique(turn=turn, seat=seat, blocking=[point], is_prose=True)
    blocking = [_point(each) for each in data["blocking"] if isinstance(each, Mapping)]
    notes = data.get("notes")
    return Critique(
        turn=turn,
        seat=seat,
        blocking=[each for each in blocking if each.text][:MAX_POINTS],
        notes=[
            shorten(str(each).strip(), MAX_POINT_CHARS)
            for each in (notes if isinstance(notes, Sequence) else ())
            if str(each).strip()
        ][:MAX_POINTS],
    )


def is_settled(before: str, after: str) -> bool:
    """Whether two successive drafts say the same: nothing more will come of another turn.

    Other numbers or another "not" are another draft, however few words that is.
    """
    old, new = _words(before), _words(after)
    if old == new:
        return True
    if _decisive(old) != _decisive(new):
        return False
    first, second = _runs(old), _runs(new)
    return len(first & second) >= SETTLED * len(first | second)


def open_points(said: Sequence[Said]) -> tuple[list[Point], bool]:
    """What still blocks the last draft, and whether the critic has seen that one."""
    critiques = [each for each in said if isinstance(each, Critique)]
    points = list(critiques[-1].blocking) if critiques else []
    return points, bool(said) and isinstance(said[-1], Critique)


def last_draft(said: Sequence[Said]) -> Draft | None:
    """The newest draft, if there is one."""
    return next((each for each in reversed(said) if isinstance(each, Draft)), None)


def _point(raw: Mapping[str, object]) -> Point:
    text = shorten(str(raw.get("point", "")).strip(), MAX_POINT_CHARS)
    return Point(text=text, places=read_places(raw.get("evidence")) or find_places(text))


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _decisive(words: Sequence[str]) -> list[str]:
    return [word for word in words if word in _DECISIVE or any(sign.isdigit() for sign in word)]


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}
