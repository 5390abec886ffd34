"""What several answers to one contract have in common: items clustered, ratings averaged, counted.

Items of one kind are the same where their texts are about the same thing and neither denies the
other; what an item calls by name is called by the name of its cluster from then on. The caller's
own items come first and keep their values; they support nothing.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import attrs

from aimux.think._base import rounded
from aimux.think._fields import Json, Schema, plain
from aimux.think._words import ALIKE, alike, conflict

MAX_ITEMS: Final = 12  # of one list of one answer
MAX_TEXT: Final = 2_000  # characters of a text in an answer
WIDE: Final = 2.0  # between two ratings, 1 to 5: a dispute
WIDE_SHARE: Final = 0.4  # the same between two shares
MAJORITY: Final = 2 / 3  # of those who answered: agreed
CALLER: Final = ""  # the seat of what the caller gave


@attrs.frozen(kw_only=True)
class Items:
    """One list of a contract.

    `key` is the text that tells its items apart, "" for plain texts; `ends` are the two names of an
    edge instead. `id` is what others call an item by. `same` must be equal in a cluster. `refs`
    lead from a field, a list of names or a mapping by name, to the list of what it names.
    """

    name: str
    schema: Schema
    key: str = ""
    id: str = ""
    numbered: str = "{}"  # the ids that the pattern gives by itself
    ends: Sequence[str] = ()
    is_directed: bool = True
    same: str = ""
    refs: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Opinion:
    """What one seat answered; no `data` is prose. `reason` says why it is lost."""

    seat: str
    cli: str
    role: str = ""
    data: Mapping[str, object] | None = None
    text: str = ""
    reason: str = ""
    duration_ms: int | None = None

    @property
    def word(self) -> str:
        """How its answer could be read."""
        if self.reason:
            return "none"
        return "prose" if self.data is None else "json"


@attrs.frozen(kw_only=True)
class Cluster:
    """Items that say the same: who said it, and what they come to together."""

    field: str
    text: str
    seats: Sequence[str]
    item: object
    members: Sequence[tuple[str, Json]]
    ratings: Mapping[str, Json] = attrs.field(factory=dict)

    @property
    def is_disputed(self) -> bool:
        """Whether its ratings are far apart."""
        return any(each["disputed"] for each in self.ratings.values())


Clusters = dict[str, list[Cluster]]  # list -> its clusters in the order of first mention


def clustered(
    kinds: Sequence[Items], given: Mapping[str, object], opinions: Sequence[Opinion]
) -> Clusters:
    """The clusters of each list, of the caller's fields and all opinions that could be read."""
    found: Clusters = {}
    names: dict[tuple[str, str], dict[str, str]] = {}  # seat, list -> its names -> ours
    for kind in kinds:
        groups: list[list[tuple[str, Json]]] = []
        for seat, value in _sources(kind, given, opinions):
            item = _renamed(kind, _item(kind, value, seat), seat, names)
            if seat != CALLER and not _is_whole(kind, item):
                continue
            group = None if seat == CALLER else _group_of(kind, item, seat, groups)
            if group is None:
                groups.append([(seat, item)])
            else:
                group.append((seat, item))
        found[kind.name] = [_cluster(kind, group, at) for at, group in enumerate(groups, 1)]
        for cluster in found[kind.name]:
            ours = _name(kind, cluster.item)
            for seat, item in cluster.members:
                for theirs in {_name(kind, item), _text(kind, item)} - {""}:
                    names.setdefault((seat, kind.name), {})[plain(theirs)] = ours
    return found


def _sources(
    kind: Items, given: Mapping[str, object], opinions: Sequence[Opinion]
) -> list[tuple[str, object]]:
    own = given.get(kind.name)
    found: list[tuple[str, object]] = [
        (CALLER, each) for each in (own if isinstance(own, list) else [])
    ]
    for opinion in opinions:
        values = opinion.data.get(kind.name) if opinion.data is not None else None
        usable = [each for each in values if each] if isinstance(values, list) else []
        found += [(opinion.seat, each) for each in usable[:MAX_ITEMS]]
    return found


