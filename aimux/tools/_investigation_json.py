"""Investigations as JSON: what each action of `investigate` has in its `result`."""

from collections.abc import Mapping, Sequence
from typing import Final

import trio

from aimux.guidance import guide_investigation
from aimux.investigate import (
    Added,
    Assessment,
    CheckedPlace,
    Conflict,
    Correction,
    Detection,
    Domain,
    Finding,
    Gate,
    Investigation,
    Recalled,
    angle_arguments,
    judge_report,
    look_over,
    render_report,
)
from aimux.model import Problem
from aimux.times import utc_now

from ._calls import Payload
from ._results import Json, stamp
from .catalog import TOOLS

EXCERPT_FINDINGS: Final = 5  # of an investigation in a listing
COMPARED_AT_ONCE: Final = 50  # findings, each with each: a millisecond; more go to a thread


def place_json(place: CheckedPlace) -> Json:
    """A place as the checker judged it."""
    return {
        "path": place.path,
        "line": place.line,
        "end_line": place.end_line,
        "quote": place.quote,
        "verified": place.verified or False,
        "why": place.why,
    }


def finding_json(finding: Finding) -> Json:
    """A finding; what it does not have is left out."""
    shown: Json = {
        "finding_id": finding.id,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "claimed": str(finding.claimed) if finding.claimed is not None else "",
        "description": finding.description,
        "source": finding.source,
        "by": finding.by,
        "coverage_area": finding.area,
        "iteration": finding.iteration,
        "corrected_by": finding.corrected_by,
        "contradicts": finding.contradicts,
        "repeats": finding.repeats,
    }
    kept = {name: value for name, value in shown.items() if value != ""}
    return {**kept, "evidence": [place_json(each) for each in finding.places]}


def added_json(state: Investigation, added: Added) -> Json:
    """What became of a finding that was sent."""
    finding = added.finding
    shown: Json = {
        "finding_id": finding.id,
        "added": not added.merged,
        "confidence": str(finding.confidence),
        "evidence": [place_json(each) for each in finding.places],
        "hint": _hint(state, added),
    }
    if added.merged:
        shown["duplicate_of"] = finding.id
    if finding.repeats:
        shown["repeats"] = finding.repeats
    if added.opposes:
        shown["contradicts"] = list(added.opposes)
    if added.corrected is not None:
        shown["correction"] = {
            "corrected": added.corrected.id,
            "original_claim": added.corrected.description,
            "new_claim": finding.description,
        }
    return shown


def _hint(state: Investigation, added: Added) -> str:
    told = "; ".join(added.told)
    if told:
        return told
    if added.opposes:
        return f"it denies {', '.join(added.opposes)}: correct what is wrong"
    if not added.finding.area and state.areas:
        return "it counts for no area: say which with coverage_area"
    return "recorded"


def start_json(
    state: Investigation,
    domain: Domain,
    detection: Detection | None,
    problems: Sequence[Problem],
) -> Json:
    """A new investigation, and how each area is looked at."""
    shown: Json = {
        "session_id": state.id,
        "topic": state.question,
        "domain": state.domain,
        "coverage_areas": list(state.areas),
        "methods": {area: domain.method(area) for area in state.areas},
        "max_iterations": state.max_iterations,
        "project": state.project,
    }
    if detection is not None:
        shown["domain_detection"] = {
            "domain": detection.domain,
            "scores": dict(detection.scores),
            "matched": list(detection.matched),
        }
    if problems:
        shown["domain_problems"] = [str(each) for each in problems]
    return shown


def assess_json(state: Investigation, found: Assessment, call: Json | None) -> Json:
    """An assessment; `call` is its angle as a call."""
    assessed = found.assessed
    shown: Json = {
        "session_id": state.id,
        "iteration": assessed.iteration,
        "convergence_score": round(assessed.convergence, 4),
        "coverage_score": round(assessed.coverage, 4),
        "effective_coverage": round(assessed.effective_coverage, 4),
        "findings_count": len(state.findings),
        "corrections_count": len(state.corrections),
        "new_findings": assessed.added,
        "new_corrections": assessed.corrected,
        "idle": assessed.is_idle,
        "recommendation": str(assessed.verdict),
        "held_back_by": list(found.held_back),
        "message": found.message,
        "unchecked_areas": list(found.coverage.unchecked),
        "weak_areas": list(found.coverage.weak),
        "refuted_areas": list(found.coverage.refuted),
        "conflicting_areas": list(
            dict.fromkeys(area for each in found.conflicts for area in each.areas)
        ),
        "conflict_details": [conflict_json(each) for each in found.conflicts],
        "priority_next": found.next_area or None,
        "method": found.method or None,
        "suggested_angle": found.angle.name if found.angle is not None else None,
        "suggested_think_call": call,
        "anti_pattern_warnings": list(found.warnings),
        "pattern_hints": [
            {
                "indicator": each.text,
                "severity": str(each.severity),
                "fix_approach": each.fix,
            }
            for each in found.hints
        ],
    }
    if found.adversarial_prompt:
        shown["adversarial_prompt"] = found.adversarial_prompt
    return shown


