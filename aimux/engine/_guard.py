"""Which CLIs may be asked now: a breaker per CLI, cool-downs per (cli, model), refused logins.

A breaker is a scope that can be pulled from outside: when it opens, turns of that CLI that have not
produced a byte yet are cancelled; turns that are producing go on.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from aimux.errors import CircuitOpen
from aimux.model import Failure, FailureClass
from aimux.rules import (
    Breaker,
    BreakerRule,
    BreakerState,
    BreakerView,
    Cooldown,
    Cooldowns,
    Health,
    TurnEnd,
    admit,
    cool,
    cooled,
    cooled_pairs,
    flush,
    reset,
    reset_step,
    settle,
    view_breaker,
)

TROUBLE_S: Final = 600.0  # a refused login keeps a CLI out of the fallbacks for so long


@attrs.define(eq=False)
class Pass:
    """Leave for one attempt.

    Its holder says how the attempt ended; one that says nothing counts as neutral.
    """

    end: TurnEnd = TurnEnd.NEUTRAL
    _heard: trio.Event = attrs.field(factory=trio.Event)

    @property
    def is_heard(self) -> bool:
        """The child has produced a byte: an opening breaker leaves it alone."""
        return self._heard.is_set()

    def heard(self) -> None:
        """The child has produced its first byte."""
        self._heard.set()


@attrs.define
class _Counts:
    requests: int = 0
    errors: int = 0


class Guard:
    """Admits attempts per CLI. Reading its state has no side effects."""

    def __init__(self, rule: BreakerRule, tell_open: Callable[[str], None] | None = None) -> None:
        """`tell_open` is called with the CLI whose breaker opens."""
        self._rule = rule
        self._tell_open = tell_open
        self._breakers: dict[str, Breaker] = {}
        self._silent: defaultdict[str, dict[trio.CancelScope, Pass]] = defaultdict(dict)
        self._counts: defaultdict[str, _Counts] = defaultdict(_Counts)
        self._cooldowns = Cooldowns()
        self._verified: dict[str, str] = {}
        self._trouble: dict[str, tuple[str, float]] = {}

    def __repr__(self) -> str:
        states = {cli: str(self.view(cli).state) for cli in sorted(self._breakers)}
        return f"<Guard: {states}>"

    def apply(self, rule: BreakerRule) -> None:
        """Follow another rule from now on; failures that were counted stay."""
        self._rule = rule
        self._breakers = {
            cli: attrs.evolve(breaker, rule=rule) for cli, breaker in self._breakers.items()
        }

    def view(self, cli: str) -> BreakerView:
        """What the breaker of `cli` would say now."""
        return view_breaker(self._breaker(cli), trio.current_time())

    def views(self) -> dict[str, BreakerView]:
        """Every breaker that has seen a turn."""
        return {cli: self.view(cli) for cli in sorted(self._breakers)}

    def health(self) -> dict[str, Health]:
        """What routing wants to know of each CLI."""
        told: dict[str, Health] = {}
        for cli, view in self.views().items():
            counts = self._counts[cli]
            told[cli] = Health(
                state=view.state,
                retry_after_s=view.retry_after_s,
                requests=counts.requests,
                errors=counts.errors,
                trouble=self.trouble_of(cli),
            )
        return told

    def learn(self, cli: str, failure: Failure | None) -> None:
        """What a turn told of a CLI's login: a refused key is remembered until a turn succeeds."""
        if failure is None:
            self._verified[cli] = "ok"
            self._trouble.pop(cli, None)
        elif failure.failure_class is FailureClass.AUTH:
            self._verified[cli] = failure.code
            why = f"not logged in: {failure.hint or failure.message}"
            self._trouble[cli] = (why, trio.current_time() + TROUBLE_S)

    def trouble_of(self, cli: str) -> str:
        """Why `cli` is no fallback now. It lapses: keys differ by client, and people log in."""
        why, until = self._trouble.get(cli, ("", 0.0))
        return why if trio.current_time() < until else ""

    def verified(self, cli: str) -> str:
        """`ok`, the code of a refused login, or nothing if no turn has told."""
        return self._verified.get(cli, "")

    def cooled(self) -> list[Cooldown]:
        """The (cli, model) pairs that are left alone."""
        return cooled(self._cooldowns, trio.current_time())

    def cooled_pairs(self) -> frozenset[tuple[str, str]]:
        """The same, as routing wants them."""
        return cooled_pairs(self._cooldowns, trio.current_time())

    def cool(self, cli: str, model: str, cooldown_s: float, failure: Failure) -> None:
        """Leave a pair alone for a while."""
        now = trio.current_time()
        pair = Cooldown(
            cli=cli,
            model=model,
            until=now + cooldown_s,
            code=failure.code,
            excerpt=failure.excerpt[:200],
        )
        self._cooldowns = cool(self._cooldowns, pair, now)

    def reset(self, cli: str = "") -> None:
        """Forget the past of one CLI, or of all: breakers and cool-downs."""
        for name in [cli] if cli else list(self._breakers):
            self._breakers[name] = reset(self._breaker(name))
        self._cooldowns = flush(self._cooldowns, cli=cli)
        for name in [cli] if cli else list(self._trouble):
            self._trouble.pop(name, None)

    @asynccontextmanager
    async def attempt(self, cli: str) -> AsyncIterator[Pass]:
        """Run the body as one attempt on `cli`. Cancelling the body counts neither way.

        Raises:
            CircuitOpen: at the door, or when the breaker opens before the child has said a byte.
        """
        breaker, permit, wait_s = admit(self._breaker(cli), trio.current_time())
        self._breakers[cli] = breaker
        if permit is None:
            raise _open(cli, wait_s)
        leave = Pass()
        with trio.CancelScope() as scope:  # noqa: ASYNC100  # the body waits
            self._silent[cli][scope] = leave
            try:
                yield leave
            finally:
                del self._silent[cli][scope]
                after = settle(self._breaker(cli), permit, leave.end, trio.current_time())
                self._settled(cli, after, leave.end)
        if scope.cancelled_caught:
            raise _open(cli, self.view(cli).retry_after_s)

    def _settled(self, cli: str, after: Breaker, end: TurnEnd) -> None:
        opens = after.state is BreakerState.OPEN and (
            self._breaker(cli).state is not BreakerState.OPEN
        )
        self._breakers[cli] = after
        counts = self._counts[cli]
        counts.requests += 1
        counts.errors += end is TurnEnd.FAILURE
        if opens:
            if self._tell_open is not None:
                self._tell_open(cli)
            for scope, leave in list(self._silent[cli].items()):
                if not leave.is_heard:
                    scope.cancel(reason=f"breaker of {cli} opened")

    def _breaker(self, cli: str) -> Breaker:
        return self._breakers.get(cli) or Breaker(rule=self._rule)


def _open(cli: str, wait_s: float) -> CircuitOpen:
    return CircuitOpen(
        f"the breaker of {cli} is open after failures in a row; next try in {wait_s:.0f} s",
        hint=f"name another cli, wait, or once it works again {reset_step(cli)}",
        data={"cli": cli, "retry_after_ms": round(wait_s * 1000)},
    )
