"""Several CLIs look into an investigation, round upon round, until it settles or nothing comes.

Theory of operation. A round asks about the areas that are least known, each on a seat of its own,
all at once; what is answered becomes findings of that CLI, its places looked up here; then the
round is assessed. It ends by what the assessment says, after so many rounds, after two rounds that
added nothing, or when budget or time are over. Whatever was found is kept as it comes, so that an
end of any kind leaves all of it. Findings of others that arrive meanwhile count as well.
"""

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import attrs
import trio

from aimux.errors import AimuxError, Refusal
from aimux.investigate import (
    ANSWER_SCHEMA,
    Assessment,
    CheckedPlace,
    Claim,
    Domain,
    Investigation,
    Severity,
    add_clearance,
    add_finding,
    adversarial_prompt,
    area_prompt,
    assess,
    judge_report,
    look_over,
    next_areas,
    read_answer,
    render_report,
)
from aimux.model import Failure, FailureClass, JobStatus, plural
from aimux.rules import harmless
from aimux.strategies import Ask, Note, Report, Seat, Work
from aimux.times import utc_now

from ._asking import Heard, ask_seat

T = TypeVar("T")

AREAS_AT_ONCE: Final = 3
IDLE_ROUNDS: Final = 2  # that added nothing, one after the other
MAX_REFUSED: Final = 50  # claims that are told of in the report's data
TURNS_SHARE: Final = 0.97  # of the job's time
UNFIT: Final = "answer_contract"  # prose, where JSON was asked for


