"""A consensus as its caller gets it: the record for programs, the same for people."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Failure, FailureClass, JobStatus, Report, TurnResult, Verified, Warned
from aimux.rules import harmless, on_one_line

from ._consensus import (
    Position,
    count_evidence,
    evidence_json,
    join_groups,
    minority,
    only_one_said,
)
from ._panel import Member
from ._tally import Tally, apply_veto, confidence

TITLE_CHARS: Final = 200  # of a question, as a heading
SHOWN_CLAIMS: Final = 2  # of a member, where it is read; all stand in the record
FOUND: Final = {
    Verified.QUOTE: "quote found",
    Verified.LINE_EXISTS: "line exists",
    Verified.NO: "not found",
}
NOT_CORRECTNESS: Final = "Agreement is not correctness: members err together, too."


@attrs.frozen(kw_only=True)
class Seated:
    """What one seat of a panel came to. `reason` says why it is lost; a late one is not."""

    seat: str
    member: Member
    position: Position | None = None
    result: TurnResult | None = None
    reason: str = ""
    told: str = ""
    is_late: bool = False

    @property
    def status(self) -> str:
        """The word of its record."""
        if self.position is not None:
            return "answered"
        return "late" if self.is_late else "lost"


@attrs.frozen(kw_only=True)
class SynthesisRecord:
    """What a synthesiser made of the answers; `reason` says why there is none."""

    seat: str
    cli: str
    is_self: bool
    content: str = ""
    same: Sequence[Sequence[str]] = ()
    open_questions: Sequence[str] = ()
    is_order_sensitive: bool | None = None
    reason: str = ""


@attrs.frozen(kw_only=True)
class ConsensusRecord:
    """Everything a consensus came to. `seats` stand in the order of their letters.

    `unseated` are those who were named and could not sit. What a seat of `veto` does not hold has
    not won.
    """

    question: str
    mode: str
    is_blinded: bool
    seed: int
    rounds: int
    phases: Sequence[Mapping[str, object]]
    seats: Sequence[Seated]
    found: Tally
    quorum: int
    unseated: Sequence[tuple[str, str]] = ()
    synthesis: SynthesisRecord | None = None
    veto: Sequence[str] = ()

    @property
    def positions(self) -> list[Position]:
        """What those who answered hold."""
        return [each.position for each in self.seats if each.position is not None]

    @property
    def lost(self) -> list[Seated]:
        """Who was asked and did not answer."""
        return [each for each in self.seats if each.status == "lost"]


def report_consensus(record: ConsensusRecord) -> Report:
    """The report of a panel: completed, partial where somebody is lost, failed without a quorum."""
    if record.synthesis is not None:
        record = attrs.evolve(record, found=join_groups(record.found, record.synthesis.same))
    found, vetoed_by = apply_veto(record.found, record.veto)
    record = attrs.evolve(record, found=found)
    warnings = _warnings(record.seats, record.synthesis)
    failure = _failure(record)
    status = JobStatus.COMPLETED if failure is None else JobStatus.PARTIAL
    if len(record.positions) < record.quorum:
        status = JobStatus.FAILED
    data = _data(record, warnings, vetoed_by)
    return Report(
        status=status,
        content=harmless(_content(record, data)),
        data=data,
        failure=failure,
        warnings=warnings,
    )


def _data(
    record: ConsensusRecord, warnings: Sequence[Warned], vetoed_by: Sequence[str]
) -> dict[str, object]:
    positions, synthesis = record.positions, record.synthesis
    vendors = sorted({each.member.vendor for each in record.seats if each.position is not None})
    tally = _tally_json(record.found) | ({"vetoed_by": list(vetoed_by)} if vetoed_by else {})
    return {
        "question": record.question,
        "mode": record.mode,
        "blinded": record.is_blinded,
        "seed": record.seed,
        "rounds": record.rounds,
        "phases": list(record.phases),
        "seats": [_seat_json(each) for each in record.seats],
        "tally": tally,
        "minority": minority(record.found, positions),
        "only_one_said": only_one_said(positions),
        "synthesis": None if synthesis is None else _synthesis_json(synthesis),
        "open_questions": _open_questions(positions, synthesis),
        "quorum": _quorum_json(record),
        "diversity": {"vendors": vendors, "shared_vendor": len(vendors) < len(positions)},
        "confidence": _confidence_json(record.found.agreement, positions, len(vendors)),
        "warnings": [attrs.asdict(each) for each in warnings],
    }


def _quorum_json(record: ConsensusRecord) -> dict[str, object]:
    lost = [
        {"seat": each.seat, "cli": each.member.cli, "reason": each.told or each.reason}
        for each in record.lost
    ]
    unseated = [{"seat": None, "cli": name, "reason": why} for name, why in record.unseated]
    return {
        "needed": record.quorum,
        "got": len(record.positions),
        "late": [each.seat for each in record.seats if each.status == "late"],
        "lost": [*lost, *unseated],
    }


def _confidence_json(
    agreement: float, positions: Sequence[Position], vendors: int
) -> dict[str, object]:
    claimed, verified = count_evidence(positions)
    share = round(verified / claimed, 3) if claimed else 0.0
    return {
        "value": confidence(agreement, claimed, verified, vendors),
        "from": {"agreement": agreement, "verified_evidence": share},
    }


def _failure(record: ConsensusRecord) -> Failure | None:
    """Why it is not whole; None if it is."""
    lost, quorum, synthesis = record.lost, record.quorum, record.synthesis
    told = [f"{each.seat} ({each.member.cli}): {each.told or each.reason}" for each in lost]
    told += [f"{name} could not be seated: {why}" for name, why in record.unseated]
    answered = len(record.positions)
    if answered < quorum:
        return Failure(
            failure_class=FailureClass.UNKNOWN,
            code="no_quorum",
            message=f"{answered} of the {quorum} needed answered; " + "; ".join(told),
            hint="what was answered is in data.seats; name other clis, or lower quorum",
            retryable=True,
        )
    if told:
        return Failure(
            failure_class=FailureClass.UNKNOWN,
            code="seat_lost",
            message="; ".join(told),
            hint="the count is of those who answered",
        )
    if synthesis is not None and synthesis.reason:
        return Failure(
            failure_class=FailureClass.UNKNOWN,
            code="synthesis_lost",
            message=f"no synthesis: {synthesis.reason}",
            hint="the answers and their count stand without it",
        )
    return None


def _warnings(seats: Sequence[Seated], synthesis: SynthesisRecord | None) -> list[Warned]:
    warnings = [
        Warned(code="answered_in_prose", message=f"{each.seat} gave no JSON: its text is kept")
        for each in seats
        if each.position is not None and each.result is not None and each.result.data is None
    ]
    if synthesis is None:
        return warnings
    if synthesis.is_self:
        said = f"no CLI outside the panel was left: {synthesis.cli} judges its own answer too"
        warnings.append(Warned(code="self_synthesis", message=said))
    if synthesis.is_order_sensitive:
        said = "the synthesis changed with the order of the answers: trust the count, not it"
        warnings.append(Warned(code="order_sensitive", message=said))
    return warnings


def _seat_json(each: Seated) -> dict[str, object]:
    position = each.position
    return {
        "seat": each.seat,
        "cli": each.member.cli,
        "asked": each.member.named,
        "vendor": each.member.vendor,
        "model": (each.result.model if each.result is not None else "")
        or each.member.model
        or None,
        "status": each.status,
        "position": position.position if position is not None else None,
        "answer": (position.answer or None) if position is not None else None,
        "claims": [
            {"text": claim.text, "evidence": [evidence_json(found) for found in claim.evidence]}
            for claim in (position.claims if position is not None else ())
        ],
        "assumptions": list(position.assumptions) if position is not None else [],
        "would_change": list(position.would_change) if position is not None else [],
        "error": (each.told or each.reason) if each.status == "lost" else None,
    }


def _tally_json(found: Tally) -> dict[str, object]:
    return {
        "method": found.method,
        "groups": [{"position": g.position, "seats": list(g.seats)} for g in found.groups],
        "agreement": found.agreement,
        "winner": found.winner,
    }


def _synthesis_json(synthesis: SynthesisRecord) -> dict[str, object]:
    return {
        "seat": synthesis.seat,
        "cli": synthesis.cli,
        "self_synthesis": synthesis.is_self,
        "content": synthesis.content,
        "order_sensitive": synthesis.is_order_sensitive,
        "error": synthesis.reason or None,
    }


def _open_questions(positions: Sequence[Position], synthesis: SynthesisRecord | None) -> list[str]:
    """What the synthesiser leaves open; without one, what would change the members' minds."""
    if synthesis is not None and synthesis.open_questions:
        return list(synthesis.open_questions)
    return list(dict.fromkeys(text for each in positions for text in each.would_change))


