"""domain_modeling: entities and what ties them, checked for holes."""

import itertools
from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._analysis import entities as names_in
from aimux.think._base import Following, Pattern, Result, diagram_name, seed, share
from aimux.think._domains import domain_of
from aimux.think._fields import Json
from aimux.think._words import keywords, mentions

NAME_WORDS: Final = 4  # of a domain; a longer one is a description
HUB: Final = 0.3  # of all relationships
_MANY: Final = {"1": "||", "n": "}o", "*": "}o", "0..1": "|o", "1..n": "}|", "1..*": "}|"}


@attrs.frozen(kw_only=True)
class Entity:
    """A thing of the domain."""

    SHORT = "name"
    name: str
    attributes: Annotated[Sequence[str], "what it has"] = ()
    identity: Annotated[str, "what tells one from another"] = ""
    aggregate: Annotated[str, "the aggregate or context it belongs to"] = ""


@attrs.frozen(kw_only=True)
class Relationship:
    """What ties two entities."""

    ALIASES = {"source": "from", "target": "to"}  # noqa: RUF012  # read by the room's own binding
    from_: str = ""
    to: str = ""
    label: str = ""
    cardinality: Annotated[str, "such as 1:n"] = ""


@attrs.frozen(kw_only=True)
class Rule:
    """What must hold."""

    SHORT = "text"
    text: str
    entities: Annotated[Sequence[str], "which it is about; by default those the text names"] = ()


@attrs.frozen(kw_only=True)
class Input:
    """A domain."""

    domain_name: Annotated[str, "the domain"] = ""
    description: Annotated[str, "what happens in it; entities are proposed from it"] = ""
    entities: Annotated[Sequence[Entity], "names or {name, attributes, identity, aggregate}"] = ()
    relationships: Annotated[Sequence[Relationship], "[{from, to, label, cardinality}]"] = ()
    rules: Annotated[Sequence[Rule], "texts or {text, entities}"] = ()
    constraints: Annotated[Sequence[Rule], "texts or {text, entities}"] = ()


def think(given: Input) -> Result:
    """Orphans, dangling ends, hubs, rules about nothing, aggregates that reach into each other."""
    if not given.domain_name and not given.entities and not given.description:
        return Result(missing=["domainName", "entities"], summary="a domain is needed")
    if not given.description and len(given.domain_name.split()) > NAME_WORDS:
        given = attrs.evolve(given, description=given.domain_name)  # a text, not a name
    counts: Json = {
        "entityCount": len(given.entities),
        "relationshipCount": len(given.relationships),
        "ruleCount": len(given.rules),
        "constraintCount": len(given.constraints),
        "totalComponents": len(given.entities)
        + len(given.relationships)
        + len(given.rules)
        + len(given.constraints),
    }
    if not given.entities:
        return _seeds(given, counts)
    known = {each.name: each for each in given.entities}
    ends = [(each.from_, each.to) for each in given.relationships]
    degrees = {name: sum((name == a) + (name == b) for a, b in ends) for name in known}
    dangling = [_dangling(each, known) for each in given.relationships if _loose(each, known)]
    orphans = [name for name, degree in degrees.items() if not degree]
    count = len(known)
    twice = sorted({each.name for each in given.entities if _times(given, each.name) > 1})
    data: Json = {
        **counts,
        "orphanEntities": orphans,
        "danglingRelationships": dangling,
        "consistent": not orphans and not dangling,
        "density": share(len(ends), count * (count - 1)),
        "maxDegree": max(degrees.values()),
        "hubEntities": [
            name for name, degree in degrees.items() if ends and degree / len(ends) > HUB
            and degree > 1
        ],
        "entitiesWithoutIdentity": [each.name for each in given.entities if not each.identity],
        "identityNotAnAttribute": [
            each.name
            for each in given.entities
            if each.identity and each.attributes and each.identity not in each.attributes
        ],
        **_aggregates(given, known),
        "rulesWithoutEntity": [
            each.text for each in (*given.rules, *given.constraints) if not _about(each, known)
        ],
        "unmodelledNames": _unmodelled(given.description, known),
        "unlabelled": [list(pair) for pair, each in zip(ends, given.relationships, strict=True)
                       if not each.label],
        "mermaid": _mermaid(given, known),
        "unsaidTerms": [word for word in keywords(given.domain_name) if not any(
            mentions(f"{each.name} {' '.join(each.attributes)}", word) for each in given.entities)],
    }  # fmt: skip
    gate = [f"a relationship for {name}" for name in orphans]
    gate += [f"{each['from']} -> {each['to']}: {each['reason']}" for each in dangling]
    return Result(
        data=data,
        summary=f"{plural(count, 'entity')}, {plural(len(ends), 'relationship')}: "
        + ("consistent" if data["consistent"] else f"{plural(len(gate), 'hole')}"),
        warnings=[f"entities given twice: {', '.join(twice)}"] if twice else [],
        gate=gate,
        following=Following(
            pattern="architecture_analysis",
            reason="see which components own which entities",
            fields={"components": [{"name": name} for name in known]},
        ),
    )


