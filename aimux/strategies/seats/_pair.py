"""A driver makes a change in a copy, commands prove it, a reviewer judges it hunk by hunk.

Theory of operation. A round is: the driver works; its diff is read strictly; the commands run; a
reviewer of another CLI gives a verdict on each hunk. What is approved becomes the ground of the
copy and is frozen; with what is rejected the driver goes into the next round, changes it, takes it
back, or contests it once. The change lands when nothing of it is open any more and the commands
pass on exactly that; in every other case the caller's tree is as it was. No verdict never approves.
With several drivers each works in a copy of its own; what passes the commands comes first, then
what is smaller, and the first of these that a reviewer approves is taken.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import attrs
import trio

from aimux.model import Failure, Warned, plural
from aimux.rules.pair import (
    DiffFault,
    Feedback,
    Landed,
    PairRecord,
    PairRound,
    PairState,
    UnitReview,
    Verdict,
    Verified,
    again_prompt,
    assemble,
    driver_prompt,
    find_contests,
    left_prompt,
    parse_diff,
    report_pair,
    unit_key,
    unit_text,
)
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._pair_drafts import Drafting
from ._pair_request import Clock, Copy, Draft, End, Losses, PairRequest
from ._pair_reviews import Reviewed, Reviewing

NO_CHANGE: Final = "the driver made no change and gave no diff"
NOTHING_DONE: Final = (
    "There is no change in the current directory, and no diff in your answer. Make the change now."
)


def pair(request: PairRequest) -> Work:
    """The work of a driver and a reviewer.

    Cancelling it ends their turns and removes the copies; a landing that has begun is brought to
    its end.
    """

    async def work(ask: Ask, note: Note) -> Report:
        async with AsyncExitStack() as stack:
            copies = [
                await stack.enter_async_context(request.open_copy(seat)) for seat in request.drivers
            ]
            clock, losses = Clock(limit_s=request.limit_s), Losses()
            pairing = _Pairing(
                request=request,
                losses=losses,
                drafting=Drafting(request=request, ask=ask, note=note, clock=clock, losses=losses),
                reviewing=Reviewing(
                    request=request, ask=ask, note=note, clock=clock, losses=losses
                ),
            )
            pairing.warnings += [each for copy in copies for each in copy.warnings]
            return await pairing.run(copies)

    return work


@attrs.define(eq=False, kw_only=True)
class _Pairing:
    """One pair at work: its rounds, and what of the change is approved, open and contested."""

    request: PairRequest
    losses: Losses
    drafting: Drafting
    reviewing: Reviewing
    rounds: list[PairRound] = attrs.field(factory=list)
    warnings: list[Warned] = attrs.field(factory=list)
    failure: Failure | None = None
    reviewed: Reviewed | None = None  # the last one
    rejected: dict[int, str] = attrs.field(factory=dict)  # number in the last review -> key
    contested: set[str] = attrs.field(factory=set)  # keys
    open_diff: str = ""  # what of the files is not approved
    is_frozen: bool = False  # something is approved
    is_modified: bool = False  # something of that as the reviewer would have it

    async def run(self, copies: Sequence[Copy]) -> Report:
        """The rounds, and what they came to."""
        draft, reviewed = await self._chosen(await self._first(copies))
        while True:
            end, feedback = await self._judge(draft, reviewed)
            reviewed = None
            if end is None and draft.round.round >= self.request.max_rounds:
                end = End(state=PairState.MAX_ROUNDS, why=self._why_over(draft, feedback))
            if end is not None:
                return await _report(self, draft, end)
            draft = await self.drafting.draft(
                draft.seat,
                draft.copy,
                draft.round.round + 1,
                again_prompt(self.request.task, feedback),
                before=self.open_diff,
                is_frozen=self.is_frozen,
            )
            self.rounds.append(draft.round)

    def _why_over(self, draft: Draft, feedback: Feedback) -> str:
        """Why the last round that there may be was not enough."""
        most = self.request.max_rounds
        why = f"not approved within {plural(most, 'round')}"
        if feedback.problem == NOTHING_DONE:
            return f"{why}: {NO_CHANGE}"
        if feedback.problem:
            return f"{why}: {draft.round.problem}"
        if any(not each.has_passed for each in feedback.verified):
            return f"{why}: a command did not pass"
        return why

    async def _first(self, copies: Sequence[Copy]) -> list[Draft]:
        """Every driver's first draft, all at once."""
        verify = [" ".join(each) for each in self.request.verify]
        left = self.request.left
        found: dict[int, Draft] = {}

        async def one(number: int, seat: Seat, copy: Copy) -> None:
            misfit = await copy.put(left.open_diff) if left.open_diff else ""
            before = await copy.diff() if left.open_diff else ""
            prompt = driver_prompt(self.request.task, verify, left_prompt(left, misfit))
            found[number] = await self.drafting.draft(
                seat, copy, 1, prompt, before=before, is_frozen=False
            )

        async with trio.open_nursery() as driving:
            for number, (seat, copy) in enumerate(zip(self.request.drivers, copies, strict=True)):
                driving.start_soon(one, number, seat, copy)
        drafts = [found[number] for number in sorted(found)]
        self.rounds += [draft.round for draft in drafts]
        return drafts

    async def _chosen(self, drafts: Sequence[Draft]) -> tuple[Draft, Reviewed | None]:
        """The draft to go on with, and its review where it has had one."""
        ranked = sorted(drafts, key=lambda draft: (draft.diff is None, draft.size))
        proved = [draft for draft in ranked if draft.is_proved]
        if len(drafts) == 1 or not proved:
            return ranked[0], None
        first: Reviewed | None = None
        for draft in proved:
            reviewed = await self.reviewing.review(draft, {}, is_frozen=False)
            if reviewed is None:
                break
            self._keep(draft, reviewed)
            first = first or reviewed
            if reviewed.is_approval:
                return draft, reviewed
        return proved[0], first

    # ------------------------------------------------------------------ judging a round

    async def _judge(self, draft: Draft, reviewed: Reviewed | None) -> tuple[End | None, Feedback]:
        """How it ends with this draft; None goes on with what the driver is told."""
        this = draft.round
        told = Feedback(problem=this.problem, excerpt=draft.excerpt, verified=this.verified)
        if not draft.heard.is_answer:
            result = draft.heard.result
            self.failure = result.failure if result is not None else None
            return End(state=PairState.NEEDS_HUMAN, why=this.problem, code="seat_lost"), told
        if this.problem or not this.has_passed:
            self.open_diff = this.diff if draft.diff is not None else self.open_diff
            return None, told
        if draft.diff is None:
            return self._without_diff(draft)
        if reviewed is None:
            contests = self._contests(draft)
            reviewed = await self.reviewing.review(draft, contests, is_frozen=self.is_frozen)
        if reviewed is None:
            why = f"there is no review: {self.losses.told or 'nobody can be asked'}"
            return End(state=PairState.NEEDS_HUMAN, why=why, code="seat_lost"), told
        return await self._after_review(draft, reviewed)

    def _without_diff(self, draft: Draft) -> tuple[End | None, Feedback]:
        """The files are the ground: everything else was taken back, or nothing was done."""
        if self.is_frozen:
            return self._landing(), Feedback()
        if any(each.diff for each in self.rounds):
            why = "the driver took its change back"
            return End(state=PairState.REJECTED, why=why), Feedback()
        if draft.round.round > 1:
            return End(state=PairState.REJECTED, why=NO_CHANGE, code="no_diff"), Feedback()
        return None, Feedback(problem=NOTHING_DONE)

    def _contests(self, draft: Draft) -> Mapping[int, str]:
        """The driver's reasons against rejections, by the number of the unit now."""
        assert draft.diff is not None
        said = {
            self.rejected[number]: reason
            for number, reason in find_contests(draft.heard.content).items()
            if number in self.rejected and self.rejected[number] not in self.contested
        }
        keys = {unit.number: unit_key(draft.diff, unit) for unit in draft.diff.units}
        found = {number: said[key] for number, key in keys.items() if key in said}
        self.contested |= {keys[number] for number in found}
        return found

    async def _after_review(self, draft: Draft, reviewed: Reviewed) -> tuple[End | None, Feedback]:
        diff, copy = draft.diff, draft.copy
        assert diff is not None
        reviews, verified = await self._with_replacements(draft, reviewed.reviews)
        self._keep(draft, attrs.evolve(reviewed, reviews=reviews))
        unread = [str(each.hunk) for each in reviews if each.verdict is Verdict.UNREVIEWED]
        if unread:
            why = f"no usable verdict on hunk {', '.join(unread)}"
            return End(state=PairState.NEEDS_HUMAN, why=why, code="unreviewed"), Feedback()
        taken = {each.hunk: each.lines for each in reviews if each.is_taken}
        open_ones = [each for each in reviews if not each.is_taken]
        again = [
            str(each.hunk)
            for each in open_ones
            if unit_key(diff, diff.units[each.hunk]) in self.contested
        ]
        if again:
            why = f"hunk {', '.join(again)}: rejected, contested, and rejected again"
            return End(state=PairState.NEEDS_HUMAN, why=why, code="contested"), Feedback()
        if taken and not reviewed.is_author:
            await copy.accept(assemble(diff, taken))
            self.is_frozen = True
            self.is_modified |= any(each.verdict is Verdict.MODIFIED for each in reviews)
        if not open_ones:
            return self._landing(), Feedback()
        self.open_diff = await copy.diff()
        self.rejected = {each.hunk: unit_key(diff, diff.units[each.hunk]) for each in open_ones}
        told = [(each, unit_text(diff, diff.units[each.hunk])) for each in open_ones]
        return None, Feedback(rejected=told, verified=verified)

    async def _with_replacements(
        self, draft: Draft, reviews: list[UnitReview]
    ) -> tuple[list[UnitReview], Sequence[Verified]]:
        """The reviews, once it is clear that what the reviewer would have passes the commands."""
        diff, copy = draft.diff, draft.copy
        assert diff is not None
        wanted = {each.hunk: each.lines if each.is_taken else None for each in reviews}
        if not any(wanted.values()):
            return reviews, draft.round.verified
        patch = assemble(diff, wanted)
        await copy.set_files(patch)
        verified = await self.drafting.verify(copy, draft.round.round)
        if all(each.has_passed for each in verified):
            await copy.set_files(patch)
            return reviews, verified
        await copy.set_files(draft.round.diff)
        failed = ", ".join(each.command for each in verified if not each.has_passed)
        return [
            each
            if wanted[each.hunk] is None
            else attrs.evolve(
                each,
                verdict=Verdict.CHANGES_REQUESTED,
                lines=None,
                comment=f"{each.comment} (with the reviewer's text `{failed}` fails)".strip(),
            )
            for each in reviews
        ], verified

    def _landing(self) -> End:
        if self.reviewed is not None and self.reviewed.is_author:
            why = "its reviewer is its author: no other CLI could be asked"
            return End(state=PairState.NEEDS_HUMAN, why=why, code="self_review")
        state = PairState.APPROVED
        if self.is_modified:
            state = PairState.APPROVED_WITH_MODIFICATIONS
        return End(state=state, is_landing=True)

    def _keep(self, draft: Draft, reviewed: Reviewed) -> None:
        """Write a review into the record of its round."""
        self.reviewed = reviewed
        this = draft.round
        self.rounds = [
            attrs.evolve(each, reviews=tuple(reviewed.reviews), reviewer=reviewed.cli)
            if (each.round, each.seat) == (this.round, this.seat)
            else each
            for each in self.rounds
        ]


