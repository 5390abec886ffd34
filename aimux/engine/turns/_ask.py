"""`ask` and `note`: what the work of a job may do, and all of it.

Theory of operation. One `ask` is one turn: counted against budget and time, given a number and a
log, made to wait for its slot, run on its candidates under the least of all limits, and written
down with its result. Exactly one end stands in the log for each turn, whatever ended it. Turns of
one job may run side by side; they share the job's log, deadline and budget and nothing else.

A seat is a conversation. Its first turn opens it; later ones go on with the CLI that answered, by
that CLI's own session where it has one, else by retelling; another CLI that steps in is told too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine._retelling import PastTurn, bounded
from aimux.engine._specs import TurnResources, TurnSpec
from aimux.engine.jobs import JobHandle, Slot, Slots
from aimux.engine.log import TurnLog
from aimux.errors import AimuxError, TooManyJobs
from aimux.model import JobStatus, Noted, Plan, Seat, TurnQueued, TurnResult
from aimux.rules import Lineage, Routes, SlotRequest, check_schema

from ._attempts import run_attempts
from ._contract import ask_fitting, judge_fit

ABORTED: Final = "aimux stopped"

Schema = Mapping[str, object] | bool
ResolveSeat = Callable[[Seat], Awaitable[TurnSpec]]


@attrs.define(eq=False)
class Conversation:
    """What one seat has said in this job, and how its next turn goes on."""

    base: TurnSpec
    plans: Sequence[Plan | AimuxError] = ()  # of `base`, as it stands
    told: list[PastTurn] = attrs.field(factory=list)
    is_begun: bool = False

    def spec(self, prompt: str, schema: Schema | None, lineage: Lineage) -> TurnSpec:
        """The spec of its next turn; `base` itself where that is what was planned."""
        base = self.base
        if self.is_planned(prompt, schema) and lineage == base.lineage:
            return base
        told = bounded([*base.told, *self.told]) if self.told else base.told
        return attrs.evolve(base, prompt=prompt, schema=schema, lineage=lineage, told=told)

    def is_planned(self, prompt: str, schema: Schema | None) -> bool:
        """Whether the next turn is the one that was planned."""
        return not self.is_begun and prompt == self.base.prompt and schema is self.base.schema

    def forget(self) -> None:
        """The next prompt says all that counts; what it had said before need not be told again."""
        if self.told or self.base.told:
            self.told.clear()
            self.base = attrs.evolve(self.base, told=())

    def take(self, prompt: str, result: TurnResult) -> None:
        """A turn has ended: the next one goes on after it."""
        if not result.content.strip() or not result.cli:
            return
        self.is_begun = True
        self.plans = ()
        self.told.append(PastTurn(prompt, result.content))
        routes = self.base.routes.candidates
        last = result.attempts[-1]
        first = [each for each in routes if (each.cli, each.model) == (last.cli, last.model)]
        others = [each for each in routes if each not in first]
        self.base = attrs.evolve(
            self.base,
            routes=Routes(candidates=[*first, *others]),
            native_id=result.native_session,
            native_cli=result.cli,
        )


class Asker:
    """Gives `ask` and `note` to the work of one job."""

    def __init__(
        self,
        handle: JobHandle,
        seats: Mapping[str, TurnSpec],
        *,
        plans: Sequence[Plan | AimuxError],
        slots: Slots,
        resources: TurnResources,
        resolve: ResolveSeat,
        begun: Callable[[str], int],
    ) -> None:
        """`plans` are those of the first seat, `resolve` decides about a seat that was not
        prepared, `begun` says how many jobs were begun below a root.
        """
        self._handle = handle
        self._slots = slots
        self._resources = resources
        self._resolve = resolve
        self._begun = begun
        self._conversations = {name: Conversation(spec) for name, spec in seats.items()}
        for conversation in list(self._conversations.values())[:1]:
            conversation.plans = plans

    def __repr__(self) -> str:
        return f"<Asker: {self._handle!r}, {len(self._conversations)} seats>"

    def note(self, text: str, **data: object) -> None:
        """Append a milestone to the job's log."""
        self._handle.log.add(Noted(text=text, data=data))

    async def ask(
        self,
        seat: Seat,
        prompt: str,
        *,
        schema: Schema | None = None,
        limit_s: float | None = None,
    ) -> TurnResult:
        """One turn of a seat, as `aimux.model.Ask` promises.

        Cancelling it stops the child, keeps what it said in the log, and leaves the job alone.

        Raises:
            BudgetSpent, OutOfTime: the job may not or cannot take another turn.
            AimuxError: the seat was not prepared, and cannot be.
        """
        conversation = self._conversations.get(seat.name)
        is_moved = conversation is not None and seat.cwd not in ("", conversation.base.cwd)
        if conversation is None or is_moved:  # elsewhere it knows nothing of what it saw here
            conversation = Conversation(await self._resolve(seat))
            self._conversations[seat.name] = conversation
        if seat.restates:
            conversation.forget()
        if schema is not None and schema is not conversation.base.schema:
            check_schema(schema)
        take_turn = partial(self._take_turn, conversation, schema=schema, limit_s=limit_s)
        if schema is None:
            return await take_turn(prompt)
        return await ask_fitting(take_turn, prompt, schema)

    async def _take_turn(
        self,
        conversation: Conversation,
        prompt: str,
        *,
        schema: Schema | None,
        limit_s: float | None,
    ) -> TurnResult:
        handle = self._handle
        handle.admit_turn()
        lineage = conversation.base.lineage
        begun = self._begun(lineage.root)
        lineage = attrs.evolve(lineage, descendants=max(lineage.descendants, begun))
        spec = conversation.spec(prompt, schema, lineage)
        plans = conversation.plans if spec is conversation.base else ()
        turn = handle.log.open_turn(spec.seat, spec.mode)
        result: TurnResult | None = None
        is_bug = False
        try:
            result = await self._run(turn, spec, plans, limit_s)
        except Exception:
            is_bug = True
            raise
        finally:  # cancelled, killed, out of time or broken: it has its end all the same
            if result is None:
                result = turn.interrupted(*why_ended(handle, is_bug=is_bug))
            handle.log.end_turn(turn, result)
            handle.spend(result.usage)
        conversation.take(prompt, result)
        return result

    async def _run(
        self,
        turn: TurnLog,
        spec: TurnSpec,
        plans: Sequence[Plan | AimuxError],
        limit_s: float | None,
    ) -> TurnResult:
        handle = self._handle
        slot = self._request_slot(turn, spec)
        try:
            if not await wait_slot(handle, slot):
                return turn.interrupted(JobStatus.TIMED_OUT, "no slot before the job's deadline")
            handle.begin()
            turn.begin()
            limit = float("inf") if limit_s is None else trio.current_time() + limit_s
            result = await run_attempts(
                spec,
                turn,
                self._resources,
                deadline=min(handle.deadline, limit),
                take_share=partial(self._slots.move, slot),
                plans=plans,
            )
            return judge_fit(result, spec.schema)
        finally:
            self._slots.release(slot)

    def _request_slot(self, turn: TurnLog, spec: TurnSpec) -> Slot:
        """The slot that was asked for at the job's start, if it is one for this CLI; else a new
        request.
        """
        handle = self._handle
        cli = spec.routes.candidates[0].cli

        slot, handle.first_slot = handle.first_slot, None
        if slot is not None and slot.cli == cli:
            return slot
        if slot is not None:
            self._slots.release(slot)
        return request_slot(self._slots, handle, turn, cli)


