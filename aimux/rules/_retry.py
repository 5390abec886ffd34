"""What follows a failed attempt, as a table.

Theory of operation. A quota or an unknown model leaves that (cli, model) alone and goes on with the
CLI's next model; a transient failure is tried once more on the same one; auth and wrong flags leave
the CLI; a fatal failure, the deadline and a cancellation end the turn. A session that the CLI has
lost is told again. Above all of that stands what must not be repeated: work that may have changed
something (any mode but read) once the CLI has spoken or used a tool, and in read mode a second time
after it has.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, Mode


class NextStep(enum.StrEnum):
    """What follows a failed attempt."""

    AGAIN = "again"
    NEXT_MODEL = "next_model"
    NEXT_CLI = "next_cli"
    STOP = "stop"


AFTER: Final[Mapping[FailureClass, NextStep]] = {
    FailureClass.QUOTA: NextStep.NEXT_MODEL,
    FailureClass.MODEL_UNAVAILABLE: NextStep.NEXT_MODEL,
    FailureClass.AUTH: NextStep.NEXT_CLI,
    FailureClass.TRANSIENT: NextStep.AGAIN,
    FailureClass.USAGE: NextStep.NEXT_CLI,
    FailureClass.FATAL: NextStep.STOP,
    FailureClass.TIMEOUT: NextStep.STOP,
    FailureClass.CANCELLED: NextStep.STOP,
    FailureClass.UNKNOWN: NextStep.NEXT_CLI,
}


@attrs.frozen(kw_only=True)
class FailedAttempt:
    """What decides about another attempt."""

    failure: Failure
    mode: Mode
    has_acted: bool  # text was said or a tool was used
    acted_before: bool = False  # the same of an earlier attempt of this turn
    failures: int = 1  # of this CLI and model in this turn, this one included
    is_lost_session: bool = False  # the CLI has lost it, and the prompt can say what was before


@attrs.frozen(kw_only=True)
class Retry:
    """What to do, and the code of the warning that tells why, where there is something to tell."""

    step: NextStep
    warning: str = ""


def after_failure(attempt: FailedAttempt) -> Retry:
    """What follows a failed attempt."""
    step = AFTER[attempt.failure.failure_class]
    if attempt.is_lost_session:
        step = NextStep.AGAIN
    may_repeat = attempt.mode is Mode.READ and not attempt.acted_before
    if step is not NextStep.STOP and attempt.has_acted and not may_repeat:
        return Retry(step=NextStep.STOP, warning="not_retried")
    if attempt.is_lost_session:
        return Retry(step=step, warning="session_retold")
    if step is NextStep.AGAIN and attempt.failures > 1:
        step = NextStep.NEXT_CLI
    return Retry(step=step)
