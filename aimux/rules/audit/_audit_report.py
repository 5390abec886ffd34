"""An audit as its caller gets it. No findings is not clean: what did not run is said first."""

from collections.abc import Mapping, Sequence

import attrs

from aimux.model import Failure, FailureClass, Finding, JobStatus, Report, Warned
from aimux.rules import harmless

from ._checks import check_json
from ._finding_texts import render_findings_markdown
from ._findings import counts


@attrs.frozen(kw_only=True)
class AuditPhase:
    """One phase: completed, partial, failed or skipped, and why."""

    name: str
    status: str
    turns: int
    reason: str = ""
    limit_seconds: float | None = None  # what it was given of the time of the whole
    took_seconds: float = 0.0


@attrs.frozen(kw_only=True)
class AuditRecord:
    """Everything an audit came to; `names` are the CLIs of its seats, told only here."""

    scope: Mapping[str, object]
    findings: Sequence[Finding]
    phases: Sequence[AuditPhase]
    files_seen: int
    files_read: Mapping[str, int]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[Warned] = ()
    investigations: Mapping[str, str] = attrs.field(factory=dict)
    names: Mapping[str, str] = attrs.field(factory=dict)
    exports: Mapping[str, str] = attrs.field(factory=dict)


def report_audit(record: AuditRecord) -> Report:
    """The report: completed if every phase did its work, failed if nothing ran, else partial."""
    bad = [each for each in record.phases if each.status in ("failed", "partial")]
    ran = [each for each in record.phases if each.status in ("completed", "partial")]
    status = JobStatus.COMPLETED if not bad else JobStatus.PARTIAL if ran else JobStatus.FAILED
    failure = None
    if bad:
        failure = Failure(
            failure_class=FailureClass.UNKNOWN,
            code="phase_lost" if ran else "nothing_ran",
            message="; ".join(f"{each.name} {each.status}: {each.reason}" for each in bad),
            hint="what was found stands; what did not run says nothing about what is clean",
        )
    return Report(
        status=status,
        content=harmless(_content(record, bad)),
        data=_data(record),
        failure=failure,
        warnings=record.notes,
    )


def _data(record: AuditRecord) -> dict[str, object]:
    return {
        "findings": [_finding_json(each, record) for each in record.findings],
        "phases": [attrs.asdict(each) | {"reason": each.reason or None} for each in record.phases],
        "coverage": {
            "files_seen": record.files_seen,
            "files_read_by": dict(record.files_read),
            "skipped": [{"path": path, "why": why} for path, why in record.skipped],
        },
        "counts": {str(name): count for name, count in counts(record.findings).items()},
        "scope": dict(record.scope),
        "exports": dict(record.exports),
    }


def _finding_json(finding: Finding, record: AuditRecord) -> dict[str, object]:
    """A finding with its fixed names; who found and who looked are told with their CLIs."""

    def told(seats: Sequence[str]) -> list[str]:
        return [
            f"{seat} ({record.names[seat]})" if seat in record.names else seat for seat in seats
        ]

    return {
        "id": finding.id,
        "rule": finding.rule,
        "category": finding.category,
        "severity": str(finding.severity),
        "priority": str(finding.priority) if finding.priority else None,
        "path": finding.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "quote": finding.quote,
        "title": finding.title,
        "scenario": finding.scenario,
        "fix": finding.fix,
        "state": str(finding.state),
        "scanners": told(finding.scanners),
        "validators": told(finding.validators),
        "evidence": [
            attrs.asdict(each) | {"verified": each.verified.value} for each in finding.evidence
        ],
        "reason": finding.reason or None,
        "investigation": record.investigations.get(finding.id),
        "check": check_json(finding.check) if finding.check is not None else None,
    }


def _content(record: AuditRecord, bad: Sequence[AuditPhase]) -> str:
    parts = [
        "# Audit",
        render_findings_markdown(
            record.findings,
            failed=[f"{each.name}: {each.status}, {each.reason}" for each in bad],
            skipped=[f"{path}: {why}" for path, why in record.skipped],
        ),
    ]
    titles = {each.id: each.title for each in record.findings}
    for id_, text in record.investigations.items():
        parts.append(f"## Investigated: {titles.get(id_, id_)}\n\n{text}")
    return "\n\n".join(part.rstrip() for part in parts) + "\n"
