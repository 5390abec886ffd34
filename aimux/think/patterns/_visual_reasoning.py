"""visual_reasoning: a diagram as a graph: parts, degrees, transformations, and its drawing."""

import math
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._analysis import entities
from aimux.think._base import Following, Pattern, Result, as_list, diagram_name, rounded, seed
from aimux.think._fields import Json
from aimux.think._graph import connected, cycles, graph
from aimux.think._words import keywords, mentions, stem, stems

THEMES: Final = (
    ("layout page screen form ui", ("header", "navigation", "content", "sidebar", "footer")),
    ("flow process step pipeline", ("start", "input", "decision", "action", "end")),
    ("class object model type", ("class", "interface", "attribute", "method", "association")),
    ("sequence message call request", ("actor", "client", "server", "store", "response")),
    ("network topology cluster node", ("client", "gateway", "server", "database", "link")),
)
DEFAULT: Final = ("whole", "part", "boundary", "connection", "outside")
KINDS: Final = {
    "flowchart": "flowchart LR", "flow": "flowchart LR", "graph": "graph LR",
    "sequence": "sequenceDiagram", "class": "classDiagram", "state": "stateDiagram-v2",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Element:
    """A part of the picture."""

    SHORT = "id"
    ALIASES = {"name": "id"}  # noqa: RUF012  # read by the room's own binding
    id: str
    type: str = "unknown"


@attrs.frozen(kw_only=True)
class Tie:
    """A line of the picture."""

    ALIASES = {"source": "from", "target": "to"}  # noqa: RUF012  # read by the room's own binding
    from_: str
    to: str
    label: str = ""


@attrs.frozen(kw_only=True)
class Transformation:
    """A change of the picture."""

    op: Literal["add", "remove", "rename", "merge"]
    element: str
    to: Annotated[str, "rename, merge: the new name"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A picture."""

    operation: Annotated[str, "what is to be seen in it"] = ""
    diagram_type: Annotated[str, "flowchart, graph, sequence, class or state"] = ""
    description: Annotated[str, "the picture in words; what it names and does not draw is told"] = (
        ""
    )
    elements: Annotated[Sequence[Element], "ids or {id, type}"] = ()
    relationships: Annotated[Sequence[Tie], "[{from, to, label}]"] = ()
    transformations: Annotated[Sequence[Transformation], "[{op, element, to}], in order"] = ()


def think(given: Input) -> Result:
    """Parts that hang together, hubs, loose ends, the picture after the changes, as Mermaid."""
    if not given.operation and not given.elements:
        return Result(missing=["operation", "elements"], summary="say what is to be seen")
    warnings = []
    kind = given.diagram_type.lower()
    if kind and kind not in KINDS:
        warnings.append(f"diagram {given.diagram_type} is drawn as a flowchart: {', '.join(KINDS)}")
    counts: Json = {
        "elementCount": len(given.elements),
        "relationshipCount": len(given.relationships),
        "transformationCount": len(given.transformations),
        "totalComponents": len(given.elements)
        + len(given.relationships)
        + len(given.transformations),
    }
    if not given.elements:
        return _seeds(given, counts, warnings)
    names = {each.id: each.type for each in given.elements}
    ties = [(each.from_, each.to, each.label) for each in given.relationships]
    shown = _shape(names, ties)
    unknown = sorted({end for one, two, _ in ties for end in (one, two) if end not in names})
    after_names, after_ties = dict(names), list(ties)
    for each in given.transformations:
        after_names, after_ties = _changed(each, after_names, after_ties, warnings)
    data: Json = {
        **counts,
        **shown,
        "unknownElements": unknown,
        "undrawnNames": [
            name
            for name in entities(given.description)
            if not any(mentions(name, each) or mentions(each, name) for each in names)
        ],
        "focus": [each for each in names if mentions(given.operation, each)],
        "mermaid": _mermaid(KINDS.get(kind, "flowchart LR"), after_names, after_ties),
    }
    if given.transformations:
        data["after"] = {"elements": list(after_names), **_shape(after_names, after_ties)}
    lonely = shown["isolatedElements"]
    assert isinstance(lonely, list)
    return Result(
        data=data,
        summary=f"{plural(len(names), 'element')} in "
        f"{plural(len(as_list(shown['parts'])), 'part')}, density {shown['density']}",
        warnings=warnings,
        gate=[f"{each} hangs in the air" for each in lonely]
        + [f"{each} is tied and not drawn" for each in unknown],
        following=Following(
            pattern="architecture_analysis",
            reason="measure the coupling of what is drawn",
            fields={
                "components": [
                    {"name": name, "dependencies": [two for one, two, _ in ties if one == name]}
                    for name in names
                ]
            },
        ),
    )


def _seeds(given: Input, counts: Json, warnings: Sequence[str]) -> Result:
    text = f"{given.operation} {given.diagram_type} {given.description}"
    return Result(
        data={
            **counts,
            "suggestedElements": [seed(each, "prompt") for each in entities(given.description)]
            + [seed(each) for each in _theme(text)],
            "keywords": keywords(text),
            "unknownElements": sorted(
                {end for each in given.relationships for end in (each.from_, each.to)}
            ),
        },
        summary="no elements yet; some are suggested",
        warnings=warnings,
        missing=["elements"],
    )


def _theme(text: str) -> Sequence[str]:
    said = stems(text)
    for signs, parts in THEMES:
        if any(stem(sign) in said for sign in signs.split()):
            return parts
    return DEFAULT


def _shape(names: dict[str, str], ties: Sequence[tuple[str, str, str]]) -> Json:
    """Figures of a picture."""
    by_type: dict[str, list[str]] = {}
    for name, kind in names.items():
        by_type.setdefault(kind, []).append(name)
    degrees = {name: sum((name == one) + (name == two) for one, two, _ in ties) for name in names}
    count = len(names)
    mean = sum(degrees.values()) / count if count else 0.0
    spread = math.sqrt(sum((each - mean) ** 2 for each in degrees.values()) / count) if count else 0
    whole = graph(names, [(one, two) for one, two, _ in ties])
    pairs = count * (count - 1) / 2 if count > 1 else 1
    return {
        "elementsByType": by_type,
        "isolatedElements": [name for name, degree in degrees.items() if not degree],
        "density": rounded(len(ties) / pairs),
        "degreeMap": degrees,
        "highDegreeElements": [name for name, degree in degrees.items() if degree > mean + spread],
        "parts": connected(whole),
        "cycles": cycles(whole),
        "labels": sorted({label for _, _, label in ties if label}),
    }


def _changed(
    change: Transformation,
    names: dict[str, str],
    ties: list[tuple[str, str, str]],
    warnings: list[str],
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The picture after one change."""
    if change.op == "add":
        if change.element in names:
            warnings.append(f"{change.element} is there already")
        names = {**names, change.element: names.get(change.element, "unknown")}
        return names, [*ties, (change.element, change.to, "")] if change.to else ties
    if change.element not in names:
        warnings.append(f"{change.op}: there is no element {change.element}")
        return names, ties
    if change.op == "remove":
        rest = {name: kind for name, kind in names.items() if name != change.element}
        return rest, [tie for tie in ties if change.element not in tie[:2]]
    if not change.to:
        warnings.append(f"{change.op} {change.element}: to is missing")
        return names, ties
    kept = {change.to if name == change.element else name: kind for name, kind in names.items()}
    moved = [
        (
            change.to if one == change.element else one,
            change.to if two == change.element else two,
            label,
        )
        for one, two, label in ties
    ]
    if change.op == "merge":
        moved = [tie for tie in moved if tie[0] != tie[1]]
    return kept, list(dict.fromkeys(moved))


def _mermaid(head: str, names: dict[str, str], ties: Sequence[tuple[str, str, str]]) -> str:
    lines = [head, *(f"  {diagram_name(name)}" for name in names)]
    is_sequence = head == "sequenceDiagram"
    if is_sequence:
        lines = [head, *(f"  participant {diagram_name(name)}" for name in names)]
    arrow = "->>" if is_sequence else "-->"
    for one, two, label in ties:
        said = f" : {diagram_name(label)}" if label else (" : calls" if is_sequence else "")
        lines.append(f"  {diagram_name(one)} {arrow} {diagram_name(two)}{said}")
    return "\n".join(lines)


PATTERN: Final = Pattern(name="visual_reasoning", input=Input, think=think)
