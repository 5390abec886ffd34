"""Several seats answer the same question apart from each other; what they agree on is counted.

Theory of operation. The blind round asks all members at once; nobody sees another's answer or a
running count. Its evidence is checked against the tree, the answers are tallied without a model.
`vote` ends members that cannot change who wins any more; once a quorum is in, the rest have
`quorum_wait_s` left: both are late, not lost. Not blinded, one informed round follows, in which
each sees the others' answers without names. `escalate` begins with two unlike members and asks
further ones only if those two, after one look at the evidence of each other, still disagree. A seat
outside the panel writes the synthesis; where there is none a member's CLI does, and the record says
so.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import Evidence, SourcePlace
from aimux.rules.panels import (
    MEMBER_SCHEMA,
    SYNTHESIS_SCHEMA,
    Ballot,
    ConsensusRecord,
    Member,
    Position,
    Seated,
    SynthesisRecord,
    Tally,
    informed_prompt,
    is_decided,
    member_prompt,
    places_of,
    read_position,
    report_consensus,
    shuffled,
    synthesis_prompt,
    tally,
    with_evidence,
)
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._asking import Heard, ask_seat

SYNTHESIS_SHARE: Final = 0.3  # of the job's time, kept for the synthesis
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


class ConsensusMode(enum.StrEnum):
    """How a panel comes to its answer."""

    CONSENSUS = "consensus"
    VOTE = "vote"  # only the count matters: it ends as soon as it is decided
    UNION = "union"  # everything that anybody said
    ESCALATE = "escalate"  # two first, more only if they disagree


@attrs.frozen(kw_only=True)
class ConsensusRequest:
    """What is asked of whom. `members` say who sits on which of the `seats`.

    `limit_s` is the whole job's, `turn_limit_s` of one turn. `check` finds out what evidence holds.
    `unseated` are those the caller named in vain.
    """

    question: str
    seats: Sequence[Seat]
    members: Mapping[str, Member]
    check: Check
    seed: int
    limit_s: float
    turn_limit_s: float
    mode: ConsensusMode = ConsensusMode.CONSENSUS
    choices: Sequence[str] = ()
    is_blinded: bool = True
    synthesizer: Seat | None = None
    synthesizer_cli: str = ""
    is_self_synthesis: bool = False
    swap: bool = False
    quorum: int = 2
    quorum_wait_s: float = float("inf")
    unseated: Sequence[tuple[str, str]] = ()
    veto: Sequence[str] = ()  # seats without which nothing wins


@attrs.frozen(kw_only=True)
class Synthesis:
    """What the synthesiser wrote; `is_order_sensitive` None where one order was tried."""

    heard: Heard
    endorses: str = ""  # a seat
    is_order_sensitive: bool | None = None


@attrs.define(eq=False)
class _Council:
    """One consensus under way: what each seat has come to, by name."""

    request: ConsensusRequest
    ask: Ask
    note: Note
    heard: dict[str, Heard] = attrs.field(factory=dict)
    positions: dict[str, Position] = attrs.field(factory=dict)
    late: list[str] = attrs.field(factory=list)
    rounds: int = 0
    phases: list[dict[str, object]] = attrs.field(factory=list)

    async def blind(self, seats: Sequence[Seat]) -> None:
        """Ask these seats at once, blind to each other."""
        prompt = member_prompt(self.request.question, self.request.choices)
        await self._round("blind", seats, {seat.name: prompt for seat in seats})

    async def informed(self, *, is_dispute: bool) -> None:
        """Ask those who answered once more, each with what the others hold."""
        request = self.request
        seats = [seat for seat in request.seats if seat.name in self.positions]
        prompts = {}
        for seat in seats:
            others = [each for name, each in self.positions.items() if name != seat.name]
            prompts[seat.name] = informed_prompt(
                request.question,
                shuffled(others, request.seed),
                request.choices,
                is_dispute=is_dispute,
            )
        if len(seats) > 1:
            await self._round("dispute" if is_dispute else "informed", seats, prompts)

    async def _round(self, name: str, seats: Sequence[Seat], prompts: Mapping[str, str]) -> None:
        began = trio.current_time()
        self.rounds += 1
        limit_s = self._limit_s()
        waiting = {seat.name for seat in seats}
        fresh: dict[str, Position] = {}

        async def one(seat: Seat) -> None:
            heard = await ask_seat(
                self.ask, seat, prompts[seat.name], schema=MEMBER_SCHEMA, limit_s=limit_s
            )
            waiting.discard(seat.name)
            if heard.is_answer or seat.name not in self.positions:
                self.heard[seat.name] = heard  # who falls silent later has answered before
            if heard.is_answer:
                fresh[seat.name] = read_position(seat.name, heard.data, heard.content)
                self._end_early(asking, fresh, len(waiting))

        async with trio.open_nursery() as asking:
            for seat in seats:
                asking.start_soon(one, seat)
        self.late += [each for each in sorted(waiting) if each not in self.positions]
        for seat_name, position in fresh.items():
            found = await self.request.check(places_of(position))
            self.positions[seat_name] = with_evidence(position, found)
        took_s = round(trio.current_time() - began, 3)
        share = None if limit_s == float("inf") else round(limit_s, 3)
        self.phases.append({"name": name, "limit_seconds": share, "took_seconds": took_s})
        self.note(
            f"{name} round: {len(fresh)} of {len(seats)} answered",
            phase=name,
            answered=sorted(fresh),
            late=sorted(waiting),
            lost={each: self.heard[each].reason for each in self.heard if each not in fresh},
        )

    def _end_early(self, asking: trio.Nursery, fresh: Mapping[str, Position], waiting: int) -> None:
        """Stop waiting once the rest can change nothing; once there is a quorum, soon."""
        request = self.request
        if not waiting:
            return
        if request.mode is ConsensusMode.VOTE and len(fresh) >= request.quorum:
            found = tally([each.ballot for each in fresh.values()], request.choices)
            if found.method != "similarity" and is_decided(found, waiting):
                asking.cancel_scope.cancel(reason="the vote is decided")
        if len(fresh) >= request.quorum:
            soon = trio.current_time() + request.quorum_wait_s
            asking.cancel_scope.deadline = min(asking.cancel_scope.deadline, soon)

    def _limit_s(self) -> float:
        request = self.request
        share = 1 - SYNTHESIS_SHARE if request.synthesizer is not None else 1.0
        rounds = 1 if request.is_blinded and request.mode is not ConsensusMode.ESCALATE else 2
        return min(request.turn_limit_s, request.limit_s * share / rounds)

    @property
    def tally(self) -> Tally:
        """The count of what was answered, by seat."""
        ballots: list[Ballot] = [self.positions[name].ballot for name in sorted(self.positions)]
        return tally(ballots, self.request.choices)

    async def synthesize(self) -> Synthesis | None:
        """Have the answers put together, in both orders where that is wanted."""
        request = self.request
        seat = request.synthesizer
        if seat is None or len(self.positions) < max(2, request.quorum):
            return None
        began = trio.current_time()
        order = shuffled(sorted(self.positions), request.seed)
        first = await self._synthesis(seat, order)
        is_sensitive: bool | None = None
        if request.swap and first.heard.is_answer:
            again = attrs.evolve(seat, name=f"{seat.name}-2")  # it must not remember the first
            second = await self._synthesis(again, order[::-1])
            if second.heard.is_answer:
                of = {name: group.position for group in self.tally.groups for name in group.seats}
                is_sensitive = of.get(first.endorses) != of.get(second.endorses)
        took_s = round(trio.current_time() - began, 3)
        limit_s = round(self._synthesis_limit_s(), 3)
        self.phases.append({"name": "synthesis", "limit_seconds": limit_s, "took_seconds": took_s})
        self.note("synthesis", seat=seat.name, order=order, order_sensitive=is_sensitive)
        return attrs.evolve(first, is_order_sensitive=is_sensitive)

    def _synthesis_limit_s(self) -> float:
        return min(self.request.turn_limit_s, self.request.limit_s * SYNTHESIS_SHARE)

    async def _synthesis(self, seat: Seat, order: Sequence[str]) -> Synthesis:
        request = self.request
        prompt = synthesis_prompt(
            request.question,
            [self.positions[name] for name in order],
            self.tally,
            is_union=request.mode is ConsensusMode.UNION,
        )
        limit_s = self._synthesis_limit_s()
        heard = await ask_seat(self.ask, seat, prompt, schema=SYNTHESIS_SCHEMA, limit_s=limit_s)
        data = heard.data if isinstance(heard.data, Mapping) else {}
        number = data.get("endorses")
        is_one = isinstance(number, int) and 0 < number <= len(order)
        endorses = order[number - 1] if is_one and isinstance(number, int) else ""
        return Synthesis(heard=self._renumbered(heard, order), endorses=endorses)

    def _renumbered(self, heard: Heard, order: Sequence[str]) -> Heard:
        """What the synthesiser says of answers by number, said of seats."""
        if heard.result is None or not isinstance(heard.data, Mapping):
            return heard
        pairs = heard.data.get("same_positions")
        named = [
            [order[each - 1] for each in pair if isinstance(each, int) and each <= len(order)]
            for pair in (pairs if isinstance(pairs, Sequence) else ())
        ]
        data = {**heard.data, "same_positions": named}
        return attrs.evolve(heard, result=attrs.evolve(heard.result, data=data))


def consensus(request: ConsensusRequest) -> Work:
    """The work of a panel. Cancelling it ends every turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        council = _Council(request, ask, note)
        if request.mode is ConsensusMode.ESCALATE:
            await _escalated(council)
        else:
            await council.blind(request.seats)
            if not request.is_blinded:
                await council.informed(is_dispute=False)
        synthesis = await council.synthesize()
        return _report(council, synthesis)

    return work


