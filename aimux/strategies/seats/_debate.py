"""Two sides argue, and a judge who is neither says whose case stands.

Theory of operation. Openings, rebuttals and closings are asked of both sides at once, so that
nobody speaks last. A turn that fails is a forfeit of its phase; what was said before is kept. A
side without an opening has no case: the other goes on talking to nobody no more, and no judge is
asked, because one side alone only persuades. Judges get a copy without names, with what was found
nowhere struck, in both orders at once and on seats of their own, so that none remembers the other
order. What the speeches take of the time is bounded, so that the judge has its part.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import Evidence, SourcePlace
from aimux.rules.panels import Member
from aimux.rules.talk import (
    DEBATE_PROMPTS,
    JUDGE_SCHEMA,
    OPENING,
    ORDERS,
    REBUTTAL,
    REBUTTAL_SCHEMA,
    SIDES,
    SPEECH_SCHEMA,
    DebateRecord,
    JudgeCopy,
    JudgeRecord,
    Ruling,
    SideRecord,
    Speech,
    Struck,
    decide_verdict,
    judge_copy,
    judge_prompt,
    opening_prompt,
    phases_of,
    read_ruling,
    read_speech,
    report_debate,
)
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._asking import Heard, ask_seat

JUDGE_SHARE: Final = 0.25  # of the job's time, kept for the verdict
OTHER_ORDER: Final = "-swapped"  # what the seat of a judge's second order is called
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


@attrs.frozen(kw_only=True)
class DebateRequest:
    """What is debated by whom. `seats` and `members` are by side, `judges` by the name of its seat.

    No judges: nobody judges. `limit_s` is the whole job's, `turn_limit_s` of one turn.
    """

    topic: str
    seats: Mapping[str, Seat]
    members: Mapping[str, Member]
    judges: Mapping[str, Member]
    check: Check
    seed: int
    limit_s: float
    turn_limit_s: float
    max_turns: int = 6


@attrs.define(eq=False)
class _Debate:
    """One debate under way: what each side has said and forfeited."""

    request: DebateRequest
    ask: Ask
    note: Note
    said: dict[str, list[Speech]] = attrs.field(init=False)
    forfeits: dict[str, list[tuple[str, str]]] = attrs.field(init=False)
    clis: dict[str, str] = attrs.field(factory=dict)
    struck: list[Struck] = attrs.field(factory=list)
    phases: list[dict[str, object]] = attrs.field(factory=list)
    unheard: str = ""

    def __attrs_post_init__(self) -> None:
        self.said = {side: [] for side in SIDES}
        self.forfeits = {side: [] for side in SIDES}

    async def speak(self, phase: str, limit_s: float) -> None:
        """Have both sides speak at once; neither sees what the other says in this phase."""
        began = trio.current_time()
        before = {side: list(self.said[side]) for side in SIDES}
        heard: dict[str, Heard] = {}

        async def one(side: str, prompt: str) -> None:
            schema = REBUTTAL_SCHEMA if phase == REBUTTAL else SPEECH_SCHEMA
            seat = self.request.seats[side]
            heard[side] = await ask_seat(self.ask, seat, prompt, schema=schema, limit_s=limit_s)

        async with trio.open_nursery() as speaking:
            for side in SIDES:
                speaking.start_soon(one, side, self._prompt(phase, side, before))
        for side in SIDES:
            await self._take(phase, side, heard[side], before)
        self._time(phase, limit_s, began)
        spoke = [side for side in SIDES if heard[side].is_answer]
        self.note(
            f"{phase}: {' and '.join(spoke) or 'nobody'} spoke",
            phase=phase,
            spoke=spoke,
            forfeited={side: heard[side].reason for side in SIDES if side not in spoke},
        )

    def _prompt(self, phase: str, side: str, before: Mapping[str, Sequence[Speech]]) -> str:
        topic = self.request.topic
        if phase == OPENING:
            return opening_prompt(topic, side)
        return DEBATE_PROMPTS[phase](topic, side, before[side], before[_other(side)])

    async def _take(
        self, phase: str, side: str, heard: Heard, before: Mapping[str, Sequence[Speech]]
    ) -> None:
        result = heard.result
        if result is not None and result.cli:
            self.clis[side] = result.cli
        if not heard.is_answer or result is None:
            self.forfeits[side].append((phase, heard.told))
            return
        others = [each.body for each in before[_other(side)]]
        speech = read_speech(side, phase, result.turn, heard.data, heard.content, others)
        speech = speech.with_evidence(await self.request.check(speech.places))
        self.said[side].append(speech)

    async def judge(self, phases: Sequence[str], limit_s: float) -> list[Ruling]:
        """Have each judge rule in both orders at once."""
        began = trio.current_time()
        copies = {side: self._copy(side, phases) for side in SIDES}
        rulings: dict[tuple[str, int], Ruling] = {}

        async def one(name: str, number: int, seat: Seat) -> None:
            order = ORDERS[number]
            prompt = judge_prompt(self.request.topic, copies[order[0]], copies[order[1]])
            heard = await ask_seat(self.ask, seat, prompt, schema=JUDGE_SCHEMA, limit_s=limit_s)
            if heard.result is not None and heard.result.cli:
                self.clis[name] = heard.result.cli  # another may have stepped in: even a party
            ruling = read_ruling(name, order, heard.data)
            if not heard.is_answer:
                ruling = attrs.evolve(ruling, winner="", reason=heard.told)
            rulings[name, number] = ruling

        async with trio.open_nursery() as judging:
            for seat in judge_seats(self.request.judges):
                number = int(seat.name.endswith(OTHER_ORDER))
                name = seat.name.removesuffix(OTHER_ORDER) if number else seat.name
                judging.start_soon(one, name, number, seat)
        self._time("judge", limit_s, began)
        found = [rulings[name, number] for name in self.request.judges for number in (0, 1)]
        told = [f"{each.winner or 'nothing'} with {each.order[0]} first" for each in found]
        self.note(f"judged: {', '.join(told)}", winners=[each.winner for each in found])
        return found

    def _copy(self, side: str, phases: Sequence[str]) -> JudgeCopy:
        """A side as the judges get it; what was struck from it is kept."""
        speeches = []
        left = list(self.said[side])
        for phase in phases:
            speech = left.pop(0) if left and left[0].phase == phase else None
            text = ""
            if speech is not None:
                text, struck = judge_copy(speech)
                self.struck += struck
            speeches.append((phase, text))
        return JudgeCopy(side=side, speeches=speeches)

    def _time(self, name: str, limit_s: float, began: float) -> None:
        limit = None if limit_s == float("inf") else round(limit_s, 3)
        took_s = round(trio.current_time() - began, 3)
        self.phases.append({"name": name, "limit_seconds": limit, "took_seconds": took_s})

    def record(self, rulings: Sequence[Ruling]) -> DebateRecord:
        """Everything it came to."""
        request = self.request
        sides = {
            side: SideRecord(
                side=side,
                member=request.members[side],
                cli=self.clis.get(side) or request.members[side].cli,
                speeches=self.said[side],
                forfeits=self.forfeits[side],
            )
            for side in SIDES
        }
        spoken = {each.cli for each in sides.values()}
        return DebateRecord(
            topic=request.topic,
            sides=sides,
            judges=[
                JudgeRecord(
                    seat=name,
                    cli=(cli := self.clis.get(name) or member.cli),
                    vendor=member.vendor,
                    is_party=cli in spoken,
                )
                for name, member in request.judges.items()
            ],
            rulings=rulings,
            verdict=decide_verdict(rulings),
            struck=self.struck,
            seed=request.seed,
            phases=self.phases,
            is_judged=bool(request.judges),
            unheard=self.unheard,
        )


def debate(request: DebateRequest) -> Work:
    """The work of two sides and their judges. Cancelling it ends every turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        held = _Debate(request, ask, note)
        phases = phases_of(request.max_turns)
        share = 1 - JUDGE_SHARE if request.judges else 1.0
        for phase in phases:
            limit_s = min(request.turn_limit_s, request.limit_s * share / len(phases))
            await held.speak(phase, limit_s)
            silent = [side for side in SIDES if not held.said[side]]
            if silent:
                held.unheard = f"{' and '.join(silent)} made no case"
                break
        rulings: list[Ruling] = []
        if request.judges and not held.unheard:
            limit_s = min(request.turn_limit_s, request.limit_s * JUDGE_SHARE)
            rulings = await held.judge(phases, limit_s)
        return report_debate(held.record(rulings))

    return work


def judge_seats(judges: Mapping[str, Member]) -> list[Seat]:
    """The seats of the judges: one for each order, so that none remembers the other."""
    return [
        member.seat(f"{name}{order}")
        for name, member in judges.items()
        for order in ("", OTHER_ORDER)
    ]


def _other(side: str) -> str:
    return next(each for each in SIDES if each != side)
