"""The findings of an ended audit as files for other programs."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import orjson

from aimux.errors import NotFound
from aimux.model import (
    Evidence,
    ExecutedCheck,
    Finding,
    FindingSeverity,
    FindingState,
    Job,
    Priority,
    Verified,
)
from aimux.rules.audit import render_findings_markdown, sarif


def audit_markdown(job: Job) -> str:
    """The report of an audit in Markdown.

    Raises:
        NotFound: the job is no audit, or has not ended.
    """
    data = _data_of(job)
    return render_findings_markdown(findings_of(data), failed=_failed(data), skipped=_skipped(data))


def audit_sarif(job: Job) -> str:
    """The findings of an audit as a SARIF 2.1.0 log.

    Raises:
        NotFound: the job is no audit, or has not ended.
    """
    data = _data_of(job)
    told = sarif(findings_of(data), version=version("aimux-mcp"), failed=_failed(data))
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


def findings_of(data: Mapping[str, object]) -> list[Finding]:
    """The findings that a result holds, as values again."""
    raw = data.get("findings")
    return [_finding(each) for each in raw] if isinstance(raw, Sequence) else []


def _data_of(job: Job) -> Mapping[str, object]:
    data = job.outcome.data if job.outcome is not None else None
    if job.tool != "audit" or not isinstance(data, Mapping):
        raise NotFound(f"job {job.id} is no audit that has ended", code="no_audit")
    return data


def _failed(data: Mapping[str, object]) -> list[str]:
    phases = data.get("phases")
    given = phases if isinstance(phases, Sequence) else ()
    return [
        f"{each['name']}: {each['status']}, {each['reason']}"
        for each in given
        if each["status"] in ("failed", "partial")
    ]


def _skipped(data: Mapping[str, object]) -> list[str]:
    coverage = data.get("coverage")
    given = coverage.get("skipped", ()) if isinstance(coverage, Mapping) else ()
    return [f"{each['path']}: {each['why']}" for each in given]


def _finding(raw: Mapping[str, object]) -> Finding:
    fields = {name: value for name, value in raw.items() if name != "investigation"}
    evidence = fields.pop("evidence")
    check = fields.pop("check", None)  # results of earlier versions have none
    assert isinstance(evidence, Sequence)
    known = fields | {
        "severity": FindingSeverity(str(raw["severity"])),
        "state": FindingState(str(raw["state"])),
        "priority": Priority(str(raw["priority"])) if raw["priority"] else None,
        "reason": raw["reason"] or "",
        "check": _check(check) if isinstance(check, Mapping) else None,
        "evidence": [
            Evidence(**{**each, "verified": Verified(each["verified"])}) for each in evidence
        ],
    }
    return Finding(**known)  # type: ignore[arg-type]  # as the report wrote them


def _check(raw: Mapping[str, object]) -> ExecutedCheck:
    fields = {name: value for name, value in raw.items() if name != "shows_it"}
    known = fields | {"why": raw["why"] or ""}
    return ExecutedCheck(**known)  # type: ignore[arg-type]  # as the report wrote them
