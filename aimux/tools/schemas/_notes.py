"""What `think` and `investigate` answer with: a step of thought, the envelope of a notebook."""

from typing import Final

from aimux.investigate import Confidence, Severity, Verdict
from aimux.strategies.seats import StopReason
from aimux.tools.catalog import Schema

from ._results import CALL, ERROR, GUIDANCE, STATUS, WARNINGS
from ._shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NULL,
    NUMBER,
    SHARE,
    TEXT,
    closed,
    list_of,
    map_of,
    open_object,
    optional,
    texts,
    word,
)

_NAME: Final = optional(TEXT)
_MODES: Final = word(("solo", "consensus", "auto"))
_GATE: Final = closed(
    {"status": word(("complete", "incomplete")), "reason": TEXT, "missing": texts()}
)
_PATTERN_DATA: Final = open_object("what the pattern computed; its fields are the pattern's own")


def _participants() -> Schema:
    return list_of(
        closed(
            {
                "seat": _NAME,
                "cli": TEXT,
                "role": _NAME,
                "status": word(("answered", "lost", "unseated")),
                "duration_ms": optional(COUNT),
                "parsed": TEXT,
                "verdict": ANYTHING,
                "confidence": ANYTHING,
                "error": _NAME,
            }
        )
    )


def _consensus() -> Schema:
    row = {"field": TEXT, "text": TEXT, "support": texts(), "seats": texts()}
    return closed(
        {
            "status": word(("ok", "degraded", "failed", "unavailable")),
            "strategy": TEXT,
            "participants": _participants(),
            "agreement": optional(SHARE),
            "agreed": list_of(closed(row)),
            "disputed": list_of(open_object("ratings far apart, and what denies each other")),
            "unique": list_of(closed(row)),
            "merged": map_of(list_of(open_object("the pattern's item, with support and ratings"))),
            "findings": open_object("what a pattern computes across answers"),
            "synthesis": _NAME,
            "opinions": list_of(closed({"seat": TEXT, "cli": TEXT, "text": TEXT})),
            "note": TEXT,
        }
    )


def think_data() -> Schema:
    """A step of a pattern, or of reasoning under watch."""
    analysis = closed(
        {
            "entities": texts(),
            "relationships": list_of(closed({"subject": TEXT, "verb": TEXT, "object": TEXT})),
            "gaps": list_of(closed({"expected": TEXT, "why": TEXT})),
            "negations": texts(),
            "questions": texts(),
            "complexity": word(("low", "medium", "high", "epic")),
        }
    )
    complexity = closed(
        {
            "total": COUNT,
            "threshold": COUNT,
            "components": closed(
                {
                    "textLength": COUNT,
                    "subItemCount": COUNT,
                    "structuralDepth": COUNT,
                    "patternBias": {"type": "integer"},
                }
            ),
        }
    )
    return closed(
        {
            "pattern": _NAME,
            "technique": _NAME,
            "session_id": _NAME,
            "step": optional(COUNT),
            "status": TEXT,
            "mode": _MODES,
            "summary": TEXT,
            "gate": _GATE,
            "advisor": closed(
                {"action": word(("continue", "switch")), "target": _NAME, "reason": TEXT}
            ),
            "data": _PATTERN_DATA,
            "suggested_next": optional(
                closed(
                    {"pattern": TEXT, "reason": TEXT, "arguments": open_object("of think")},
                )
            ),
            "consensus": optional(_consensus()),
            "warnings": texts(),
        },
        {
            "requested_mode": _MODES,
            "mode_reason": TEXT,
            "recommended_mode": closed({"mode": _MODES, "reason": TEXT}),
            "complexity": complexity,
            "text_analysis": analysis,
            "metadata": closed({"mapped_fields": texts()}),
            "needs": closed(
                {
                    "fields": map_of(open_object("its schema")),
                    "optional": map_of(TEXT, "what it takes"),
                }
            ),
            "solo": closed({"status": TEXT, "summary": TEXT, "gate": _GATE, "data": _PATTERN_DATA}),
            "action": word(("start", "step", "finalize")),
            "recommended_moves": ANYTHING,
        },
    )