def request_slot(slots: Slots, handle: JobHandle, turn: TurnLog, cli: str) -> Slot:
    """A slot for a turn, or a position for one; the caller releases it.

    Raises:
        TooManyJobs: the queue is full.
    """

    def tell(position: int) -> None:
        turn.add(TurnQueued(turn=turn.turn, seat=turn.seat, position=position))

    slot = slots.request(
        SlotRequest(
            key=f"{handle.id}/{turn.turn}",
            cli=cli,
            client=handle.client_key,
            root=handle.root_id,
            lender=handle.lender,
        )
    )
    if slot is None:  # its root has nothing running any more, and the queue is full
        raise TooManyJobs(f"{handle.id} cannot wait for a slot: the queue is full")
    slot.tell = tell
    if slot.position:
        tell(slot.position)
    return slot


async def wait_slot(handle: JobHandle, slot: Slot) -> bool:
    """Wait for a slot until the job's deadline; whether it was granted.

    Cancelling it leaves the request as it is.
    """
    with trio.CancelScope(deadline=handle.deadline) as waiting:
        handle.waits.add(waiting)
        try:
            await slot.granted.wait()
        finally:
            handle.waits.discard(waiting)
    return not waiting.cancelled_caught


def why_ended(handle: JobHandle, *, is_bug: bool) -> tuple[JobStatus, str]:
    """How a turn ended that did not end by itself."""
    if is_bug:
        return JobStatus.FAILED, "internal error; see the log"
    if handle.cause:
        return JobStatus.CANCELLED, handle.cause
    if handle.backstop.cancel_called:
        return JobStatus.TIMED_OUT, f"not finished after {handle.limit_s:g} s"
    if handle.is_aborted:
        return JobStatus.ABORTED, ABORTED
    return JobStatus.CANCELLED, "cancelled"
