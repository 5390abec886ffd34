"""What a job's work reports, and what the job came to."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from ._routes import Seat
from ._said import Failure, Usage, Warned
from ._turns import Attempt, JobStatus, Mode, TurnResult, TurnSummary


@attrs.frozen(kw_only=True)
class Report:
    """What the work of a job amounts to, in its own words.

    `turn` is the turn whose CLI the job's answer is shown with; None where several have made it.
    """

    status: JobStatus
    content: str = ""
    is_cut: bool = False  # content is not all that was said
    data: object = None
    failure: Failure | None = None
    warnings: Sequence[Warned] = ()
    turn: int | None = None


@attrs.frozen(kw_only=True)
class Outcome:
    """What a job came to; together with the job row it makes the result of design section 6.

    `usage` is the sum over `turns`, and `attempts` are theirs in a row.
    """

    content: str = ""
    is_cut: bool = False  # content is not all that was said: more is not kept
    data: object = None
    cli: str = ""
    model: str = ""
    effort: str = ""
    mode: Mode = Mode.READ
    usage: Usage | None = None
    exit_code: int | None = None
    duration_ms: int = 0
    attempts: Sequence[Attempt] = ()
    warnings: Sequence[Warned] = ()
    error: Failure | None = None
    stderr_tail: str = ""
    native_session: str = ""
    turns: Sequence[TurnSummary] = ()


class Ask(Protocol):
    """Runs one turn of a job: a prompt on a seat's CLI, to its answer."""

    async def __call__(
        self,
        seat: Seat,
        prompt: str,
        *,
        schema: Mapping[str, object] | bool | None = None,
        limit_s: float | None = None,
    ) -> TurnResult:
        """What the turn came to; a CLI that failed is a result.

        The same seat goes on with its own conversation. With `schema` the answer has to fit it:
        `data` holds the value, and one repair is asked for. `limit_s` bounds this turn, from its
        slot on. Cancelling it stops the child, keeps what it said in the log, and leaves the job
        alone.

        Raises:
            Refusal: the job's budget is spent (`budget_spent`) or its time is over (`timed_out`).
        """
        ...


class Note(Protocol):
    """Tells a milestone of a job to whoever follows it."""

    def __call__(self, text: str, **data: object) -> None:
        """Append it to the log; `data` is plain JSON."""
        ...


class Work(Protocol):
    """What a job does: any number of turns, and a report."""

    async def __call__(self, ask: Ask, note: Note) -> Report:
        """Do it. Cancelling it ends the turns under way."""
        ...
