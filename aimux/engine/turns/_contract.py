"""An answer that has to fit a schema: judged at the end of its turn, asked for once more if not.

The repair is a turn like any other, of the same seat, so it goes on with the conversation and its
tokens are counted. It is asked for once; what does not fit then is partial.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, JobStatus, TurnResult
from aimux.rules import check_answer, repair_prompt

Schema = Mapping[str, object] | bool

UNFIT: Final = "answer_contract"


def judge_fit(result: TurnResult, schema: Schema | None) -> TurnResult:
    """The result with its `data`; partial where a whole answer does not fit the schema."""
    if schema is None or not result.is_answer:
        return result
    contract = check_answer(result.content, schema)
    if not contract.problems:
        return attrs.evolve(result, data=contract.data)
    failure = Failure(
        failure_class=FailureClass.UNKNOWN,
        code=UNFIT,
        message="the answer does not fit the schema: " + "; ".join(contract.problems),
        hint="see content for what was answered; a simpler schema may help",
    )
    return attrs.evolve(result, status=JobStatus.PARTIAL, data=contract.data, failure=failure)


async def ask_fitting(
    take_turn: Callable[[str], Awaitable[TurnResult]], prompt: str, schema: Schema
) -> TurnResult:
    """The turn for `prompt`, or that of one repair if its answer does not fit.

    If the repair gives no answer, the first one stands. `take_turn` judges the fit. Cancelling it
    cancels the turn that runs.
    """
    first = await take_turn(prompt)
    if first.failure is None or first.failure.code != UNFIT:
        return first
    contract = check_answer(first.content, schema)
    second = await take_turn(repair_prompt(contract))
    is_heard = second.is_answer or (second.failure is not None and second.failure.code == UNFIT)
    return second if is_heard else first
