"""A turn whose driver is HTTPS: a vendor works on it, and is looked at until it is done.

Theory of operation. The turn is like any other: counted against budget and time, with a number and
one end in the log, behind a slot. What a child's process is elsewhere is an interaction at the
vendor here, known by its id. The id is in the store before the first look, so that a server that
comes after this one goes on with it; until then nobody but this task knows of it, so a
cancellation waits a moment for the id.

What ends the turn: the vendor's own end, a refusal that no repeat mends, the deadline, a
cancellation, the end of aimux. All but the first and the last cancel the interaction at the vendor.
"""

from collections.abc import Mapping
from typing import Final

import attrs
import trio

from aimux.errors import AimuxError, StoreUnavailable
from aimux.model import (
    Failure,
    JobStatus,
    Message,
    Mode,
    NativeSession,
    Noted,
    Report,
    Research,
    ResearchProvider,
    TurnResult,
    TurnStarted,
)
from aimux.research import Gemini, Interaction, Refused, open_gemini
from aimux.rules import failure_of
from aimux.rules.research import LIVE, judge_remote, report_research
from aimux.store import Store
from aimux.times import utc_now

from ._research_work import ResearchKeys, ResearchWork
from .jobs import JobHandle, Slots
from .log import TurnLog
from .turns import request_slot, wait_slot, why_ended

VENDOR: Final = "gemini-api"  # in the place of a CLI: in slots, turns and lists
ID_GRACE_S: Final = 5.0  # for the id of what was asked for, once that is cancelled
CANCEL_GRACE_S: Final = 5.0  # for the vendor to take a cancellation
MAX_REFUSED_LOOKS: Final = 5  # one after the other
MAX_BEGINNINGS: Final = 4  # of which the last may fail
MAX_PAUSE_S: Final = 120.0


async def run_research(
    handle: JobHandle, work: ResearchWork, *, slots: Slots, store: Store, keys: ResearchKeys
) -> Report:
    """Have a vendor work on a job, and report what it came to; a whole answer is kept.

    Cancelling it cancels the research at the vendor, unless aimux stops: then it is left to the
    next server.
    """
    task = work.task
    turn = await _Remote(handle=handle, work=work, slots=slots, store=store, keys=keys).take()
    research = turn.data
    if not isinstance(research, Research):
        research = Research(
            provider=ResearchProvider.GEMINI,
            model=task.model,
            report=turn.content,
            made_at=utc_now(),
            files=task.files,
            interaction_id=turn.native_session,
        )
    if turn.status is JobStatus.COMPLETED and work.keeps_answer:
        try:
            await store.research.keep(task.cache_key, research)
        except StoreUnavailable as fault:
            handle.log.add(Noted(text=f"the answer is not kept: {fault.message}"))
    return report_research(
        research,
        turn=turn,
        cache_key=task.cache_key,
        output_format=task.output_format,
        now=utc_now(),
    )


