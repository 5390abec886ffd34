"""A debate as its caller gets it: the record for programs, the same for people."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, JobStatus, Report, Warned
from aimux.rules import harmless, on_one_line, shorten
from aimux.rules.panels import Member, evidence_json

from ._debate import CLOSING, CON, OPENING, PRO, REBUTTAL, SIDES, Speech, Struck
from ._verdict import DRAW, ORDERS, DebateVerdict, Ruling

_SHOWN_CHARS: Final = 1_500  # of a speech in the report; the record has all of it


@attrs.frozen(kw_only=True)
class SideRecord:
    """One side: who spoke for it, what it said, what it forfeited and why."""

    side: str
    member: Member
    cli: str
    speeches: Sequence[Speech] = ()
    forfeits: Sequence[tuple[str, str]] = ()  # phase, reason

    @property
    def has_opened(self) -> bool:
        """Whether there is anything to judge."""
        return any(each.phase == OPENING for each in self.speeches)


@attrs.frozen(kw_only=True)
class JudgeRecord:
    """One judge. `is_party`: its CLI has spoken for a side too."""

    seat: str
    cli: str
    vendor: str
    is_party: bool = False


@attrs.frozen(kw_only=True)
class DebateRecord:
    """Everything a debate came to. `unheard` says why no judge was asked where one was wanted."""

    topic: str
    sides: Mapping[str, SideRecord]
    judges: Sequence[JudgeRecord]
    rulings: Sequence[Ruling]
    verdict: DebateVerdict | None
    struck: Sequence[Struck]
    seed: int
    phases: Sequence[Mapping[str, object]]
    is_judged: bool
    unheard: str = ""


def report_debate(record: DebateRecord) -> Report:
    """The report of a debate: partial where somebody forfeited, a judge is a party or is lost."""
    failures = _failures(record)
    status = JobStatus.PARTIAL if failures else JobStatus.COMPLETED
    if not any(side.has_opened for side in record.sides.values()):
        status = JobStatus.FAILED
    warnings = _warnings(record)
    data = {
        "topic": record.topic,
        "sides": [_side_json(record.sides[side]) for side in SIDES],
        "judge": _judge_json(record),
        "verdict": None if record.verdict is None else _verdict_json(record.verdict),
        "struck": [attrs.asdict(each) for each in record.struck],
        "seed": record.seed,
        "phases": list(record.phases),
        "warnings": [attrs.asdict(each) for each in warnings],
    }
    failure = None
    if failures:
        first = failures[0]
        told = "; ".join(message for _, message in failures)
        failure = Failure(
            failure_class=FailureClass.UNKNOWN,
            code=first[0],
            message=told,
            hint="what was said is in data.sides; name other CLIs, or a judge who is no party",
            retryable=True,
        )
    return Report(
        status=status,
        content=harmless(_content(record)),
        data=data,
        failure=failure,
        warnings=warnings,
    )


def _failures(record: DebateRecord) -> list[tuple[str, str]]:
    """Why it is not whole, each as code and message; the worst first."""
    found = [
        ("seat_lost", f"{side.side} ({side.cli}) forfeited its {phase}: {reason}")
        for side in record.sides.values()
        for phase, reason in side.forfeits
    ]
    lost = {each.judge: each.reason for each in record.rulings if each.reason}
    by_seat = {each.seat: each.cli for each in record.judges}
    if record.is_judged and record.unheard:
        found.append(("no_verdict", f"no verdict: {record.unheard}"))
    found += [
        ("judge_lost", f"{seat} ({by_seat.get(seat, '?')}) gave no verdict in both orders: {why}")
        for seat, why in lost.items()
    ]
    parties = sorted({each.cli for each in record.judges if each.is_party})
    if parties:
        found.append(
            ("judge_is_party", f"{', '.join(parties)} judges a debate in which it is a side")
        )
    return found


def _warnings(record: DebateRecord) -> list[Warned]:
    warnings = []
    for side in record.sides.values():
        for each in side.speeches:
            where = f"{side.side}'s {each.phase}"
            if each.is_prose:
                said = f"{where} is no JSON: its text is kept"
                warnings.append(Warned(code="answered_in_prose", message=said))
            if each.is_cut:
                said = f"{where} was longer than both sides may be, and was cut"
                warnings.append(Warned(code="speech_cut", message=said))
            if each.vague:
                said = f"{where} concedes without naming a fact: that counts for nothing"
                warnings.append(Warned(code="vague_concession", message=said))
            if each.phase == REBUTTAL and not any(attack.is_found for attack in each.attacks):
                said = f"{where} quotes nothing that the other side has said"
                warnings.append(Warned(code="nothing_quoted", message=said))
    if record.verdict is not None and record.verdict.is_order_sensitive:
        said = "a verdict changed with the order of the sides: it counts as a draw"
        warnings.append(Warned(code="order_sensitive", message=said))
    if any(each.is_party for each in record.judges):
        said = "no CLI outside the debate was left or named: a party judges it"
        warnings.append(Warned(code="judge_is_party", message=said))
    return warnings


# ---------------------------------------------------------------------- for programs


def _side_json(side: SideRecord) -> dict[str, object]:
    def text(phase: str) -> str | None:
        return next((each.text for each in side.speeches if each.phase == phase), None)

    return {
        "side": side.side,
        "seat": side.side,
        "cli": side.cli,
        "vendor": side.member.vendor,
        "opening": text(OPENING),
        "rebuttals": [
            {
                "text": each.text,
                "attacks": [
                    {"quote": attack.quote, "reply": attack.reply, "found": attack.is_found}
                    for attack in each.attacks
                ],
            }
            for each in side.speeches
            if each.phase == REBUTTAL
        ],
        "closing": text(CLOSING),
        "concessions": [
            {"fact": conceded.fact, "evidence": [evidence_json(it) for it in conceded.evidence]}
            for each in side.speeches
            for conceded in each.concessions
        ],
        "evidence": [evidence_json(found) for each in side.speeches for found in each.evidence],
        "forfeits": [{"phase": phase, "reason": reason} for phase, reason in side.forfeits],
        "turns": [each.turn for each in side.speeches],
    }


def _judge_json(record: DebateRecord) -> dict[str, object]:
    cli_of = {each.seat: each.cli for each in record.judges}
    verdict = record.verdict
    return {
        "seats": [attrs.asdict(each) for each in record.judges],
        "orders": [list(order) for order in ORDERS] if record.rulings else [],
        "verdicts": [
            {
                "seat": each.judge,
                "cli": cli_of.get(each.judge),
                "order": list(each.order),
                "winner": each.winner or None,
                "confidence": each.confidence if each.winner else None,
                "recommendation": each.recommendation,
                "error": each.reason or None,
            }
            for each in record.rulings
        ],
        "order_sensitive": None if verdict is None else verdict.is_order_sensitive,
        "is_party": any(each.is_party for each in record.judges),
    }


def _verdict_json(verdict: DebateVerdict) -> dict[str, object]:
    return {
        "winner": verdict.winner,
        "confidence": verdict.confidence,
        "points": [dict(each) for each in verdict.points],
        "unresolved": list(verdict.unresolved),
        "recommendation": verdict.recommendation,
    }


# ---------------------------------------------------------------------- for people


_STANDS: Final = {PRO: "For", CON: "Against"}


def _content(record: DebateRecord) -> str:
    parts = [f"# {on_one_line(record.topic)}", _ruled(record)]
    verdict = record.verdict
    if verdict is not None and verdict.points:
        lines = [
            f"- {each['held_by']}: {on_one_line(str(each['claim']))}{_weight(each.get('weight'))}"
            for each in verdict.points
        ]
        parts.append("\n".join(["## What decided it", "", *lines]))
    if verdict is not None and verdict.unresolved:
        lines = [f"- {on_one_line(each)}" for each in verdict.unresolved]
        parts.append("\n".join(["## Nobody settled", "", *lines]))
    for side in SIDES:
        parts += _spoken(record.sides[side])
    if record.struck:
        lines = [
            f"- {each.seat}: {on_one_line(each.text)} ({on_one_line(each.why)})"
            for each in record.struck
        ]
        parts.append("\n".join(["## Struck: the judge did not see this", "", *lines]))
    forfeits = [
        f"- {side.side} ({side.cli}): {phase}, {reason}"
        for side in record.sides.values()
        for phase, reason in side.forfeits
    ]
    if forfeits:
        parts.append("\n".join(["## Forfeited", "", *forfeits]))
    return "\n\n".join(parts)


def _ruled(record: DebateRecord) -> str:
    verdict = record.verdict
    if not record.is_judged:
        return "**Not judged**, as was asked: the sides stand as they argued."
    if verdict is None:
        seen = [
            f"{each.judge} said {each.winner} with {each.order[0]} first"
            for each in record.rulings
            if each.winner
        ]
        why = record.unheard or "no judge has given one in both orders"
        return f"**No verdict:** {why}." + (f" In one only: {'; '.join(seen)}." if seen else "")
    who = ", ".join(each.cli for each in record.judges)
    stands = {
        PRO: f"for, argued by {record.sides[PRO].cli}",
        CON: f"against, argued by {record.sides[CON].cli}",
        "draw": "a draw",
        "neither": "neither side has made its case",
    }
    party = " **A party to the debate judged it.**" if _is_party(record) else ""
    flip = ""
    if verdict.is_order_sensitive and verdict.winner != DRAW:  # else the recommendation says it
        flip = " A judge ruled otherwise in the other order: its vote is a draw."
    return (
        f"**Verdict: {stands[verdict.winner]}** (confidence {verdict.confidence:g}; judged in both "
        f"orders by {who}).{flip}{party}\n\n{verdict.recommendation}".rstrip()
    )


def _spoken(side: SideRecord) -> list[str]:
    parts = [f"## {_STANDS[side.side]}: {side.cli}"]
    for each in side.speeches:
        parts.append(f"### {each.phase.capitalize()} (turn {each.turn})")
        parts.append(shorten(each.text, _SHOWN_CHARS))
        parts += [
            f"> {on_one_line(attack.quote)}\n\n{attack.reply}".rstrip()
            for attack in each.attacks
            if attack.is_found and not each.is_prose
        ]
        parts += [f"*Concedes:* {conceded.fact}" for conceded in each.concessions]
    return parts if side.speeches else [*parts, "It has said nothing."]


def _is_party(record: DebateRecord) -> bool:
    return any(each.is_party for each in record.judges)


def _weight(weight: object) -> str:
    return f" (weight {weight})" if weight not in (None, "") else ""
