"""What an audit finds: one value, whether a rule found it or a model."""

import enum
from collections.abc import Sequence

import attrs

from ._evidence import Evidence


class FindingSeverity(enum.StrEnum):
    """How bad it is if it is so."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class FindingState(enum.StrEnum):
    """What became of it."""

    CONFIRMED = "confirmed"  # a command showed it, or somebody else could not refute a true quote
    REFUTED = "refuted"
    UNREFUTED = "unrefuted"  # it stands, and nobody agreed or disagreed
    UNVERIFIED = "unverified"  # what it quotes was not found
    SUPPRESSED = "suppressed"  # by a comment in the source, with a reason


class Priority(enum.StrEnum):
    """What to look at first."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


@attrs.frozen(kw_only=True)
class ExecutedCheck:
    """A command that was to show a finding, and how it ended in a copy of the tree.

    `exit_code` None: it was not run or did not end by itself, `why` says more. The control is the
    same command in an empty directory.
    """

    command: Sequence[str]
    predicted_exit_code: int  # where the finding is true
    exit_code: int | None = None
    control_exit_code: int | None = None
    tail: str = ""
    duration_ms: int = 0
    why: str = ""

    @property
    def shows_it(self) -> bool:
        """Whether it ended as predicted, and did so because of the code."""
        predicted = self.predicted_exit_code
        return self.exit_code == predicted != self.control_exit_code


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong at one place; `id` and `priority` are computed, empty before."""

    id: str = ""
    rule: str
    family: str = ""  # of rules that mean the same; else the category is it
    category: str
    severity: FindingSeverity
    priority: Priority | None = None  # None: listed apart
    path: str
    line: int
    end_line: int
    quote: str = ""
    title: str
    scenario: str = ""
    fix: str = ""
    state: FindingState = FindingState.UNREFUTED
    is_certain: bool = False  # by its rule: nothing around it can make it right
    scanners: Sequence[str] = ()
    validators: Sequence[str] = ()
    evidence: Sequence[Evidence] = ()
    reason: str = ""  # why it is suppressed, or was refuted
    check: ExecutedCheck | None = None