def conflict_json(conflict: Conflict) -> Json:
    """Two findings at odds."""
    return {
        "area": ", ".join(conflict.areas),
        "score": conflict.score,
        "holds_back": conflict.holds_back,
        "sources": [each.source for each in conflict.findings],
        "findings": [each.id for each in conflict.findings],
        "reason": conflict.reason,
    }


def correction_json(correction: Correction) -> Json:
    """Which finding took the place of which."""
    return {
        "corrected": correction.original,
        "by": correction.by,
        "iteration": correction.iteration,
    }


def report_json(state: Investigation, text: str, gate: Gate, *, is_forced: bool) -> Json:
    """A report, and what it may call itself."""
    return {
        "session_id": state.id,
        "report": text if gate.is_written else "",
        "gate": gate.state,
        "final": gate.is_ready,
        "findings_count": len(state.findings),
        "corrections_count": len(state.corrections),
        "iterations": state.iteration,
        "force": is_forced,
        "metadata": {"force": is_forced},
    }


def row_json(state: Investigation) -> Json:
    """An investigation in a listing."""
    return {
        "session_id": state.id,
        "topic": state.question,
        "domain": state.domain,
        "phase": str(state.phase),
        "iteration": state.iteration,
        "findings_count": len(state.findings),
        "project": state.project,
        "last_activity": stamp(state.last_active_at),
    }


def status_json(state: Investigation, found: Assessment) -> Json:
    """Everything that is recorded."""
    return {
        **row_json(state),
        "corrections_count": len(state.corrections),
        "coverage_score": round(found.coverage.score, 4),
        "coverage_unchecked": list(found.coverage.unchecked),
        "findings": [finding_json(each) for each in state.findings],
        "corrections": [correction_json(each) for each in state.corrections],
        "notes": [
            {
                "note_id": each.id,
                "coverage_area": each.area or None,
                "description": each.description,
                "source": each.source,
                "iteration": each.iteration,
            }
            for each in state.clearances
        ],
        "saved_to": state.saved_to or None,
        "created_at": stamp(state.created_at),
    }


def recalled_json(found: Sequence[Recalled], content: str) -> Json:
    """What a search found; the best one with its whole text."""
    matches: list[Mapping[str, object]] = [
        {
            **row_json(each.investigation),
            "score": each.score,
            "findings": [
                f"{finding.severity} {finding.description}"
                for finding in sorted(each.investigation.active, key=lambda f: f.severity.rank)
            ][:EXCERPT_FINDINGS],
        }
        for each in found
    ]
    best = found[0].investigation
    return {
        "found": True,
        "topic": best.question,
        "date": stamp(best.last_active_at),
        "filename": best.saved_to or None,
        "content": content,
        "matches": matches,
    }


async def looked_over(state: Investigation, domain: Domain | None) -> Assessment:
    """What an assessment would say now. Cancelled or not, what has begun is compared to its end."""
    if len(state.findings) <= COMPARED_AT_ONCE:
        return look_over(state, domain)
    return await trio.to_thread.run_sync(look_over, state, domain)


def page_of(state: Investigation, domain: Domain | None) -> str:
    """An investigation as a page: its report as it stands, whether it is final or not."""
    found = look_over(state, domain)
    return render_report(state, found, judge_report(state, found, is_forced=False), utc_now())


def angle_call(found: Assessment, state: Investigation) -> Json | None:
    """The angle of an assessment as a call, if there is a tool for it."""
    if found.angle is None or "think" not in TOOLS:
        return None
    return {"tool": "think", "arguments": dict(angle_arguments(found.angle, state.question))}


def guided(
    action: str,
    state: Investigation,
    found: Assessment,
    result: Json,
    **facts: object,
) -> Payload:
    """A result in the envelope that says where the investigation stands and what is next."""
    think = angle_call(found, state)
    known: Json = {
        "action": action,
        "session_id": state.id,
        "iteration": state.iteration,
        "findings": len(state.findings),
        "cwd": state.cwd,
        "areas": list(state.areas),
        "unchecked": list(found.coverage.unchecked),
        "convergence": found.assessed.convergence,
        "coverage": found.assessed.coverage,
        "next_area": found.next_area,
        "method": found.method,
        "think": think and {**think, "when": f"another angle: {found.angle and found.angle.name}"},
    }
    return Payload({**guide_investigation(known | facts), "result": result})
