"""What every `ask` must hold, the fake included: one suite, run against each of them.

`open_ask(reply, budget, limit_s)` opens a job whose CLIs do as `reply(seat, prompt)` says, and
gives the `ask` of its work and the results of the turns that have ended.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import trio

from aimux.errors import BudgetSpent, OutOfTime
from aimux.model import Ask, Budget, JobStatus, Seat, TurnResult, Usage

from ._fake_ask import Reply

BOUND_S: Final = 10_000.0  # of the test's clock, for each case
SCHEMA: Final = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
A: Final = Seat(name="A")
B: Final = Seat(name="B")

Results = Callable[[], Sequence[TurnResult]]


class OpenAsk(Protocol):
    """Opens a job of the implementation that is checked."""

    def __call__(
        self,
        reply: Callable[[str, str], Reply | str],
        *,
        budget: Budget,
        limit_s: float,
    ) -> AbstractAsyncContextManager[tuple[Ask, Results]]: ...


async def check_ask(open_ask: OpenAsk, *, cases: Sequence[str] = ()) -> None:
    """Run the suite (or some `cases` of `ASK_CHECKS`); AssertionError at the first failure.

    Cancelling it cancels the case that runs.
    """
    for name in cases or ASK_CHECKS:
        try:
            with trio.fail_after(BOUND_S):
                await ASK_CHECKS[name](open_ask)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


async def _answers(open_ask: OpenAsk) -> None:
    """A turn has a number, a seat, an answer; the next has the next number."""
    async with open_ask(lambda seat, _: f"I am {seat}", budget=Budget(), limit_s=100) as (ask, _):
        first, second = await ask(A, "who?"), await ask(B, "who?")

    assert (first.turn, first.seat, first.content) == (1, "A", "I am A")
    assert (second.turn, second.seat, second.content) == (2, "B", "I am B")
    assert first.is_answer
    assert first.failure is None
    assert [each.outcome for each in first.attempts] == ["completed"]


async def _failures(open_ask: OpenAsk) -> None:
    """A CLI that fails is a value; what it had said is partial."""

    def reply(seat: str, _: str) -> Reply:
        return Reply(text="half" if seat == "B" else "", fails="context_overflow")

    async with open_ask(reply, budget=Budget(), limit_s=100) as (ask, _):
        silent, half = await ask(A, "go"), await ask(B, "go")

    assert (silent.status, silent.content) == (JobStatus.FAILED, "")
    assert (half.status, half.content) == (JobStatus.PARTIAL, "half")
    assert silent.failure is not None
    assert silent.failure.code == "context_overflow"


async def _side_by_side(open_ask: OpenAsk) -> None:
    """Turns at once take as long as the longest, and keep what is theirs."""
    results: dict[str, TurnResult] = {}

    def reply(seat: str, _: str) -> Reply:
        tokens = 10 if seat == "A" else 3
        return Reply(text=f"from {seat}", takes_s=tokens, usage=Usage(input_tokens=tokens))

    async with open_ask(reply, budget=Budget(), limit_s=100) as (ask, _):

        async def one(seat: Seat) -> None:
            results[seat.name] = await ask(seat, "go")

        began = trio.current_time()
        async with trio.open_nursery() as both:
            both.start_soon(one, A)
            both.start_soon(one, B)
        took_s = trio.current_time() - began

    assert took_s == 10
    for seat, tokens in (("A", 10), ("B", 3)):
        assert results[seat].content == f"from {seat}"
        usage = results[seat].usage
        assert usage is not None
        assert usage.input_tokens == tokens


async def _schemas(open_ask: OpenAsk) -> None:
    """`data` is what fits; one repair is asked for; what never fits is partial, with its text."""
    replies = iter(["no JSON", '{"n": 3}', '{"n": 4}', "never", "not even now"])
    async with open_ask(lambda *_: next(replies), budget=Budget(), limit_s=100) as (ask, results):
        repaired = await ask(A, "count", schema=SCHEMA)
        fitting = await ask(A, "count", schema=SCHEMA)
        never = await ask(A, "count", schema=SCHEMA)
        turns = len(results())

    assert (repaired.status, repaired.data) == (JobStatus.COMPLETED, {"n": 3})
    assert fitting.data == {"n": 4}
    assert (never.status, never.content) == (JobStatus.PARTIAL, "not even now")
    assert never.failure is not None
    assert never.failure.code == "answer_contract"
    assert turns == 5


async def _limits(open_ask: OpenAsk) -> None:
    """A turn over its limit or the job's time is a value with its text; then there is no more."""
    reply = Reply(text="so far", hangs=True)
    async with open_ask(lambda *_: reply, budget=Budget(), limit_s=100) as (ask, _):
        began = trio.current_time()
        short = await ask(A, "go", limit_s=7)
        assert trio.current_time() - began == 7
        rest = await ask(B, "go")
        assert trio.current_time() - began == 100
        is_refused = False
        try:
            await ask(A, "again")
        except OutOfTime:
            is_refused = True

    assert (short.status, short.content) == (JobStatus.TIMED_OUT, "so far")
    assert rest.status is JobStatus.TIMED_OUT
    assert is_refused


async def _cancelling(open_ask: OpenAsk) -> None:
    """Cancelling one ask ends that turn, with its text, and leaves the others alone."""
    others: list[TurnResult] = []

    def reply(seat: str, _: str) -> Reply:
        return Reply(text="half a word", hangs=True) if seat == "A" else Reply(text="B", takes_s=9)

    async with open_ask(reply, budget=Budget(), limit_s=100) as (ask, results):

        async def other() -> None:
            others.append(await ask(B, "go"))

        async with trio.open_nursery() as both:
            both.start_soon(other)
            with trio.move_on_after(5) as scope:
                await ask(A, "go")
        ended = {each.seat: each for each in results()}

    assert scope.cancelled_caught
    assert (ended["A"].status, ended["A"].content) == (JobStatus.CANCELLED, "half a word")
    assert [each.content for each in others] == ["B"]
    assert len(ended) == 2


async def _budgets(open_ask: OpenAsk) -> None:
    """A spent budget refuses the next turn and names its figure; tokens count when reported."""
    usage = Usage(input_tokens=6, output_tokens=4, cost_usd=0.5)
    budgets = {
        "turns (2 of 2)": Budget(turns=2),
        "tokens (20 of 15)": Budget(tokens=15),
        "cost": Budget(cost_usd=0.75),
    }
    for figure, budget in budgets.items():
        reply = Reply(text="fine, thank you", usage=usage)
        async with open_ask(lambda *_, said=reply: said, budget=budget, limit_s=100) as (ask, _):
            await ask(A, "one")
            await ask(A, "two")
            refusal = ""
            try:
                await ask(A, "three")
            except BudgetSpent as spent:
                refusal = spent.message
        assert figure in refusal, f"{figure} is not in {refusal!r}"


ASK_CHECKS: Final[dict[str, Callable[[OpenAsk], Awaitable[None]]]] = {
    "answers": _answers,
    "failures": _failures,
    "side_by_side": _side_by_side,
    "schemas": _schemas,
    "limits": _limits,
    "cancelling": _cancelling,
    "budgets": _budgets,
}
