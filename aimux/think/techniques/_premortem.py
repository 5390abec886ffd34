"""premortem: the plan has failed; which ways were likely, hard to see and without an answer."""

from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._analysis import analyse
from aimux.think._base import Following, Pattern, Result, as_list, seed, share
from aimux.think._fields import Json, Rating
from aimux.think._times import span
from aimux.think._words import listed, stem, stems

CATEGORIES: Final = {  # category -> words that belong to it, question
    "technical": ("code bug design architecture defect performance",
                  "which part has never been built here before?"),
    "data": ("data loss corrupt quality migration backup", "what happens to the data half way?"),
    "integration": ("integration api interface partner consumer contract",
                    "who depends on what changes?"),
    "security": ("security breach leak attack credential permission",
                 "what becomes reachable that was not?"),
    "performance": ("latency slow throughput scale capacity load", "what is slower afterwards?"),
    "operations": ("deploy outage monitoring on-call rollback operation incident",
                   "who is woken, and how do they go back?"),
    "people": ("team skill hire people burnout training leave", "who alone knows how?"),
    "schedule": ("deadline scope delay late schedule estimate creep",
                 "what was left out of the estimate?"),
    "cost": ("cost budget price money license expensive", "which cost grows with use?"),
    "external": ("vendor supplier regulation law market customer dependency",
                 "who outside can stop it?"),
}  # fmt: skip
SPELLINGS: Final = {
    "people/skills": "people", "skills": "people", "schedule/scope": "schedule",
    "scope": "schedule", "external dependency": "external",
}  # fmt: skip
GRAVE: Final = 12  # exposure that asks for a mitigation
FATAL: Final = 20
VITAL: Final = 0.8  # of all exposure
COVERED: Final = 0.5


