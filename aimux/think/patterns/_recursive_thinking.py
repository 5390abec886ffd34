"""recursive_thinking: whether a recursion ends, and how large it gets."""

from collections.abc import Sequence
from typing import Annotated, Final

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, rounded
from aimux.think._fields import Count, Figure, Json, Range
from aimux.think._graph import cycles, graph, reach
from aimux.think._words import SAME, alike, keywords, stem, stems

SIGNALS: Final = (
    "nested", "recursive", "tree", "parse", "hierarchy", "hierarchical", "graph", "node",
    "children", "parent", "fractal", "self-similar",
)  # fmt: skip
DEEP: Final = 3
STACK_WARN: Final = 100
STACK_FULL: Final = 1_000  # frames an interpreter usually has
HUGE: Final = 10**15  # calls; beyond it the number says nothing more


@attrs.frozen(kw_only=True)
class Node:
    """One call of the recursion."""

    id: str
    parent: Annotated[str, "the call it is made from"] = ""
    problem: str = ""
    size: Annotated[Figure | None, "how large its input is"] = None
    result: Annotated[str, "what it returns, if known"] = ""


@attrs.frozen(kw_only=True)
class Input:
    """A problem that is solved by smaller ones of its kind."""

    problem: Annotated[str, "the problem"] = ""
    base_case: Annotated[str, "when it ends"] = ""
    recursive_case: Annotated[str, "how it is made smaller"] = ""
    convergence_check: Annotated[str, "what shrinks, or how one sees that it ends"] = ""
    current_depth: Annotated[Count, "where it stands"] = 0
    max_depth: Annotated[int, Range(1, 10_000), "how deep it may go"] = 10
    branching: Annotated[int, Range(1, 1_000), "calls made by each call"] = 2
    nodes: Annotated[Sequence[Node], "calls so far: [{id, parent, problem, size, result}]"] = ()


def think(given: Input) -> Result:
    """Depth, size and ends of the recursion; calls that do not shrink or never return."""
    if not given.problem:
        return Result(missing=["problem"], summary="a problem is needed")
    left = max(0, given.max_depth - given.current_depth)
    is_alike = bool(given.recursive_case) and alike(given.problem, given.recursive_case) >= SAME
    problems = []
    if given.recursive_case and not given.base_case:
        problems.append("a recursive case without a base case never ends")
    if is_alike:
        problems.append("the recursive case is the problem itself: nothing gets smaller")
    data: Json = {
        "depthWarning": f"depth {given.current_depth} of {given.max_depth}: stop here"
        if given.current_depth >= given.max_depth
        else "",
        "convergenceWarning": _convergence(given),
        "hasBaseCase": bool(given.base_case),
        "hasRecursiveCase": bool(given.recursive_case),
        "depthRemaining": left,
        "depthPercentage": rounded(100 * given.current_depth / given.max_depth, 2),
        "isBaseCase": given.current_depth >= given.max_depth,
        "keywords": keywords(given.problem),
        "recursiveStructureDetected": any(stem(each) in stems(given.problem) for each in SIGNALS),
        "estimatedCallTreeNodes": call_tree(given.branching, left),
        "stackRisk": "overflow"
        if given.max_depth > STACK_FULL
        else "warn"
        if given.max_depth > STACK_WARN
        else "none",
        "terminationProblems": problems,
    }
    if given.nodes:
        data["tree"], found = _tree(given.nodes)
        problems += found
    gate = [] if given.base_case else ["a base case"]
    gate += [] if given.recursive_case else ["a recursive case"]
    gate += [] if given.convergence_check else ["what shrinks: convergenceCheck"]
    return Result(
        data=data,
        summary=f"{plural(len(problems), 'problem')}; "
        f"about {data['estimatedCallTreeNodes']} calls to depth {given.max_depth}",
        gate=[*gate, *problems],
        following=Following(
            pattern="problem_decomposition",
            reason="name the smaller problems",
            fields={"problem": given.problem},
        ),
    )


def call_tree(branching: int, depth: int) -> int:
    """How many calls a full tree has below one: branching to the power of depth, up to `HUGE`."""
    total = 1
    for _ in range(depth):
        total *= branching
        if total >= HUGE or branching == 1:
            return min(total, HUGE)
    return total


def _convergence(given: Input) -> str:
    if given.convergence_check:
        return ""
    if given.current_depth > DEEP:
        return f"depth {given.current_depth} and nothing says that it converges"
    return "nothing says yet that it converges"


def _tree(nodes: Sequence[Node]) -> tuple[Json, list[str]]:
    known = {each.id: each for each in nodes}
    whole = graph(known, [(each.parent, each.id) for each in nodes if each.parent in known])
    roots = [each.id for each in nodes if each.parent not in known]
    depths = dict.fromkeys(roots, 0)
    wave = list(roots)
    while wave:
        wave = [
            child for node in wave for child in whole.after[node] if child not in depths
            and depths.setdefault(child, depths[node] + 1)
        ]  # fmt: skip
    growing = [
        each.id
        for each in nodes
        if each.size is not None
        and each.parent in known
        and (above := known[each.parent].size) is not None
        and each.size >= above
    ]
    repeated = [
        each.id
        for each in nodes
        if each.problem and each.parent in known and known[each.parent].problem == each.problem
    ]
    leaves = [each for each in nodes if not whole.after[each.id]]
    waiting = [each.id for each in leaves if not each.result]
    ready = [
        each.id
        for each in nodes
        if whole.after[each.id]
        and not each.result
        and all(known[child].result for child in reach(whole, each.id))
    ]
    found = [f"{each} is not smaller than its caller" for each in sorted({*growing, *repeated})]
    found += [f"calls go in a circle: {', '.join(loop)}" for loop in cycles(whole)]
    return {
        "depths": depths,
        "maxDepthReached": max(depths.values(), default=0),
        "leaves": [each.id for each in leaves],
        "unresolvedLeaves": waiting,
        "readyToCombine": ready,
        "notShrinking": sorted({*growing, *repeated}),
        "orphans": [each.id for each in nodes if each.parent and each.parent not in known],
    }, found


PATTERN: Final = Pattern(name="recursive_thinking", input=Input, think=think)
