"""Diagrams of the state machines, drawn from the tables that the code reads."""

import enum
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import attrs

from aimux.investigate import NEXT as INVESTIGATIONS, Phase as InvestigationPhase
from aimux.model import NEXT as JOBS, JobStatus
from aimux.protocol._handshake import NEXT as PHASES, Phase
from aimux.protocol._tasks import NEXT_STATUS as TASKS, TaskStatus
from aimux.rules import AFTER, NextStep
from aimux.rules._breaker import NEXT as BREAKERS, BreakerState

# what may follow a state: by the name of what moves it, or whatever moves it
Table = Mapping[enum.StrEnum, Collection[enum.StrEnum]]


@attrs.frozen(kw_only=True)
class Machine:
    """A table and a line for readers. It begins in the first state of its enumeration."""

    title: str
    states: type[enum.StrEnum]
    table: Table
    said: str
    has_end: bool = True


MACHINES: Final = (
    Machine(
        title="Handshake of a client",
        states=Phase,
        table=PHASES,
        said="Requests are answered in every phase; it decides what the server may send unasked, "
        "and that there is no second handshake. Requests of 2026-07-28 leave it as it is.",
        has_end=False,
    ),
    Machine(
        title="Status of a job",
        states=JobStatus,
        table=JOBS,
        said="It follows the job's log: `job_started` and `job_finished` move it, the first end "
        "stays. A job that ends while it waits was cancelled, refused or lost its server.",
    ),
    Machine(
        title="Status of a task",
        states=TaskStatus,
        table=TASKS,
        said="A job as MCP tasks show it; one that failed is a completed task whose result says "
        "so.",
    ),
    Machine(
        title="Breaker of a CLI",
        states=BreakerState,
        table=BREAKERS,
        said="Failures in a row trip it; when it has cooled, one turn goes ahead as a probe, and "
        "only probes move it on.",
        has_end=False,
    ),
    Machine(
        title="Phase of an investigation",
        states=InvestigationPhase,
        table={
            phase: {move: then for move, then in moves.items() if then is not phase}
            for phase, moves in INVESTIGATIONS.items()
        },
        said="Assessments move it, and whatever is learned opens it again; a report is final while "
        "it is not open.",
        has_end=False,
    ),
)
STEP_TEXT: Final = {
    NextStep.AGAIN: "the same model once more, then the next CLI",
    NextStep.NEXT_MODEL: "the profile's next model, then the next CLI; this model cools down",
    NextStep.NEXT_CLI: "the next CLI, where the call allows another",
    NextStep.STOP: "the turn ends",
}


def states() -> str:
    """Every machine as a diagram, and what follows a failed attempt."""
    head = (
        "# States\n\nEach machine is a table in the code with one function that reads it; the "
        "diagrams are drawn from the tables.\n"
    )
    parts = [
        f"## {each.title}\n\n{first_line(each.states)} {each.said}\n\n{diagram(each)}"
        for each in MACHINES
    ]
    rows = "".join(f"| `{why}` | {STEP_TEXT[step]} |\n" for why, step in AFTER.items())
    after = (
        f"## After a failed attempt\n\n{first_line(NextStep)} It depends on the class of the "
        "failure; work that may write is not repeated once its CLI has said or done something.\n"
        f"\n| class | then |\n| --- | --- |\n{rows}"
    )
    return "\n".join((head, *parts, after))


def first_line(found: type) -> str:
    """A class in a sentence, its own."""
    return (found.__doc__ or "").strip().splitlines()[0]


def diagram(machine: Machine) -> str:
    """A Mermaid state diagram."""
    assert set(machine.table) == set(machine.states), machine.title
    lines = [f"    [*] --> {next(iter(machine.states))}"]
    for state in machine.states:
        lines += [f"    {state} --> {move}" for move in moves(machine, state)]
        if machine.has_end and not machine.table[state]:
            lines.append(f"    {state} --> [*]")
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def moves(machine: Machine, state: enum.StrEnum) -> Iterator[str]:
    """Where it goes from a state, in the order of the enumeration; with what moves it, if told."""
    following = machine.table[state]
    if isinstance(following, Mapping):
        yield from (f"{then}: {sign}" for sign, then in following.items())
    else:
        yield from (str(each) for each in machine.states if each in following)
