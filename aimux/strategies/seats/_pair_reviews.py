"""Verdicts on every unit of a draft, by the first reviewer that can be heard."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.rules.pair import (
    REVIEW_SCHEMA,
    Diff,
    Unit,
    UnitReview,
    Verdict,
    bare_review,
    batches,
    bound_together,
    frozen_lines,
    missing_prompt,
    parse_diff,
    read_review,
    review_prompt,
    touches,
    with_places,
)
from aimux.strategies import Ask, Note, Seat

from ._asking import Heard, ask_seat
from ._pair_request import Clock, Draft, Losses, PairRequest, Reviewer

MAX_REVIEWERS: Final = 2  # asked one after the other, where one is lost


@attrs.frozen(kw_only=True)
class Reviewed:
    """A verdict on each unit, in order. `is_author`: who reviewed has written it, too."""

    reviews: list[UnitReview]
    cli: str
    is_author: bool

    @property
    def is_approval(self) -> bool:
        """Whether every unit goes on."""
        return all(each.is_taken for each in self.reviews)


@attrs.frozen(kw_only=True)
class Reviewing:
    """Has reviewers judge drafts."""

    request: PairRequest
    ask: Ask
    note: Note
    clock: Clock
    losses: Losses

    async def review(
        self, draft: Draft, contests: Mapping[int, str], *, is_frozen: bool
    ) -> Reviewed | None:
        """A verdict on every unit of a draft; None if nobody reviews it.

        `contests` are the driver's reasons, by unit. Cancelling it ends the turn that runs.
        """
        diff = draft.diff
        assert diff is not None
        whole = await draft.copy.whole() if is_frozen else ""
        frozen = frozen_lines(parse_diff(whole)) if whole else {}
        barred = [unit for unit in diff.units if touches(diff, unit, frozen)]
        groups, too_long = batches(diff, [unit for unit in diff.units if unit not in barred])
        ours = [
            *(
                bare_review(unit, Verdict.CHANGES_REQUESTED, "these lines are approved and frozen")
                for unit in barred
            ),
            *(
                bare_review(unit, Verdict.UNREVIEWED, "too long to be reviewed")
                for unit in too_long
            ),
        ]
        author = draft.round.cli
        others = [each for each in self.request.reviewers if each.cli != author]
        for reviewer in (others or self.request.reviewers)[:MAX_REVIEWERS]:
            done = self.clock.start("review", draft.round.round, self.request.reviewer_limit_s)
            said = await self._said(reviewer, draft, diff, groups, contests)
            done()
            if said is None:
                continue
            reviews = bound_together(diff, [*ours, *said])
            places = [place for review in reviews for place in review.places]
            reviews = with_places(reviews, await self.request.check_in(draft.seat.cwd)(places))
            self.note(
                f"round {draft.round.round}: {reviewer.seat.name} has judged {draft.seat.name}",
                phase="review",
                seat=reviewer.seat.name,
                verdicts=[str(each.verdict) for each in reviews],
            )
            return Reviewed(
                reviews=reviews,
                cli=reviewer.cli,
                is_author=reviewer.is_author or reviewer.cli == author,
            )
        return None

    async def _said(
        self,
        reviewer: Reviewer,
        draft: Draft,
        diff: Diff,
        groups: Sequence[Sequence[Unit]],
        contests: Mapping[int, str],
    ) -> list[UnitReview] | None:
        """What one reviewer says of the units; None if it is lost."""
        seat = attrs.evolve(reviewer.seat, cwd=draft.seat.cwd)
        found: list[UnitReview] = []
        for units in groups:
            prompt = review_prompt(
                self.request.task,
                diff,
                units,
                verified=draft.round.verified,
                contested=contests,
            )
            numbers = [unit.number for unit in units]
            heard = await self._asked(seat, reviewer, prompt)
            if heard is None:
                return None
            reviews = read_review(diff, numbers, heard.data)
            missing = [each.hunk for each in reviews if each.verdict is Verdict.UNREVIEWED]
            if missing and heard.data is not None:  # prose was asked to be JSON once already
                again = await self._asked(seat, reviewer, missing_prompt(missing))
                said = read_review(diff, missing, None if again is None else again.data)
                late = {each.hunk: each for each in said}
                reviews = [late.get(each.hunk, each) for each in reviews]
            found += reviews
        return [attrs.evolve(each, contested=contests.get(each.hunk, "")) for each in found]

    async def _asked(self, seat: Seat, reviewer: Reviewer, prompt: str) -> Heard | None:
        limit_s = self.clock.limit(self.request.reviewer_limit_s)
        heard = await ask_seat(self.ask, seat, prompt, schema=REVIEW_SCHEMA, limit_s=limit_s)
        if not heard.is_answer:
            self.losses.add(seat.name, reviewer.cli, heard.told)
            return None
        return heard