THOUGHT: Final[dict[str, Schema]] = {
    "id": TEXT,
    "kind": {"const": "think"},
    "pattern": _NAME,
    "patterns": texts(),
    "steps": COUNT,
    "summary": TEXT,
    "client": _NAME,
    "created_at": TEXT,
    "last_active_at": TEXT,
}
WHOLE_THOUGHT: Final = closed({**THOUGHT, "states": map_of(ANYTHING, "by pattern, its own")})


def _looked_at() -> Schema:
    """What the actions that take no step tell of sessions."""
    listed = {
        "sessions": list_of(closed(THOUGHT)),
        "count": COUNT,
        "total_sessions": COUNT,
        "next_cursor": _NAME,
    }
    return {
        "anyOf": [
            closed({"action": {"const": "list"}, **listed}),
            closed({"action": {"const": "get"}, "session": WHOLE_THOUGHT}),
            closed({"action": {"const": "delete"}, "deleted": TEXT}),
        ]
    }


def think_alone() -> Schema:
    """A step that no CLI was asked about: there is no job."""
    return closed(
        {
            "job_id": NULL,
            "session_id": _NAME,
            "status": word(("completed", "partial", "failed")),
            "role": NULL,
            "cli": NULL,
            "model": NULL,
            "mode": NULL,
            "content": TEXT,
            "data": {"anyOf": [think_data(), _looked_at()]},
            "content_length": COUNT,
            "truncated": FLAG,
            "usage": NULL,
            "duration_ms": NULL,
            "exit_code": NULL,
            "attempts": list_of({}) | {"maxItems": 0},
            "warnings": WARNINGS,
            "error": optional(ERROR),
            "guidance": GUIDANCE,
        }
    )


def run_data() -> Schema:
    """What CLIs came to that looked into an investigation."""
    return closed(
        {
            "investigation_id": TEXT,
            "stop_reason": word(StopReason),
            "final": FLAG,
            "gaps": texts(),
            "rounds": COUNT,
            "answers": COUNT,
            "added": COUNT,
            "coverage": SHARE,
            "convergence": optional(SHARE),
            "lost": list_of(
                closed({"seat": _NAME, "cli": _NAME, "area": _NAME, "reason": TEXT, "told": TEXT})
            ),
            "refused": list_of(closed({"said": TEXT, "by": TEXT, "why": TEXT})),
        }
    )


# ---------------------------------------------------------------------------- the notebook

_PLACE: Final = closed(
    {
        "path": TEXT,
        "line": optional(COUNT),
        "end_line": optional(COUNT),
        "quote": TEXT,
        "verified": {"enum": ["quote", "line_exists", False]},
        "why": TEXT,
    }
)
_ROW: Final = {
    "session_id": TEXT,
    "topic": TEXT,
    "domain": TEXT,
    "phase": TEXT,
    "iteration": COUNT,
    "findings_count": COUNT,
    "project": TEXT,
    "last_activity": TEXT,
}
_ADDED: Final = {
    "finding_id": TEXT,
    "added": FLAG,
    "confidence": word(Confidence),
    "evidence": list_of(_PLACE),
    "hint": TEXT,
}
_ADDED_MORE: Final = {
    "duplicate_of": TEXT,
    "repeats": TEXT,
    "contradicts": texts(),
    "correction": closed({"corrected": TEXT, "original_claim": TEXT, "new_claim": TEXT}),
}


def _started() -> Schema:
    return closed(
        {
            "session_id": TEXT,
            "topic": TEXT,
            "domain": TEXT,
            "coverage_areas": texts(),
            "methods": map_of(TEXT, "by area"),
            "max_iterations": COUNT,
            "project": TEXT,
        },
        {
            "domain_detection": closed(
                {"domain": TEXT, "scores": map_of(NUMBER), "matched": texts()}
            ),
            "domain_problems": texts(),
        },
    )


def _assessed() -> Schema:
    conflict = closed(
        {
            "area": TEXT,
            "score": NUMBER,
            "holds_back": FLAG,
            "sources": texts(),
            "findings": texts(),
            "reason": TEXT,
        }
    )
    return closed(
        {
            "session_id": TEXT,
            "iteration": COUNT,
            "convergence_score": SHARE,
            "coverage_score": SHARE,
            "effective_coverage": SHARE,
            "findings_count": COUNT,
            "corrections_count": COUNT,
            "new_findings": COUNT,
            "new_corrections": COUNT,
            "idle": FLAG,
            "recommendation": word(Verdict),
            "held_back_by": texts(),
            "message": TEXT,
            "unchecked_areas": texts(),
            "weak_areas": texts(),
            "refuted_areas": texts(),
            "conflicting_areas": texts(),
            "conflict_details": list_of(conflict),
            "priority_next": _NAME,
            "method": _NAME,
            "suggested_angle": _NAME,
            "suggested_think_call": optional(CALL),
            "anti_pattern_warnings": texts(),
            "pattern_hints": list_of(
                closed({"indicator": TEXT, "severity": word(Severity), "fix_approach": TEXT})
            ),
        },
        {"adversarial_prompt": TEXT},
    )


