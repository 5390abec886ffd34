"""replication_analysis: whether a claim can be reproduced, with what, and how many samples."""

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, as_list, rounded, share
from aimux.think._fields import Json, Range
from aimux.think._words import figures, first_words, keywords, shared

CRITICAL: Final = 0.4
MINOR: Final = 0.1
INFEASIBLE: Final = 0.6
PARTIAL: Final = 0.3
MAX_SAMPLES: Final = 10**9


@attrs.frozen(kw_only=True)
class Constraint:
    """What stands in the way."""

    SHORT = "text"
    text: str
    critical: Annotated[bool, "it alone may make it impossible"] = False


@attrs.frozen(kw_only=True)
class Requirement:
    """What is needed."""

    SHORT = "text"
    text: str
    critical: Annotated[bool, "without it there is no replication"] = False


@attrs.frozen(kw_only=True)
class Input:
    """A claim, and what there is to repeat it with."""

    claim: Annotated[str, "the claim"] = ""
    original_method: Annotated[str, "how it was found"] = ""
    resources: Annotated[Sequence[str], "what there is"] = ()
    constraints: Annotated[Sequence[Constraint], "texts or {text, critical}"] = ()
    requirements: Annotated[Sequence[Requirement], "what it takes: texts or {text, critical}"] = ()
    effect_size: Annotated[float | None, Range(0.001, 100), "standardised (d), for the sample"] = (
        None
    )
    alpha: Annotated[float, Range(0.0001, 0.5), "chance of a false alarm"] = 0.05
    power: Annotated[float, Range(0.5, 0.9999), "chance of seeing the effect"] = 0.8
    sample_size: Annotated[
        int | None, Range(1, MAX_SAMPLES), "samples a group that you can get"
    ] = None


def think(given: Input) -> Result:
    """Requirements and what meets them, weighted risks, feasibility, the samples it takes."""
    if not given.claim:
        return Result(missing=["claim"], summary="a claim is needed")
    wanted = given.requirements or _usual(given)
    rows: list[Json] = [
        {
            "requirement": each.text,
            "critical": each.critical,
            "metBy": [name for name in given.resources if shared(each.text, name)],
            "source": "caller" if given.requirements else "template",
        }
        for each in wanted
    ]
    unmet = [row for row in rows if not row["metBy"] and given.requirements]
    risks: list[Json] = [
        {"risk": each.text, "critical": each.critical} for each in given.constraints
    ]
    risks += [
        {"risk": f"nothing meets: {row['requirement']}", "critical": row["critical"]}
        for row in unmet
    ]
    if not given.original_method:
        risks.append({"risk": "the original method is not known", "critical": False})
    needed = samples(given.effect_size, given.alpha, given.power)
    if needed and given.sample_size is not None and given.sample_size < needed:
        risks.append(
            {
                "risk": f"{given.sample_size} samples a group, {needed} needed",
                "critical": given.sample_size < needed / 2,
            }
        )
    graves = sum(bool(each["critical"]) for each in risks)
    score = rounded(CRITICAL * graves + MINOR * (len(risks) - graves))
    feasibility, effort = _verdict(score, has_resources=bool(given.resources))
    used = {str(name) for row in rows for name in as_list(row["metBy"])}
    return Result(
        data={
            "replicationFeasibility": feasibility,
            "estimatedEffort": effort,
            "riskScore": score,
            "requirements": rows,
            "resourceCoverageRatio": share(sum(bool(row["metBy"]) for row in rows), len(rows)),
            "unusedResources": [name for name in given.resources if name not in used],
            "risks": risks,
            "criticalAssumptions": _assumptions(given),
            "samplesPerGroup": needed,
            "achievedPower": _achieved(given),
            "protocol": {
                "measure": keywords(given.claim),
                "expected": sorted(figures(given.claim)),
                "samplesPerGroup": needed or given.sample_size,
                "success": "the effect has the same sign and lies within the tolerance",
                "stop": f"after the planned samples; alpha {given.alpha:g}, power {given.power:g}",
            },
        },
        summary=f"{feasibility}, effort {effort}: {plural(len(risks), 'risk')}, score {score:g}",
        gate=[f"something for: {row['requirement']}" for row in unmet]
        + ([] if given.original_method else ["the original method"])
        + ([] if given.resources else ["resources"]),
        following=Following(
            pattern="experimental_loop",
            reason="run it",
            fields={"hypothesis": given.claim},
        )
        if feasibility != "infeasible"
        else None,
    )


def _usual(given: Input) -> list[Requirement]:
    subject = " ".join(keywords(given.claim)[:4])
    method = first_words(given.original_method) if given.original_method else "a method of its own"
    return [
        Requirement(text=f"data on {subject}"),
        Requirement(text=f"a measure of {subject}"),
        Requirement(text="the environment of the original"),
        Requirement(text=f"the method: {method}"),
    ]


def _verdict(score: float, *, has_resources: bool) -> tuple[str, str]:
    if score > INFEASIBLE:
        return "infeasible", "high"
    if score > PARTIAL:
        return ("partial", "medium") if has_resources else ("infeasible", "medium")
    return "feasible", "low" if has_resources else "medium"


def _assumptions(given: Input) -> list[str]:
    found = [f"constraint holds: {each.text}" for each in given.constraints if each.critical]
    found += [f"requirement is enough: {each.text}" for each in given.requirements if each.critical]
    if not given.original_method:
        found.append("the method can be inferred from the claim")
    if given.original_method and not shared(given.original_method, given.claim):
        found.append("the method measures what the claim says, though it names none of it")
    return found


def samples(effect: float | None, alpha: float, power: float) -> int | None:
    """Samples a group to see an effect in a comparison of two means."""
    if effect is None:
        return None
    normal = statistics.NormalDist()
    needed = 2 * ((normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) / effect) ** 2
    return min(MAX_SAMPLES, math.ceil(needed))


def _achieved(given: Input) -> float | None:
    """The power that the samples at hand give."""
    if given.effect_size is None or given.sample_size is None:
        return None
    normal = statistics.NormalDist()
    shift = given.effect_size * math.sqrt(given.sample_size / 2)
    return rounded(normal.cdf(shift - normal.inv_cdf(1 - given.alpha / 2)))


PATTERN: Final = Pattern(name="replication_analysis", input=Input, think=think)
