"""Slots are given out by the rules, whatever comes, moves and goes."""

import attrs
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aimux.rules import Moved, SlotLedger, SlotLimits, SlotRequest

from ..extent import examples


class SlotMachine(RuleBasedStateMachine):
    """Any order of coming, moving and going, held against the rules said plainly."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = SlotLedger()
        self.limits = SlotLimits()
        self.running: dict[str, SlotRequest] = {}  # with the CLI whose share it has
        self.movers: dict[str, SlotRequest] = {}  # with the CLI it waits for
        self.queue: dict[str, SlotRequest] = {}
        self.loans: dict[str, SlotRequest] = {}
        self.active: set[str] = set()
        self.over = False  # a resize left more running than there may be
        self.number = 0

    limits_drawn = st.builds(
        SlotLimits,
        turns=st.integers(1, 4),
        turns_per_cli=st.integers(0, 2),
        turns_per_client=st.integers(0, 3),
        root_jobs=st.integers(1, 3),
        queued_jobs=st.integers(0, 3),
    )

    @initialize(limits=limits_drawn)
    def begin(self, limits: SlotLimits) -> None:
        self.ledger = SlotLedger(limits)
        self.limits = limits

    # ------------------------------------------------------------------------ the rules, plainly

    def has_cli_share(self, cli: str) -> bool:
        held = sum(each.cli == cli for each in self.running.values())
        return held < (self.limits.turns_per_cli or 99)

    def fits(self, request: SlotRequest) -> bool:
        counted = [*self.running.values(), *self.movers.values()]
        of_client = sum(each.client == request.client for each in counted)
        return (
            len(counted) < self.limits.turns
            and self.has_cli_share(request.cli)
            and of_client < (self.limits.turns_per_client or 99)
            and (request.root in self.active or len(self.active) < self.limits.root_jobs)
        )

    def may_borrow(self, request: SlotRequest) -> bool:
        lenders = [each.lender for each in self.loans.values()]
        return bool(request.lender) and request.lender not in lenders

    def start(self, request: SlotRequest) -> None:
        self.running[request.key] = request
        self.active.add(request.root)

    def take(self, granted: list[str]) -> None:
        """Check each grant at its moment, in order."""
        for key in granted:
            waiting_movers = [
                each.key for each in self.movers.values() if self.has_cli_share(each.cli)
            ]
            if key in self.movers and self.has_cli_share(self.movers[key].cli):
                assert key == waiting_movers[0]
                self.running[key] = self.movers.pop(key)
                continue
            assert not waiting_movers
            request = self.movers[key] if key in self.movers else self.queue[key]
            if key in self.queue and self.fits(request):
                # nobody of the same client who came earlier fits too
                mine = [each for each in self.queue.values() if each.client == request.client]
                assert next(filter(self.fits, mine)) == request
                self.start(self.queue.pop(key))
                continue
            assert not any(map(self.fits, self.queue.values()))
            assert self.may_borrow(request)
            hopeful = [*self.movers.values(), *self.queue.values()]
            assert next(each for each in hopeful if each.lender == request.lender) == request
            self.movers.pop(key, None)
            self.queue.pop(key, None)
            self.loans[key] = request

    # -------------------------------------------------------------------------------- what comes

    @rule(
        client=st.sampled_from("abc"),
        cli=st.sampled_from(["codex", "gemini", "qwen"]),
        root=st.integers(1, 6),
        data=st.data(),
    )
    def request(self, client: str, cli: str, root: int, data: st.DataObject) -> None:
        self.number += 1
        lender = data.draw(st.sampled_from(["", "", *self.running, *self.loans]))
        above = self.running.get(lender) or self.loans.get(lender)
        job = above.root if above is not None else f"job{root}"
        request = SlotRequest(
            key=f"t{self.number}", cli=cli, client=client, root=job, lender=lender
        )
        known = [*self.running.values(), *self.movers.values(), *self.loans.values()]
        known += self.queue.values()
        is_new = job not in self.active and all(each.root != job for each in known)
        queued = {each.root for each in self.queue.values()} - self.active
        got = self.ledger.request(request)
        if self.fits(request):
            assert got == 0
            self.start(request)
        elif self.may_borrow(request):
            assert got == 0
            self.loans[request.key] = request
        elif is_new and len(queued) >= self.limits.queued_jobs:
            assert got is None
        else:
            assert got == self.ledger.position(request.key) >= 1
            self.queue[request.key] = request

    @precondition(lambda self: self.running or self.movers or self.loans)
    @rule(data=st.data(), cli=st.sampled_from(["codex", "gemini", "qwen"]))
    def move(self, data: st.DataObject, cli: str) -> None:
        key = data.draw(st.sampled_from([*self.running, *self.movers, *self.loans]))
        moved = self.ledger.move(key, cli)
        if key in self.loans:
            self.loans[key] = attrs.evolve(self.loans[key], cli=cli)
            assert moved == Moved(has_share=True, granted=[])
            return
        if key in self.running and self.running[key].cli == cli:
            assert moved == Moved(has_share=True, granted=[])
            return
        request = self.running.pop(key, None) or self.movers.pop(key)
        request = attrs.evolve(request, cli=cli)
        if self.has_cli_share(cli):
            self.running[key] = request
        elif self.may_borrow(request):
            self.loans[key] = request
        else:
            self.movers[key] = request
        assert moved.has_share == (key not in self.movers)
        self.take(moved.granted)

    @precondition(lambda self: self.running or self.movers or self.queue or self.loans)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        keys = [*self.running, *self.movers, *self.queue, *self.loans]
        self.leave(data.draw(st.sampled_from(keys)))

    def leave(self, key: str) -> None:
        for each in (self.running, self.movers, self.queue, self.loans):
            each.pop(key, None)
        self.take(self.ledger.release(key))

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def end_root(self, data: st.DataObject) -> None:
        root = data.draw(st.sampled_from(sorted(self.active)))
        everything = self.running | self.movers | self.queue | self.loans
        for key, request in everything.items():
            if request.root == root:
                self.leave(key)
        self.active.discard(root)
        self.take(self.ledger.end_root(root))

    @rule(limits=limits_drawn)
    def resize(self, limits: SlotLimits) -> None:
        self.limits = limits
        self.over = True
        self.take(self.ledger.resize(limits))

    # ---------------------------------------------------------------------------- what must hold

    @invariant()
    def nobody_who_fits_waits(self) -> None:
        assert not any(map(self.fits, self.queue.values()))
        assert not any(self.has_cli_share(each.cli) for each in self.movers.values())
        assert not any(map(self.may_borrow, [*self.queue.values(), *self.movers.values()]))

    @invariant()
    def the_ledger_agrees(self) -> None:
        said = self.ledger.statistics()
        counted = len(self.running) + len(self.movers)
        assert (said.running, said.borrowed) == (counted, len(self.loans))
        assert sum(said.by_client.values()) == counted
        assert sum(said.by_cli.values()) == len(self.running)
        assert said.active_roots == len(self.active)
        assert said.queued_roots == len({each.root for each in self.queue.values()} - self.active)
        positions = self.ledger.positions()
        assert len(positions) == said.waiting == len(self.queue) + len(self.movers)
        assert list(positions)[: len(self.movers)] == list(self.movers)
        assert list(positions.values()) == list(range(1, len(positions) + 1))

    @invariant()
    def limits_hold(self) -> None:
        said = self.ledger.statistics()
        if not self.over:
            assert said.running <= self.limits.turns
            assert max(said.by_cli.values(), default=0) <= (self.limits.turns_per_cli or 99)
            assert max(said.by_client.values(), default=0) <= (self.limits.turns_per_client or 99)
            assert said.active_roots <= self.limits.root_jobs

    def teardown(self) -> None:
        """Everything released ends empty."""
        while keys := [*self.running, *self.movers, *self.loans, *self.queue]:
            self.leave(keys[0])
            if not (self.running or self.movers or self.loans):
                for root in sorted(self.active):
                    self.active.discard(root)
                    self.take(self.ledger.end_root(root))
        for root in sorted(self.active):
            assert self.ledger.end_root(root) == []

        said = self.ledger.statistics()
        assert said == attrs.evolve(
            said, running=0, borrowed=0, waiting=0, by_cli={}, by_client={}, active_roots=0
        )
        left = attrs.asdict(self.ledger, recurse=False)
        assert not any(
            left[name] for name in ("_turns", "_known", "_ended", "_lenders", "_hopeful")
        )


SlotMachine.TestCase.settings = settings(
    max_examples=examples(30, 100), stateful_step_count=40, deadline=None
)
test_any_coming_and_going_is_fair = pytest.mark.slow(SlotMachine.TestCase)