def _reported() -> Schema:
    return closed(
        {
            "session_id": TEXT,
            "report": TEXT,
            "gate": TEXT,
            "final": FLAG,
            "findings_count": COUNT,
            "corrections_count": COUNT,
            "iterations": COUNT,
            "force": FLAG,
            "metadata": closed({"force": FLAG}),
        },
        {"saved_to": _NAME, "save_error": TEXT},
    )


def _recorded() -> Schema:
    finding = closed(
        {
            "finding_id": TEXT,
            "severity": word(Severity),
            "confidence": word(Confidence),
            "description": TEXT,
            "source": TEXT,
            "iteration": COUNT,
            "evidence": list_of(_PLACE),
        },
        {
            "claimed": word(Confidence),
            "by": TEXT,
            "coverage_area": TEXT,
            "corrected_by": TEXT,
            "contradicts": TEXT,
            "repeats": TEXT,
        },
    )
    note = closed(
        {
            "note_id": TEXT,
            "coverage_area": _NAME,
            "description": TEXT,
            "source": TEXT,
            "iteration": COUNT,
        }
    )
    return closed(
        {
            **_ROW,
            "corrections_count": COUNT,
            "coverage_score": SHARE,
            "coverage_unchecked": texts(),
            "findings": list_of(finding),
            "corrections": list_of(closed({"corrected": TEXT, "by": TEXT, "iteration": COUNT})),
            "notes": list_of(note),
            "saved_to": _NAME,
            "created_at": TEXT,
        }
    )


def _listed() -> list[Schema]:
    matches = closed({**_ROW, "score": NUMBER, "findings": texts()})
    saved = closed({"filename": TEXT, "topic": TEXT, "session_id": TEXT})
    return [
        closed(
            {
                "active_investigations": list_of(closed(_ROW)),
                "active_count": COUNT,
                "has_more": FLAG,
                "saved_reports": list_of(saved),
                "saved_count": COUNT,
                "project": _NAME,
            }
        ),
        closed({"found": {"const": False}, "message": TEXT, "available_topics": texts()}),
        closed(
            {
                "found": {"const": True},
                "topic": TEXT,
                "date": TEXT,
                "filename": _NAME,
                "content": TEXT,
                "matches": list_of(matches),
            }
        ),
    ]


def notebook(run: Schema) -> list[Schema]:
    """The envelope of each action; `run` is the job that `auto` started, without its guidance."""
    path = closed(
        {"when": TEXT, "next_call": CALL, "then": TEXT},
        {"how": TEXT, "fill_in": texts(), "example": CALL},
    )
    envelope = {
        "state": TEXT,
        "you_are_here": TEXT,
        "coverage_gaps": texts(),
        "choose_your_path": closed({}, {"self": path, "delegate": path, "hybrid": path}),
        "do_not": texts(),
        "gaps": texts(),
        "stop_conditions": TEXT,
        "guidance": GUIDANCE,
    }
    more = {"how_this_tool_works": TEXT, "evidence_gaps": texts(), "warnings": WARNINGS}
    added = closed({"session_id": TEXT, **_ADDED}, _ADDED_MORE)
    several = closed({"session_id": TEXT, "findings": list_of(closed(_ADDED, _ADDED_MORE))})
    noted = closed({"session_id": TEXT, "note_id": TEXT, "hint": TEXT}, {"duplicate_of": TEXT})
    done: Schema = {
        "anyOf": [_started(), added, several, noted, _assessed(), _reported(), _recorded()]
    }
    return [
        closed({**envelope, "result": done}, more),
        closed({"guidance": GUIDANCE, "result": {"anyOf": _listed()}}, {"warnings": WARNINGS}),
        closed(
            {**envelope, "job_id": TEXT, "status": STATUS, "error": optional(ERROR), "result": run},
            more,
        ),
    ]
