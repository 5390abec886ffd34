"""`audit`: rules, scanners and validators over a tree."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
import trio

from aimux.engine import PreparedJob, Survey, changed_files, new_id
from aimux.errors import InvalidArguments, PeerFault, Refusal, SetupFault
from aimux.files.tree import TreeReader
from aimux.model import AuditSettings, ExecutedCheck, Finding, Seat, Warned, plural
from aimux.rules.audit import (
    CATEGORIES,
    AuditRule,
    code_around,
    is_ignored,
    is_wanted,
    parts_of_focus,
    read_ignored,
    scan,
    share_categories,
)
from aimux.rules.panels import Member, seat_chosen
from aimux.strategies.seats import (
    PHASES,
    AuditRequest,
    Checking,
    Depth,
    RuleScan,
    Scanner,
    audit,
)

from ._calls import InputRequired, Payload, ToolCall
from ._context import ToolContext
from ._jobs import go_on, run_job
from ._panels import evidence_check, members_of, panel_request, plan_payload, turn_limit
from ._roots import is_answer, roots_of
from .catalog import SCHEME

answer_nowait: Final = None  # it waits for the store at least
MAX_VALIDATORS: Final = 6  # CLIs that may be asked to refute
LAST_COMMIT: Final = "HEAD"
SHOWN_RULES: Final = 10  # disabled ones that are named
CHECK_TAIL_CHARS: Final = 4_000  # of what a check printed, in its finding


@attrs.frozen(kw_only=True)
class Scope:
    """Which files, which categories, how far."""

    depth: Depth
    categories: Sequence[str]
    patterns: Sequence[str]
    since: str = ""
    is_exhaustive: bool = False

    def record(self, path: str, focus: str) -> Mapping[str, object]:
        """As it stands in the result."""
        return {
            "path": path,
            "mode": str(self.depth),
            "focus": focus or None,
            "changed_since": self.since or None,
        }


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Audit a directory. Cancelling it before it is handed over cancels the job.

    Raises:
        AimuxError: the focus is unknown, or nobody can be asked.
    """
    if call.state is not None and not is_answer(call):
        return await go_on(context, call)
    given = call.arguments
    path = str(given.get("path", ""))
    call = attrs.evolve(call, arguments={**given, "cwd": path} if path else given)
    roots = await roots_of(call)
    if isinstance(roots, InputRequired):
        return roots
    request = panel_request(call, roots, tool="audit", prompt=f"audit {path or 'the directory'}")
    survey = await context.engine.survey(request)
    settings = survey.snapshot.settings.audit
    scope = _scope(call, settings)
    scanners, validators, unseated = _seats(call, survey, settings, scope)
    seats = [each.seat for each in scanners] + [seat for seat, _ in validators]
    request = attrs.evolve(request, seats=seats, has_seats=bool(seats))
    prepared = await context.engine.prepare(request)
    focus = str(given.get("focus", ""))
    wanted = AuditRequest(
        depth=scope.depth,
        scope=scope.record(prepared.cwd, focus),
        scanners=scanners,
        validators=validators,
        scan=_rule_scan(context, survey, prepared, settings, scope),
        check=evidence_check(prepared.cwd),
        code=_code(prepared.cwd),
        limit_s=prepared.limit_s,
        scanner_limit_s=turn_limit(given, settings.scanner_timeout_seconds),
        validator_limit_s=turn_limit(given, settings.validator_timeout_seconds),
        is_exhaustive=scope.is_exhaustive,
        asks_nobody=bool(given.get("rules_only")),
        unseated=unseated,
        checking=_checking(context, call, prepared, settings, scope),
        exports={
            "markdown": f"{SCHEME}jobs/{prepared.job_id}/audit.md",
            "sarif": f"{SCHEME}jobs/{prepared.job_id}/audit.sarif",
        },
    )
    if given.get("dry_run"):
        phases = ["rules", "scan", "validate", "investigate"]
        depth = 0 if given.get("rules_only") else PHASES[scope.depth]
        is_open = depth > 1  # how many findings there will be to judge, nobody knows
        return plan_payload(
            prepared, survey, turns=len(scanners), phases=phases[: 1 + depth], is_open=is_open
        )
    return await run_job(context, call, prepared, audit(wanted))


def _scope(call: ToolCall, settings: AuditSettings) -> Scope:
    given = call.arguments
    focus = str(given.get("focus", ""))
    categories, patterns, unknown = parts_of_focus(focus)
    if unknown:
        raise InvalidArguments(
            f"audit: focus: {', '.join(unknown)} is no category and no path pattern; categories "
            f"are {', '.join(CATEGORIES)}",
            problems=[
                {"path": "focus", "value": word, "expected": f"one of {', '.join(CATEGORIES)}"}
                for word in unknown
            ],
        )
    since = str(given.get("changed_since", ""))
    if given.get("scope") == "full" and since:
        raise PeerFault(
            "scope=full and changed_since contradict each other",
            code="contradictory_arguments",
            hint="give one of them",
        )
    if given.get("scope") == "changed":
        since = since or LAST_COMMIT
    return Scope(
        depth=Depth(str(given.get("mode", settings.default_mode))),
        categories=categories or list(CATEGORIES),
        patterns=patterns,
        since=since,
        is_exhaustive=given.get("thoroughness") == "exhaustive",
    )


