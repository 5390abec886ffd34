"""The report of an investigation: Markdown that says no more than what was found."""

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from aimux.times import utc_stamp

from ._assess import Assessment
from ._convergence import ENOUGH_COVERAGE
from ._state import CheckedPlace, Confidence, Finding, Investigation, Phase, Severity

SLUG_CHARS: Final = 40
DOUBTED: Final = 20  # lines of each kind in what to be sceptical of


@attrs.frozen(kw_only=True)
class Gate:
    """What a report may call itself, and what is missing for more."""

    state: str  # report_ready, report_preliminary, report_blocked, report_incomplete_forced
    gaps: Sequence[str]

    @property
    def is_ready(self) -> bool:
        """Nothing is missing."""
        return self.state == "report_ready"

    @property
    def is_written(self) -> bool:
        """It may be put into a file."""
        return self.state != "report_blocked"


def judge_report(state: Investigation, now: Assessment, *, is_forced: bool) -> Gate:
    """Whether the report of an investigation is final, as it was last assessed.

    `now` is what an assessment would say: what was learned since counts.
    """
    if state.phase is not Phase.OPEN:
        return Gate(state="report_ready", gaps=())
    gaps: list[str] = []
    if not state.findings and not state.clearances:
        gaps.append("no findings recorded")
    last = state.history[-1] if state.history else None
    if last is None:
        gaps.append("not assessed yet")
    elif last.convergence < 1.0:
        gaps.append(f"convergence {last.convergence:.2f} is below 1.00")
    if now.coverage.score < ENOUGH_COVERAGE:
        gaps.append(f"coverage {now.coverage.score:.0%} is below {ENOUGH_COVERAGE:.0%}")
        gaps += [f"{area} was not looked at" for area in now.coverage.unchecked]
    gaps += now.held_back
    if not gaps:
        gaps.append("something was learned since the last assessment")
    if is_forced:
        return Gate(state="report_incomplete_forced", gaps=gaps)
    if not state.findings and not state.clearances:
        return Gate(state="report_blocked", gaps=gaps)
    return Gate(state="report_preliminary", gaps=gaps)


def slug_of(question: str) -> str:
    """A name for a file: what can be read of the question, and a hash of all of it."""
    folded = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", folded)[:SLUG_CHARS].strip("-")
    digest = hashlib.sha256(question.encode(errors="replace")).hexdigest()[:8]
    return f"{words}-{digest}" if words else digest


def report_name(state: Investigation, at: datetime.datetime) -> str:
    """The name of the report's file, less its ending."""
    return f"investigate-{slug_of(state.question)}-{at.astimezone(datetime.UTC):%Y-%m-%dT%H-%M-%S}"


def render_report(state: Investigation, now: Assessment, gate: Gate, at: datetime.datetime) -> str:
    """The report as Markdown, its figures first as front matter."""
    parts = [
        _front(state, now, gate, at),
        f"# {_line(state.question)}\n",
        _warning(gate),
        _findings(state),
        _corrections(state),
        _doubts(state, now),
        _coverage(state),
        _history(state),
        _takeaways(state, now),
    ]
    return "\n".join(part for part in parts if part)


def _front(state: Investigation, now: Assessment, gate: Gate, at: datetime.datetime) -> str:
    known = dict.fromkeys(Confidence, 0)
    for finding in state.active:
        known[finding.confidence] += 1
    lines = [
        "---",
        f"id: {state.id}",
        f"question: {_quoted(state.question)}",
        f"domain: {state.domain}",
        f"verdict: {gate.state}",
        f"generated_at: {utc_stamp(at)}",
        f"iterations: {state.iteration}",
        f"convergence: {_last_score(state):.2f}",
        f"coverage: {now.coverage.score:.2f}",
        f"effective_coverage: {now.coverage.effective:.2f}",
        f"findings: {len(state.active)}",
        f"corrections: {len(state.corrections)}",
        *(f"{name.lower()}: {count}" for name, count in known.items()),
        "---\n",
    ]
    return "\n".join(lines)


def _last_score(state: Investigation) -> float:
    return state.history[-1].convergence if state.history else 0.0


def _warning(gate: Gate) -> str:
    if gate.is_ready:
        return ""
    return "\n".join(
        [
            "> **This report is not final.** What is missing:",
            *(f"> - {_line(each)}" for each in gate.gaps),
            "",
        ]
    )


