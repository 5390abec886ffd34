"""problem_decomposition: parts of a problem and what they wait for, as orders and paths."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import PAIRS, Following, Pattern, Result, rounded, seed
from aimux.think._domains import domain_of
from aimux.think._fields import Json
from aimux.think._graph import (
    Graph,
    cycle_path,
    cycles,
    graph,
    levels,
    longest_path,
    topological,
    turned,
)
from aimux.think._words import ALIKE, alike, keywords, mentions

METHODS: Final = ("mece", "critical_path", "risk_first")


@attrs.frozen(kw_only=True)
class Part:
    """A part of the problem."""

    SHORT = "id"
    ALIASES = {"name": "id"}  # noqa: RUF012  # read by the room's own binding
    id: str
    description: str = ""


@attrs.frozen(kw_only=True)
class Dependency:
    """`from` cannot be done before `to` is."""

    from_: str
    to: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class Risk:
    """What may go wrong, and with which parts."""

    SHORT = "text"
    text: str
    affects: Annotated[Sequence[str], "ids of parts; by default those the text names"] = ()
    severity: Annotated[Literal["low", "medium", "high"], "medium if not given"] = "medium"


@attrs.frozen(kw_only=True)
class Stakeholder:
    """Who has a say."""

    SHORT = "name"
    name: str
    concerns: Annotated[Sequence[str], "ids of parts they care for"] = ()


@attrs.frozen(kw_only=True)
class Input:
    """A problem and its parts."""

    problem: Annotated[str, "the problem"] = ""
    methodology: Annotated[str, "mece (overlaps), critical_path, risk_first (order)"] = ""
    sub_problems: Annotated[Sequence[Part], "parts: texts or {id, description}"] = ()
    dependencies: Annotated[Sequence[Dependency], "[{from, to, reason}]: from needs to"] = ()
    risks: Annotated[Sequence[Risk], "texts or {text, affects, severity}"] = ()
    stakeholders: Annotated[Sequence[Stakeholder], "names or {name, concerns}"] = ()


def think(given: Input) -> Result:
    """Execution order, waves, cycles, critical path and the risks on it."""
    if not given.problem and not given.sub_problems:
        return Result(missing=["problem", "subProblems"], summary="a problem is needed")
    counts: Json = {
        "subProblemCount": len(given.sub_problems),
        "dependencyCount": len(given.dependencies),
        "riskCount": len(given.risks),
        "stakeholderCount": len(given.stakeholders),
    }
    counts["totalComponents"] = sum(int(str(each)) for each in counts.values())
    if not given.sub_problems and not given.dependencies:
        return _seeds(given, counts)
    parts = {each.id: each for each in given.sub_problems}
    edges = [(each.from_, each.to) for each in given.dependencies]
    whole = graph(parts, edges)
    path = longest_path(whole)
    unknown = [node for node in whole.nodes if node not in parts] if parts else []
    method = given.methodology.lower().replace(" ", "_").replace("-", "_")
    risks = [{"risk": each.text, "severity": each.severity, "parts": _hit(each, given.sub_problems)}
             for each in given.risks]  # fmt: skip
    at_risk = {
        part
        for each in given.risks
        if each.severity != "low"
        for part in _hit(each, given.sub_problems)
    }
    data: Json = {
        **counts,
        "dag": {**dag(whole, list(parts)), "criticalPath": path, "unknownNodes": unknown},
        "highRiskCriticalNodes": [node for node in path if node in at_risk],
        "risks": risks,
        "unplacedRisks": [each["risk"] for each in risks if not each["parts"]],
        "unheardStakeholders": [
            each.name for each in given.stakeholders if not _cares(each, given.sub_problems)
        ],
        "unexplainedDependencies": [
            [each.from_, each.to] for each in given.dependencies if not each.reason
        ]
        if any(each.reason for each in given.dependencies)
        else [],
        "uncoveredTerms": _uncovered(given),
    }
    data |= _by_method(method, given, whole, at_risk)
    loop = cycle_path(whole)
    return Result(
        data=data,
        summary=f"cycle: {' -> '.join(loop)}"
        if loop
        else f"{plural(len(whole.nodes), 'part')} in {plural(len(levels(whole)), 'wave')}; "
        f"critical path {' -> '.join(reversed(path))}",
        warnings=_warnings(given, method, unknown),
        gate=(["a way out of the cycle"] if loop else [])
        + (["parts for unknown names"] if unknown else []),
        following=Following(
            pattern="architecture_analysis",
            reason="see how the parts are coupled",
            fields={
                "components": [
                    {"name": node, "dependencies": list(whole.after[node])} for node in whole.nodes
                ]
            },
        ),
    )


def _warnings(given: Input, method: str, unknown: Sequence[str]) -> list[str]:
    warnings = []
    if method and method not in METHODS:
        warnings.append(f"methodology {given.methodology} has no check: {', '.join(METHODS)} have")
    if unknown:
        warnings.append(f"dependencies name unknown parts: {', '.join(unknown)}")
    return warnings


def _by_method(method: str, given: Input, whole: Graph, at_risk: set[str]) -> Json:
    """What a methodology asks for on top."""
    match method:
        case "mece":
            return {"overlaps": _overlaps(given.sub_problems)}
        case "risk_first":
            names = [each.id for each in given.sub_problems]
            return {"riskFirst": sorted(names, key=lambda each: (each not in at_risk, each))}
        case "critical_path" if not cycle_path(whole):
            longest = len(longest_path(whole))
            return {"slack": {node: longest - _through(whole, node) for node in whole.nodes}}
        case _:
            return {}


def dag(whole: Graph, named: Sequence[str]) -> Json:
    """The graph as the reference shows it, and the order in which the parts can be done."""
    loop = cycle_path(whole)
    lonely = [
        each for each in sorted(named) if not whole.after[each] and not turned(whole).after[each]
    ]
    return {
        "hasCycle": bool(loop),
        "cyclePath": loop,
        "cycles": cycles(whole),
        "topologicalOrder": topological(whole),
        "executionOrder": topological(turned(whole)),
        "levels": levels(turned(whole)),
        "orphanSubProblems": lonely,
    }


def _through(whole: Graph, node: str) -> int:
    """How many nodes the longest way through a node has."""
    depth = {each: at for at, wave in enumerate(levels(whole)) for each in wave}
    height = {each: at for at, wave in enumerate(levels(turned(whole))) for each in wave}
    return depth[node] + height[node] + 1


def _hit(risk: Risk, parts: Sequence[Part]) -> list[str]:
    if risk.affects:
        return list(risk.affects)
    return [each.id for each in parts if mentions(risk.text, each.id.replace("-", " "))]


def _cares(holder: Stakeholder, parts: Sequence[Part]) -> bool:
    known = {each.id for each in parts}
    if any(each in known for each in holder.concerns):
        return True
    return any(mentions(f"{each.id} {each.description}", holder.name) for each in parts)


def _uncovered(given: Input) -> list[str]:
    said = " ".join(
        f"{each.id.replace('-', ' ')} {each.description}" for each in given.sub_problems
    )
    return [word for word in keywords(given.problem) if not mentions(said, word)]


def _overlaps(parts: Sequence[Part]) -> list[Json]:
    texts = [(each.id, f"{each.id.replace('-', ' ')} {each.description}") for each in parts[:PAIRS]]
    return [
        {"parts": [one, two], "similarity": rounded(alike(first, second))}
        for at, (one, first) in enumerate(texts)
        for two, second in texts[at + 1 :]
        if alike(first, second) >= ALIKE
    ]


def _seeds(given: Input, counts: Json) -> Result:
    domain = domain_of(given.problem)
    parts = list(domain.parts) if domain else []
    edges = list(domain.edges) if domain else []
    return Result(
        data={
            **counts,
            "suggestedSubProblems": [seed(each) for each in parts],
            "suggestedDependencies": [
                {"from": one, "to": two, "source": "template"} for one, two in edges
            ],
            "suggestedDag": dag(graph(parts, edges), parts) if parts else None,
            "autoAnalysis": {
                "source": "domain-template" if domain else "keyword-analysis",
                "domain": domain.name if domain else None,
                "keywords": keywords(given.problem),
            },
        },
        summary="no parts yet"
        + (f": what {domain.name} usually has is suggested, check it" if domain else ""),
        missing=["subProblems"],
    )


PATTERN: Final = Pattern(name="problem_decomposition", input=Input, think=think)
