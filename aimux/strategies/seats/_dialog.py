"""Two seats build one answer: a proposer writes it, a critic says what blocks it, in turns.

Theory of operation. Draft and critique follow each other. It ends when the critic finds nothing
that blocks, when two successive drafts are nearly the same, when turns, budget or time are over, or
when a seat is lost; the last draft is kept whatever ends it. With `swap` the two change roles after
each critique: who found the fault mends it, and the other looks. Each accepted draft and critique
is noted with its turn, so that a later job of the session, or of a daemon that was killed, goes on
from there. A turn gets at most half of the time that is left as long as another follows.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import Evidence, JobStatus, SourcePlace
from aimux.rules.panels import Member
from aimux.rules.talk import (
    CRITIQUE_SCHEMA,
    DialogRecord,
    Partner,
    Said,
    StoppedBy,
    Task,
    criticise_prompt,
    is_settled,
    last_draft,
    propose_prompt,
    read_critique,
    read_draft,
    report_dialog,
)
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._asking import Heard, ask_seat

PROPOSER: Final = "proposer"
CRITIC: Final = "critic"
SEATS: Final = "seats"  # steps of the notes that a later job goes on from
DRAFT: Final = "draft"
CRITIQUE: Final = "critique"
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


@attrs.frozen(kw_only=True)
class DialogRequest:
    """What is asked of whom. The first of `seats` proposes, the other criticises.

    `limit_s` is the whole job's, `turn_limit_s` of one turn. `earlier` was said in earlier jobs of
    the session, `native_sessions` are those of the seats then.
    """

    task: Task
    seats: tuple[Seat, Seat]
    members: Mapping[str, Member]
    check: Check
    limit_s: float
    turn_limit_s: float
    max_turns: int
    swap: bool = False
    earlier: Sequence[Said] = ()
    native_sessions: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define(eq=False)
class _Talk:
    """One dialog under way: what was said, who is what, and why it ended."""

    request: DialogRequest
    ask: Ask
    note: Note
    proposer: Seat
    critic: Seat
    said: list[Said] = attrs.field(factory=list)
    heard: dict[str, Heard] = attrs.field(factory=dict)
    stopped_by: StoppedBy | None = None
    why: str = ""
    turns: int = 0
    phases: list[dict[str, object]] = attrs.field(factory=list)
    _used_s: float = 0.0

    @property
    def all_said(self) -> list[Said]:
        return [*self.request.earlier, *self.said]

    async def propose(self) -> None:
        """Have the next draft written."""
        before = last_draft(self.said)
        prompt = propose_prompt(self.request.task, self.all_said)
        heard = await self._turn("propose", self.proposer, prompt, None)
        if heard is None or heard.result is None:
            return
        draft = read_draft(heard.result.turn, self.proposer.name, heard.content)
        self.said.append(draft)
        words = len(draft.text.split())
        told = f"{draft.seat} wrote a draft of {words} words"
        self.note(told, step=DRAFT, turn=draft.turn, seat=draft.seat)
        is_new = bool(draft.objections) and (
            before is None or draft.objections != before.objections
        )
        if before is not None and not is_new and is_settled(before.text, draft.text):
            self.stopped_by = StoppedBy.FIXED_POINT  # new objections the critic hears first
        self._count_turns()

    async def criticise(self) -> None:
        """Have the newest draft criticised; then, with `swap`, the roles change."""
        prompt = criticise_prompt(self.request.task, self.all_said)
        heard = await self._turn("criticise", self.critic, prompt, CRITIQUE_SCHEMA)
        if heard is None or heard.result is None:
            return
        critique = read_critique(heard.result.turn, self.critic.name, heard.data, heard.content)
        critique = critique.with_evidence(await self.request.check(critique.places))
        self.said.append(critique)
        count = len(critique.blocking)
        told = f"{count} point{'s' * (count > 1)} to settle" if count else "nothing that blocks it"
        self.note(
            f"{critique.seat} found {told}", step=CRITIQUE, turn=critique.turn, seat=critique.seat
        )
        if not critique.blocking:
            self.stopped_by = StoppedBy.NO_BLOCKING_POINTS
        self._count_turns()
        if self.request.swap and self.stopped_by is None:
            self.proposer, self.critic = self.critic, self.proposer

    async def _turn(
        self, name: str, seat: Seat, prompt: str, schema: Mapping[str, object] | None
    ) -> Heard | None:
        """What the seat answers; None if that is nothing, and the dialog ends with it."""
        began = trio.current_time()
        share_s = self._share_s()
        limit_s = min(self.request.turn_limit_s, share_s)
        heard = await ask_seat(self.ask, seat, prompt, schema=schema, limit_s=limit_s)
        took_s = trio.current_time() - began
        # before the first turn it may have waited for its slot, which is no part of its time
        self._used_s += took_s if self._used_s else min(took_s, limit_s)
        self.phases.append(
            {
                "name": name,
                "seat": seat.name,
                "limit_seconds": None if limit_s == float("inf") else round(limit_s, 3),
                "took_seconds": round(took_s, 3),
            }
        )
        if heard.result is not None:
            self.turns = max(self.turns, heard.result.turn)
            self.heard[seat.name] = heard
        if heard.is_answer:
            return heard
        self._end(name, seat, heard, is_share=share_s <= self.request.turn_limit_s)
        return None

    def _end(self, name: str, seat: Seat, heard: Heard, *, is_share: bool) -> None:
        """Why the dialog is over with a turn that gave no answer."""
        is_late = heard.result is not None and heard.result.status is JobStatus.TIMED_OUT
        if heard.reason == "budget_spent":
            # turns of repairs are counted too: the last one may have been one that is not heard of
            is_turns = heard.spent.endswith(f"of {self.request.max_turns})")
            is_turns = is_turns and heard.spent.startswith("turns")
            self.stopped_by = StoppedBy.MAX_TURNS if is_turns else StoppedBy.BUDGET
            self.turns = self.request.max_turns if is_turns else self.turns
        elif (heard.result is None and heard.reason == "timed_out") or (is_late and is_share):
            self.stopped_by = StoppedBy.DEADLINE
            self.why = f"{seat.name} was to {name} and had not finished when its time was over"
        else:
            self.stopped_by = StoppedBy.SEAT_LOST
            self.heard[seat.name] = heard
            self.why = f"{seat.name} could not {name}: {heard.told}"
        self.note(f"{seat.name} gave no answer", seat=seat.name, reason=heard.reason)

    def _share_s(self) -> float:
        left_s = max(0.1, self.request.limit_s - self._used_s)
        return left_s / 2 if self.turns + 1 < self.request.max_turns else left_s

    def _count_turns(self) -> None:
        if self.stopped_by is None and self.turns >= self.request.max_turns:
            self.stopped_by = StoppedBy.MAX_TURNS

    def record(self) -> DialogRecord:
        """Everything it came to."""
        assert self.stopped_by is not None
        return DialogRecord(
            task=self.request.task,
            said=self.said,
            earlier=self.request.earlier,
            partners=[self._partner(seat) for seat in self.request.seats],
            stopped_by=self.stopped_by,
            max_turns=self.request.max_turns,
            turns=self.turns,
            phases=self.phases,
            why=self.why,
        )

    def _partner(self, seat: Seat) -> Partner:
        member, heard = self.request.members[seat.name], self.heard.get(seat.name)
        result = heard.result if heard is not None else None
        native = self.request.native_sessions.get(seat.name, "")
        is_lost = self.stopped_by is StoppedBy.SEAT_LOST and heard is not None and heard.reason
        return Partner(
            seat=seat.name,
            role=PROPOSER if seat.name == self.proposer.name else CRITIC,
            cli=(result.cli if result is not None else "") or member.cli,
            model=(result.model if result is not None else "") or member.model,
            vendor=member.vendor,
            native_session=(result.native_session if result is not None else "") or native,
            reason=heard.told if is_lost and heard is not None else "",
        )


def dialog(request: DialogRequest) -> Work:
    """The work of proposer and critic. Cancelling it ends the turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        proposer, critic = request.seats
        talk = _Talk(request, ask, note, proposer, critic)
        named = {name: _named(member) for name, member in sorted(request.members.items())}
        told = f"{named[proposer.name]} proposes, {named[critic.name]} criticises"
        note(told, step=SEATS, seats=named)
        while talk.stopped_by is None:
            await talk.propose()
            if talk.stopped_by is None:
                await talk.criticise()
        return report_dialog(talk.record())

    return work


def _named(member: Member) -> str:
    """A member as callers name it."""
    route = member.request
    return ":".join([route.cli, route.model, route.effort]).rstrip(":")