class StopReason(enum.StrEnum):
    """Why a run ended."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "max_iterations"
    IDLE = "idle"
    BUDGET = "budget"
    DEADLINE = "deadline"
    NO_ANSWER = "no_answer"  # not one CLI of a round gave any


class Notebook(Protocol):
    """Where an investigation is kept while several change it."""

    async def read(self) -> Investigation:
        """It as it is now. Cancelling it changes nothing."""
        ...

    async def change(
        self, step: Callable[[Investigation], tuple[Investigation, T]]
    ) -> tuple[Investigation, T]:
        """Take one step. Cancelled on entry it does nothing; later it finishes first."""
        ...

    async def look_up(self, claims: Sequence[Mapping[str, object]]) -> list[list[CheckedPlace]]:
        """What the places of each claim came to. Cancelled or not, it reads to its end."""
        ...


@attrs.frozen(kw_only=True)
class InvestigationRequest:
    """Who looks into which investigation.

    Areas go to the `seats` in turn; `doubter` sits for a grave finding that all of them share.
    `unseated` were asked for by name and cannot be, with the reason.
    """

    notebook: Notebook
    domain: Domain | None
    seats: Sequence[Seat]
    doubter: Seat | None = None
    unseated: Sequence[tuple[str, str]] = ()
    max_iterations: int
    limit_s: float = float("inf")  # the job's; turns end before it, so that a report can be made


def investigation(request: InvestigationRequest) -> Work:
    """The work of looking into an investigation."""

    async def work(ask: Ask, note: Note) -> Report:
        run = _Run(request, ask, note)
        stop = await run.rounds()
        return await run.report(stop)

    return work


@attrs.define(eq=False)
class _Run:
    request: InvestigationRequest
    ask: Ask
    note: Note
    turns: int = 0  # that seats had, one after the other
    asked: int = 0
    added: int = 0
    rounds_done: int = 0
    answers: int = 0
    lost: list[dict[str, object]] = attrs.field(factory=list)
    refused: list[dict[str, object]] = attrs.field(factory=list)
    over: StopReason | None = None  # budget or time ended a turn
    deadline: float = attrs.field(init=False)  # of the last turn

    def __attrs_post_init__(self) -> None:
        self.deadline = trio.current_time() + self.request.limit_s * TURNS_SHARE
        self.lost += [
            {"seat": None, "cli": cli, "area": None, "reason": "unseated", "told": why}
            for cli, why in self.request.unseated
        ]

    @property
    def notebook(self) -> Notebook:
        return self.request.notebook

    @property
    def domain(self) -> Domain | None:
        return self.request.domain

    async def rounds(self) -> StopReason:
        """Round upon round; why it ended."""
        idle = 0
        is_doubted = False
        while self.rounds_done < self.request.max_iterations:
            state = await self.notebook.read()
            now = look_over(state, self.domain)
            answers, gained = self.answers, await self._round(state, now)
            if self.answers == answers:
                return self.over or StopReason.NO_ANSWER
            _, found = await self.notebook.change(partial(assess, domain=self.domain, at=utc_now()))
            self.rounds_done += 1
            self._tell(found, gained)
            if self.over is not None:
                return self.over
            if found.may_stop:
                if is_doubted or not await self._doubt():
                    return StopReason.CONVERGED
                is_doubted = True
            idle = 0 if gained else idle + 1
            if idle >= IDLE_ROUNDS:
                return StopReason.IDLE
        return StopReason.MAX_ITERATIONS

    async def _round(self, state: Investigation, now: Assessment) -> int:
        """Ask about the areas that are least known; how much it added."""
        disputed = [area for each in now.conflicts if each.holds_back for area in each.areas]
        coverage = now.coverage
        areas = next_areas(coverage.unchecked, disputed, coverage.weak, AREAS_AT_ONCE)
        self.note("a round begins", investigation=state.id, iteration=state.iteration, areas=areas)
        if not areas:
            return await self._ask_all([("", adversarial_prompt(state), self._next_seat())])
        return await self._ask_all(
            [(area, area_prompt(state, self.domain, area), self._next_seat()) for area in areas]
        )

    async def _doubt(self) -> bool:
        """Have another CLI try to refute what is grave before it is believed; if that said more."""
        state = await self.notebook.read()
        authors = {each.by for each in state.active if each.severity is Severity.P0}
        others = [*self.request.seats, *([self.request.doubter] if self.request.doubter else [])]
        other = next((seat for seat in others if seat.route.cli not in authors), None)
        if not authors or other is None:
            return False
        self.note("a grave finding is doubted", seat=other.name)
        return await self._ask_all([("", adversarial_prompt(state), other)]) > 0

    async def _ask_all(self, questions: Sequence[tuple[str, str, Seat]]) -> int:
        """Ask each seat its question, all at once; how much the answers added."""
        heard: list[Heard | None] = [None] * len(questions)
        left_s = self.deadline - trio.current_time()
        if left_s <= 0:
            self.over = StopReason.DEADLINE
            return 0
        limit_s = None if math.isinf(left_s) else left_s

        async def one(at: int, prompt: str, seat: Seat) -> None:
            heard[at] = await ask_seat(
                self.ask, seat, prompt, schema=ANSWER_SCHEMA, limit_s=limit_s
            )

        async with trio.open_nursery() as asking:
            for at, (_, prompt, seat) in enumerate(questions):
                asking.start_soon(one, at, harmless(prompt), self._apart(seat))
        gained = 0
        for (area, _, _), each in zip(questions, heard, strict=True):
            if each is not None:
                gained += await self._take(area, each)
        return gained

    def _next_seat(self) -> Seat:
        seats = self.request.seats
        self.turns += 1
        return seats[(self.turns - 1) % len(seats)]

    def _apart(self, seat: Seat) -> Seat:
        """The seat for one question: nobody is told what another one was asked."""
        self.asked += 1
        return attrs.evolve(seat, name=f"{seat.name}{self.asked}")

    async def _take(self, area: str, heard: Heard) -> int:
        if heard.reason == "budget_spent":
            self.over = StopReason.BUDGET
        elif trio.current_time() >= self.deadline or heard.result is None:
            self.over = self.over or StopReason.DEADLINE
        cli = heard.result.cli if heard.result is not None else ""
        if not heard.is_answer or heard.data is None:
            reason, told = heard.reason or UNFIT, heard.told or "it answered in prose"
            self.lost.append(
                {"seat": heard.seat, "cli": cli, "area": area, "reason": reason, "told": told}
            )
            return 0
        self.answers += 1
        claims = read_answer(heard.data, by=cli, area=area)
        places = await self.notebook.look_up([each.given for each in claims])
        gained = 0
        for claim, found in zip(claims, places, strict=True):
            gained += await self._record(claim, found)
        self.added += gained
        return gained

    async def _record(self, claim: Claim, places: Sequence[CheckedPlace]) -> int:
        """Put one claim into the notebook; 1 if it says something new."""
        draft = attrs.evolve(claim.draft, places=places)
        at = utc_now()

        def step(state: Investigation) -> tuple[Investigation, int]:
            if claim.is_clearance:
                if not any(place.verified for place in places):
                    raise Refusal("no place that it looked at is there", code="not_looked_at")
                after, _ = add_clearance(state, draft, at)
                return after, int(after is not state)
            after, added = add_finding(state, draft, at)
            is_new = not added.merged and not added.finding.repeats
            return after, int(is_new or added.corrected is not None)

        try:
            _, gained = await self.notebook.change(step)
        except AimuxError as error:
            if error.error_type not in {"peer", "refusal"}:
                raise
            if len(self.refused) < MAX_REFUSED:
                said = draft.description[:200]
                self.refused.append({"said": said, "by": draft.by, "why": error.message})
            return 0
        return gained

    def _tell(self, found: Assessment, gained: int) -> None:
        assessed = found.assessed
        self.note(
            "a round was assessed",
            iteration=assessed.iteration,
            convergence=round(assessed.convergence, 4),
            coverage=round(assessed.coverage, 4),
            gained=gained,
            recommendation=str(assessed.verdict),
        )

    async def report(self, stop: StopReason) -> Report:
        """What the run came to, with the report as it stands."""
        state = await self.notebook.read()
        now = look_over(state, self.domain)
        gate = judge_report(state, now, is_forced=False)
        is_short = bool(self.lost) or stop in {StopReason.BUDGET, StopReason.DEADLINE}
        status = JobStatus.PARTIAL if is_short else JobStatus.COMPLETED
        failure = None
        if not self.answers:
            status = JobStatus.FAILED
        if status is not JobStatus.COMPLETED:
            failure = _failure(stop, self.lost)
        return Report(
            status=status,
            content=render_report(state, now, gate, utc_now()) if self.answers else "",
            data={
                "investigation_id": state.id,
                "stop_reason": str(stop),
                "final": gate.is_ready,
                "gaps": list(gate.gaps),
                "rounds": self.rounds_done,
                "answers": self.answers,
                "added": self.added,
                "coverage": round(now.coverage.score, 4),
                "convergence": round(state.history[-1].convergence, 4) if state.history else None,
                "lost": self.lost,
                "refused": self.refused,
            },
            failure=failure,
        )


def _failure(stop: StopReason, lost: Sequence[Mapping[str, object]]) -> Failure:
    if stop is StopReason.DEADLINE:
        return Failure(
            failure_class=FailureClass.TIMEOUT, code="timed_out", message="its time was over"
        )
    if stop is StopReason.BUDGET:
        return Failure(
            failure_class=FailureClass.FATAL, code="budget_spent", message="its budget is spent"
        )
    listed = ", ".join(f"{each['cli'] or each['seat']}: {each['reason']}" for each in lost[:5])
    return Failure(
        failure_class=FailureClass.UNKNOWN,
        code="seat_lost",
        message=f"without an answer: {plural(len(lost), 'question')} ({listed})",
    )
