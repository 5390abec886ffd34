"""Rules first, then scanners, then others who try to refute what was found.

Theory of operation. The rules look at every file and ask nobody. Scanners work at once, each on its
own categories; what they quote is looked up before anybody sees it, and what is one finding becomes
one. Validators are of another vendor than the finder, do not know who it was, and are asked to
refute; a finding that nobody could look at stays unrefuted. `deep` investigates each grave finding
that stands. A phase that failed is told, and nothing found then never reads as clean.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import Evidence, Finding, FindingSeverity, FindingState, SourcePlace
from aimux.rules.audit import (
    BATCH,
    SCANNER_SCHEMA,
    VALIDATOR_SCHEMA,
    AuditPhase,
    AuditRecord,
    investigation_prompt,
    merge,
    place_of,
    prioritise,
    read_findings,
    read_verdicts,
    report_audit,
    scanner_prompt,
    validator_prompt,
    with_evidence_of,
    with_verdict,
)
from aimux.rules.panels import Member
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._asking import Heard, ask_seat

RULES: Final = "rules"  # what rules are called as finders
GRAVE: Final = frozenset({FindingSeverity.CRITICAL, FindingSeverity.HIGH})
STANDING: Final = frozenset({FindingState.CONFIRMED, FindingState.UNREFUTED})
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


class Depth(enum.StrEnum):
    """How far an audit goes."""

    QUICK = "quick"  # rules and scanners
    STANDARD = "standard"  # and validators
    DEEP = "deep"  # and an investigation of each grave finding


@attrs.frozen(kw_only=True)
class RuleScan:
    """What the rules found, in which files, what was not looked at; `why` if they did not run."""

    findings: Sequence[Finding] = ()
    files: Sequence[str] = ()
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    why: str = ""


@attrs.frozen(kw_only=True)
class Scanner:
    """A seat and what it looks for."""

    seat: Seat
    member: Member
    categories: Sequence[str]


@attrs.frozen(kw_only=True)
class AuditRequest:
    """What is audited by whom.

    `scan` runs the rules, `check` looks quotes up, `code` shows the lines around findings; all of
    them wait for the disk. `validators` are tried in order for each finding.
    """

    depth: Depth
    scope: Mapping[str, object]
    scanners: Sequence[Scanner]
    validators: Sequence[tuple[Seat, Member]]
    scan: Callable[[], Awaitable[RuleScan]]
    check: Check
    code: Callable[[Sequence[Finding]], Awaitable[Sequence[str]]]
    limit_s: float
    scanner_limit_s: float
    validator_limit_s: float
    is_exhaustive: bool = False
    unseated: Sequence[tuple[str, str]] = ()
    exports: Mapping[str, str] = attrs.field(factory=dict)


def audit(request: AuditRequest) -> Work:
    """The work of an audit. Cancelling it ends every turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        run = _Audit(request, ask, note)
        await run.rules()
        await run.scan()
        if request.depth is not Depth.QUICK:
            await run.validate()
        if request.depth is Depth.DEEP:
            await run.investigate()
        return run.report()

    return work


