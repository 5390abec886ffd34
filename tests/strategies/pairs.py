"""Pairs for tests: copies without files, drivers and reviewers that answer from a table."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import attrs
import trio

from aimux.model import Report, RouteRequest, Seat, Warned
from aimux.rules.pair import Landed, Verified, assemble, parse_diff, unit_key
from aimux.strategies.seats import PairRequest, Reviewer, pair
from aimux.testing import FakeAsk, Reply

from .panels import believe


def hunk(path: str, old: str, new: str, at: int = 5) -> str:
    """A diff of one line."""
    return (
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -{at},2 +{at},2 @@\n before\n-{old}\n+{new}\n"
    )


ONE: Final = hunk("a.py", "one", "1")
OTHER: Final = hunk("b.py", "two", "2")


@attrs.frozen(kw_only=True)
class Move:
    """What a driver does in its turn: what the files are then (None: as before), what it says."""

    diff: str | None = None
    says: str = "Done."
    fails: str = ""
    takes_s: float = 0.0
    hangs: bool = False


@attrs.define(eq=False)
class FakeCopy:
    """A copy whose files are a diff to its ground; commands go by `checks`."""

    checks: Callable[[str, "FakeCopy"], int] = lambda _command, _copy: 0
    landing: Landed | None = None
    text: str = ""
    base: str = "base"
    warnings: Sequence[Warned] = ()
    ground: list[str] = attrs.field(factory=list)
    is_landed: bool = False
    is_open: bool = True
    refuses: str = ""
    check_s: float = 0.0

    async def diff(self) -> str:
        await trio.lowlevel.checkpoint()
        return self.text

    async def whole(self, *, is_open: bool = False) -> str:
        await trio.lowlevel.checkpoint()
        return "".join([*self.ground, self.text if is_open else ""])

    async def put(self, patch: str) -> str:
        await trio.lowlevel.checkpoint()
        self.text = self.text if self.refuses else patch
        return self.refuses

    async def set_files(self, patch: str) -> None:
        await trio.lowlevel.checkpoint()
        self.text = patch

    async def accept(self, patch: str) -> None:
        await trio.lowlevel.checkpoint()
        kept = parse_diff(patch)
        keys = {unit_key(kept, unit) for unit in kept.units}
        now = parse_diff(self.text)
        left = {unit.number: None for unit in now.units if unit_key(now, unit) not in keys}
        self.ground.append(patch)
        self.text = assemble(now, left)

    async def verify(self, command: Sequence[str], limit_s: float) -> Verified:
        shown = " ".join(command)
        with trio.move_on_after(limit_s) as limit:
            await trio.sleep(self.check_s)
        if limit.cancelled_caught:
            return Verified(command=shown, exit_code=None, tail="", duration_ms=1, why="stopped")
        code = self.checks(shown, self)
        return Verified(command=shown, exit_code=code, tail=f"{shown} says {code}", duration_ms=1)

    async def land(self) -> Landed:
        await trio.lowlevel.checkpoint()
        if self.landing is not None:
            return self.landing
        self.is_landed = True
        return Landed(files=tuple(parse_diff("".join(self.ground)).paths))


def approve(*numbers: int) -> str:
    """A review that approves these."""
    return review(dict.fromkeys(numbers, "approved"))


def review(verdicts: Mapping[int, str], **more: object) -> str:
    """A review with these verdicts; `more` is said of each."""
    items = [
        {"hunk": number, "verdict": said, "comment": f"why {said}", **more}
        for number, said in verdicts.items()
    ]
    return json.dumps({"hunks": items})


@attrs.define(eq=False)
class Play:
    """A pair that is played: moves by driver, reviews by reviewer, one copy a driver."""

    moves: Mapping[str, list[Move]]
    reviews: Mapping[str, list[Reply | str]]
    copies: Mapping[str, FakeCopy] = attrs.field(factory=dict)
    asking: FakeAsk = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.copies = {name: self.copies.get(name) or FakeCopy() for name in self.moves}

    @property
    def copy(self) -> FakeCopy:
        """The only driver's."""
        return self.copies["driver"]

    def _reply(self, seat: str, prompt: str) -> Reply | str:
        del prompt
        if seat in self.moves:
            moves = self.moves[seat]
            move = moves.pop(0) if len(moves) > 1 else moves[0]
            if move.diff is not None:
                self.copies[seat].text = move.diff
            return Reply(text=move.says, fails=move.fails, takes_s=move.takes_s, hangs=move.hangs)
        said = self.reviews[seat]
        return said.pop(0) if len(said) > 1 else said[0]

    def _open(self, seat: Seat) -> AbstractAsyncContextManager[FakeCopy]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[FakeCopy]:
            copy = self.copies[seat.name]
            try:
                yield copy
            finally:
                copy.is_open = False

        return opened()

    async def run(
        self, *, limit_s: float = 3600, job_s: float = float("inf"), **more: object
    ) -> Report:
        """Play it to its end."""
        self.asking = FakeAsk(self._reply, limit_s=job_s)
        drivers = [
            Seat(name=name, route=RouteRequest(cli=f"cli-{name}"), cwd=f"/copy/{name}")
            for name in self.moves
        ]
        reviewers = [
            Reviewer(seat=Seat(name=name, route=RouteRequest(cli=f"cli-{name}")), cli=f"cli-{name}")
            for name in self.reviews
        ]
        given: dict[str, object] = {
            "task": "the task",
            "drivers": drivers,
            "reviewers": reviewers,
            "open_copy": self._open,
            "check_in": lambda _: believe,
            "limit_s": limit_s,
            "driver_limit_s": 100.0,
            "reviewer_limit_s": 50.0,
            "verify_limit_s": 20.0,
        }
        request = PairRequest(**{**given, **more})  # type: ignore[arg-type]
        return await pair(request)(self.asking.ask, self.asking.note)

    @property
    def asked(self) -> list[str]:
        """Whose turns there were."""
        return [each.seat for each in self.asking.asked]

    def prompt(self, seat: str, number: int = -1) -> str:
        """What a seat was asked."""
        return [each.prompt for each in self.asking.asked if each.seat == seat][number]


def play(
    moves: Sequence[Move | str], reviews: Sequence[Reply | str], copy: FakeCopy | None = None
) -> Play:
    """One driver and one reviewer. A text is what the files are."""
    made = [Move(diff=move) if isinstance(move, str) else move for move in moves]
    copies = {"driver": copy} if copy is not None else {}
    return Play(moves={"driver": made}, reviews={"reviewer": list(reviews)}, copies=copies)
