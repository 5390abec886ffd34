"""temporal_thinking: events in time, the states they lead to, and what they must keep to."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import attrs

from aimux.model import plural
from aimux.think._base import Following, Pattern, Result, as_list, rounded, seed
from aimux.think._fields import Figure, Json
from aimux.think._graph import graph, reach
from aimux.think._times import moment, span
from aimux.think._words import keywords, mentions, stem, stems

PAUSE: Final = 2.0  # times the average gap
PHASES: Final = (  # words that ask for it, phases; the first is the default
    (
        "migration migrate deploy deployment cutover",
        ("planning", "preparation", "execution", "validation", "cutover"),
    ),
    ("release sprint iteration", ("planning", "development", "testing", "review", "release")),
    (
        "research study thesis survey",
        ("scoping", "data-collection", "analysis", "synthesis", "reporting"),
    ),
)


@attrs.frozen(kw_only=True)
class Event:
    """Something that happens. A number, or an ISO 8601 date or time."""

    SHORT = "name"
    ALIASES = {"timestamp": "time", "date": "time"}  # noqa: RUF012  # read by the room's own binding
    name: str
    time: Annotated[Figure | str | None, "a number, or an ISO 8601 date or time"] = None


@attrs.frozen(kw_only=True)
class Transition:
    """A way from one state to another."""

    ALIASES = {"source": "from", "target": "to"}  # noqa: RUF012  # read by the room's own binding
    from_: str
    to: str
    event: str = ""


@attrs.frozen(kw_only=True)
class Constraint:
    """What the order or distance of two events must keep to."""

    SHORT = "text"
    text: str = ""
    type: Literal["before", "after", "max_gap", "min_gap"] | None = None
    first: str = ""
    second: str = ""
    limit: Annotated[Figure | str | None, "seconds, or a span such as 2 weeks"] = None


@attrs.frozen(kw_only=True)
class Input:
    """A stretch of time."""

    time_frame: Annotated[str, "the stretch, such as 6 weeks, and what it is for"] = ""
    states: Annotated[Sequence[str], "states, the first one being the start"] = ()
    events: Annotated[Sequence[Event], "[{name, time}]"] = ()
    transitions: Annotated[Sequence[Transition], "[{from, to, event}]"] = ()
    constraints: Annotated[Sequence[Constraint], "[{type, first, second, limit}]"] = ()
    analysis: Annotated[str, "what you make of it; events it leaves out are told"] = ""


def think(given: Input) -> Result:
    """The line of events with gaps and pace, broken constraints, states that cannot be reached."""
    if not given.time_frame and not given.events:
        return Result(missing=["timeFrame", "events"], summary="a stretch of time is needed")
    counts: Json = {
        "stateCount": len(given.states),
        "eventCount": len(given.events),
        "transitionCount": len(given.transitions),
        "constraintCount": len(given.constraints),
    }
    counts["totalComponents"] = sum(int(str(each)) for each in counts.values())
    times = {each.name: at for each in given.events if (at := _time(each)) is not None}
    line = sorted(times, key=lambda name: (times[name], name))
    unparsed = [each.name for each in given.events if each.name not in times]
    broken, open_ones = _constraints(given, times)
    data: Json = {
        **counts,
        **_line(line, times),
        "unparsedEvents": unparsed,
        "constraintViolations": broken,
        "uncheckedConstraints": open_ones,
        **_states(given),
        "unanalysedEvents": [
            each.name
            for each in given.events
            if given.analysis and not mentions(given.analysis, each.name)
        ],
        "mermaid": _mermaid(line, given.events),
    }
    frame = span(given.time_frame)
    total = data["totalTimespan"]
    if frame is not None and isinstance(total, float):
        data["usedShareOfFrame"] = rounded(total / frame) if frame else None
    warnings = [f"no time could be read for {', '.join(unparsed)}"] if unparsed else []
    if frame and isinstance(total, float) and total > frame:
        warnings.append("the events take longer than the time frame")
    if not given.events:
        data["suggestedPhases"] = [seed(each) for each in _phases(given.time_frame)]
        data["autoAnalysis"] = {"source": "template", "keywords": keywords(given.time_frame)}
    gate = [f"{each['constraint']} is broken" for each in broken]
    gate += [f"a way to state {name}" for name in as_list(data["unreachableStates"])]
    summary = f"{plural(len(line), 'event')} in time"
    if isinstance(total, float):
        summary += f" over {total:g}, {plural(len(broken), 'constraint')} broken"
    return Result(
        data=data,
        summary=summary if given.events else "no events yet; phases are suggested",
        warnings=warnings,
        missing=[] if given.events or given.transitions else ["events"],
        gate=gate,
        following=Following(
            pattern="visual_reasoning",
            reason="draw the states and what leads from one to another",
            fields={"operation": "draw", "elements": list(given.states) or line},
        ),
    )


def _time(event: Event) -> float | None:
    return moment(event.time) if isinstance(event.time, str) else event.time


def _line(line: Sequence[str], times: Mapping[str, float]) -> Json:
    gaps = [
        {"start": one, "end": two, "duration": rounded(times[two] - times[one], 3)}
        for one, two in itertools.pairwise(line)
    ]
    sizes = [times[two] - times[one] for one, two in itertools.pairwise(line)]
    total = times[line[-1]] - times[line[0]] if line else None
    average = sum(sizes) / len(sizes) if sizes else None
    return {
        "sortedEvents": [{"name": name, "time": times[name]} for name in line],
        "totalTimespan": None if total is None else rounded(total, 3),
        "longestGap": gaps[max(range(len(sizes)), key=lambda at: sizes[at])] if sizes else None,
        "averageGap": None if average is None else rounded(average, 3),
        "significantPauses": [
            gap for gap, size in zip(gaps, sizes, strict=True) if average and size > PAUSE * average
        ],
        "paceDistribution": _pace(line, times, total),
    }


def _pace(line: Sequence[str], times: Mapping[str, float], total: float | None) -> list[int]:
    """Events in each third of the time."""
    if not total:
        return []
    thirds = [0, 0, 0]
    for name in line:
        thirds[min(2, int(3 * (times[name] - times[line[0]]) / total))] += 1
    return thirds


def _constraints(given: Input, times: Mapping[str, float]) -> tuple[list[Json], list[str]]:
    broken: list[Json] = []
    unchecked = []
    for each in given.constraints:
        name = each.text or f"{each.first} {each.type} {each.second}"
        limit = span(each.limit) if isinstance(each.limit, str) else each.limit
        if each.type is None or each.first not in times or each.second not in times:
            unchecked.append(name)
            continue
        gap = times[each.second] - times[each.first]
        holds = {
            "before": gap > 0,
            "after": gap < 0,
            "max_gap": limit is None or abs(gap) <= limit,
            "min_gap": limit is None or abs(gap) >= limit,
        }[each.type]
        if limit is None and each.type.endswith("gap"):
            unchecked.append(name)
        elif not holds:
            broken.append({"constraint": name, "gap": rounded(gap, 3)})
    return broken, unchecked


def _states(given: Input) -> Json:
    """What can be reached from the first state, and where it ends."""
    edges = [(each.from_, each.to) for each in given.transitions]
    if not edges:
        return {"unreachableStates": [], "deadEnds": [], "unknownStates": [], "unknownEvents": []}
    whole = graph(given.states, edges)
    start = given.states[0] if given.states else given.transitions[0].from_
    reached = reach(whole, start) | {start}
    named = {each.name for each in given.events}
    return {
        "unreachableStates": [each for each in given.states if each not in reached],
        "deadEnds": [node for node in whole.nodes if not whole.after[node]],
        "unknownStates": [
            node for node in whole.nodes if given.states and node not in given.states
        ],
        "unknownEvents": [
            each.event for each in given.transitions if each.event and each.event not in named
        ],
    }


def _phases(frame: str) -> Sequence[str]:
    said = stems(frame)
    for signs, phases in PHASES:
        if any(stem(sign) in said for sign in signs.split()):
            return phases
    return PHASES[0][1]


def _mermaid(line: Sequence[str], events: Sequence[Event]) -> str:
    """The events as a timeline, each with its time as it was given."""
    if not line:
        return ""
    told = {each.name: _told(each.time) for each in events if _time(each) is not None}
    rows = [f"  {told[name]} : {' '.join(name.replace(':', ' ').split())}" for name in line]
    return "\n".join(["timeline", *rows])


def _told(time: str | float | None) -> str:
    """A time without the colon that would end it."""
    if isinstance(time, str):
        return " ".join(time.replace(":", ".").split())
    return f"{time:.12g}"


PATTERN: Final = Pattern(name="temporal_thinking", input=Input, think=think)