@attrs.define(eq=False)
class _Audit:
    """One audit under way."""

    request: AuditRequest
    ask: Ask
    note: Note
    found: list[Finding] = attrs.field(factory=list)
    ruled: RuleScan = attrs.field(factory=RuleScan)
    files_read: dict[str, int] = attrs.field(factory=dict)
    phases: list[AuditPhase] = attrs.field(factory=list)
    texts: dict[str, str] = attrs.field(factory=dict)  # investigations by finding

    async def rules(self) -> None:
        """What needs no CLI."""
        self.ruled = await self.request.scan()
        self.found = list(self.ruled.findings)
        status = "failed" if self.ruled.why else "completed"
        self._end_phase("rules", status, 0, self.ruled.why)

    async def scan(self) -> None:
        """Every scanner at once; what they quote is looked up before it counts."""
        request = self.request
        heard: list[Heard | None] = [None] * len(request.scanners)
        limit_s = min(request.scanner_limit_s, request.limit_s * 0.5)
        files = self.ruled.files

        async def one(at: int, scanner: Scanner) -> None:
            prompt = scanner_prompt(
                scanner.categories, files, total=len(files), is_exhaustive=request.is_exhaustive
            )
            heard[at] = await ask_seat(
                self.ask, scanner.seat, prompt, schema=SCANNER_SCHEMA, limit_s=limit_s
            )

        async with trio.open_nursery() as asking:
            for at, scanner in enumerate(request.scanners):
                asking.start_soon(one, at, scanner)
        lost = [f"{name}: {why}" for name, why in request.unseated]
        for scanner, said in zip(request.scanners, heard, strict=True):
            assert said is not None
            cli = scanner.member.cli
            if not said.is_answer or said.data is None:
                why = said.told or "its answer was no list of findings"
                kinds = ", ".join(scanner.categories)
                lost.append(f"{said.seat} ({cli}) on {kinds}: {why}")
                continue
            findings, files_read = read_findings(said.seat, said.data)
            self.files_read[cli] = self.files_read.get(cli, 0) + len(set(files_read))
            self.found += await self._looked_up(findings)
        self.found = merge(self.found)
        asked = len(request.scanners)
        self._end_phase("scan", self._status(asked - len(lost), lost), asked, "; ".join(lost))

    async def _looked_up(self, findings: Sequence[Finding]) -> list[Finding]:
        found = await self.request.check([place_of(each) for each in findings])
        return [with_evidence_of(*pair) for pair in zip(findings, found, strict=True)]

    async def validate(self) -> None:
        """Others try to refute what stands; rules that are certain need nobody."""
        open_ones = [
            at
            for at, each in enumerate(self.found)
            if each.state is FindingState.UNREFUTED and not each.is_certain
        ]
        by_seat: dict[str, list[int]] = {}
        alone: list[str] = []
        for at in open_ones:
            seat = self._validator_of(self.found[at])
            if seat is None:
                alone.append(self.found[at].title)
            else:
                by_seat.setdefault(seat.name, []).append(at)
        seats = {seat.name: seat for seat, _ in self.request.validators}
        lost: list[str] = []
        turns = 0
        async with trio.open_nursery() as asking:
            for name, positions in by_seat.items():
                for first in range(0, len(positions), BATCH):
                    turns += 1
                    batch = positions[first : first + BATCH]
                    asking.start_soon(self._refute, seats[name], batch, lost)
        if alone:
            lost.append(f"no validator of another vendor for {len(alone)}: {', '.join(alone[:5])}")
        status = "skipped" if not open_ones else self._status(turns - len(lost), lost)
        reason = "nothing to validate" if not open_ones else "; ".join(lost)
        self._end_phase("validate", status, turns, reason)

    def _validator_of(self, finding: Finding) -> Seat | None:
        """A seat of another vendor than any finder's."""
        finders = {
            scanner.member.vendor
            for scanner in self.request.scanners
            if scanner.seat.name in finding.scanners
        }
        for seat, member in self.request.validators:
            if member.vendor not in finders:
                return seat
        return None

    async def _refute(self, seat: Seat, batch: Sequence[int], lost: list[str]) -> None:
        findings = [self.found[at] for at in batch]
        prompt = validator_prompt(findings, await self.request.code(findings))
        limit_s = min(self.request.validator_limit_s, self.request.limit_s * 0.3)
        heard = await ask_seat(self.ask, seat, prompt, schema=VALIDATOR_SCHEMA, limit_s=limit_s)
        verdicts = read_verdicts(heard.data, len(batch)) if heard.is_answer else {}
        if not verdicts:
            lost.append(f"{seat.name}: {heard.told or 'its answer had no verdicts'}")
            return
        for number, verdict in verdicts.items():
            found = await self.request.check(verdict.places)
            at = batch[number]
            self.found[at] = with_verdict(self.found[at], seat.name, verdict, found)

    async def investigate(self) -> None:
        """Each grave finding that stands, by somebody who is not its finder."""
        grave = [each for each in self.found if each.severity in GRAVE and each.state in STANDING]
        lost: list[str] = []

        async def one(finding: Finding) -> None:
            seat = self._validator_of(finding) or next(
                (seat for seat, _ in self.request.validators), None
            )
            if seat is None:
                lost.append(f"{finding.title}: nobody is left to ask")
                return
            (code,) = await self.request.code([finding])
            own = attrs.evolve(seat, name=f"{seat.name}-{finding.id}")
            limit_s = self.request.validator_limit_s
            heard = await ask_seat(
                self.ask, own, investigation_prompt(finding, code), limit_s=limit_s
            )
            if heard.is_answer:
                self.texts[finding.id] = heard.content
            else:
                lost.append(f"{finding.title}: {heard.told}")

        async with trio.open_nursery() as asking:
            for finding in grave:
                asking.start_soon(one, finding)
        status = "skipped" if not grave else self._status(len(self.texts), lost)
        reason = "no grave finding stands" if not grave else "; ".join(lost)
        self._end_phase("investigate", status, len(grave), reason)

    def _status(self, done: int, lost: Sequence[str]) -> str:
        if not lost:
            return "completed"
        return "partial" if done > 0 else "failed"

    def _end_phase(self, name: str, status: str, turns: int, reason: str) -> None:
        self.phases.append(AuditPhase(name=name, status=status, turns=turns, reason=reason))
        self.note(f"{name}: {status}", phase=name, findings=len(self.found), reason=reason)

    def report(self) -> Report:
        request = self.request
        names = {scanner.seat.name: scanner.member.cli for scanner in request.scanners}
        names |= {seat.name: member.cli for seat, member in request.validators}
        return report_audit(
            AuditRecord(
                scope=request.scope,
                findings=prioritise(self.found),
                phases=self.phases,
                files_seen=len(self.ruled.files),
                files_read=self.files_read,
                skipped=self.ruled.skipped,
                notes=self.ruled.notes,
                investigations=self.texts,
                names=names,
                exports=request.exports,
            )
        )
