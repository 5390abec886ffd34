"""What auditors are asked and what their answers amount to.

Scanners look at categories, each from its own; validators are asked to kill a finding and are not
told who made it. A finding is confirmed only if its quote was found where it says and somebody of
another vendor failed to refute it. Whatever is not said stays as it was: silence never confirms.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import (
    Evidence,
    Finding,
    FindingSeverity,
    FindingState,
    SourcePlace,
    Verified,
)
from aimux.rules import fenced, shorten
from aimux.rules.panels import QUOTED, plain_answer

from ._rule import CATEGORIES

MAX_FINDINGS: Final = 60  # of one scanner's answer
MAX_LISTED: Final = 400  # files named in a scanner's prompt
BATCH: Final = 6  # findings of one validator's turn
CODE_CHARS: Final = 3_000  # shown around one finding
CODE_AROUND: Final = 8  # lines before and after a place
_SEVERITY: Final = {"type": "string", "enum": [each.value for each in FindingSeverity]}
_EVIDENCE: Final[Mapping[str, object]] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "line": {"type": ["integer", "null"]},
            "quote": {"type": ["string", "null"]},
        },
        "required": ["path"],
    },
}

SCANNER_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "rule": {"type": "string"},
                    "category": {"type": "string"},
                    "severity": _SEVERITY,
                    "path": {"type": "string"},
                    "line": {"type": "integer"},
                    "end_line": {"type": ["integer", "null"]},
                    "quote": {"type": "string"},
                    "title": {"type": "string"},
                    "scenario": {"type": "string"},
                    "fix": {"type": "string"},
                },
                "required": ["category", "severity", "path", "line", "quote", "title", "scenario"],
            },
        },
        "files_read": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["findings"],
}

VALIDATOR_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "finding": {"type": "integer"},
                    "state": {"type": "string", "enum": ["refuted", "stands"]},
                    "why": {"type": "string", "minLength": 1},
                    "evidence": _EVIDENCE,
                },
                "required": ["finding", "state", "why"],
            },
        }
    },
    "required": ["verdicts"],
}


@attrs.frozen(kw_only=True)
class FindingVerdict:
    """What a validator said of one finding."""

    is_refuted: bool
    why: str
    places: Sequence[SourcePlace] = ()


def scanner_prompt(
    categories: Sequence[str], files: Sequence[str], *, total: int, is_exhaustive: bool
) -> str:
    """What a scanner is asked about the working directory."""
    listed = "\n".join(files[:MAX_LISTED])
    more = f"\n… and {total - MAX_LISTED} more" if total > MAX_LISTED else ""
    depth = (
        "Report everything that is wrong, small things too."
        if is_exhaustive
        else "Report what matters: what breaks, loses or exposes something. No style."
    )
    kinds = ", ".join(categories)
    return "\n\n".join([
        f"Look for defects of these categories in the working directory: {kinds}.",
        f"These files belong to it:\n{fenced(listed + more)}",
        "Read the files that matter; change nothing. " + depth,
        (
            "For each finding: `path`, `line`, `end_line`, and a `quote` copied as it stands there "
            "(at least 12 characters); `title` in a few words; `scenario`: the input or sequence "
            "that makes it go wrong and what happens then; `fix`: the smallest change that mends "
            "it; `severity` by the damage; `rule`: a short name of its kind; `category` as above. "
            "A finding whose quote is not in the file is thrown away, so quote exactly. "
            "`files_read` lists the files you have read. No finding is a good answer too."
        ),
        f"Once more: defects of {kinds}, each with an exact quote.",
    ])  # fmt: skip


def validator_prompt(findings: Sequence[Finding], code: Sequence[str]) -> str:
    """What a validator is asked; `code` shows the lines around each finding."""
    parts = [
        (
            "Somebody reported the following defects. Try to refute each: show that the code does "
            "not do what is claimed, that the scenario cannot happen, or that it harms nobody. "
            f"{QUOTED}"
        )
    ]
    for number, (finding, shown) in enumerate(zip(findings, code, strict=True), start=1):
        claim = shorten(
            f"{finding.title}\n{finding.path}:{finding.line}\n{finding.scenario}", CODE_CHARS
        )
        parts.append(f"Finding {number}:\n{fenced(claim)}\n\nThe code:\n{fenced(shown)}")
    parts.append(
        "Read what you need in the working directory; change nothing. For each finding give its "
        "number as `finding`, `state` (`refuted` only if you can say why it is wrong, with "
        "`evidence` from the files; else `stands`), and `why` in a sentence or two."
    )
    return "\n\n".join(parts)


def investigation_prompt(finding: Finding, code: str, more: str = "") -> str:
    """What is asked about one grave finding; `more` is asked besides."""
    claim = shorten(f"{finding.title}\n{finding.path}:{finding.line}\n{finding.scenario}", 4_000)
    return "\n\n".join([
        f"Investigate this defect to its root. {QUOTED}",
        fenced(claim),
        f"The code:\n{fenced(code)}",
        (
            "Read whatever it touches; change nothing. Tell in a few paragraphs: how it comes "
            "about, what reaches it from outside, what the damage is, what else has the same "
            "cause, and the change that mends it. If it is no defect, say so and why. Name each "
            "place as path:line with a quote."
        ),
        *([more] if more else []),
    ])  # fmt: skip


def read_findings(seat: str, data: object) -> tuple[list[Finding], list[str]]:
    """The findings of a scanner's JSON, and the files it says it has read."""
    if not isinstance(data, Mapping):
        return [], []
    raw = data.get("findings")
    given = [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []
    read = data.get("files_read")
    files = [str(each) for each in read] if isinstance(read, list) else []
    return [_finding(seat, each) for each in given[:MAX_FINDINGS]], files


def read_verdicts(data: object, count: int) -> dict[int, FindingVerdict]:
    """The verdicts of a validator's JSON by the finding's index; what is not said is not there."""
    match data:
        case {"verdicts": list(raw)}:
            given = [each for each in raw if isinstance(each, Mapping)]
        case {"state": str(told), **fields} if count == 1:
            given = [{**fields, "state": told, "finding": 1}]
        case _:
            given = []
    found: dict[int, FindingVerdict] = {}
    for each in given:
        number, state = each.get("finding"), each.get("state")
        if isinstance(number, int) and 1 <= number <= count and state in ("refuted", "stands"):
            found.setdefault(
                number - 1,
                FindingVerdict(
                    is_refuted=state == "refuted",
                    why=str(each.get("why", "")).strip(),
                    places=_places(each.get("evidence")),
                ),
            )
    return found


def with_evidence_of(finding: Finding, found: Evidence) -> Finding:
    """The finding after its own place was looked up: what is not there is unverified."""
    if finding.state is FindingState.SUPPRESSED:
        return finding
    state = finding.state if found.verified is Verified.QUOTE else FindingState.UNVERIFIED
    reason = "" if state is finding.state else found.why or "its quote was not found"
    return attrs.evolve(
        finding,
        state=state,
        reason=reason,
        path=found.path,
        line=found.line or finding.line,
        end_line=found.end_line or found.line or finding.end_line,
        evidence=(*finding.evidence, found),
    )


def with_verdict(
    finding: Finding, validator: str, verdict: FindingVerdict, found: Sequence[Evidence]
) -> Finding:
    """The finding after somebody tried to refute it.

    A refutation whose evidence is not there does not count.
    """
    if verdict.is_refuted:
        if verdict.places and not any(each.verified for each in found):
            return attrs.evolve(
                finding, reason=f"a refutation quotes what is not there: {verdict.why}"
            )
        return attrs.evolve(
            finding,
            state=FindingState.REFUTED,
            reason=verdict.why,
            validators=(*finding.validators, validator),
            evidence=(*finding.evidence, *found),
        )
    is_quoted = any(each.verified is Verified.QUOTE for each in finding.evidence)
    return attrs.evolve(
        finding,
        state=FindingState.CONFIRMED if is_quoted else finding.state,
        validators=(*finding.validators, validator),
    )


def place_of(finding: Finding) -> SourcePlace:
    """Where a finding says it is."""
    return SourcePlace(
        path=finding.path, line=finding.line, end_line=finding.end_line, quote=finding.quote
    )


def parts_of_focus(focus: str) -> tuple[list[str], list[str], list[str]]:
    """The categories and the path patterns of a `focus`, and the words that are neither."""
    categories: list[str] = []
    patterns: list[str] = []
    unknown: list[str] = []
    for word in focus.replace(",", " ").split():
        if plain_answer(word) in CATEGORIES:
            categories.append(plain_answer(word))
        elif any(sign in word for sign in "/*.?["):
            patterns.append(word)
        else:
            unknown.append(word)
    return categories, patterns, unknown


def share_categories(categories: Sequence[str], count: int) -> list[list[str]]:
    """The categories spread over so many scanners; each has one at least."""
    count = max(1, min(count, len(categories)))
    return [list(categories[at::count]) for at in range(count)]


def code_around(lines: Sequence[str], line: int, end_line: int) -> str:
    """The lines of a place and some around it, with their numbers."""
    first = max(1, line - CODE_AROUND)
    last = min(len(lines), max(line, end_line) + CODE_AROUND)
    shown = [f"{number:>5} {lines[number - 1]}" for number in range(first, last + 1)]
    return shorten("\n".join(shown), CODE_CHARS)


def _finding(seat: str, raw: Mapping[str, object]) -> Finding:
    line = raw.get("line")
    line = line if isinstance(line, int) and line > 0 else 1
    end = raw.get("end_line")
    severity = str(raw.get("severity", "medium"))
    known = {each.value for each in FindingSeverity}
    category = plain_answer(str(raw.get("category", "")))
    return Finding(
        rule=str(raw.get("rule") or category or "model").strip(),
        category=category if category in CATEGORIES else "correctness",
        severity=FindingSeverity(severity if severity in known else "medium"),
        path=str(raw.get("path", "")).strip(),
        line=line,
        end_line=end if isinstance(end, int) and end >= line else line,
        quote=str(raw.get("quote", "")),
        title=str(raw.get("title", "")).strip(),
        scenario=str(raw.get("scenario", "")).strip(),
        fix=str(raw.get("fix", "")).strip(),
        scanners=(seat,),
    )


def _places(raw: object) -> list[SourcePlace]:
    given = raw if isinstance(raw, list) else []
    return [
        SourcePlace(
            path=str(each.get("path", "")),
            line=each.get("line") if isinstance(each.get("line"), int) else None,
            quote=str(each.get("quote") or ""),
        )
        for each in given
        if isinstance(each, Mapping)
    ]
