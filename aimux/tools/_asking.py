"""Questions of a job on their way to the person and back: the one place that knows both shapes.

Theory of operation. A question (`aimux.engine.Question`) becomes a request to the client, keyed by
its number; a response becomes what the child is told. What differs is only the road: a request in
the course of a call, the call's own result, or a task's input. `attend` is how every call waits for
a job; it walks the road that the caller has.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.engine import JobHandle, Question, Questions

from ._calls import Caller, InputRequired, Reach, ToolCall
from ._progress import report_progress

METHOD: Final = "elicitation/create"
_KEY: Final = "question_"
LATE: Final[Mapping[str, object]] = {
    "code": "answer_too_late",
    "message": "the question was over already, so this answer was not typed",
}


@attrs.frozen
class Said:
    """What a person made of a question; `text` is None where they do not answer."""

    text: str | None


def requests_of(questions: Sequence[Question]) -> dict[str, Mapping[str, object]]:
    """Questions as requests to the client, by key."""
    return {
        f"{_KEY}{question.number}": {"method": METHOD, "params": _params(question)}
        for question in questions
    }


def _params(question: Question) -> Mapping[str, object]:
    return {
        "mode": "form",
        "message": f"{question.cli} asks: {question.text}",
        "requestedSchema": {
            "type": "object",
            "properties": {"answer": {"type": "string", "description": "what to type, then Enter"}},
            "required": ["answer"],
        },
    }


def read_response(response: object) -> Said | None:
    """What a client's response says; None if it is not one."""
    match response:
        case {"action": "accept", "content": {"answer": str(text)}}:
            return Said(text)
        case {"action": "decline" | "cancel"}:
            return Said(None)
        case _:
            return None


def settle(questions: Questions, number: int, said: Said) -> bool:
    """Give a question its answer; False if it is over."""
    if said.text is None:
        return questions.refuse(number)
    return questions.answer(number, said.text)


def take_responses(questions: Questions, responses: Mapping[str, object]) -> None:
    """Settle the open questions with what is there for them; anything else is passed over."""
    for question in questions.open_ones:
        said = read_response(responses.get(f"{_KEY}{question.number}"))
        if said is not None:
            settle(questions, question.number, said)


def asking(handle: JobHandle, question: Question) -> InputRequired:
    """The answer of a call that ends with a question."""
    state = {"job_id": handle.id, "question": question.number}
    return InputRequired(requests=requests_of([question]), state=state)


def take_answer(handle: JobHandle | None, call: ToolCall) -> bool:
    """Settle the question that a repeated call is about; False if it is over.

    A missing or unreadable answer leaves it open: it is asked again.
    """
    assert call.state is not None
    open_ones = handle.questions.open_ones if handle is not None else []
    if handle is None or call.state["question"] not in [each.number for each in open_ones]:
        return False
    take_responses(handle.questions, call.responses)
    return True


async def attend(
    handle: JobHandle, caller: Caller, heartbeat_s: float, *, after: int | None = None
) -> Question | None:
    """Wait for a job's end, or with `after` for its first event after that number.

    Meanwhile progress is told and questions are put to the caller. Returns the question that the
    call has to end with, if there is one. Cancelling it only ends the waiting.
    """
    found: Question | None = None
    async with trio.open_nursery() as waiting:

        async def end_with_question() -> None:
            nonlocal found
            with handle.questions.audience():
                found = await handle.questions.wait_after(0)
            waiting.cancel_scope.cancel(reason="the call ends with a question")

        async def end_after(seq: int) -> None:
            await handle.log.entries.wait_after(seq)
            waiting.cancel_scope.cancel(reason="an event came")

        waiting.start_soon(report_progress, handle, caller, heartbeat_s)
        if caller.reach is Reach.BY_RESULT:
            waiting.start_soon(end_with_question)
        elif caller.reach is Reach.BY_REQUEST:
            waiting.start_soon(put_questions, handle, caller)
        if after is not None:
            waiting.start_soon(end_after, after)
        await handle.done.wait()
        waiting.cancel_scope.cancel(reason="the job ended")
    return found


async def put_questions(handle: JobHandle, caller: Caller) -> None:
    """Put each question to the person in the course of the caller's call, until cancelled."""
    seen = 0
    with handle.questions.audience():
        async with trio.open_nursery() as putting:
            while True:
                question = await handle.questions.wait_after(seen)
                seen = question.number
                putting.start_soon(_put_until_over, handle.questions, question, caller)


async def _put_until_over(questions: Questions, question: Question, caller: Caller) -> None:
    async with trio.open_nursery() as one:
        one.start_soon(_put, questions, question, caller)
        await question.closed.wait()
        one.cancel_scope.cancel(reason="the question has ended")


async def _put(questions: Questions, question: Question, caller: Caller) -> None:
    response = await caller.ask(METHOD, _params(question))
    settle(questions, question.number, read_response(response) or Said(None))