def _unmodelled(description: str, known: dict[str, Entity]) -> list[str]:
    return [
        name
        for name in names_in(description)
        if not any(mentions(name, each) or mentions(each, name) for each in known)
    ]


def _times(given: Input, name: str) -> int:
    return sum(each.name == name for each in given.entities)


def _loose(tie: Relationship, known: dict[str, Entity]) -> bool:
    return tie.from_ not in known or tie.to not in known


def _dangling(tie: Relationship, known: dict[str, Entity]) -> Json:
    missing = [each or "(none)" for each in (tie.from_, tie.to) if each not in known]
    return {"from": tie.from_, "to": tie.to, "reason": f"no entity {' or '.join(missing)}"}


def _about(rule: Rule, known: dict[str, Entity]) -> list[str]:
    named = [name for name in known if mentions(rule.text, name)]
    return [each for each in rule.entities if each in known] or named


def _aggregates(given: Input, known: dict[str, Entity]) -> Json:
    groups: dict[str, list[str]] = {}
    for each in given.entities:
        if each.aggregate:
            groups.setdefault(each.aggregate, []).append(each.name)
    crossing = [
        {"from": each.from_, "to": each.to}
        for each in given.relationships
        if not _loose(each, known)
        and known[each.from_].aggregate
        and known[each.to].aggregate
        and known[each.from_].aggregate != known[each.to].aggregate
    ]
    return {"aggregates": groups, "crossingRelationships": crossing}


def _mermaid(given: Input, known: dict[str, Entity]) -> str:
    lines = ["erDiagram"]
    for name, each in known.items():
        inner = " ".join(f"string {diagram_name(one)}" for one in each.attributes)
        lines.append(
            f"  {diagram_name(name)} {{ {inner} }}" if inner else f"  {diagram_name(name)}"
        )
    for one in given.relationships:
        if not _loose(one, known):
            left, _, right = one.cardinality.partition(":")
            tie = f"{_MANY.get(left, '||')}--{_MANY.get(right, '||')[::-1].replace('}', '{')}"
            label = diagram_name(one.label) if one.label else "has"
            lines.append(f"  {diagram_name(one.from_)} {tie} {diagram_name(one.to)} : {label}")
    return "\n".join(lines)


def _seeds(given: Input, counts: Json) -> Result:
    text = f"{given.domain_name} {given.description}"
    domain = domain_of(text)
    found = [seed(name, "prompt") for name in names_in(given.description)]
    found += [seed(each) for each in (domain.entities if domain else ())]
    names = [str(each["text"]) for each in found]
    return Result(
        data={
            **counts,
            "suggestedEntities": found,
            "suggestedRelationships": [
                {"from": one, "to": two, "source": "template"}
                for one, two in itertools.pairwise(names)
            ],
            "danglingRelationships": [
                {"from": each.from_, "to": each.to, "reason": "no entities yet"}
                for each in given.relationships
            ],
            "rulesWithoutEntity": [each.text for each in (*given.rules, *given.constraints)],
            "autoAnalysis": {
                "source": "domain-template" if domain else "keyword-analysis",
                "keywords": keywords(text),
            },
        },
        summary="no entities yet" + ("; some are suggested" if found else ""),
        missing=["entities"],
    )


PATTERN: Final = Pattern(name="domain_modeling", input=Input, think=think)