# ------------------------------------------------------------------------------------- the end


async def _report(pairing: _Pairing, draft: Draft, end: End) -> Report:
    """What it came to, after the landing where it lands."""
    landed = Landed(code="not_landed")
    text = await draft.copy.whole(is_open=not end.is_landing)
    if end.is_landing:
        landed = await draft.copy.land()
        end = attrs.evolve(end, why=landed.why, code=landed.code)
    elif pairing.is_frozen and pairing.open_diff:
        pairing.warnings.append(
            Warned(code="part_approved", message="some hunks were approved; none has landed")
        )
    if not text:  # it was taken back, or never fitted
        text = next((each.diff for each in reversed(pairing.rounds) if each.diff), "")
    _warn(pairing, end)
    files, counts = _counted(text)
    return report_pair(
        PairRecord(
            state=end.state,
            rounds=pairing.rounds,
            is_landed=landed.is_landed,
            diff=text,
            files=list(landed.files) or files,
            counts=counts,
            why=end.why,
            code=end.code,
            copy_path=draft.seat.cwd,
            base=pairing.request.base or draft.copy.base,
            is_kept=bool(landed.kept),
            kept_why=(
                f"what could not be undone lies in {landed.kept}"
                if landed.kept
                else "removed: all of it is in diff and rounds"
            ),
            driver=draft.round.cli,
            reviewer=pairing.reviewed.cli if pairing.reviewed is not None else "",
            lost=pairing.losses.seats,
            warnings=pairing.warnings,
            answer=draft.heard.content,
            failure=pairing.failure,
            phases=pairing.drafting.clock.phases,
            chosen=draft.seat.name,
        )
    )


def _warn(pairing: _Pairing, end: End) -> None:
    if end.is_landing and not pairing.request.verify:
        said = "no command was run on the change: name some in verify"
        pairing.warnings.append(Warned(code="not_verified", message=said))
    if pairing.losses.seats:
        pairing.warnings.append(Warned(code="seat_lost", message=pairing.losses.told))


def _counted(text: str) -> tuple[list[str], tuple[int, int]]:
    try:
        diff = parse_diff(text)
    except DiffFault:
        return [], (0, 0)
    return diff.paths, diff.counts
