"""An `ask` without CLIs: strategies are tested against it, on whatever clock the test has."""

from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from aimux.errors import BudgetSpent, OutOfTime
from aimux.model import (
    Attempt,
    Budget,
    Failure,
    FailureClass,
    JobStatus,
    Mode,
    Seat,
    Spent,
    TurnResult,
    Usage,
)
from aimux.rules import check_answer, exhausted

FAKE_CLI: Final = "fake"

Schema = Mapping[str, object] | bool


@attrs.frozen(kw_only=True)
class Reply:
    """What a seat's CLI does when it is asked: it says `text` after `takes_s`, then ends.

    With `fails` it ends with that failure's code, what it said is partial; `hangs` says and stays.
    """

    text: str = ""
    takes_s: float = 0.0
    fails: str = ""
    hangs: bool = False
    usage: Usage | None = None


@attrs.frozen(kw_only=True)
class Asked:
    """One prompt as a seat was asked it."""

    seat: str
    prompt: str
    limit_s: float | None


@attrs.define(eq=False)
class FakeAsk:
    """Plays `reply(seat, prompt)` for each turn.

    `results` has the end of every turn; `asked` and `notes` say what the work did. `limit_s` is the
    job's own time, from its birth on.
    """

    reply: Callable[[str, str], Reply | str]
    budget: Budget = attrs.field(factory=Budget)
    limit_s: float = float("inf")
    asked: list[Asked] = attrs.field(factory=list)
    notes: list[tuple[str, Mapping[str, object]]] = attrs.field(factory=list)
    results: list[TurnResult] = attrs.field(factory=list)
    running: int = 0
    _spent: Spent = attrs.field(factory=Spent)
    _deadline: float = attrs.field(init=False)
    _count: int = 0

    def __attrs_post_init__(self) -> None:
        self._deadline = trio.current_time() + self.limit_s

    def note(self, text: str, **data: object) -> None:
        """Keep a milestone."""
        self.notes.append((text, data))

    async def ask(
        self,
        seat: Seat,
        prompt: str,
        *,
        schema: Schema | None = None,
        limit_s: float | None = None,
    ) -> TurnResult:
        """One turn as `aimux.model.Ask` promises. Cancelling it leaves its end in `results`.

        Raises:
            BudgetSpent, OutOfTime: as the real one.
        """
        first = await self._turn(seat, prompt, schema, limit_s)
        if first.failure is None or first.failure.code != "answer_contract":
            return first
        second = await self._turn(seat, "does not fit the JSON Schema", schema, limit_s)
        return first if not second.content else second

    async def _turn(
        self, seat: Seat, prompt: str, schema: Schema | None, limit_s: float | None
    ) -> TurnResult:
        now = trio.current_time()
        if now >= self._deadline:
            raise OutOfTime("the job has no time left")
        figure = exhausted(self.budget, self._spent)
        if figure:
            raise BudgetSpent(f"the budget is spent: {figure}", data={"budget": figure})
        self._spent = attrs.evolve(self._spent, turns=self._spent.turns + 1)
        self._count += 1
        number = self._count
        self.asked.append(Asked(seat=seat.name, prompt=prompt, limit_s=limit_s))
        said = self.reply(seat.name, prompt)
        reply = Reply(text=said) if isinstance(said, str) else said
        deadline = min(self._deadline, now + (float("inf") if limit_s is None else limit_s))
        result = _result(number, seat, reply, JobStatus.CANCELLED, _failure("cancelled"))
        self.running += 1
        try:
            with trio.move_on_at(deadline) as late:
                await trio.sleep(float("inf") if reply.hangs else reply.takes_s)
            if late.cancelled_caught:
                result = _result(number, seat, reply, JobStatus.TIMED_OUT, _failure("timed_out"))
            elif reply.fails:
                status = JobStatus.PARTIAL if reply.text else JobStatus.FAILED
                result = _result(number, seat, reply, status, _failure(reply.fails))
            else:
                result = _fitted(_result(number, seat, reply, JobStatus.COMPLETED, None), schema)
        finally:
            self.running -= 1
            self.results.append(result)
            self._spent = self._spent.plus(result.usage)
        return result


def _fitted(result: TurnResult, schema: Schema | None) -> TurnResult:
    if schema is None:
        return result
    contract = check_answer(result.content, schema)
    if not contract.problems:
        return attrs.evolve(result, data=contract.data)
    failure = _failure("answer_contract")
    return attrs.evolve(result, status=JobStatus.PARTIAL, failure=failure)


def _failure(code: str) -> Failure:
    is_late = code == "timed_out"
    return Failure(
        failure_class=FailureClass.TIMEOUT if is_late else FailureClass.FATAL,
        code=code,
        message=code,
    )


def _result(
    turn: int, seat: Seat, reply: Reply, status: JobStatus, failure: Failure | None
) -> TurnResult:
    outcome = "completed" if failure is None else str(failure.failure_class)
    return TurnResult(
        turn=turn,
        seat=seat.name,
        status=status,
        content=reply.text,
        cli=seat.route.cli or FAKE_CLI,
        mode=seat.mode or Mode.READ,
        usage=reply.usage,
        attempts=(Attempt(cli=seat.route.cli or FAKE_CLI, outcome=outcome),),
        failure=failure,
    )
