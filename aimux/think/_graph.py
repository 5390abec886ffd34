"""Directed graphs of names: cycles, orders, levels, the longest way. Every result is sorted."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

Edges = Sequence[tuple[str, str]]


@attrs.frozen(kw_only=True)
class Graph:
    """Nodes and the nodes that each leads to; what an edge names is a node too."""

    after: Mapping[str, Sequence[str]]

    @property
    def nodes(self) -> list[str]:
        """Every node, sorted."""
        return sorted(self.after)


def graph(nodes: Iterable[str], edges: Edges) -> Graph:
    """The graph of these nodes and edges."""
    after: dict[str, set[str]] = {node: set() for node in nodes}
    for start, end in edges:
        after.setdefault(start, set()).add(end)
        after.setdefault(end, set())
    return Graph(after={node: sorted(after[node]) for node in sorted(after)})


def turned(given: Graph) -> Graph:
    """The graph with every edge the other way round."""
    return graph(given.after, [(end, start) for start in given.after for end in given.after[start]])


def cycle_path(given: Graph) -> list[str]:
    """The first cycle in alphabetical order, its first node repeated at the end; or nothing."""
    done: set[str] = set()
    for root in given.nodes:
        if root in done:
            continue
        path, on_path = [root], {root}
        waiting = [iter(given.after[root])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                left = path.pop()
                on_path.discard(left)
                done.add(left)
            elif following in on_path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                on_path.add(following)
                waiting.append(iter(given.after[following]))
    return []


def topological(given: Graph) -> list[str] | None:
    """Every node before those it leads to, the alphabet deciding; None if there is a cycle."""
    counts = dict.fromkeys(given.after, 0)
    for following in given.after.values():
        for node in following:
            counts[node] += 1
    ready = sorted(node for node, count in counts.items() if not count)
    found: list[str] = []
    while ready:
        node = ready.pop(0)
        found.append(node)
        freed = []
        for following in given.after[node]:
            counts[following] -= 1
            if not counts[following]:
                freed.append(following)
        ready = sorted([*ready, *freed])
    return found if len(found) == len(given.after) else None


def levels(given: Graph) -> list[list[str]]:
    """The nodes in waves: each wave only leads on to later ones. Without cycles only."""
    depth: dict[str, int] = {}
    before = turned(given)
    for node in topological(given) or []:
        depth[node] = 1 + max((depth[each] for each in before.after[node]), default=-1)
    waves: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in sorted(depth):
        waves[depth[node]].append(node)
    return waves


def longest_path(given: Graph) -> list[str]:
    """The longest way through a graph without cycles, the alphabet deciding between equals."""
    best: dict[str, list[str]] = {}
    for node in reversed(topological(given) or []):
        rests = [best[each] for each in given.after[node]]
        best[node] = [node, *max(rests, key=len, default=[])]
    return max((best[node] for node in sorted(best)), key=len, default=[])


def cycles(given: Graph) -> list[list[str]]:
    """Every group of nodes that lead to each other, and nodes that lead to themselves."""
    found, left, before = [], set(given.after), turned(given)
    for node in given.nodes:
        if node not in left:
            continue
        group = reach(given, node) & reach(before, node)
        left -= group | {node}
        if group:
            found.append(sorted(group))
    return found


def reach(given: Graph, start: str) -> set[str]:
    """Every node that one leads to over any number of edges; itself only over a cycle."""
    found: set[str] = set()
    waiting = list(given.after.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += given.after[node]
    return found


def connected(given: Graph) -> list[list[str]]:
    """The parts of a graph that hang together, whichever way edges point."""
    both = graph(
        given.after,
        [pair for a in given.after for b in given.after[a] for pair in ((a, b), (b, a))],
    )
    found, left = [], set(both.after)
    for node in both.nodes:
        if node in left:
            part = reach(both, node) | {node}
            left -= part
            found.append(sorted(part))
    return found
