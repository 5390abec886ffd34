"""Asking one seat until it has answered or is lost, as every strategy does it."""

from collections.abc import Mapping

import attrs
import trio

from aimux.errors import Refusal
from aimux.model import JobStatus, TurnResult
from aimux.rules.panels import is_worth_asking_again, lost_reason
from aimux.strategies import Ask, Seat


@attrs.frozen(kw_only=True)
class Heard:
    """What a seat came to: its turn, and why it is lost; an empty `reason` is an answer.

    `result` is None where the job had no turn or time left for it; `spent` is then the figure of
    the budget that is used up, if it was that.
    """

    seat: str
    result: TurnResult | None = None
    reason: str = ""
    spent: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the seat has answered."""
        return not self.reason

    @property
    def content(self) -> str:
        """What it said, whole or not."""
        return "" if self.result is None else self.result.content

    @property
    def data(self) -> object:
        """Its answer as JSON, where it fits the schema it was asked with."""
        return None if self.result is None else self.result.data

    @property
    def told(self) -> str:
        """The reason in a sentence: what the CLI's failure says, else the code."""
        failure = None if self.result is None else self.result.failure
        if failure is None or failure.code != self.reason:  # a refusal is no JSON either
            return self.reason
        return failure.message or self.reason


async def ask_seat(
    ask: Ask,
    seat: Seat,
    prompt: str,
    *,
    schema: Mapping[str, object] | None = None,
    limit_s: float | None = None,
) -> Heard:
    """What the seat answers; an empty, refused or limit-text answer is asked for once more.

    With `schema` prose is an answer too, without `data`. Both tries share `limit_s`. A job without
    turns or time left gives no answer. Cancelling it ends the turn that runs.
    """
    began = trio.current_time()
    result: TurnResult | None = None
    reason = ""
    try:
        result = await ask(seat, prompt, schema=schema, limit_s=limit_s)
        reason = lost_reason(result)
        if is_worth_asking_again(reason, result):
            left_s = None if limit_s is None else limit_s - (trio.current_time() - began)
            if left_s is None or left_s > 0:
                again = await ask(seat, prompt, schema=schema, limit_s=left_s)
                if not lost_reason(again):
                    result, reason = again, ""
    except Refusal as refusal:
        if result is None:
            spent = str(refusal.data.get("budget", ""))
            return Heard(seat=seat.name, reason=refusal.code, spent=spent)
    return Heard(seat=seat.name, result=result, reason=reason)


def is_cancelled(heard: Heard) -> bool:
    """Whether the seat's turn was ended from outside."""
    return heard.result is not None and heard.result.status is JobStatus.CANCELLED
