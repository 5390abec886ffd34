"""Reasoning under watch: a frame, moves with work products and evidence, and a gate at the end.

The caller owns the answer; what is kept is what it showed: moves, evidence, objections. Three
actions take it from phase to phase:

| action   | phase          | what it needs                                                   |
|----------|----------------|-----------------------------------------------------------------|
| start    | frame          | a task and the context                                          |
| step     | integrate      | a move (a pattern) and the work it produced                     |
| finalize | finalize       | an answer; the gates say what is missing, or let it pass        |

A rejected `finalize` leaves nothing behind that would block the next one. An objection is resolved
by a later step that says how. Steps are the budget; time that nobody spends is not counted.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import plural

from ._base import Result, blocked
from ._fields import Json, bind, dump
from ._registry import PATTERNS, choices, normalised
from ._run import HARNESS, Session, is_full, stored
from ._watch import (
    WATCH_INPUTS,
    Entry,
    Finalize,
    Move,
    Objection,
    Severity,
    Start,
    StepInput,
    Watch,
)
from ._words import SAME, first_words, jaccard, nearest

START_CEILING: Final = 0.9
NO_EVIDENCE: Final = 0.45
MIXED: Final = 0.85
OTHER: Final = 0.6
GATE_BLOCKED: Final = 0.35
GATE_WARN: Final = 0.65
CONFLICT: Final = 0.5
CRITICAL: Final = 0.25
OBJECTED: Final = 0.65
NEEDED: Final = 0.6  # confidence ceiling to finalize
HIGH: Final = 0.75
MEDIUM: Final = 0.5
SOFT_STEPS: Final = 8
HARD_STEPS: Final = 24
IDLE_STEPS: Final = 2
BOLD: Final = 0.6  # confidence that evidence must carry

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "frame": ("problem_decomposition", "domain_modeling", "recursive_thinking"),
    "explore": (
        "architecture_analysis", "debugging_approach", "literature_review", "mental_model",
        "temporal_thinking", "visual_reasoning",
    ),
    "test": (
        "experimental_loop", "replication_analysis", "scientific_method", "source_comparison",
    ),
    "evaluate": (
        "critical_thinking", "decision_framework", "peer_review", "structured_argumentation",
    ),
    "calibrate": ("collaborative_reasoning", "metacognitive_monitoring", "stochastic_algorithm"),
    "finalize": ("research_synthesis", "sequential_thinking"),
}  # fmt: skip
CAPS: Final = {"verified": 0.9, "inferred": 0.7, "stale": 0.55, "blocked": 0.55, "unknown": 0.55}


def begin(given: Start) -> Result:
    """The frame, and the moves that make sense first."""
    watch = Watch(
        task=given.task,
        goal=given.goal,
        context_summary=given.context_summary,
        success_signal=given.success_signal,
    )
    missing = [name for name in ("goal", "success_signal") if not getattr(given, name)]
    data: Json = {
        "phase": "frame",
        "allowed_move_groups": {name: list(moves) for name, moves in GROUPS.items()},
        "recommended_moves": recommended(watch),
        "missing_inputs": missing,
        "knowledge_state": _ledger(watch),
        "trace_summary": _trace(watch),
    }
    return Result(
        data=data,
        summary=f"begun: {first_words(given.task)}",
        warnings=[f"{name} is not given: the end will be harder to see" for name in missing],
        gate=["a step", "an answer"],
        state=watch,
    )


def step(given: StepInput, watch: Watch, observed: Result | None = None) -> Result:
    """A move taken into the ledger, what it was worth, and what to do next.

    `observed` is what the move's pattern computed from `move_input`.
    """
    known = choices()
    name = normalised(given.chosen_move)
    if name not in known:
        close = nearest(name, known)
        return blocked("move_mismatch", f"no move {given.chosen_move[:60]!r}", nearest=close)
    if watch.decision == "finalize":
        return blocked("finalized", "this reasoning has ended: start another")
    if len(watch.moves) >= HARD_STEPS:
        return blocked("budget_exhausted", f"{HARD_STEPS} steps are taken: finalize")
    ids = {each.id for each in watch.objections}
    strange = [each.id for each in given.resolve_objections if each.id not in ids]
    if strange:
        return blocked("unknown_objection", f"no objection {strange[0]}", known=sorted(ids))
    pattern = known[name].pattern.name
    gate, found = _judge(given, observed)
    is_new = bool(given.evidence) or not _said(given.work_product, watch.moves)
    after = attrs.evolve(
        watch,
        phase="integrate",
        moves=[
            *watch.moves,
            Move(
                pattern=pattern,
                work_product=given.work_product,
                gate=gate,
                confidence=given.confidence,
            ),
        ],
        evidence=[*watch.evidence, *given.evidence],
        ledger=_settled([*watch.ledger, *given.ledger]),
        objections=_objections(watch, given, found),
        idle=0 if is_new else watch.idle + 1,
    )
    after = attrs.evolve(after, decision=_decision(after))
    ceiling, factors = ceiling_of(after, given.confidence)
    data: Json = {
        "phase": after.phase,
        "observation": observed.summary if observed else first_words(given.work_product, 20),
        "computed": observed.data if observed else None,
        "ledger_patch": [each.text for each in given.ledger],
        "knowledge_state": _ledger(after),
        "gate_report": {"verdict": gate, "reasons": [text for _, text in found]},
        "confidence_ceiling": ceiling,
        "confidence_factors": factors,
        "confidence_tier": tier(ceiling),
        "unresolved_objections": _open(after),
        "stop_decision": after.decision,
        "recommended_moves": recommended(after),
        "trace_summary": _trace(after),
    }
    return Result(
        data=data,
        summary=f"{pattern}: gate {gate}, confidence at most {ceiling:g}",
        gate=missing_gates(after, "…", ceiling),
        state=after if given.execute else None,
    )


def finalize(given: Finalize, watch: Watch) -> Result:
    """Whether the answer may stand, and what is missing if not; a rejection changes nothing."""
    last = watch.moves[-1].confidence if watch.moves else None
    ceiling, factors = ceiling_of(watch, last)
    missing = missing_gates(watch, given.proposed_answer, ceiling)
    critical = [each for each in _open(watch) if each["severity"] == "critical"]
    may_force = given.force_finalize and bool(given.proposed_answer) and not critical
    accepted = not missing or may_force
    after = attrs.evolve(watch, phase="finalize", decision="finalize")
    data: Json = {
        "can_finalize": not missing,
        "accepted": accepted,
        "forced": accepted and bool(missing),
        "missing_gates": missing,
        "disclosed_objections": _open(watch) if accepted else [],
        "unresolved_objections": _open(watch),
        "confidence_ceiling": ceiling,
        "confidence_factors": factors,
        "confidence_tier": tier(ceiling),
        "stop_decision": "finalize" if accepted else "continue",
        "trace_summary": _trace(watch),
    }
    said = f"accepted, confidence {tier(ceiling)}" if accepted else "not yet"
    return Result(
        data=data,
        summary=f"{said}: {plural(len(missing), 'gate')} missing",
        warnings=[f"passed by force without: {each}" for each in missing] if accepted else [],
        gate=[] if accepted else missing,
        state=after if accepted else None,
    )


def _judge(given: StepInput, observed: Result | None) -> tuple[str, list[tuple[Severity, str]]]:
    """The verdict on a step, and the objections it raises."""
    found: list[tuple[Severity, str]] = []
    if not given.work_product:
        found.append(("major", "the move produced nothing that is shown"))
        return "blocked", found
    if observed and (observed.blocked or observed.missing):
        found.append(("major", f"the move could not be run: {observed.summary}"))
        return "blocked", found
    if not given.evidence:
        if given.confidence is not None and given.confidence > BOLD:
            found.append(("major", f"{given.confidence:g} sure without evidence"))
        else:
            found.append(("minor", "no evidence"))
        return "warn", found
    return "pass", found


def _said(work: str, moves: Sequence[Move]) -> bool:
    return not work or any(jaccard(work, each.work_product) >= SAME for each in moves)


def _settled(ledger: Sequence[Entry]) -> list[Entry]:
    """The ledger less what a later line settles."""
    done = {each.resolves.lower() for each in ledger if each.resolves}
    return [each for each in ledger if each.text.lower() not in done]


def _objections(
    watch: Watch, given: StepInput, found: Sequence[tuple[Severity, str]]
) -> list[Objection]:
    how = {each.id: each.how for each in given.resolve_objections}
    kept = [
        attrs.evolve(each, resolved=how.get(each.id, each.resolved)) for each in watch.objections
    ]
    if given.evidence:  # evidence that comes later answers the want of it
        kept = [
            attrs.evolve(each, resolved=each.resolved or "evidence was given")
            if each.text == "no evidence" or each.text.endswith("sure without evidence")
            else each
            for each in kept
        ]
    new = [*found, *((each.severity, each.text) for each in given.objections)]
    return kept + [
        Objection(id=f"O-{len(kept) + at}", text=text, severity=severity)
        for at, (severity, text) in enumerate(new, 1)
    ]


def _decision(watch: Watch) -> str:
    if len(watch.moves) >= HARD_STEPS:
        return "stop"
    if watch.idle >= IDLE_STEPS:
        return "redirect"
    return "compress" if len(watch.moves) >= SOFT_STEPS else "continue"


def ceiling_of(watch: Watch, confidence: float | None) -> tuple[float, list[Json]]:
    """How sure one may be at most, and what holds it down."""
    factors = [("start", START_CEILING)]
    caps = [CAPS.get(each.verification_status.lower(), OTHER) for each in watch.evidence]
    if not caps:
        factors.append(("no evidence", NO_EVIDENCE))
    elif len(set(caps)) > 1:
        factors.append(("mixed evidence", min(MIXED, max(caps))))
    else:
        factors.append((f"evidence {watch.evidence[0].verification_status or 'unknown'}", caps[0]))
    gate = watch.moves[-1].gate if watch.moves else "warn"
    if gate == "blocked":
        factors.append(("gate blocked", GATE_BLOCKED))
    elif gate == "warn":
        factors.append(("gate warn", GATE_WARN if watch.evidence else NO_EVIDENCE))
    if any(each.kind == "conflict" for each in watch.ledger):
        factors.append(("a conflict is open", CONFLICT))
    still = _open(watch)
    if any(each["severity"] == "critical" for each in still):
        factors.append(("a critical objection is open", CRITICAL))
    elif still:
        factors.append(("an objection is open", OBJECTED))
    if confidence:
        factors.append(("your own confidence", confidence))
    return min(cap for _, cap in factors), [{"factor": name, "cap": cap} for name, cap in factors]


def tier(ceiling: float) -> str:
    """high, medium or low."""
    return "high" if ceiling >= HIGH else "medium" if ceiling >= MEDIUM else "low"


def missing_gates(watch: Watch, answer: str, ceiling: float) -> list[str]:
    """What still stands between the work and an answer."""
    still = _open(watch)
    found = [] if answer else ["proposed_answer"]
    if not watch.moves:
        found.append("full_loop")
    if not watch.evidence:
        found.append("evidence")
    if watch.moves and watch.moves[-1].gate == "blocked":
        found.append("gate_blocked")
    if ceiling < NEEDED:
        found.append("confidence_ceiling")
    if any(each["severity"] == "critical" for each in still):
        found.append("critical_objections")
    elif still:
        found.append("non_critical_objections")
    return found


def _open(watch: Watch) -> list[Json]:
    return [
        {"id": each.id, "severity": each.severity, "text": each.text}
        for each in watch.objections
        if not each.resolved
    ]


def recommended(watch: Watch) -> list[Json]:
    """The two moves that make sense next, by what is there."""
    made = [each.pattern for each in watch.moves]
    if not made:
        groups = ["frame", "explore"]
    elif not watch.evidence:
        groups = ["test", "explore"]
    elif _open(watch):
        groups = ["evaluate", "test"]
    else:
        groups = ["calibrate", "finalize"]
    found: list[Json] = []
    for group in groups:
        fresh = [name for name in GROUPS[group] if name not in made] or list(GROUPS[group])
        found.append(
            {
                "move": fresh[0],
                "group": group,
                "for": PATTERNS[fresh[0]].description,
            }
        )
    return found


def _ledger(watch: Watch) -> Json:
    kinds = ("known", "unknown", "assumption", "conflict", "checkable", "blocked")
    found: Json = {
        kind: [each.text for each in watch.ledger if each.kind == kind] for kind in kinds
    }
    return {kind: texts for kind, texts in found.items() if texts}


def _trace(watch: Watch) -> Json:
    return {
        "task": watch.task,
        "steps": len(watch.moves),
        "moves": [each.pattern for each in watch.moves],
        "evidence": len(watch.evidence),
        "open_objections": len(_open(watch)),
        "steps_left": HARD_STEPS - len(watch.moves),
    }


def watched(
    action: str, fields: Json, body: Json | None, observed: Result | None = None
) -> tuple[Result, Json | None]:
    """One action on fields that fit its schema; the session as it is then, None if unchanged."""
    before = bind(Session, body or {})
    given: object = bind(WATCH_INPUTS[action], fields)
    kept = before.states.get(HARNESS)
    match given:
        case Start():
            result = begin(given)
        case _ if kept is None:
            result = blocked("unknown_session", f"{action} needs the session_id of a start")
        case StepInput():
            result = step(given, bind(Watch, kept), observed)
        case Finalize():
            result = finalize(given, bind(Watch, kept))
        case _:
            raise AssertionError(action)
    if not isinstance(result.state, Watch):
        return result, None
    states = {**before.states, HARNESS: dump(result.state)}
    count = before.steps + 1
    after = stored(attrs.evolve(before, states=states, steps=count))  # type: ignore[arg-type]
    if is_full(after):
        return blocked("session_full", "the session is full: start another"), None
    return result, after


def watched_answer(action: str, result: Result, session_id: str | None) -> Json:
    """What `think(action=…)` answers with in `data`."""
    missing = [result.blocked.message] if result.blocked else list(result.gate)
    trace = result.data.get("trace_summary")
    following = result.data.get("recommended_moves")
    return {
        "action": action,
        "pattern": None,
        "technique": "watched reasoning",
        "session_id": session_id,
        "step": trace["steps"] if isinstance(trace, dict) else None,
        "status": "blocked" if result.blocked else "ok",
        "mode": "solo",
        "summary": result.summary,
        "gate": {
            "status": "incomplete" if missing else "complete",
            "reason": "; ".join(missing) if missing else "nothing is left to do",
            "missing": missing,
        },
        "advisor": {"action": "continue", "target": None, "reason": "see recommended_moves"},
        "data": dump(result.data),
        "suggested_next": None,
        "recommended_moves": following,
        "consensus": None,
        "warnings": list(result.warnings),
    }
