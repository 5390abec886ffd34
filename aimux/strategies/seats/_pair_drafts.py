"""A driver's turn, and what it leaves in its copy: a diff that was understood, and was tried."""

from typing import Final

import attrs

from aimux.errors import Refusal
from aimux.model import plural
from aimux.rules.pair import (
    Diff,
    DiffFault,
    PairRound,
    Verified,
    assemble,
    find_diff,
    parse_diff,
    plain,
)
from aimux.rules.panels import is_worth_asking_again, lost_reason
from aimux.strategies import Ask, Note, Seat

from ._asking import Heard
from ._pair_request import Clock, Copy, Draft, Losses, PairRequest

MAX_DIFF_CHARS: Final = 2_000_000
MAX_NOTED_CHARS: Final = 60_000  # of a diff in the log, from which a killed job goes on
DRAFTED: Final = "draft"  # the step of such a note
WORDLESS: Final = frozenset({"empty_answer", "no_answer"})


@attrs.frozen(kw_only=True)
class Drafting:
    """Has drivers make drafts."""

    request: PairRequest
    ask: Ask
    note: Note
    clock: Clock
    losses: Losses

    async def draft(
        self, seat: Seat, copy: Copy, number: int, prompt: str, *, before: str, is_frozen: bool
    ) -> Draft:
        """What a driver makes of its copy in one round.

        `before` is what the files were other than the ground; with `is_frozen` the ground alone is
        worth to be tried. Cancelling it ends the turn, or the command that runs.
        """
        done = self.clock.start("driver", number, self.request.driver_limit_s)
        heard = await self._drive(seat, prompt)
        text = await copy.diff()
        if text == before and heard.result is not None and heard.reason:
            again = is_worth_asking_again(heard.reason, heard.result)
            heard = await self._drive(seat, prompt) if again else heard
            text = await copy.diff()
        done()
        if text != before and heard.reason in WORDLESS:
            heard = attrs.evolve(heard, reason="")  # it has worked and says nothing of it
        problem = excerpt = ""
        if text == before and heard.is_answer:
            text, problem, excerpt = await self._taken(copy, heard.content, before)
        diff, problem, excerpt = _read(text, problem, excerpt)
        verified: list[Verified] = []
        if heard.is_answer and not problem and (diff is not None or is_frozen):
            verified = await self.verify(copy, number)
            await copy.set_files(text)  # what the commands have left is no part of the change
        cli = (heard.result.cli if heard.result is not None else "") or seat.route.cli
        if not heard.is_answer:
            problem = f"{seat.name} is lost: {heard.told}"
            self.losses.add(seat.name, cli, heard.told)
        what = "has no change to judge"
        if diff is not None:
            what = f"changed {plural(len(diff.paths), 'file')}"
        self.note(
            f"round {number}: {seat.name} {what}",
            step=DRAFTED,
            phase="driver",
            seat=seat.name,
            diff=plain(text) if diff is not None and len(text) <= MAX_NOTED_CHARS else "",
            problem=problem,
            verified=[each.exit_code for each in verified],
        )
        found = PairRound(
            round=number,
            seat=seat.name,
            cli=cli,
            diff=text if len(text) <= MAX_DIFF_CHARS else "",
            applies=diff is not None,
            problem=problem,
            verified=verified,
        )
        return Draft(seat=seat, copy=copy, round=found, diff=diff, excerpt=excerpt, heard=heard)

    async def verify(self, copy: Copy, number: int) -> list[Verified]:
        """How every command goes, one after the other. Cancelling it ends the one that runs."""
        done = self.clock.start("verify", number, self.request.verify_limit_s)
        found = [
            await copy.verify(command, self.clock.limit(self.request.verify_limit_s))
            for command in self.request.verify
        ]
        if found:
            done()
        return found

    async def _drive(self, seat: Seat, prompt: str) -> Heard:
        limit_s = self.clock.limit(self.request.driver_limit_s)
        try:
            result = await self.ask(seat, prompt, limit_s=limit_s)
        except Refusal as refusal:
            return Heard(seat=seat.name, reason=refusal.code)
        return Heard(seat=seat.name, result=result, reason=lost_reason(result))

    async def _taken(self, copy: Copy, answer: str, before: str) -> tuple[str, str, str]:
        """The diff of an answer put into the files: what they are then, or why not, with where."""
        offered = find_diff(answer)
        if not offered:
            return before, "", ""
        try:
            given = parse_diff(offered)
        except DiffFault as fault:
            return offered, f"Your diff cannot be read: {fault}", fault.excerpt
        patch = assemble(given, {unit.number: None for unit in given.units})
        why = await copy.put(patch)
        if why:
            return offered, f"Your diff does not apply: {why}", patch
        return await copy.diff(), "", ""


def _read(text: str, problem: str, excerpt: str) -> tuple[Diff | None, str, str]:
    """The diff that a text is, if nothing spoke against it before."""
    if problem or not text:
        return None, problem, excerpt
    if len(text) > MAX_DIFF_CHARS:
        return None, f"Your change is too large: {len(text)} characters of diff.", ""
    try:
        return parse_diff(text), "", ""
    except DiffFault as fault:
        return None, f"Your change cannot be taken: {fault}", fault.excerpt
