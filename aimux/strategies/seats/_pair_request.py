"""What a pair is asked for, and the copy it works in, as values and as a promise."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs
import trio

from aimux.model import Evidence, SourcePlace, Warned
from aimux.rules.pair import Diff, Landed, Left, PairRound, PairState, Phase, Verified
from aimux.strategies import Seat

from ._asking import Heard

Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


class Copy(Protocol):
    """A copy of the caller's tree: its files, the ground they are compared with, the way back."""

    @property
    def base(self) -> str:
        """What it was made from."""

    @property
    def warnings(self) -> Sequence[Warned]:
        """What of the tree is not in it."""

    async def diff(self) -> str:
        """What the files are other than the ground. Cancelling it changes nothing."""

    async def whole(self, *, is_open: bool = False) -> str:
        """What the ground, or with `is_open` the files are other than what was copied.

        Cancelling it changes nothing.
        """

    async def put(self, patch: str) -> str:
        """Change the files by a diff; why not, empty if so. Cancelled or not, it is done."""

    async def set_files(self, patch: str) -> None:
        """Make the files the ground with this diff. Cancelled or not, it is done."""

    async def accept(self, patch: str) -> None:
        """Make the ground what it is with this diff. Cancelled or not, it is done."""

    async def verify(self, command: Sequence[str], limit_s: float) -> Verified:
        """How a command goes in it. Cancelling it ends the command."""

    async def land(self) -> Landed:
        """Take the ground over into the caller's tree. Cancelled or not, it is done."""


@attrs.frozen(kw_only=True)
class Reviewer:
    """Who may review. `is_author`: there is nobody but who wrote it, so it never lands."""

    seat: Seat
    cli: str
    is_author: bool = False


@attrs.frozen(kw_only=True)
class PairRequest:
    """A task, who works on it, and where. Each driver's seat names the directory of its copy.

    `limit_s` is the whole job's. `reviewers` step in for each other in this order. `open_copy`
    opens the copy of a driver's seat, `check_in` looks places up in a directory. `base` is what the
    tree is based on, where a repository says so, `left` what an earlier job of the session left.
    """

    task: str
    drivers: Sequence[Seat]
    reviewers: Sequence[Reviewer]
    open_copy: Callable[[Seat], AbstractAsyncContextManager[Copy]]
    check_in: Callable[[str], Check]
    limit_s: float
    driver_limit_s: float
    reviewer_limit_s: float
    verify_limit_s: float
    verify: Sequence[tuple[str, ...]] = ()
    max_rounds: int = 3
    base: str = ""
    left: Left = attrs.field(factory=Left)


@attrs.frozen(kw_only=True)
class Draft:
    """What a driver has made in a round. `diff` None: nothing that could be judged."""

    seat: Seat
    copy: Copy
    round: PairRound
    diff: Diff | None = None
    excerpt: str = ""  # of what could not be read
    heard: Heard

    @property
    def is_proved(self) -> bool:
        """Whether there is something, and every command passes on it."""
        return self.diff is not None and self.round.has_passed

    @property
    def size(self) -> int:
        """Lines added and removed."""
        return sum(self.diff.counts) if self.diff is not None else 0


@attrs.frozen(kw_only=True)
class End:
    """How a pair ended."""

    state: PairState
    why: str = ""
    code: str = ""
    is_landing: bool = False


@attrs.frozen(kw_only=True)
class Clock:
    """The time that a job has, from when its work began, and what its phases took of it."""

    limit_s: float
    began: float = attrs.field(factory=trio.current_time)
    phases: list[Phase] = attrs.field(factory=list)

    def start(self, name: str, number: int, own_s: float) -> Callable[[], None]:
        """A phase of a round begins; to be called when it has ended."""
        began, limit_s = trio.current_time(), self.limit(own_s)

        def done() -> None:
            took_s = trio.current_time() - began
            self.phases.append(Phase(name=name, round=number, limit_s=limit_s, took_s=took_s))

        return done

    def limit(self, own_s: float) -> float:
        """The least of a limit and what the job has left."""
        return max(0.0, min(own_s, self.limit_s - (trio.current_time() - self.began)))


@attrs.define(eq=False)
class Losses:
    """Who fell out of a pair: seat, CLI and reason."""

    seats: list[tuple[str, str, str]] = attrs.field(factory=list)

    def add(self, seat: str, cli: str, why: str) -> None:
        """One more, unless it is known."""
        if (seat, cli, why) not in self.seats:
            self.seats.append((seat, cli, why))

    @property
    def told(self) -> str:
        """All of them, for people."""
        return "; ".join(f"{seat} ({cli}): {why}" for seat, cli, why in self.seats)
