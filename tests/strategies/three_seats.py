"""A strategy as anybody might write one: three seats at once, a fourth judges what they said."""

from collections.abc import Sequence

import trio

from aimux.model import Failure, FailureClass, JobStatus
from aimux.strategies import Ask, Note, Report, Seat, Work


def three_seats(question: str, seats: Sequence[Seat], judge: Seat) -> Work:
    """Whoever is lost makes it partial, with a name and a reason."""

    async def work(ask: Ask, note: Note) -> Report:
        answers = [None] * len(seats)

        async def one(place: int, seat: Seat) -> None:
            answers[place] = await ask(seat, question)

        async with trio.open_nursery() as asking:
            for place, seat in enumerate(seats):
                asking.start_soon(one, place, seat)
        heard = [each for each in answers if each.is_answer]
        lost = {each.seat: each.failure.code for each in answers if not each.is_answer}
        note("the answers are in", heard=len(heard), lost=lost)
        material = "\n\n".join(f"{each.seat} said: {each.content}" for each in heard)
        verdict = await ask(judge, f"Judge these answers.\n\n{material}")
        missing = Failure(failure_class=FailureClass.UNKNOWN, code="seat_lost", message=str(lost))
        whole = verdict.is_answer and not lost
        return Report(
            status=JobStatus.COMPLETED if whole else JobStatus.PARTIAL,
            content=verdict.content,
            data={"heard": [each.seat for each in heard], "lost": lost},
            failure=missing if lost else verdict.failure,
        )

    return work
