"""Any history at all: what holds of an investigation whatever is said to it."""

import datetime

import attrs
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aimux.errors import AimuxError
from aimux.investigate import (
    NEXT,
    CheckedPlace,
    Confidence,
    Draft,
    Investigation,
    Move,
    Phase,
    Severity,
    Verdict,
    add_clearance,
    add_finding,
    assess,
    judge_report,
    look_over,
    moved,
    render_report,
)
from aimux.model import dump_bytes, load_bytes

from ..extent import examples
from ._values import AREAS, BIRTH, DOMAIN, FOUND, MISSING, SAID, make

TEXTS = [*SAID, *(f"it is not so that {each}" for each in SAID[:3]), "", "x" * 3_000]
WORDS = ["P0", "P1", "P2", "P3", "P9"]
KNOWN = [*(str(each) for each in Confidence), "SURE"]
PLACES = [(), (FOUND,), (MISSING,), (FOUND, MISSING), (CheckedPlace(path="b.py", why="none"),)]


class Investigating(RuleBasedStateMachine):
    """Findings, notes, corrections, assessments and reports in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Investigation = make()
        self.said: set[str] = set()
        self.last: Verdict | None = None
        self.learned = False  # since the last assessment

    def ids(self) -> list[str]:
        return [each.id for each in self.state.findings]

    @rule(
        text=st.sampled_from(TEXTS),
        severity=st.sampled_from(WORDS),
        confidence=st.sampled_from(KNOWN),
        area=st.sampled_from(["", *AREAS, "omega"]),
        places=st.sampled_from(PLACES),
        other=st.integers(-1, 5),
        denies=st.booleans(),
    )
    def find(
        self,
        text: str,
        severity: str,
        confidence: str,
        area: str,
        places: tuple[CheckedPlace, ...],
        other: int,
        denies: bool,
    ) -> None:
        ids = [*self.ids(), "F-9-9"]
        target = ids[other % len(ids)] if other >= 0 else ""
        draft = Draft(
            description=text,
            source="seen",
            severity=severity,
            confidence=confidence,
            area=area,
            places=places,
            corrects="" if denies else target,
            contradicts=target if denies else "",
        )
        before = self.state
        try:
            self.state, added = add_finding(before, draft, BIRTH)
        except AimuxError:
            assert self.state is before
            return
        self.said.add(text)
        assert severity in list(Severity)
        assert confidence in list(Confidence)
        assert added.finding in self.state.findings
        assert added.merged == (len(self.state.findings) == len(before.findings))
        self.learned = self.learned or self.state is not before

    @rule(area=st.sampled_from(["", *AREAS]), places=st.sampled_from(PLACES))
    def note(self, area: str, places: tuple[CheckedPlace, ...]) -> None:
        before = self.state
        try:
            draft = Draft(description="nothing", source=f"read {area}", area=area, places=places)
            self.state, _ = add_clearance(before, draft, BIRTH)
        except AimuxError:
            assert places
            return
        self.learned = self.learned or self.state is not before

    @rule()
    def assess(self) -> None:
        was_idle = not self.learned
        before = self.last
        self.state, found = assess(self.state, DOMAIN, BIRTH)
        if was_idle and before is Verdict.CONTINUE:
            assert found.verdict is Verdict.CONTINUE, "it settled though nothing was said"
        self.last, self.learned = found.verdict, False
        assert found.may_stop == (self.state.phase is not Phase.OPEN)

    @rule(is_forced=st.booleans())
    def report(self, is_forced: bool) -> None:
        found = look_over(self.state, DOMAIN)
        gate = judge_report(self.state, found, is_forced=is_forced)
        text = render_report(self.state, found, gate, BIRTH)
        assert gate.is_ready == (self.state.phase is not Phase.OPEN)
        assert gate.is_ready == (not gate.gaps)
        assert ("not final" in text) == (not gate.is_ready)
        if gate.is_ready:
            self.state = moved(self.state, Move.REPORT, BIRTH)

    @invariant()
    def nothing_is_made_up(self) -> None:
        assert {each.description for each in self.state.findings} <= self.said

    @invariant()
    def verified_has_a_place(self) -> None:
        for each in self.state.findings:
            assert not each.is_verified or any(place.verified for place in each.places)

    @invariant()
    def corrections_lead_somewhere(self) -> None:
        ids = self.ids()
        assert len(set(ids)) == len(ids)
        for each in self.state.findings:
            assert each.corrected_by in {"", *ids}
            assert each.corrected_by != each.id
        corrected = {each.original for each in self.state.corrections}
        assert corrected == {each.id for each in self.state.findings if not each.is_active}

    @invariant()
    def what_was_learned_opens_it(self) -> None:
        if self.learned:
            assert self.state.phase is Phase.OPEN
        assert self.state.iteration == len(self.state.history)

    @invariant()
    def it_survives_the_codec(self) -> None:
        assert load_bytes(Investigation, dump_bytes(self.state)) == self.state


TestInvestigating = Investigating.TestCase
TestInvestigating.settings = settings(
    max_examples=examples(20, 60), stateful_step_count=25, deadline=None
)


def test_a_move_that_is_not_allowed_changes_no_phase() -> None:
    """A report of what is open is not the end of it; time goes forward only."""
    late = BIRTH + datetime.timedelta(hours=1)
    state = moved(make(), Move.REPORT, late)

    assert (state.phase, state.last_active_at) == (Phase.OPEN, late)
    assert moved(state, Move.LEARNED, BIRTH).last_active_at == late
    assert set(NEXT) == set(Phase)
    assert moved(attrs.evolve(state, phase=Phase.COMPLETE), Move.REPORT, late).phase is (
        Phase.REPORTED
    )