@attrs.frozen(kw_only=True)
class FailureMode:
    """One way to fail. A detectability of 5 is noticed easily."""

    SHORT = "cause"
    cause: str
    category: Annotated[str, "one of ten; by default what the cause reads like"] = ""
    likelihood: Annotated[Rating | None, "1 to 5"] = None
    impact: Annotated[Rating | None, "1 to 5"] = None
    detectability: Annotated[Rating, "1 to 5; 5 is noticed easily"] = 3
    early_signal: Annotated[str, "how it shows early"] = ""
    mitigation: Annotated[str, "what is done about it"] = ""
    owner: Annotated[str, "who does it"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A plan, and how it may have failed."""

    problem: Annotated[str, "the plan"] = ""
    horizon: Annotated[str, "when one looks back, 12 months if not given"] = "12 months"
    failure_modes: Annotated[
        Sequence[FailureMode],
        "[{cause, category, likelihood, impact, detectability, early_signal, mitigation, owner}]",
    ] = ()
    assumptions: Annotated[Sequence[str], "what the plan takes for granted"] = ()


def think(given: Input) -> Result:
    """Failure modes by risk, the vital few, what is unmitigated or unseen, and a verdict."""
    if not given.problem and not given.failure_modes:
        return Result(missing=["problem", "failure_modes"], summary="a plan is needed")
    rows = [_row(each) for each in given.failure_modes]
    rated = [row for row in rows if row["rpn"] is not None]
    rated.sort(key=lambda row: (-_number(row["rpn"]), -_number(row["exposure"]), row["cause"]))
    unrated = [row for row in rows if row["rpn"] is None]
    hit = {str(row["category"]) for row in rows if row["category"]}
    blind = [name for name in CATEGORIES if name not in hit]
    coverage = share(len(CATEGORIES) - len(blind), len(CATEGORIES))
    unmitigated = [
        row for row in rated if _number(row["exposure"]) >= GRAVE and not row["mitigation"]
    ]
    verdict, reasons = _verdict(rated, unmitigated, coverage)
    technique: Json = {
        "horizon": given.horizon,
        "scenario": f"it is {given.horizon} later and it has failed: {given.problem}",
        "failure_modes": [*rated, *unrated],
        "vital_few": _vital(rated),
        "unmitigated": [row["cause"] for row in unmitigated],
        "unowned": [row["cause"] for row in rows if row["mitigation"] and not row["owner"]],
        "blind_spots": blind,
        "coverage": coverage,
        "early_signals": [
            {"cause": row["cause"], "signal": row["early_signal"]}
            for row in rows
            if row["early_signal"]
        ],
        "untested_assumptions": [
            each
            for each in given.assumptions
            if not any(stems(each) & stems(str(row["cause"])) for row in rows)
        ],
        "seeds": [] if rated else _seeds(given),
        "verdict": verdict,
        "verdict_reasons": reasons,
    }
    warnings = _horizon(given) + [f"not rated, so not ranked: {row['cause']}" for row in unrated]
    top = f", first: {rated[0]['cause']}" if rated else ""
    return Result(
        data={"technique": technique},
        summary=f"{verdict}: {plural(len(rows), 'failure mode')}{top}",
        warnings=warnings,
        missing=[] if rated else ["failure_modes"],
        gate=[f"a mitigation for {row['cause']}" for row in unmitigated],
        following=Following(
            pattern="decision_framework",
            reason="decide with the risks on the table",
            fields={"decision": given.problem},
        ),
    )


def _horizon(given: Input) -> list[str]:
    """What is wrong with the time one looks back over."""
    frame, named = span(given.horizon), span(given.problem)
    if frame is None:
        return [f"the horizon {given.horizon} names no length of time"]
    if named is not None and named > frame:
        return [f"the plan names a longer time than the horizon of {given.horizon}"]
    return []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _row(mode: FailureMode) -> Json:
    exposure = rpn = None
    if mode.likelihood is not None and mode.impact is not None:
        exposure = mode.likelihood * mode.impact
        rpn = exposure * (6 - mode.detectability)
    return {
        "cause": mode.cause,
        "category": _category(mode),
        "likelihood": mode.likelihood,
        "impact": mode.impact,
        "detectability": mode.detectability,
        "exposure": exposure,
        "rpn": rpn,
        "early_signal": mode.early_signal,
        "mitigation": mode.mitigation,
        "owner": mode.owner,
        "source": "caller",
    }


def _category(mode: FailureMode) -> str:
    """The category that was given, else the one most words of the cause belong to."""
    given = mode.category.lower().strip()
    given = SPELLINGS.get(given, given)
    if given in CATEGORIES:
        return given
    said = stems(f"{given} {mode.cause}")
    hits = {
        name: len(said & {stem(word) for word in listed(signs)})
        for name, (signs, _) in CATEGORIES.items()
    }
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else ""


def _vital(rated: Sequence[Json]) -> list[object]:
    """The fewest modes, by exposure, that make up most of it."""
    total = sum(_number(row["exposure"]) for row in rated)
    found, so_far = [], 0
    for row in sorted(rated, key=lambda row: -_number(row["exposure"])):
        if so_far >= VITAL * total:
            break
        found.append(row["cause"])
        so_far += _number(row["exposure"])
    return found


def _verdict(
    rated: Sequence[Json], unmitigated: Sequence[Json], coverage: float
) -> tuple[str, list[str]]:
    if not rated:
        return "insufficient_input", ["no failure mode is rated"]
    fatal = [row for row in unmitigated if _number(row["exposure"]) >= FATAL]
    if fatal:
        return "rethink", [
            f"{row['cause']}: exposure {row['exposure']}, no answer" for row in fatal
        ]
    reasons = [f"{row['cause']}: exposure {row['exposure']}, no answer" for row in unmitigated]
    if coverage < COVERED:
        reasons.append(f"only {round(coverage * 100)} % of the categories were thought of")
    if reasons:
        return "go_with_mitigations", reasons
    return "go", ["every grave mode has an answer"]


def _seeds(given: Input) -> list[Json]:
    """A question for each category, about what the plan itself names."""
    found = analyse(given.problem)
    names = [str(each) for each in as_list(found["entities"])[:3]]
    about = f" ({', '.join(names)})" if names else ""
    seeds = [
        seed(f"{question}{about}", category=name) for name, (_, question) in CATEGORIES.items()
    ]
    seeds += [
        seed(f"what if there is after all: {each}?", "prompt")
        for each in as_list(found["negations"])
    ]
    seeds += [seed(f"unanswered: {each}", "prompt") for each in as_list(found["questions"])]
    return seeds + [
        seed(f"what if it does not hold: {each}?", "prompt") for each in given.assumptions
    ]


PATTERN: Final = Pattern(name="premortem", input=Input, think=think)