@attrs.define(eq=False, kw_only=True)
class _Remote:
    """One turn at the vendor."""

    handle: JobHandle
    work: ResearchWork
    slots: Slots
    store: Store
    keys: ResearchKeys
    interaction_id: str = ""
    is_open: bool = False  # it runs at the vendor, as far as we know
    status: str = ""  # the vendor's last word
    told: int = 0  # of its queries

    async def take(self) -> TurnResult:
        """The turn, to its end; `data` is the Research."""
        handle = self.handle
        handle.admit_turn()
        turn = handle.log.open_turn("", Mode.READ)
        result: TurnResult | None = None
        is_bug = False
        try:
            result = await self._run(turn)
        except AimuxError as error:
            result = turn.result(JobStatus.FAILED, failure=failure_of(error))
        except Exception:
            is_bug = True
            raise
        finally:
            if result is None:
                result = turn.interrupted(*why_ended(handle, is_bug=is_bug))
            if not handle.is_left:  # the next server writes its end
                handle.log.end_turn(turn, attrs.evolve(result, data=None))
                handle.spend(result.usage)
        return result

    async def _run(self, turn: TurnLog) -> TurnResult:
        handle, task = self.handle, self.work.task
        slot = request_slot(self.slots, handle, turn, VENDOR)
        try:
            if not await wait_slot(handle, slot):
                return turn.interrupted(JobStatus.TIMED_OUT, "no slot before the job's deadline")
            handle.begin()
            turn.begin()
            turn.add(TurnStarted(turn=turn.turn, cli=VENDOR, model=task.model, cwd=handle.job.cwd))
            with trio.CancelScope(deadline=handle.deadline) as scope:
                key = self.work.key or await self._key(turn)
                async with open_gemini(task.base_url, key, task.request_limit_s) as vendor:
                    return await self._research(turn, vendor)
            assert scope.cancelled_caught
            late = f"not finished after {handle.limit_s:g} s"
            return turn.interrupted(JobStatus.TIMED_OUT, late)
        finally:
            self.slots.release(slot)

    async def _key(self, turn: TurnLog) -> str:
        if not self.keys.has_key:
            turn.add(Noted(text="waits for a key: call any tool from a client that has it"))
        return await self.keys.wait()

    async def _research(self, turn: TurnLog, vendor: Gemini) -> TurnResult:
        try:
            found = await self._begun(turn, vendor)
            if isinstance(found, Interaction) and found.status in LIVE:
                found = await self._followed(turn, vendor)
            if isinstance(found, Failure):
                return turn.result(JobStatus.FAILED, failure=found)
            self.is_open = found.status in LIVE
            return self._ended(turn, found)
        finally:
            if self.is_open and self.interaction_id and not self.handle.is_left:
                with trio.move_on_after(CANCEL_GRACE_S, shield=True):
                    ended = await vendor.cancel(self.interaction_id)
                    is_ended = isinstance(ended, Interaction)
                    said = "cancelled at the vendor" if is_ended else "may go on at the vendor"
                    turn.add(Noted(text=said, data={"interaction_id": self.interaction_id}))

    # ------------------------------------------------------------------ beginning

    async def _begun(self, turn: TurnLog, vendor: Gemini) -> Interaction | Failure:
        """The interaction, begun now or left by another server."""
        task = self.work.task
        if self.work.body is None:
            self.interaction_id, self.is_open = task.interaction_id, True
            self.handle.remote_id = task.interaction_id
            turn.add(NativeSession(native_id=task.interaction_id))
            turn.add(Noted(text=f"goes on with {task.interaction_id}"))
            return await self._followed(turn, vendor, pause_s=0)
        pause_s = task.poll_s
        for number in range(1, MAX_BEGINNINGS + 1):
            found = await self._begin(vendor, self.work.body)
            if isinstance(found, Interaction):
                await self._keep_id(turn, found)
                self._tell(turn, found)
                return found
            if not found.was_turned_away or number == MAX_BEGINNINGS:
                return found.failure
            turn.add_warning(found.failure.code, f"asked again: {found.failure.message}")
            pause_s = _longer(pause_s, found)
            await trio.sleep(pause_s)
        raise AssertionError(number)

    async def _begin(self, vendor: Gemini, body: Mapping[str, object]) -> Interaction | Refused:
        """Ask for it, and learn its id even if that is cancelled meanwhile."""
        found: Interaction | Refused | None = None
        asking = trio.CancelScope(shield=True)

        async def wait_cancelled() -> None:
            try:
                await trio.sleep_forever()
            finally:
                asking.deadline = trio.current_time() + ID_GRACE_S

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_cancelled)
            with asking:
                found = await vendor.begin(body)
            if isinstance(found, Interaction):
                self.interaction_id, self.is_open = found.id, True
            nursery.cancel_scope.cancel(reason="it has answered")
        await trio.lowlevel.checkpoint_if_cancelled()
        assert found is not None
        return found

    async def _keep_id(self, turn: TurnLog, found: Interaction) -> None:
        """From here on another server can go on with it."""
        handle, store = self.handle, self.store
        turn.add(NativeSession(native_id=found.id))
        try:
            entries = handle.log.entries.unstored()  # that the job runs is in there
            if await store.append(handle.id, entries) and entries:
                handle.log.stored(entries[-1].seq)
            await store.research.begin(attrs.evolve(self.work.task, interaction_id=found.id))
        except StoreUnavailable as fault:
            turn.add_warning("not_resumable", f"a restart would lose it: {fault.message}")
            return
        handle.remote_id = found.id

    # ------------------------------------------------------------------ following

    async def _followed(
        self, turn: TurnLog, vendor: Gemini, pause_s: float | None = None
    ) -> Interaction | Failure:
        """The interaction once it has ended."""
        usual_s = self.work.task.poll_s
        pause_s = usual_s if pause_s is None else pause_s
        refused = 0
        while True:
            await trio.sleep(pause_s)
            found = await vendor.fetch(self.interaction_id)
            if isinstance(found, Refused):
                refused += 1
                if not found.failure.retryable or refused > MAX_REFUSED_LOOKS:
                    return found.failure
                turn.add_warning(found.failure.code, f"looked again: {found.failure.message}")
                pause_s = _longer(max(pause_s, usual_s), found)
                continue
            refused, pause_s = 0, usual_s
            self._tell(turn, found)
            if found.status not in LIVE:
                return found

    def _tell(self, turn: TurnLog, found: Interaction) -> None:
        if found.status_text != self.status:
            self.status = found.status_text
            turn.add(Noted(text=f"{VENDOR}: {found.status_text}", data={"id": found.id}))
        for query in found.queries[self.told :]:
            turn.add(Noted(text=f"searched: {query}"))
        self.told = max(self.told, len(found.queries))

    def _ended(self, turn: TurnLog, found: Interaction) -> TurnResult:
        status, failure = judge_remote(found.status, found.report, found.said)
        if found.report:
            turn.add(Message(text=found.report))
        if found.usage is not None:
            turn.add(found.usage)
        research = Research(
            provider=ResearchProvider.GEMINI,
            model=self.work.task.model,
            report=found.report,
            made_at=utc_now(),
            sources=found.sources,
            queries=found.queries,
            files=self.work.task.files,
            interaction_id=found.id,
        )
        result = turn.result(status, content=found.report, failure=failure)
        return attrs.evolve(result, data=research, is_cut=found.is_cut)


def _longer(pause_s: float, refused: Refused) -> float:
    """How long to wait after another refusal."""
    return min(MAX_PAUSE_S, max(2 * pause_s, refused.retry_after_s or 0))