def _item(kind: Items, value: object, seat: str) -> Json:
    """An item with the fields that the contract knows; a plain text under its key.

    The caller's stays as it is.
    """
    if not isinstance(value, Mapping):
        text = str(value)
        return {kind.key or "text": text if seat == CALLER else text.strip()[:MAX_TEXT]}
    if seat == CALLER:
        return dict(value)
    known = kind.schema.get("properties")
    assert isinstance(known, Mapping)
    return {name: _short(value[name]) for name in known if value.get(name) not in (None, "")}


def _is_whole(kind: Items, item: Json) -> bool:
    """Whether an item says what it must: an empty text says nothing."""
    required = kind.schema.get("required")
    needed = [*(required if isinstance(required, list) else ()), *kind.ends]
    if not kind.ends:
        needed.append(kind.key or "text")
    return all(item.get(name) not in (None, "") for name in needed)


def _short(value: object) -> object:
    if isinstance(value, str):
        return value.strip()[:MAX_TEXT]
    return [_short(each) for each in value[:MAX_ITEMS]] if isinstance(value, list) else value


def _renamed(
    kind: Items, item: Json, seat: str, names: Mapping[tuple[str, str], Mapping[str, str]]
) -> Json:
    """The item, what it names called as the clusters are."""

    def ours(name: object, of: str) -> object:
        if not isinstance(name, str):
            return name
        theirs, own = names.get((seat, of), {}), names.get((CALLER, of), {})
        return own.get(plain(name)) or theirs.get(plain(name), name)

    made = dict(item)
    for field, of in kind.refs.items():
        value = item.get(field)
        if isinstance(value, str):
            made[field] = ours(value, of)
        elif isinstance(value, list):
            made[field] = [ours(each, of) for each in value]
        elif isinstance(value, Mapping):
            made[field] = {str(ours(name, of)): each for name, each in value.items()}
    return made


def _text(kind: Items, item: Mapping[str, object]) -> str:
    """What is compared: the text, or both ends of an edge."""
    if kind.ends:
        ends = [str(item.get(end, "")) for end in kind.ends]
        return " -> ".join(ends if kind.is_directed else sorted(ends, key=plain))
    return str(item.get(kind.key or "text", ""))


def _name(kind: Items, item: object) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    return str(item.get(kind.id or kind.key or "text", ""))


def _group_of(
    kind: Items, item: Json, seat: str, groups: Sequence[list[tuple[str, Json]]]
) -> list[tuple[str, Json]] | None:
    text = _text(kind, item)
    best: tuple[float, list[tuple[str, Json]] | None] = (0.0, None)
    for group in groups:
        head = group[0][1]
        if kind.same and plain(str(head.get(kind.same))) != plain(str(item.get(kind.same))):
            continue
        other = _text(kind, head)
        if plain(other) == plain(text):
            return group
        if kind.ends or any(who == seat for who, _ in group):
            continue  # who says two things means two things
        likeness = alike(other, text)
        if likeness >= ALIKE and likeness > best[0] and not conflict(other, text):
            best = (likeness, group)
    return best[1]


def _cluster(kind: Items, members: Sequence[tuple[str, Json]], at: int) -> Cluster:
    head = members[0][1]
    is_callers = members[0][0] == CALLER
    properties = kind.schema.get("properties")
    ratings: dict[str, Json] = {}
    item: Json = {}
    if isinstance(properties, Mapping):
        for name, schema in properties.items():
            values = [(seat, each[name]) for seat, each in members if name in each]
            if values:
                item[name], rating = _merged(schema, values)
                ratings |= {name: rating} if rating else {}
        if is_callers:  # the contract does not ask for all that a caller may give
            item = {**item, **{name: value for name, value in head.items() if name not in item}}
        if kind.key:
            item[kind.key] = head.get(kind.key, "")
        if kind.id:  # the ids of two seats have nothing to do with each other
            item[kind.id] = (is_callers and head.get(kind.id)) or kind.numbered.format(at)
    return Cluster(
        field=kind.name,
        text=_text(kind, head),
        seats=sorted({seat for seat, _ in members if seat != CALLER}),
        item=item if isinstance(properties, Mapping) else _text(kind, head),
        members=members,
        ratings=ratings,
    )