async def _escalated(council: _Council) -> None:
    """Two first; if they disagree each sees the other's evidence; if they still do, the rest."""
    seats = council.request.seats
    await council.blind(seats[:2])
    if len(council.positions) == 2 and len(council.tally.groups) > 1:
        await council.informed(is_dispute=True)
    is_agreed = len(council.positions) == 2 and len(council.tally.groups) == 1
    if not is_agreed and seats[2:]:
        council.note("no agreement: the panel is widened", seats=len(seats) - 2)
        await council.blind(seats[2:])


def _report(council: _Council, synthesis: Synthesis | None) -> Report:
    request = council.request
    seats = []
    for name in sorted(seat.name for seat in request.seats):
        heard = council.heard.get(name)
        is_late = name in council.late or (heard is None and name not in council.positions)
        seats.append(
            Seated(
                seat=name,
                member=request.members[name],
                position=council.positions.get(name),
                result=None if heard is None else heard.result,
                reason="" if heard is None else heard.reason,
                told="" if heard is None else heard.told,
                is_late=is_late,
            )
        )
    record = ConsensusRecord(
        question=request.question,
        mode=str(request.mode),
        is_blinded=request.is_blinded,
        seed=request.seed,
        rounds=council.rounds,
        phases=council.phases,
        seats=seats,
        found=council.tally,
        quorum=request.quorum,
        unseated=request.unseated,
        veto=request.veto,
        synthesis=None if synthesis is None else _record(request, synthesis),
    )
    return report_consensus(record)


def _record(request: ConsensusRequest, synthesis: Synthesis) -> SynthesisRecord:
    heard = synthesis.heard
    data = heard.data if isinstance(heard.data, Mapping) else {}
    same, questions = data.get("same_positions"), data.get("open_questions")
    return SynthesisRecord(
        seat=heard.seat,
        cli=(heard.result.cli if heard.result is not None else "") or request.synthesizer_cli,
        is_self=request.is_self_synthesis,
        content=str(data.get("content") or heard.content) if heard.is_answer else "",
        same=same if isinstance(same, Sequence) else (),
        open_questions=questions if isinstance(questions, Sequence) else (),
        is_order_sensitive=synthesis.is_order_sensitive,
        reason="" if heard.is_answer else heard.told,
    )
