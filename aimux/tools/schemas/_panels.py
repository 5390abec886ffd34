"""`data` of the tools that ask several seats: consensus, dialog, debate, audit and pair."""

from typing import Final

from aimux.model import FindingSeverity, FindingState, Priority
from aimux.rules.audit import AuditPhase
from aimux.rules.pair import PairState, Verdict
from aimux.rules.talk import JudgeRecord, StoppedBy, Struck
from aimux.tools.catalog import Schema

from ._results import PHASE, PLAIN_WARNING
from ._shapes import (
    COUNT,
    EVIDENCE,
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    closed,
    list_of,
    map_of,
    of_class,
    optional,
    texts,
    word,
)

_NAME: Final = optional(TEXT)
_SIDE: Final = word(("pro", "con"))
_CLAIM: Final = closed({"text": TEXT, "evidence": list_of(EVIDENCE)})
_POINT: Final = closed({"point": TEXT, "evidence": list_of(EVIDENCE)})
LOST: Final = closed({"seat": _NAME, "cli": TEXT, "reason": TEXT})


def consensus() -> Schema:
    """Who held what, what they agree on, and how far to trust it."""
    seat = closed(
        {
            "seat": TEXT,
            "cli": TEXT,
            "asked": TEXT,
            "vendor": TEXT,
            "model": _NAME,
            "status": word(("answered", "late", "lost")),
            "position": _NAME,
            "answer": _NAME,
            "claims": list_of(_CLAIM),
            "assumptions": texts(),
            "would_change": texts(),
            "error": _NAME,
        }
    )
    group = closed({"position": TEXT, "seats": texts()})
    synthesis = closed(
        {
            "seat": TEXT,
            "cli": TEXT,
            "self_synthesis": FLAG,
            "content": TEXT,
            "order_sensitive": optional(FLAG),
            "error": _NAME,
        }
    )
    return closed(
        {
            "question": TEXT,
            "mode": word(("consensus", "vote", "union", "escalate")),
            "blinded": FLAG,
            "seed": COUNT,
            "rounds": COUNT,
            "phases": list_of(PHASE),
            "seats": list_of(seat),
            "tally": closed(
                {
                    "method": word(("choice", "number", "similarity", "labels")),
                    "groups": list_of(group),
                    "agreement": SHARE,
                    "winner": _NAME,
                },
                {"vetoed_by": texts()},
            ),
            "minority": list_of(
                closed({"position": TEXT, "seats": texts(), "strongest_claim": _NAME})
            ),
            "only_one_said": list_of(closed({"seat": TEXT, "claim": TEXT})),
            "synthesis": optional(synthesis),
            "open_questions": texts(),
            "quorum": closed(
                {"needed": COUNT, "got": COUNT, "late": texts(), "lost": list_of(LOST)}
            ),
            "diversity": closed({"vendors": texts(), "shared_vendor": FLAG}),
            "confidence": closed(
                {
                    "value": SHARE,
                    "from": closed({"agreement": SHARE, "verified_evidence": SHARE}),
                }
            ),
            "warnings": list_of(PLAIN_WARNING),
        }
    )


def dialog() -> Schema:
    """Drafts, what was said of them, and what is open."""
    return closed(
        {
            "drafts": list_of(
                closed(
                    {
                        "turn": COUNT,
                        "seat": TEXT,
                        "text": TEXT,
                        "length": COUNT,
                        "objections": TEXT,
                        "reviewed_in": optional(COUNT),
                        "blocking": list_of(_POINT),
                        "notes": texts(),
                    }
                )
            ),
            "critiques": list_of(
                closed(
                    {
                        "turn": COUNT,
                        "seat": TEXT,
                        "blocking": list_of(_POINT),
                        "notes": texts(),
                        "prose": FLAG,
                    }
                )
            ),
            "final": TEXT,
            "objections": TEXT,
            "open_points": list_of(_POINT),
            "reviewed": FLAG,
            "stopped_by": word(StoppedBy),
            "seats": list_of(
                closed(
                    {
                        "seat": TEXT,
                        "role": word(("proposer", "critic")),
                        "cli": TEXT,
                        "vendor": TEXT,
                        "model": _NAME,
                        "native_session": _NAME,
                        "error": _NAME,
                    }
                )
            ),
            "max_turns": COUNT,
            "turns_taken": COUNT,
            "phases": list_of(PHASE),
            "warnings": list_of(PLAIN_WARNING),
        }
    )