def _content(record: ConsensusRecord, data: Mapping[str, object]) -> str:
    seats, found, synthesis = record.seats, record.found, record.synthesis
    by_seat = {each.seat: each for each in seats}
    parts = [f"# {_title(record.question)}", _verdict(record, data)]
    if synthesis is not None and synthesis.content:
        whose = "a member of the panel" if synthesis.is_self else "outside the panel"
        parts.append(f"## Synthesis\n\nBy {synthesis.cli}, {whose}.\n\n{synthesis.content}")
    if found.groups:
        parts.append("## Positions")
    for group in found.groups:
        lines = [line for seat in group.seats for line in _seat_lines(by_seat[seat])]
        parts.append(
            "\n".join([f"**{on_one_line(group.position)}** ({len(group.seats)})", "", *lines])
        )
    alone = data["only_one_said"]
    if isinstance(alone, list) and alone:
        parts.append(
            _section("Said by one only", [f"{each['seat']}: {each['claim']}" for each in alone])
        )
    missing = [f"{_who(each)}: {_why(each)}" for each in seats if each.position is None]
    missing += [f"{name}: could not be seated, {why}" for name, why in record.unseated]
    if missing:
        parts.append(_section("Not heard", missing))
    questions = data["open_questions"]
    if isinstance(questions, list) and questions:
        parts.append(_section("Open", [str(each) for each in questions]))
    return "\n\n".join(parts)