def _seats(
    call: ToolCall, survey: Survey, settings: AuditSettings, scope: Scope
) -> tuple[list[Scanner], list[tuple[Seat, Member]], list[tuple[str, str]]]:
    """Scanners S1, S2, …, each with its categories; validators V1, V2, …, those apart first."""
    if call.arguments.get("rules_only"):
        return [], [], []
    facts = survey.facts
    count = settings.parallel_scanners
    try:
        panel = members_of(call, facts, count=count, role=settings.scanner_role)
    except SetupFault as fault:  # the rules need nobody
        return [], [], [("scanners", fault.message)]
    named = bool(call.arguments.get("clis"))
    members = list(panel.members) if named else _distinct(panel.members)
    shares = share_categories(scope.categories, len(members))
    scanners = [
        Scanner(seat=member.seat(f"S{at}"), member=member, categories=share)
        for at, (member, share) in enumerate(zip(members, shares, strict=False), start=1)
    ]
    if scope.depth is Depth.QUICK:
        return scanners, [], list(panel.unseated) if named else []
    role = settings.validator_role
    others = list(seat_chosen(MAX_VALIDATORS, facts, role=role, apart=members).members)
    again = [attrs.evolve(each, request=attrs.evolve(each.request, role=role)) for each in members]
    validators = [
        (member.seat(f"V{at}"), member)
        for at, member in enumerate(_distinct([*others, *again]), start=1)
    ]
    return scanners, validators, list(panel.unseated) if named else []


def _distinct(members: Sequence[Member]) -> list[Member]:
    return list({member.cli: member for member in members}.values())


def _rule_scan(
    context: ToolContext,
    survey: Survey,
    prepared: PreparedJob,
    settings: AuditSettings,
    scope: Scope,
) -> Callable[[], Awaitable[RuleScan]]:
    async def scan_rules() -> RuleScan:
        rules = await context.engine.config.audit_rules(survey.snapshot)
        wanted = [each for each in rules.rules.values() if each.category in scope.categories]
        notes = [Warned(code="rule_problem", message=str(each)) for each in rules.problems]
        if rules.disabled:
            notes.append(Warned(code="rules_disabled", message=_disabled(rules.disabled)))
        work = partial(_scanned, prepared.cwd, wanted, settings, scope, notes)
        return await trio.to_thread.run_sync(work)

    return scan_rules


def _disabled(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN_RULES} more" if len(ids) > SHOWN_RULES else ""
    shown = ", ".join(ids[:SHOWN_RULES])
    return f"{plural(len(ids), 'rule')} disabled by the configuration: {shown}{more}"


def _scanned(
    root: str,
    rules: Sequence[AuditRule],
    settings: AuditSettings,
    scope: Scope,
    notes: list[Warned],
) -> RuleScan:
    """What the rules find in the files of a tree. It reads every file: for a thread."""
    reader = TreeReader(root)
    ignoring = reader.read_lines(".gitignore")
    ignored = [*settings.ignore, *(
        read_ignored("\n".join(ignoring.lines)) if not isinstance(ignoring, str) else ()
    )]  # fmt: skip
    found, is_whole = reader.list_files(settings.max_files)
    skipped: list[tuple[str, str]] = []
    if not is_whole:
        skipped.append((".", f"more than {plural(len(found), 'file')}: the rest was not looked at"))
    if scope.since:
        changed = set(changed_files(root, scope.since))
        found = [path for path in found if path in changed]
    files = [p for p in found if is_wanted(p, scope.patterns) and not is_ignored(p, ignored)]
    findings: list[Finding] = []
    for path in files:
        lines = reader.read_lines(path)
        if isinstance(lines, str):
            skipped.append((path, lines))
            continue
        result = scan(path, "\n".join(lines.lines).encode(), rules)
        findings += result.findings
        notes += [Warned(code="suppression_ignored", message=each) for each in result.notes]
        skipped += [(each.path, each.why) for each in result.skipped]
    return RuleScan(findings=findings, files=files, skipped=skipped, notes=notes)


def _code(root: str) -> Callable[[Sequence[Finding]], Awaitable[Sequence[str]]]:
    reader = TreeReader(root)

    def shown(findings: Sequence[Finding]) -> list[str]:
        texts = []
        for each in findings:
            lines = reader.read_lines(each.path)
            known = [] if isinstance(lines, str) else lines.lines
            texts.append(code_around(known, each.line, each.end_line))
        return texts

    async def code(findings: Sequence[Finding]) -> Sequence[str]:
        return await trio.to_thread.run_sync(shown, findings)

    return code


def _checking(
    context: ToolContext,
    call: ToolCall,
    prepared: PreparedJob,
    settings: AuditSettings,
    scope: Scope,
) -> Checking | None:
    """How commands run that show findings; None unless it is deep and the user allows programs."""
    if scope.depth is not Depth.DEEP or not settings.check_programs:
        return None

    async def run(check: ExecutedCheck, limit_s: float) -> ExecutedCheck:
        try:
            real, control = await context.engine.copies.check(
                prepared.cwd,
                new_id("copy"),
                check.command,
                limit_s,
                job_id=prepared.job_id,
                env=call.client.env,
            )
        except Refusal as refusal:
            return attrs.evolve(check, why=f"it was not run: {refusal.message}")
        return attrs.evolve(
            check,
            exit_code=real.exit_code,
            control_exit_code=control.exit_code,
            tail=real.tail[-CHECK_TAIL_CHARS:],
            duration_ms=real.duration_ms,
            why=real.why,
        )

    return Checking(
        programs=settings.check_programs,
        root=prepared.cwd,
        limit_s=settings.check_timeout_seconds,
        run=run,
    )
