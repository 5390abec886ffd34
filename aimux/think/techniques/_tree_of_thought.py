"""tree_of_thought: thoughts that branch, scored; where to go on and what to let go."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import MAX_ENTRIES, Following, Pattern, Result, blocked, rounded
from aimux.think._fields import Json, Range
from aimux.think._words import SAME, jaccard, shared

WORTH: Final = 0.4  # of the best open leaf; below it a leaf is let go


@attrs.frozen(kw_only=True)
class Node:
    """A thought in the tree."""

    id: str
    parent: Annotated[str, "the thought it stands on; empty for the root's own"] = ""
    thought: str = ""
    score: Annotated[float | None, Range(0, 10), "0 to 10"] = None
    state: Literal["open", "solved", "dead"] = "open"


@attrs.frozen(kw_only=True)
class State:
    """The tree so far."""

    problem: str = ""
    nodes: Sequence[Node] = ()


@attrs.frozen(kw_only=True)
class Input:
    """A problem and thoughts to be added; an id that is there already is rewritten."""

    problem: Annotated[str, "the problem, the root of the tree"] = ""
    nodes: Annotated[Sequence[Node], "[{id, parent, thought, score, state}]"] = ()
    beam: Annotated[int, Range(1, 50), "leaves to go on with"] = 3
    max_depth: Annotated[int, Range(1, 50), "how deep the tree may get"] = 4


def think(given: Input, state: State) -> Result:
    """Frontier, pruned leaves, best path, and thoughts that were had twice."""
    problem = given.problem or state.problem
    if not problem and not given.nodes:
        return Result(missing=["problem"], summary="a problem is needed")
    nodes = {each.id: each for each in [*state.nodes, *given.nodes] if each.id}
    if len(nodes) > MAX_ENTRIES:
        return blocked("session_full", f"a tree holds {MAX_ENTRIES} thoughts: begin another")
    for each in given.nodes:
        if each.parent and each.parent not in nodes:
            return blocked(
                "unknown_node", f"there is no thought {each.parent}", known=sorted(nodes)
            )
    paths = {name: _path(name, nodes) for name in nodes}
    loops = sorted(name for name, path in paths.items() if path is None)
    if loops:
        return blocked("cycle", f"thoughts stand on themselves: {', '.join(loops)}")
    ways = {name: path or [] for name, path in paths.items()}
    after = State(problem=problem, nodes=list(nodes.values()))
    if not nodes:
        return Result(
            data={"technique": {"frontier": [], "depth": 0}},
            missing=["nodes"],
            summary="no thoughts yet: give the first ones",
            state=after,
        )
    values = {name: _value(ways[name], nodes) for name in nodes}
    parents = {each.parent for each in nodes.values()}
    leaves = [each for each in nodes.values() if each.id not in parents]
    open_leaves = sorted(
        (each.id for each in leaves if each.state == "open"), key=lambda name: (-values[name], name)
    )
    deep = [name for name in open_leaves if len(ways[name]) >= given.max_depth]
    shallow = [name for name in open_leaves if name not in deep]
    best = values[open_leaves[0]] if open_leaves else 0.0
    frontier = [name for name in shallow if values[name] >= WORTH * best][: given.beam]
    solved = [each.id for each in nodes.values() if each.state == "solved"]
    ends = sorted(solved or open_leaves or list(nodes), key=lambda name: (-values[name], name))
    widths = Counter(map(len, ways.values()))
    technique: Json = {
        "values": {name: rounded(value) for name, value in values.items()},
        "frontier": [{"id": name, "thought": nodes[name].thought} for name in frontier],
        "pruned": [name for name in shallow if name not in frontier],
        "tooDeep": deep,
        "best_path": ways[ends[0]],
        "solved": solved,
        "depth": max(widths),
        "breadth": max(widths.values()),
        "unexplored": [each.id for each in leaves if each.state == "open" and each.score is None],
        "beside_problem": [
            each.id for each in nodes.values() if problem and not shared(problem, each.thought)
        ],
        "duplicates": _twins(list(nodes.values())),
    }
    return Result(
        data={"technique": technique},
        summary=f"{plural(len(nodes), 'thought')}, go on with {', '.join(frontier) or 'none'}; "
        f"best: {' > '.join(ways[ends[0]])}",
        warnings=_warnings(given),
        gate=[] if solved else ["a thought that solves it: state solved"],
        following=Following(
            pattern="decision_framework",
            reason="decide between the ends",
            fields={"decision": problem, "options": [nodes[name].thought for name in ends[:3]]},
        )
        if len(ends) > 1
        else None,
        state=after,
    )


def _warnings(given: Input) -> list[str]:
    is_named = all(each.id for each in given.nodes)
    return [] if is_named else ["thoughts without an id are left out"]


def _path(name: str, nodes: Mapping[str, Node]) -> list[str] | None:
    """The way from the root to a thought; None if it goes in a circle."""
    path: list[str] = []
    while name:
        if name in path:
            return None
        path.append(name)
        name = nodes[name].parent if name in nodes else ""
    return path[::-1]


def _value(path: Sequence[str], nodes: Mapping[str, Node]) -> float:
    """A thought's own score averaged with the mean of its path; unscored ones count as 5."""
    scores = [5.0 if (score := nodes[name].score) is None else score for name in path]
    return (scores[-1] + sum(scores) / len(scores)) / 2


def _twins(nodes: Sequence[Node]) -> list[list[str]]:
    said = [each for each in nodes if each.thought][:200]
    return [
        [one.id, two.id]
        for at, one in enumerate(said)
        for two in said[at + 1 :]
        if jaccard(one.thought, two.thought) >= SAME
    ]


PATTERN: Final = Pattern(name="tree_of_thought", input=Input, think=think, state=State)
