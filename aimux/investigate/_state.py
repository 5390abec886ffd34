"""An investigation as a value, and the table that says which phase may follow which.

Theory of operation. An investigation is what its callers and their CLIs said: findings, what they
corrected, and areas where somebody looked and found nothing. Each change makes a new value. Whether
it may stop is decided by `assess` alone and kept as its phase; whatever is learned afterwards opens
it again, so that a report is final only while the last assessment still speaks of all there is.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Final, NewType

import attrs

InvestigationId = NewType("InvestigationId", str)

MAX_FINDINGS: Final = 200  # of one investigation
MAX_CLEARANCES: Final = 200
MAX_TEXT_CHARS: Final = 2_000  # of a description
MAX_SOURCE_CHARS: Final = 500
MAX_PLACES: Final = 8  # of one finding
MAX_QUOTE_CHARS: Final = 300  # kept of a quote; all of it was checked
MAX_HISTORY: Final = 100  # assessments that are kept, the latest


class Severity(enum.StrEnum):
    """How much a finding matters."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return int(self.value[1])


class Confidence(enum.StrEnum):
    """How well a finding is known."""

    VERIFIED = "VERIFIED"  # a place was named and found
    INFERRED = "INFERRED"  # concluded from what was seen
    STALE = "STALE"  # was so once
    BLOCKED = "BLOCKED"  # could not be looked at
    UNKNOWN = "UNKNOWN"


WEIGHTS: Final[Mapping[Confidence, float]] = {
    Confidence.VERIFIED: 1.0,
    Confidence.INFERRED: 0.6,
    Confidence.STALE: 0.3,
    Confidence.BLOCKED: 0.0,
    Confidence.UNKNOWN: 0.0,
}


class Verdict(enum.StrEnum):
    """What an assessment recommends."""

    CONTINUE = "CONTINUE"
    MAY_STOP = "MAY_STOP"
    COMPLETE = "COMPLETE"


class Phase(enum.StrEnum):
    """How far an investigation is."""

    OPEN = "open"  # something is missing, or was learned since the last assessment
    SETTLED = "settled"  # it may stop
    COMPLETE = "complete"  # nothing is missing
    REPORTED = "reported"  # the final report was made


class Move(enum.StrEnum):
    """What moves an investigation to another phase."""

    LEARNED = "learned"
    CONTINUE = "continue"
    MAY_STOP = "may_stop"
    COMPLETE = "complete"
    REPORT = "report"


_ASSESSED: Final = {
    Move.LEARNED: Phase.OPEN,
    Move.CONTINUE: Phase.OPEN,
    Move.MAY_STOP: Phase.SETTLED,
    Move.COMPLETE: Phase.COMPLETE,
}
NEXT: Final[Mapping[Phase, Mapping[Move, Phase]]] = {
    Phase.OPEN: _ASSESSED,
    Phase.SETTLED: {**_ASSESSED, Move.REPORT: Phase.REPORTED},
    Phase.COMPLETE: {**_ASSESSED, Move.REPORT: Phase.REPORTED},
    Phase.REPORTED: {  # reading it once more changes nothing
        Move.LEARNED: Phase.OPEN,
        Move.CONTINUE: Phase.OPEN,
        Move.MAY_STOP: Phase.REPORTED,
        Move.COMPLETE: Phase.REPORTED,
        Move.REPORT: Phase.REPORTED,
    },
}
MOVES: Final[Mapping[Verdict, Move]] = {
    Verdict.CONTINUE: Move.CONTINUE,
    Verdict.MAY_STOP: Move.MAY_STOP,
    Verdict.COMPLETE: Move.COMPLETE,
}


@attrs.frozen(kw_only=True)
class CheckedPlace:
    """A place in the tree that a finding names, as the checker judged it, never a model.

    `verified` is `quote`, `line_exists`, or empty with `why`.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    quote: str = ""
    verified: str = ""
    why: str = ""


@attrs.frozen(kw_only=True)
class Finding:
    """One claim. `claimed` is the confidence it came with, where a check lowered it.

    `by` is the client or CLI that said it. `repeats` names an earlier finding of the same words
    that weighs it otherwise: it adds nothing new.
    """

    id: str
    severity: Severity
    confidence: Confidence
    claimed: Confidence | None = None
    description: str
    source: str
    by: str = ""
    area: str = ""
    iteration: int
    places: Sequence[CheckedPlace] = ()
    corrected_by: str = ""
    contradicts: str = ""
    repeats: str = ""

    @property
    def is_active(self) -> bool:
        """Nobody has corrected it."""
        return not self.corrected_by

    @property
    def is_verified(self) -> bool:
        """It is known, and a place it names was found."""
        return self.confidence is Confidence.VERIFIED

    @property
    def is_refuted_by_its_places(self) -> bool:
        """It names places, and none of them is there."""
        return bool(self.places) and not any(place.verified for place in self.places)


@attrs.frozen(kw_only=True)
class Correction:
    """One finding took the place of another."""

    original: str
    by: str
    iteration: int


@attrs.frozen(kw_only=True)
class Clearance:
    """Somebody looked and found nothing: in an area, or in this iteration at all."""

    id: str
    area: str = ""
    description: str
    source: str
    by: str = ""
    iteration: int
    places: Sequence[CheckedPlace] = ()


@attrs.frozen(kw_only=True)
class Assessed:
    """What one assessment came to, as the history keeps it."""

    iteration: int
    convergence: float
    coverage: float
    effective_coverage: float
    added: int  # findings of the iteration that say something new
    corrected: int
    is_idle: bool
    verdict: Verdict


@attrs.frozen(kw_only=True)
class Investigation:
    """Everything that is known of one question.

    `areas` are the domain's at the start: a domain that changes later does not move the goal.
    """

    id: InvestigationId
    question: str
    domain: str
    areas: Sequence[str]
    min_verified: int = 3  # verified findings without which it does not stop
    max_iterations: int = 5  # of the autonomous run
    project: str = ""  # what it is listed and recalled under
    cwd: str = ""  # the tree that places are looked up in
    client: str = ""
    saved_to: str = ""  # its last report
    phase: Phase = Phase.OPEN
    iteration: int = 0
    findings: Sequence[Finding] = ()
    corrections: Sequence[Correction] = ()
    clearances: Sequence[Clearance] = ()
    history: Sequence[Assessed] = ()
    created_at: datetime.datetime
    last_active_at: datetime.datetime

    @property
    def active(self) -> list[Finding]:
        """The findings that nobody has corrected, in the order they came."""
        return [each for each in self.findings if each.is_active]

    def find(self, finding_id: str) -> Finding | None:
        """The finding of that id."""
        return next((each for each in self.findings if each.id == finding_id), None)


@attrs.frozen(kw_only=True)
class Recalled:
    """An investigation that a search found; the higher the score, the better it fits."""

    investigation: Investigation
    score: float


def moved(state: Investigation, move: Move, at: datetime.datetime) -> Investigation:
    """The investigation after a move; one that its phase does not allow changes only the time."""
    phase = NEXT[state.phase].get(move, state.phase)
    return attrs.evolve(state, phase=phase, last_active_at=max(at, state.last_active_at))
