"""Findings for people, in Markdown, and for programs, in SARIF 2.1.0."""

import re
import shlex
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aimux.model import Finding, FindingSeverity, FindingState, Priority
from aimux.rules import fenced

from ._checks import check_json, told_check
from ._findings import APART, counts

SARIF_VERSION: Final = "2.1.0"
SARIF_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MAX_TITLE_CHARS: Final = 200
MAX_COMMAND_CHARS: Final = 500
_LEVELS: Final[Mapping[FindingSeverity, str]] = {
    FindingSeverity.CRITICAL: "error",
    FindingSeverity.HIGH: "error",
    FindingSeverity.MEDIUM: "warning",
    FindingSeverity.LOW: "note",
    FindingSeverity.INFO: "note",
}
_SCORES: Final[Mapping[FindingSeverity, str]] = {  # as code hosts read `security-severity`
    FindingSeverity.CRITICAL: "9.5",
    FindingSeverity.HIGH: "8.0",
    FindingSeverity.MEDIUM: "5.5",
    FindingSeverity.LOW: "3.0",
    FindingSeverity.INFO: "1.0",
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MARKS: Final = re.compile(r"([\\`*_\[\]<>#|~])")


def render_findings_markdown(
    findings: Sequence[Finding], *, failed: Sequence[str] = (), skipped: Sequence[str] = ()
) -> str:
    """A report of findings that have their priorities, for a person.

    `failed` are phases or scanners that did not do their work (`name: why`), `skipped` files that
    were not looked at: with either, nothing found does not read as clean.
    """
    lines = [_summary(findings, failed, skipped), ""]
    for priority in Priority:
        lines += _section(priority, [each for each in findings if each.priority is priority])
    for state in APART:
        title = f"{state.capitalize()} (listed apart)"
        some = [each for each in findings if each.state is state and each.priority is None]
        lines += _section(title, some)
    if failed:
        lines += ["## Did not run", "", *(f"- {_plain(each)}" for each in failed), ""]
    if skipped:
        lines += ["## Not looked at", "", *(f"- {_plain(each)}" for each in skipped), ""]
    return "\n".join(lines).rstrip() + "\n"


def _summary(findings: Sequence[Finding], failed: Sequence[str], skipped: Sequence[str]) -> str:
    found = counts(findings)
    total = sum(found[each] for each in Priority)
    said = ", ".join(f"{found[each]} {each}" for each in Priority if found[each])
    apart = ", ".join(f"{found[each]} {each}" for each in APART if found[each])
    text = f"{total} finding{'' if total == 1 else 's'}" + (f": {said}" if said else "")
    if apart:
        text += f"; apart: {apart}"
    if failed:
        what = ", ".join(_plain(each.partition(":")[0]) for each in failed)
        text += f". **This audit is not complete**: {what} did not run to the end"
        if not total:
            text += ", so it says nothing about what is clean"
    if skipped:
        text += f". {len(skipped)} file{'' if len(skipped) == 1 else 's'} not looked at"
    return f"{text}."


def _section(title: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield from (f"## {title}", "")
    for each in findings:
        yield f"### {_plain(each.title)[:MAX_TITLE_CHARS]}"
        yield ""
        by = ", ".join(each.scanners)
        said = f"{_code(_position(each))} · {each.severity} · {each.category} · {_plain(each.rule)}"
        yield f"{said} · {each.state}" + (f" · by {_plain(by)}" if by else "")
        yield ""
        if each.quote:
            yield from (fenced(each.quote), "")
        for label, text in (("Why", each.scenario), ("Fix", each.fix), ("Reason", each.reason)):
            if text:
                yield from (f"{label}: {_plain(text)}", "")
        if each.check is not None:
            command = _code(shlex.join(each.check.command)[:MAX_COMMAND_CHARS])
            yield from (f"Check {command}: {_plain(told_check(each.check))}.", "")


def _position(finding: Finding) -> str:
    end = f"-{finding.end_line}" if finding.end_line > finding.line else ""
    return f"{finding.path}:{finding.line}{end}"


def _code(text: str) -> str:
    return f"`{_CONTROL.sub('', text).replace('`', '')}`"


def _plain(text: str) -> str:
    """On one line, and nothing in it is markup."""
    return _MARKS.sub(r"\\\1", _CONTROL.sub("", " ".join(text.split())))


def sarif(
    findings: Sequence[Finding], *, version: str, failed: Sequence[str] = ()
) -> Mapping[str, object]:
    """The findings as a SARIF 2.1.0 log of one run; `version` is ours.

    What is suppressed or refuted is there with a suppression, what is unverified is for review.
    """
    rules = sorted({each.rule: each for each in reversed(findings)}.items())
    index = {rule: number for number, (rule, _) in enumerate(rules)}
    driver = {
        "name": "aimux",
        "version": version,
        "rules": [_rule(rule, each) for rule, each in rules],
    }
    told = [{"level": "error", "message": {"text": f"{each} did not run"}} for each in failed]
    invocation = {"executionSuccessful": not failed, "toolExecutionNotifications": told}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, index[each.rule]) for each in findings],
    }
    return {"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]}


def _rule(rule: str, finding: Finding) -> Mapping[str, object]:
    said: dict[str, object] = {
        "id": rule,
        "shortDescription": {"text": finding.title or rule},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": [finding.category], "security-severity": _SCORES[finding.severity]},
    }
    if finding.scenario:
        said["fullDescription"] = {"text": finding.scenario}
    if finding.fix:
        said["help"] = {"text": finding.fix}
    return said


def _result(finding: Finding, index: int) -> Mapping[str, object]:
    region: dict[str, object] = {
        "startLine": max(1, finding.line),
        "endLine": max(1, finding.line, finding.end_line),
    }
    if finding.quote:
        region["snippet"] = {"text": finding.quote}
    path = urllib.parse.quote(finding.path.replace("\\", "/"), safe="/")
    location = {"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}
    is_open = finding.state is FindingState.UNVERIFIED
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "review" if is_open else "fail",
        "level": "none" if is_open else _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [location],
        "properties": {
            "priority": finding.priority,
            "severity": finding.severity,
            "category": finding.category,
            "state": finding.state,
            "scanners": list(finding.scanners),
            "validators": list(finding.validators),
            **({} if finding.check is None else {"check": check_json(finding.check)}),
        },
    }
    if finding.id:
        result["partialFingerprints"] = {"aimux/v1": finding.id}
    match finding.state:
        case FindingState.SUPPRESSED:
            result["suppressions"] = [{"kind": "inSource", "justification": finding.reason}]
        case FindingState.REFUTED:
            said = f"refuted: {finding.reason}" if finding.reason else "refuted"
            result["suppressions"] = [{"kind": "external", "justification": said}]
    return result


def _message(finding: Finding) -> str:
    parts = (finding.title or finding.rule, finding.scenario, finding.fix)
    return " ".join(
        each if each.endswith((".", "!", "?")) else f"{each}." for each in parts if each
    )