def _findings(state: Investigation) -> str:
    if not state.findings:
        return "## Findings\n\nNothing was found.\n"
    rows = [
        "## Findings\n",
        "| id | severity | confidence | finding | source | evidence | iteration | status |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in sorted(state.findings, key=lambda each: (not each.is_active, each.severity.rank)):
        strike = "" if each.is_active else "~~"
        status = f"corrected by {each.corrected_by}" if each.corrected_by else "stands"
        known = str(each.confidence)
        if each.claimed is not None:
            known += f" (said {each.claimed})"
        source = f"{each.by}: {each.source}" if each.by else each.source
        cells = [
            each.id, str(each.severity), known, f"{strike}{_cell(each.description)}{strike}",
            _cell(source), "<br>".join(_shown(place) for place in each.places) or "none",
            str(each.iteration), status,
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def _shown(place: CheckedPlace) -> str:
    line = f":{place.line}" if place.line is not None else ""
    found = {"quote": "quote found", "line_exists": "line exists"}.get(place.verified)
    said = found or f"NOT VERIFIED: {place.why or 'not found'}"
    return _cell(f"{place.path}{line} ({said})")


def _corrections(state: Investigation) -> str:
    if not state.corrections:
        return ""
    lines = ["## Corrections\n"]
    for each in state.corrections:
        original, better = state.find(each.original), state.find(each.by)
        if original is None or better is None:
            continue
        lines += [
            f"- {original.id} said: {_line(original.description)}",
            f"  - now {better.id}: {_line(better.description)}",
            f"  - evidence: {_line(better.source)}",
        ]
    return "\n".join([*lines, ""])


def _doubts(state: Investigation, now: Assessment) -> str:
    lines = [
        f"- {each.id} names places that are not there"
        for each in state.active
        if each.is_refuted_by_its_places
    ]
    inferred = [each for each in state.active if each.confidence is not Confidence.VERIFIED]
    lines += [
        f"- {each.id} is {each.confidence}: {_line(each.description)}"
        for each in inferred[:DOUBTED]
    ]
    for each in state.active:
        if each.severity is Severity.P0 and len(each.places) < 2:
            lines.append(f"- {each.id} is P0 and rests on one source: {_line(each.source)}")
    for conflict in now.conflicts[:DOUBTED]:
        one, other = conflict.findings
        lines.append(f"- {one.id} and {other.id} are at odds: {conflict.reason}")
    lines += [f"- {area} was not looked at" for area in now.coverage.unchecked]
    return "\n".join(["## What to be sceptical of\n", *lines, ""]) if lines else ""


def _coverage(state: Investigation) -> str:
    if not state.areas:
        return ""
    rows = ["## Coverage map\n", "| area | what is known |", "|---|---|"]
    for area in state.areas:
        there = [
            f"{each.id} ({'no place found' if each.is_refuted_by_its_places else each.confidence})"
            for each in state.active
            if each.area == area
        ]
        there += [
            f"{each.id}: {_line(each.description)} ({_line(each.source)})"
            for each in state.clearances
            if each.area == area
        ]
        rows.append(f"| {area} | {_cell(', '.join(there)) or 'not looked at'} |")
    return "\n".join([*rows, ""])


def _history(state: Investigation) -> str:
    if not state.history:
        return ""
    rows = [
        "## Convergence history\n",
        "| iteration | convergence | coverage | new | corrected | recommended |",
        "|---|---|---|---|---|---|",
    ]
    for each in state.history:
        idle = " (nothing said)" if each.is_idle else ""
        rows.append(
            f"| {each.iteration} | {each.convergence:.0%}{idle} | {each.coverage:.0%} "
            f"| {each.added} | {each.corrected} | {each.verdict} |"
        )
    return "\n".join([*rows, ""])


def _takeaways(state: Investigation, now: Assessment) -> str:
    """What the findings themselves say, the gravest first: nothing is concluded here."""
    active = sorted(state.active, key=lambda each: each.severity.rank)
    if not active:
        return ""
    lines = ["## Key takeaways\n", f"- Gravest: {_named(active[0])}"]
    grave = _first(active, [Severity.P0, Severity.P1])
    if grave is not None and grave is not active[0]:
        lines.append(f"- See to: {_named(grave)}")
    doubtful = next((each for each in active if each.confidence is not Confidence.VERIFIED), None)
    if doubtful is not None:
        lines.append(f"- Watch out: {_named(doubtful)}")
    elif now.coverage.unchecked:
        lines.append(f"- Watch out: {len(now.coverage.unchecked)} areas were not looked at")
    else:
        lines.append("- Every finding that stands was verified")
    return "\n".join([*lines, ""])


def _first(findings: Iterable[Finding], severities: Sequence[Severity]) -> Finding | None:
    return next((each for each in findings if each.severity in severities), None)


def _named(finding: Finding) -> str:
    return f"{finding.id} ({finding.severity}, {finding.confidence}): {_line(finding.description)}"


def _line(text: str) -> str:
    """One line, without control characters; what would be Markdown or HTML stays text."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split()).replace("<", "&lt;")


def _cell(text: str) -> str:
    """A cell of a table."""
    return _line(text).replace("|", "\\|")


def _quoted(text: str) -> str:
    """A text as a YAML value on one line."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    escaped = " ".join(plain.split()).replace("\\", "\\\\").replace('"', '\\"')
    marked = escaped.replace("<", "\\x3c")
    return f'"{marked}"'