def _verdict(record: ConsensusRecord, data: Mapping[str, object]) -> str:
    """What it came to, and how far to trust that."""
    found, tally = record.found, data["tally"]
    if len(record.positions) < record.quorum:
        got, needed = len(record.positions), record.quorum
        return f"**No quorum:** {got} answered, {needed} were needed."
    total = sum(len(group.seats) for group in found.groups)
    if found.winner is not None:
        size = len(found.groups[0].seats)
        return f"**{size} of {total} hold:** {on_one_line(found.winner)}\n\n{_trust(record, data)}"
    vetoed_by = tally.get("vetoed_by") if isinstance(tally, Mapping) else None
    if vetoed_by:
        most = on_one_line(found.groups[0].position)
        names = ", ".join(_who(each) for each in record.seats if each.seat in vetoed_by)
        return f"**Vetoed by {names}:** most hold {most}, and nothing wins without them."
    return f"**They do not agree:** {len(found.groups)} positions, none of them ahead."


def _trust(record: ConsensusRecord, data: Mapping[str, object]) -> str:
    claimed, verified = count_evidence(record.positions)
    confident, diversity = data["confidence"], data["diversity"]
    assert isinstance(confident, Mapping)
    assert isinstance(diversity, Mapping)
    looked = (
        f"{verified} of {claimed} places of evidence found in the files"
        if claimed
        else "no evidence that can be looked up"
    )
    capped = "; all are of one vendor, so 0.5 at most" if len(diversity["vendors"]) < 2 else ""
    return (
        f"Confidence {confident['value']:.2g}: agreement {record.found.agreement:.2g}, {looked}"
        f"{capped}. {NOT_CORRECTNESS}"
    )


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {on_one_line(line)}" for line in lines)])


def _seat_lines(each: Seated) -> list[str]:
    """What a seat holds, and its first reasons with what was found of their evidence."""
    assert each.position is not None
    lines = [f"- {_who(each)}: {on_one_line(each.position.position)}"]
    for claim in each.position.claims[:SHOWN_CLAIMS]:
        places = "; ".join(
            f"{place.path}:{place.line or '?'}, {FOUND[place.verified]}" for place in claim.evidence
        )
        lines.append(
            f"  - {on_one_line(claim.text)}" + (f" ({on_one_line(places)})" if places else "")
        )
    return lines


def _who(each: Seated) -> str:
    return f"{each.seat} ({each.member.cli})"


def _why(each: Seated) -> str:
    if each.is_late:
        return "late, the others were enough"
    return f"lost, {each.told or each.reason}"


def _title(text: str) -> str:
    line = on_one_line(text)
    return line if len(line) <= TITLE_CHARS else f"{line[:TITLE_CHARS]}…"