def _merged(
    schema: Mapping[str, object], values: Sequence[tuple[str, object]]
) -> tuple[object, Json]:
    """What several values come to, and of figures how far apart they are."""
    said = [value for seat, value in values if seat != CALLER]
    own = [value for seat, value in values if seat == CALLER]
    kind = schema.get("type")
    if kind == "object" and own and isinstance(own[0], Mapping):
        means, rating = _by_name([each for each in said if isinstance(each, Mapping)])
        return {**means, **own[0]}, rating
    if kind in ("integer", "number"):
        numbers = [float(each) for each in said if isinstance(each, int | float)]
        rating = _rating(schema, numbers) if numbers else {}
        mean = sum(numbers) / len(numbers) if numbers else 0.0
        whole = int(rounded(mean, 0)) if kind == "integer" else rounded(mean)
        return (own[0] if own else whole), rating
    if own:
        return own[0], {}
    if kind == "object":
        return _by_name([each for each in said if isinstance(each, Mapping)])
    if kind == "array":
        union: dict[str, object] = {}
        for values_ in said:
            for each in values_ if isinstance(values_, list) else ():
                union.setdefault(plain(str(each)), each)
        return list(union.values()), {}
    return majority(said), {}


def _rating(schema: Mapping[str, object], numbers: Sequence[float]) -> Json:
    low, high = schema.get("minimum"), schema.get("maximum")
    is_share = low == 0 and high == 1
    spread = max(numbers) - min(numbers)
    return {
        "mean": rounded(sum(numbers) / len(numbers)),
        "spread": rounded(spread),
        "disputed": spread >= (WIDE_SHARE if is_share else WIDE),
    }


def _by_name(said: Sequence[Mapping[str, object]]) -> tuple[Json, Json]:
    """Figures by name: the mean of each, and the widest spread of one."""
    names = dict.fromkeys(name for each in said for name in each)
    means: Json = {}
    widest: Json = {}
    for name in names:
        numbers = [
            float(each[name])  # type: ignore[arg-type]  # narrowed on the next line
            for each in said
            if isinstance(each.get(name), int | float)
        ]
        if not numbers:
            continue
        rating = _rating({}, numbers)
        means[name] = rating["mean"]
        if not widest or float(str(rating["spread"])) > float(str(widest["spread"])):
            widest = {**rating, "of": name}
    return means, widest


def majority(said: Sequence[object]) -> object:
    """What most say; the first of those that as many say. Of yes and no as many, yes."""
    counts: dict[str, int] = {}
    for each in said:
        counts[str(each).lower()] = counts.get(str(each).lower(), 0) + 1
    most = max(counts.values(), default=0)
    leading = [each for each in said if counts[str(each).lower()] == most]
    if any(each is True for each in leading):
        return True
    return leading[0] if leading else ""


def agreement(found: Clusters, seats: Sequence[str]) -> float | None:
    """The mean, over pairs of seats, of the share of their clusters that is common; None of one."""
    if len(seats) < 2:
        return None
    everything = [each for clusters in found.values() for each in clusters if each.seats]
    shares = []
    for one, other in combinations(seats, 2):
        either = [each for each in everything if one in each.seats or other in each.seats]
        both = [each for each in either if one in each.seats and other in each.seats]
        shares.append(len(both) / len(either) if either else 0.0)
    return rounded(sum(shares) / len(shares))


def opposed(clusters: Sequence[Cluster]) -> list[tuple[Cluster, Cluster, str]]:
    """Pairs of clusters of different seats that cannot both be true, and why."""
    return [
        (one, other, why)
        for one, other in combinations([each for each in clusters if each.seats], 2)
        if set(one.seats) != set(other.seats) and (why := conflict(one.text, other.text))
    ]


def is_agreed(cluster: Cluster, count: int) -> bool:
    """Whether enough of those who answered said it, two at least."""
    return len(cluster.seats) >= max(2, MAJORITY * count)
