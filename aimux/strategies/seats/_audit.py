"""Rules first, then scanners, then others who try to refute what was found.

Theory of operation. The rules look at every file and ask nobody. Scanners work at once, each on its
own categories; what they quote is looked up before anybody sees it, and what is one finding becomes
one. Validators are of another vendor than the finder, do not know who it was, and are asked to
refute; a finding that nobody could look at stays unrefuted. `deep` investigates each grave finding
that stands, and where commands may run, one that shows the finding confirms it. A phase that failed
is told, and nothing found then never reads as clean.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from aimux.model import (
    Evidence,
    ExecutedCheck,
    Finding,
    FindingSeverity,
    FindingState,
    SourcePlace,
    Warned,
)
from aimux.rules.audit import (
    BATCH,
    INVESTIGATION_SCHEMA,
    SCANNER_SCHEMA,
    VALIDATOR_SCHEMA,
    AuditPhase,
    AuditRecord,
    check_prompt,
    investigation_prompt,
    merge,
    place_of,
    prioritise,
    read_findings,
    read_investigation,
    read_verdicts,
    refuse_check,
    report_audit,
    scanner_prompt,
    validator_prompt,
    with_check,
    with_evidence_of,
    with_verdict,
)
from aimux.rules.panels import Member
from aimux.strategies import Ask, Note, Report, Seat, Work

from ._asking import Heard, ask_seat

RULES: Final = "rules"  # what rules are called as finders
GRAVE: Final = frozenset({FindingSeverity.CRITICAL, FindingSeverity.HIGH})
SCAN_SHARE: Final = 0.5  # of the time that is left, where other phases follow
VALIDATE_SHARE: Final = 0.6
STANDING: Final = frozenset({FindingState.CONFIRMED, FindingState.UNREFUTED})
Check = Callable[[Sequence[SourcePlace]], Awaitable[Sequence[Evidence]]]


class Depth(enum.StrEnum):
    """How far an audit goes."""

    QUICK = "quick"  # rules and scanners
    STANDARD = "standard"  # and validators
    DEEP = "deep"  # and an investigation of each grave finding


PHASES: Final = {Depth.QUICK: 1, Depth.STANDARD: 2, Depth.DEEP: 3}  # after the rules


@attrs.frozen(kw_only=True)
class RuleScan:
    """What the rules found, in which files, what was not looked at; `why` if they did not run."""

    findings: Sequence[Finding] = ()
    files: Sequence[str] = ()
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[Warned] = ()
    why: str = ""


@attrs.frozen(kw_only=True)
class Scanner:
    """A seat and what it looks for."""

    seat: Seat
    member: Member
    categories: Sequence[str]


@attrs.frozen(kw_only=True)
class Checking:
    """Commands that may show a finding: which programs, how long one may take, how it is run.

    `run` says how it went in a copy of the tree at `root` and in an empty directory.
    """

    programs: Sequence[str]
    root: str
    limit_s: float
    run: Callable[[ExecutedCheck, float], Awaitable[ExecutedCheck]]


@attrs.frozen(kw_only=True)
class AuditRequest:
    """What is audited by whom.

    `scan` runs the rules, `check` looks quotes up, `code` shows the lines around findings; all of
    them wait for the disk. `validators` are tried in order for each finding. Without `checking` no
    command runs. With `asks_nobody` the rules are all there is.
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
    asks_nobody: bool = False
    unseated: Sequence[tuple[str, str]] = ()
    exports: Mapping[str, str] = attrs.field(factory=dict)
    checking: Checking | None = None