def debate() -> Schema:
    """What each side said, what was struck, and what the judges made of it."""
    side = closed(
        {
            "side": _SIDE,
            "seat": TEXT,
            "cli": TEXT,
            "vendor": TEXT,
            "opening": _NAME,
            "rebuttals": list_of(
                closed(
                    {
                        "text": TEXT,
                        "attacks": list_of(closed({"quote": TEXT, "reply": TEXT, "found": FLAG})),
                    }
                )
            ),
            "closing": _NAME,
            "concessions": list_of(closed({"fact": TEXT, "evidence": list_of(EVIDENCE)})),
            "evidence": list_of(EVIDENCE),
            "forfeits": list_of(closed({"phase": TEXT, "reason": TEXT})),
            "turns": list_of(COUNT),
        }
    )
    ruling = closed(
        {
            "seat": TEXT,
            "cli": _NAME,
            "order": list_of(_SIDE),
            "winner": _NAME,
            "confidence": optional(NUMBER),
            "recommendation": TEXT,
            "error": _NAME,
        }
    )
    verdict = closed(
        {
            "winner": word(("pro", "con", "draw", "neither")),
            "confidence": SHARE,
            "points": list_of(closed({"claim": TEXT, "held_by": TEXT}, {"weight": {}})),
            "unresolved": texts(),
            "recommendation": TEXT,
        }
    )
    return closed(
        {
            "topic": TEXT,
            "sides": list_of(side),
            "judge": closed(
                {
                    "seats": list_of(of_class(JudgeRecord)),
                    "orders": list_of(list_of(_SIDE)),
                    "verdicts": list_of(ruling),
                    "order_sensitive": optional(FLAG),
                    "is_party": FLAG,
                }
            ),
            "verdict": optional(verdict),
            "struck": list_of(of_class(Struck)),
            "seed": COUNT,
            "phases": list_of(PHASE),
            "warnings": list_of(PLAIN_WARNING),
        }
    )


def _executed() -> Schema:
    """The command that was to show a finding."""
    code: Schema = {"type": "integer"}
    return closed(
        {
            "command": texts(),
            "predicted_exit_code": code,
            "exit_code": optional(code),
            "control_exit_code": optional(code),
            "tail": TEXT,
            "duration_ms": COUNT,
            "why": _NAME,
            "shows_it": FLAG,
        }
    )


def audit() -> Schema:
    """Findings in their order, what ran, and what was looked at."""
    finding = closed(
        {
            "id": TEXT,
            "rule": TEXT,
            "category": TEXT,
            "severity": word(FindingSeverity),
            "priority": optional(word(Priority)),
            "path": TEXT,
            "line": optional(COUNT),
            "end_line": optional(COUNT),
            "quote": TEXT,
            "title": TEXT,
            "scenario": TEXT,
            "fix": TEXT,
            "state": word(FindingState),
            "scanners": texts(),
            "validators": texts(),
            "evidence": list_of(EVIDENCE),
            "reason": _NAME,
            "investigation": _NAME,
            "check": optional(_executed()),
        }
    )
    phase = of_class(AuditPhase)
    assert isinstance(phase["properties"], dict)
    phase["properties"]["reason"] = _NAME
    return closed(
        {
            "findings": list_of(finding),
            "phases": list_of(phase),
            "coverage": closed(
                {
                    "files_seen": COUNT,
                    "files_read_by": map_of(COUNT, "by CLI"),
                    "skipped": list_of(closed({"path": TEXT, "why": TEXT})),
                }
            ),
            "counts": closed(
                dict.fromkeys((*Priority, "refuted", "unverified", "suppressed"), COUNT)
            ),
            "scope": closed(
                {
                    "path": TEXT,
                    "mode": word(("quick", "standard", "deep")),
                    "focus": _NAME,
                    "changed_since": _NAME,
                }
            ),
            "exports": closed({"markdown": TEXT, "sarif": TEXT}),
        }
    )


def pair() -> Schema:
    """A change, its rounds, what proved it, and whether it landed."""
    command = closed(
        {
            "command": TEXT,
            "exit_code": optional({"type": "integer"}),
            "tail": TEXT,
            "duration_ms": COUNT,
            "why": _NAME,
        }
    )
    hunk = closed(
        {
            "hunk": COUNT,
            "path": TEXT,
            "kind": TEXT,
            "verdict": word(Verdict),
            "rule": _NAME,
            "category": _NAME,
            "comment": TEXT,
            "evidence": list_of(EVIDENCE),
            "replacement": _NAME,
            "contested": _NAME,
        }
    )
    taken = closed(
        {
            "round": COUNT,
            "seat": TEXT,
            "cli": _NAME,
            "diff": TEXT,
            "applies": FLAG,
            "problem": _NAME,
            "verify": list_of(command),
            "reviewer": _NAME,
            "hunks": list_of(hunk),
        }
    )
    return closed(
        {
            "state": word(PairState),
            "rounds": list_of(taken),
            "landed": FLAG,
            "diff": TEXT,
            "files": texts(),
            "copy": closed({"path": TEXT, "base": TEXT, "kept": FLAG, "why": TEXT}),
            "phases": list_of(
                closed(
                    {"name": TEXT, "round": COUNT, "limit_seconds": NUMBER, "took_seconds": NUMBER}
                )
            ),
            "driver": _NAME,
            "reviewer": _NAME,
            "why": _NAME,
            "lost": list_of(LOST),
            "candidates": list_of(
                closed(
                    {"seat": TEXT, "cli": _NAME, "lines": COUNT, "verified": FLAG, "chosen": FLAG}
                )
            ),
        }
    )
