"""architecture_analysis: how components depend on each other, and what a change would reach."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._analysis import entities
from aimux.think._base import Following, Pattern, Result, rounded, seed, share
from aimux.think._domains import domain_of
from aimux.think._fields import Count, Json, Share
from aimux.think._graph import Graph, cycles, graph, levels, reach, turned
from aimux.think._words import keywords, mentions

COUPLED: Final = 2  # dependents
QUALITIES: Final = (
    "performance", "availability", "security", "modifiability", "testability", "usability",
)  # fmt: skip
PAIN: Final = 0.5  # distance from the main sequence


@attrs.frozen(kw_only=True)
class Component:
    """A part of the system."""

    SHORT = "name"
    name: str
    description: str = ""
    dependencies: Annotated[Sequence[str], "components it uses"] = ()
    layer: Annotated[Count | None, "0 is the top; uses go down"] = None
    abstractness: Annotated[Share | None, "share of it that is interface, 0 to 1"] = None


@attrs.frozen(kw_only=True)
class Scenario:
    """What must hold under which stimulus."""

    SHORT = "attribute"
    attribute: Annotated[str, "such as availability"]
    stimulus: str = ""
    response: str = ""
    components: Annotated[Sequence[str], "which it touches"] = ()


@attrs.frozen(kw_only=True)
class Input:
    """A system."""

    description: Annotated[str, "the system in words; components are proposed from it"] = ""
    components: Annotated[Sequence[Component], "names or {name, dependencies, layer, …}"] = ()
    scenarios: Annotated[Sequence[Scenario], "[{attribute, stimulus, response, components}]"] = ()


def think(given: Input) -> Result:
    """Coupling and instability of each component, cycles, layers, and what a change reaches."""
    if not given.components:
        return _seeds(given)
    parts = {each.name: each for each in given.components}
    uses = {
        name: [each for each in dict.fromkeys(part.dependencies) if each != name]
        for name, part in parts.items()
    }
    whole = graph(
        parts, [(name, other) for name in parts for other in uses[name] if other in parts]
    )
    back = turned(whole)
    ce = {name: len(uses[name]) for name in parts}
    ca = {name: len(back.after[name]) for name in parts}
    instability = {name: share(ce[name], ca[name] + ce[name]) for name in parts}
    unknown = _unknown(parts, uses)
    loops = cycles(whole)
    by_use = sorted(parts, key=lambda name: (-ca[name], name))
    violations = _unstable(whole, instability)
    upward = _upward(parts, whole)
    scenarios = [_scenario(each, parts, back) for each in given.scenarios]
    data: Json = {
        "componentCount": len(parts),
        "components": list(parts),
        "componentMetrics": [
            {"component": name, "ca": ca[name], "ce": ce[name], "instability": instability[name]}
            for name in parts
        ],
        "highlyCoupled": [
            {"component": name, "dependents": ca[name]} for name in by_use if ca[name] >= COUPLED
        ],
        "couplingDetected": any(ca[name] >= COUPLED for name in parts),
        "importanceAnalysis": [{"component": name, "dependents": ca[name]} for name in by_use],
        "mostUnstable": max(parts, key=lambda name: instability[name]),
        "mostDepended": by_use[0],
        "unknownDependencies": unknown,
        "cycles": loops,
        "layers": [] if loops else levels(back),
        "layerViolations": upward,
        "stableDependencyViolations": violations,
        "blastRadius": {name: sorted(reach(back, name) - {name}) for name in parts},
        "mainSequence": _distances(parts, instability),
        "scenarios": scenarios,
        "uncoveredAttributes": _uncovered(given.scenarios),
        "undescribed": [name for name, each in parts.items() if not each.description],
        "unmodelledNames": _unmodelled(given.description, parts),
    }
    selfish = [name for name, each in parts.items() if name in each.dependencies]
    warnings = [f"dependencies on themselves are left out: {', '.join(selfish)}"] if selfish else []
    gate = [f"a way out of the cycle {', '.join(loop)}" for loop in loops]
    gate += [f"{each['dependency']} is used and not described" for each in unknown]
    gate += [f"{each['from']} uses {each['to']} above it" for each in upward]
    gate += [f"{each['attribute']}: {each['missing']}" for each in scenarios if each["missing"]]
    gate += ["a second component"] if len(parts) < 2 else []
    return Result(
        data=data,
        summary=f"{plural(len(parts), 'component')}, {plural(len(loops), 'cycle')}, "
        f"most depended on: {by_use[0]} ({ca[by_use[0]]})",
        warnings=warnings,
        gate=gate,
        following=Following(
            pattern="critical_thinking",
            reason="question the parts that most depends on",
            fields={"issue": f"{by_use[0]}: {parts[by_use[0]].description}"},
        ),
    )


def _unknown(parts: Mapping[str, Component], uses: Mapping[str, Sequence[str]]) -> list[Json]:
    return [
        {"component": name, "dependency": other}
        for name in parts
        for other in uses[name]
        if other not in parts
    ]


def _unstable(whole: Graph, instability: Mapping[str, float]) -> list[Json]:
    """Uses of what is less stable than the user: dependencies should point to the stable."""
    return [
        {"from": name, "to": other, "by": rounded(instability[other] - instability[name])}
        for name in instability
        for other in whole.after[name]
        if instability[other] > instability[name]
    ]


def _uncovered(scenarios: Sequence[Scenario]) -> list[str]:
    """The usual qualities that no scenario is about, once there are scenarios."""
    named = {each.attribute.lower() for each in scenarios}
    return [name for name in QUALITIES if scenarios and name not in named]


def _unmodelled(description: str, parts: Mapping[str, Component]) -> list[str]:
    return [
        name
        for name in entities(description)
        if not any(mentions(name, each) or mentions(each, name) for each in parts)
    ]


def _upward(parts: Mapping[str, Component], whole: Graph) -> list[Json]:
    """Uses that go up, where both layers are known."""
    found: list[Json] = []
    for name, part in parts.items():
        for other in whole.after[name]:
            below = parts[other].layer
            if part.layer is not None and below is not None and below < part.layer:
                found.append({"from": name, "to": other, "layers": [part.layer, below]})
    return found


def _distances(parts: Mapping[str, Component], instability: Mapping[str, float]) -> list[Json]:
    """How far from the balance of abstract and stable each component is that says so."""
    found: list[Json] = []
    for name, part in parts.items():
        if part.abstractness is not None:
            distance = rounded(abs(part.abstractness + instability[name] - 1))
            rigid = part.abstractness + instability[name] < 1
            zone = "balanced" if distance < PAIN else "pain" if rigid else "uselessness"
            found.append({"component": name, "distance": distance, "zone": zone})
    return found


def _scenario(given: Scenario, parts: Mapping[str, Component], back: Graph) -> Json:
    known = [each for each in given.components if each in parts]
    at_stake = sorted({other for each in known for other in {each, *reach(back, each)}})
    missing = [name for name in ("stimulus", "response") if not getattr(given, name)]
    missing += [] if known else ["components"]
    return {
        "attribute": given.attribute,
        "affects": at_stake,
        "sensitivityPoint": len(at_stake) > len(parts) / 2,
        "missing": missing,
    }


def _seeds(given: Input) -> Result:
    domain = domain_of(given.description)
    found = [seed(name, "prompt") for name in entities(given.description)]
    found += [seed(each) for each in (domain.components if domain else ())]
    return Result(
        data={
            "suggestedComponents": found,
            "autoAnalysis": {
                "source": "domain-template" if domain else "keyword-analysis",
                "keywords": keywords(given.description),
            },
            "scenarios": [_scenario(each, {}, graph([], [])) for each in given.scenarios],
        },
        summary="no components yet" + ("; some are suggested" if found else ""),
        missing=["components"],
    )


PATTERN: Final = Pattern(name="architecture_analysis", input=Input, think=think)
