"""debugging_approach: hypotheses about a bug, and findings that support or contradict them."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, blocked, full, rounded, share
from aimux.think._fields import Count, Json
from aimux.think._levels import level
from aimux.think._words import first_words, nearest, words

METHODS: Final[Mapping[str, tuple[str, str]]] = {  # name -> what to do, words that ask for it
    "binary_search": ("halve the suspect code or data until one half is left", "where which large"),
    "bisect": ("halve the history between the last good and the first bad state",
               "regression worked before since upgrade release version"),
    "trace": ("follow one request through every step", "wrong value flow request path"),
    "delta_debugging": ("shrink the failing input while it still fails", "input file fuzz crash"),
    "wolf_fence": ("fence off regions and ask on which side it is", "large codebase"),
    "rubber_duck": ("explain every line aloud", "logic confusing"),
    "printf": ("print what is believed at the places that matter", "value state"),
    "reverse": ("go back from the symptom to the cause", "symptom output corrupt"),
    "hypothesis": ("guess, predict, test", "unknown unclear"),
    "differential": ("compare with a case that works", "only sometimes works elsewhere"),
    "stack_trace": ("read the trace from the innermost frame", "exception traceback stack panic"),
    "git_blame": ("ask who changed the line, when and why", "recently changed commit"),
    "minimal_repro": ("cut everything away that is not needed", "intermittent flaky complex"),
    "divide_conquer": ("test the parts by themselves", "integration component service"),
    "profiler": ("measure where the time goes", "slow latency cpu performance"),
    "memory_dump": ("look into the memory", "leak memory oom heap"),
    "network_trace": ("record what goes over the wire", "timeout network connection http socket"),
    "static_analysis": ("let a checker read the code", "type null undefined lint"),
    "five_whys": ("ask why until the cause can be acted on", "again recurring process root"),
}  # fmt: skip
FINDINGS: Final = 3  # before a hypothesis is more than a guess
SURE: Final = 0.8
SURE_FINDINGS: Final = 5
STEPS: Final = 3
EVIDENCE: Final = 2
TIRED: Final = 3  # refuted hypotheses after which the approach is in doubt
FACTOR: Final = 2.0  # how much one finding moves the odds


@attrs.frozen(kw_only=True)
class Hypothesis:
    """A possible cause."""

    id: str
    text: str
    status: str = "untested"
    confidence: float = 0.5
    approach: str = ""


@attrs.frozen(kw_only=True)
class Finding:
    """Something seen, and what it says of which hypotheses."""

    id: str
    text: str
    supports: Sequence[str] = ()
    contradicts: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class State:
    """What is known of the bug."""

    issue: str = ""
    hypotheses: Sequence[Hypothesis] = ()
    findings: Sequence[Finding] = ()
    steps: int = 0
    resolution: str = ""


@attrs.frozen(kw_only=True)
class NewHypothesis:
    """A possible cause in one piece."""

    SHORT = "text"
    text: str
    id: Annotated[str, "H-n if not given"] = ""
    confidence: Annotated[float | str | None, "0 to 1, or exploring … certain"] = None


@attrs.frozen(kw_only=True)
class Update:
    """What became of a hypothesis."""

    id: str
    status: Literal["untested", "tested", "confirmed", "refuted"]


@attrs.frozen(kw_only=True)
class Input:
    """The bug, and what this step adds."""

    issue: Annotated[str, "the symptom"] = ""
    approach_name: Annotated[str, "the method, such as bisect or minimal_repro"] = ""
    hypothesis_text: Annotated[str, "a possible cause"] = ""
    confidence: Annotated[float | str | None, "0 to 1, or exploring … certain"] = None
    hypothesis_action: Annotated[
        Literal["propose", "confirm", "refute"] | None, "confirm or refute target_id"
    ] = None
    target_id: Annotated[str, "H-n; by default the last hypothesis"] = ""
    findings_text: Annotated[str, "something seen"] = ""
    supports: Annotated[Sequence[str], "hypotheses the finding speaks for"] = ()
    contradicts: Annotated[Sequence[str], "hypotheses it speaks against"] = ()
    hypothesis: Annotated[NewHypothesis | None, "a possible cause in one piece"] = None
    hypothesis_update: Annotated[Update | None, "{id, status}"] = None
    resolution_text: Annotated[str, "what fixed it"] = ""
    step_number: Annotated[Count | None, "which step this is, checked against the session"] = None
    next_step_needed: Annotated[bool | None, "false when the hunt is over"] = None


def think(given: Input, state: State) -> Result:
    """Hypotheses by how likely the findings make them, with what is missing to be sure."""
    issue = given.issue or state.issue
    if not issue:
        return Result(missing=["issue"], summary="the symptom is needed")
    if refusal := full(state.hypotheses) or full(state.findings):
        return refusal
    warnings: list[str] = []
    approach = _method(given.approach_name, warnings)
    hypotheses = list(state.hypotheses)
    added = _proposed(given, hypotheses, approach, warnings)
    duplicates = [
        each.id for each in hypotheses if added and each.text.lower() == added.text.lower()
    ]
    if added and not duplicates:
        hypotheses.append(added)
    changed = _updated(given, hypotheses)
    if isinstance(changed, Result):
        return changed
    hypotheses = changed
    findings = list(state.findings)
    if given.findings_text:
        made = _finding(given, findings, hypotheses)
        if isinstance(made, Result):
            return made
        findings.append(made)
    elif given.supports or given.contradicts:
        warnings.append("supports and contradicts belong to findings_text: nothing was recorded")
    steps = state.steps + 1
    if given.step_number is not None and given.step_number != steps:
        warnings.append(f"step_number {given.step_number}: this is step {steps}")
    after = State(
        issue=issue,
        hypotheses=hypotheses,
        findings=findings,
        steps=steps,
        resolution=given.resolution_text or state.resolution,
    )
    ranked = _ranked(hypotheses, findings)
    data = {
        "methodDescription": METHODS[approach][0] if approach in METHODS else "custom approach",
        "duplicateDetected": duplicates,
        "reflection": _reflection(added, findings),
        **_figures(after, ranked),
    }
    best = next((each for each in ranked if each["status"] != "refuted"), None)
    likeliest = ""
    if best:
        text = first_words(str(best["text"]))
        likeliest = f"; likeliest {best['id']} ({best['posterior']}): {text}"
    return Result(
        data=data,
        summary=f"{plural(len(findings), 'finding')}, {plural(len(hypotheses), 'hypothesis')}"
        + likeliest,
        warnings=warnings,
        gate=_gate(given, after),
        following=Following(
            pattern="scientific_method",
            reason="test the likeliest cause",
            fields={"observation": issue, **({"hypothesis": best["text"]} if best else {})},
        ),
        state=after,
    )


def _figures(state: State, ranked: Sequence[Json]) -> Json:
    """What the whole hunt has come to so far."""
    hypotheses, findings = state.hypotheses, state.findings
    confirmed = [each for each in hypotheses if each.status == "confirmed"]
    refuted = [each for each in hypotheses if each.status == "refuted"]
    return {
        "recommendedMethods": recommended(state.issue),
        "hypotheses": ranked,
        "hypothesisCount": len(hypotheses),
        "confirmedCount": len(confirmed),
        "refutedCount": len(refuted),
        "findings": findings,
        "findingCount": len(findings),
        "hasFindings": bool(findings),
        "steps": state.steps,
        "methodEfficiency": _efficiency(hypotheses),
        "suggestion": "three or more refuted: change the approach"
        if len(refuted) >= TIRED
        else None,
        "resolution": state.resolution or None,
        "unexplainedFindings": [
            each.id for each in findings if not each.supports and not each.contradicts
        ],
    }


def _method(name: str, warnings: list[str]) -> str:
    plain = re.sub(r"[\s-]+", "_", name.lower())
    if plain and plain not in METHODS:
        warnings.append(
            f"approach {name} is not known; nearest: {', '.join(nearest(plain, METHODS))}"
        )
    return plain


def recommended(issue: str) -> list[str]:
    """The methods whose words are in a symptom, most first."""
    said = set(words(issue))
    hits = {name: len(said & set(signs.split())) for name, (_, signs) in METHODS.items()}
    return sorted((name for name in hits if hits[name]), key=lambda name: -hits[name])[:3]


def _sure(confidence: float | str | None, warnings: list[str]) -> float:
    found = level(confidence, warnings)
    return 0.5 if found is None else found


def _proposed(
    given: Input, before: Sequence[Hypothesis], approach: str, warnings: list[str]
) -> Hypothesis | None:
    number = f"H-{len(before) + 1}"
    if given.hypothesis:
        own = given.hypothesis
        known = {each.id for each in before}
        return Hypothesis(
            id=own.id if own.id and own.id not in known else number,
            text=own.text,
            confidence=_sure(
                own.confidence if own.confidence is not None else given.confidence, warnings
            ),
            approach=approach,
        )
    if given.hypothesis_text and given.hypothesis_action in (None, "propose"):
        return Hypothesis(
            id=number,
            text=given.hypothesis_text,
            confidence=_sure(given.confidence, warnings),
            approach=approach,
        )
    if given.hypothesis_action == "propose":
        warnings.append("propose needs hypothesis_text")
    return None


def _updated(given: Input, hypotheses: Sequence[Hypothesis]) -> list[Hypothesis] | Result:
    wanted: dict[str, str] = {}
    if given.hypothesis_action in ("confirm", "refute"):
        target = given.target_id or (hypotheses[-1].id if hypotheses else "")
        if not target:
            return blocked(
                "no_hypothesis", f"there is no hypothesis to {given.hypothesis_action}",
                hypothesis_text="…",
            )  # fmt: skip
        wanted[target] = "confirmed" if given.hypothesis_action == "confirm" else "refuted"
    if given.hypothesis_update:
        wanted[given.hypothesis_update.id] = given.hypothesis_update.status
    known = {each.id for each in hypotheses}
    for target in wanted:
        if target not in known:
            return blocked(
                "unknown_hypothesis", f"there is no hypothesis {target}", known=sorted(known)
            )
    return [attrs.evolve(each, status=wanted.get(each.id, each.status)) for each in hypotheses]


def _finding(
    given: Input, before: Sequence[Finding], hypotheses: Sequence[Hypothesis]
) -> Finding | Result:
    known = {each.id for each in hypotheses}
    for target in (*given.supports, *given.contradicts):
        if target not in known:
            return blocked(
                "unknown_hypothesis", f"there is no hypothesis {target}", known=sorted(known)
            )
    return Finding(
        id=f"F-{len(before) + 1}",
        text=given.findings_text,
        supports=list(given.supports),
        contradicts=list(given.contradicts),
    )


def _ranked(hypotheses: Sequence[Hypothesis], findings: Sequence[Finding]) -> list[Json]:
    """By their odds after the findings; what is decided is 0 or 1."""
    rows: list[Json] = []
    for each in hypotheses:
        pro = sum(each.id in one.supports for one in findings)
        con = sum(each.id in one.contradicts for one in findings)
        prior = min(max(each.confidence, 0.01), 0.99)
        odds = prior / (1 - prior) * FACTOR ** (pro - con)
        decided = {"confirmed": 1.0, "refuted": 0.0}.get(each.status)
        posterior = rounded(odds / (1 + odds)) if decided is None else decided
        rows.append(
            {
                "id": each.id,
                "text": each.text,
                "status": each.status,
                "confidence": each.confidence,
                "supportedBy": pro,
                "contradictedBy": con,
                "posterior": posterior,
            }
        )
    return sorted(rows, key=lambda row: -float(str(row["posterior"])))


def _efficiency(hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in sorted({each.approach for each in hypotheses if each.approach}):
        own = [each.status for each in hypotheses if each.approach == name]
        decided = own.count("confirmed") + own.count("refuted")
        if decided:
            found[name] = share(own.count("confirmed"), decided)
    return found


def _reflection(added: Hypothesis | None, findings: Sequence[Finding]) -> Json | None:
    if added is None:
        return None
    if len(findings) < FINDINGS:
        return {
            "directive": "STOP",
            "reason": f"{plural(len(findings), 'finding')} of {FINDINGS}: a guess so far",
            "checklist": [
                "write the symptoms down",
                "reproduce it",
                f"collect {FINDINGS} findings",
            ],
        }
    if added.confidence > SURE and len(findings) < SURE_FINDINGS:
        return {
            "directive": "VERIFY",
            "reason": f"{added.confidence:g} sure by {plural(len(findings), 'finding')}",
            "checklist": [
                "list the evidence", "name another cause", "say what would disprove it",
                "collect more",
            ],
        }  # fmt: skip
    return {"directive": "CONTINUE", "reason": "findings and confidence fit", "checklist": []}


def _gate(given: Input, state: State) -> list[str]:
    found = []
    if state.steps < STEPS:
        found.append(f"{STEPS} steps, {state.steps} so far")
    if len(state.findings) < EVIDENCE:
        found.append(f"{EVIDENCE} findings, {len(state.findings)} so far")
    if not state.resolution and not any(each.status == "confirmed" for each in state.hypotheses):
        found.append("a confirmed hypothesis or a resolution")
    if given.next_step_needed:
        found.append("the next step: next_step_needed")
    return found


PATTERN: Final = Pattern(name="debugging_approach", input=Input, think=think, state=State)