def audit(request: AuditRequest) -> Work:
    """The work of an audit. Cancelling it ends every turn under way."""

    async def work(ask: Ask, note: Note) -> Report:
        run = _Audit(request, ask, note)
        await run.rules()
        phases = (run.scan, run.validate, run.investigate)[: PHASES[request.depth]]
        for phase in phases:
            if request.asks_nobody:
                run.skip(phase.__name__)
            else:
                await phase()
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
    began: float = attrs.field(factory=trio.current_time)  # of the phase that runs
    ends: float = attrs.field(init=False)  # when the whole has to be over
    one_at_a_time: trio.Lock = attrs.field(factory=trio.Lock)  # checks: they may want one port

    def __attrs_post_init__(self) -> None:
        self.ends = self.began + self.request.limit_s

    def left_s(self) -> float:
        """What is left of the time of the whole."""
        return max(0.0, self.ends - trio.current_time())

    async def rules(self) -> None:
        """What needs no CLI."""
        self.ruled = await self.request.scan()
        self.found = list(self.ruled.findings)
        status = "failed" if self.ruled.why else "completed"
        self._end_phase("rules", status, 0, self.ruled.why, self.request.limit_s)

    def skip(self, name: str) -> None:
        """Note a phase for which a CLI would have been asked."""
        self._end_phase(name, "skipped", 0, "rules_only asks no CLI", self.left_s())

    async def scan(self) -> None:
        """Every scanner at once; what they quote is looked up before it counts."""
        request = self.request
        heard: list[Heard | None] = [None] * len(request.scanners)
        is_last = request.depth is Depth.QUICK
        limit_s = min(request.scanner_limit_s, self.left_s() * (1.0 if is_last else SCAN_SHARE))
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
        status = self._status(asked - len(lost), lost)
        self._end_phase("scan", status, asked, "; ".join(lost), limit_s)

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
        is_last = self.request.depth is Depth.STANDARD
        share_s = self.left_s() * (1.0 if is_last else VALIDATE_SHARE)
        limit_s = min(self.request.validator_limit_s, share_s)
        async with trio.open_nursery() as asking:
            for name, positions in by_seat.items():
                for first in range(0, len(positions), BATCH):
                    turns += 1
                    batch = positions[first : first + BATCH]
                    asking.start_soon(self._refute, seats[name], batch, limit_s, lost)
        if alone:
            lost.append(f"no validator of another vendor for {len(alone)}: {', '.join(alone[:5])}")
        status = "skipped" if not open_ones else self._status(turns - len(lost), lost)
        reason = "nothing to validate" if not open_ones else "; ".join(lost)
        self._end_phase("validate", status, turns, reason, limit_s)

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

    async def _refute(
        self, seat: Seat, batch: Sequence[int], limit_s: float, lost: list[str]
    ) -> None:
        findings = [self.found[at] for at in batch]
        prompt = validator_prompt(findings, await self.request.code(findings))
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
        checking = self.request.checking
        more = check_prompt(checking.programs, checking.limit_s) if checking is not None else ""
        schema = INVESTIGATION_SCHEMA if checking is not None else None
        limit_s = min(self.request.validator_limit_s, self.left_s())

        async def one(finding: Finding) -> None:
            seat = self._validator_of(finding) or next(
                (seat for seat, _ in self.request.validators), None
            )
            if seat is None:
                lost.append(f"{finding.title}: nobody is left to ask")
                return
            (code,) = await self.request.code([finding])
            own = attrs.evolve(seat, name=f"{seat.name}-{finding.id}")
            prompt = investigation_prompt(finding, code, more)
            heard = await ask_seat(self.ask, own, prompt, schema=schema, limit_s=limit_s)
            if not heard.is_answer:
                lost.append(f"{finding.title}: {heard.told}")
                return
            self.texts[finding.id], check = read_investigation(heard.data, heard.content)
            if check is not None and checking is not None:
                checked = await self._checked(check, checking)
                at = next(at for at, each in enumerate(self.found) if each.id == finding.id)
                self.found[at] = with_check(self.found[at], checked)

        async with trio.open_nursery() as asking:
            for finding in grave:
                asking.start_soon(one, finding)
        status = "skipped" if not grave else self._status(len(self.texts), lost)
        reason = "no grave finding stands" if not grave else "; ".join(lost)
        self._end_phase("investigate", status, len(grave), reason, limit_s)

    async def _checked(self, check: ExecutedCheck, checking: Checking) -> ExecutedCheck:
        """How a command went, if it may run."""
        why = refuse_check(check, checking.programs, checking.root)
        if why:
            return attrs.evolve(check, why=f"it was not run: {why}")
        async with self.one_at_a_time:
            return await checking.run(check, min(checking.limit_s, self.left_s()))

    def _status(self, done: int, lost: Sequence[str]) -> str:
        if not lost:
            return "completed"
        return "partial" if done > 0 else "failed"

    def _end_phase(self, name: str, status: str, turns: int, reason: str, limit_s: float) -> None:
        """Note how a phase went, and what it was given and took of the time of the whole."""
        now = trio.current_time()
        self.phases.append(
            AuditPhase(
                name=name,
                status=status,
                turns=turns,
                reason=reason,
                limit_seconds=None if limit_s == float("inf") else round(limit_s, 3),
                took_seconds=round(now - self.began, 3),
            )
        )
        self.began = now
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
