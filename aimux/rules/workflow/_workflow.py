"""A workflow as it is written: read, checked as a whole, and put into waves.

Theory of operation. Everything that can be known before the first step is known then, and every
fault is told at once: fields, ids, tools, literal arguments, expressions, what a step reads of
others, cycles. Steps without any `needs` among them follow each other; else a step waits for those
it needs and for nothing else, and may read only what it (or what those) need.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from aimux.rules import nearest

from ._expressions import (
    Expression,
    ExpressionFault,
    Template,
    parse_expression,
    parse_template,
    paths_in,
)

MAX_STEPS: Final = 500
MAX_ITEMS: Final = 500  # of one `foreach`
MAX_RETRIES: Final = 10
FIELDS: Final = (
    "id", "tool", "arguments", "needs", "when", "foreach", "retry", "retry_delay_ms",
    "timeout_seconds", "on_error", "fallback",
)  # fmt: skip
ALIASES: Final = {"params": "arguments", "condition": "when", "depends_on": "needs"}
ON_ERROR: Final = ("stop", "skip", "continue")
ROOTS: Final = ("input", "context", "steps", "item", "index")  # what an expression may begin with

CheckArguments = Callable[[str, Mapping[str, object], Collection[str]], list[str]]


@attrs.frozen(kw_only=True)
class Step:
    """One step. Of `arguments` every text is a template; `after` are those that come before it.

    A failure `stop`s the workflow, `skip`s what needs this step, or lets it `continue` with what
    there is. `fallback` stands for the content of a step that failed.
    """

    id: str
    tool: str
    arguments: Mapping[str, object] = attrs.field(factory=dict)
    needs: Sequence[str] = ()
    after: Sequence[str] = ()
    when: Expression | None = None
    foreach: Expression | Sequence[object] | None = None
    retry: int = 0
    retry_delay_ms: int = 0
    timeout_s: float | None = None
    on_error: str = "stop"
    fallback: object = None

    @property
    def waits_for(self) -> list[str]:
        """The steps that have to end first."""
        return list(dict.fromkeys([*self.needs, *self.after]))


@attrs.frozen(kw_only=True)
class Workflow:
    """Steps that fit together, in the order they were written; `waves` as they can be run."""

    steps: Sequence[Step]
    waves: Sequence[Sequence[str]]


@attrs.frozen(kw_only=True)
class StepFault:
    """One thing that is wrong; `path` is `steps[3].needs`."""

    path: str
    message: str


def read_workflow(
    raw: object, tools: Collection[str], check: CheckArguments
) -> Workflow | list[StepFault]:
    """The workflow that a list of steps is, or everything that is wrong with it.

    `check(tool, arguments, open_names)` tells what is wrong with literal arguments; the values of
    `open_names` are not known yet.
    """
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        return [StepFault(path="steps", message="a list of at least one step is wanted")]
    if len(raw) > MAX_STEPS:
        return [StepFault(path="steps", message=f"{len(raw)} steps, the limit is {MAX_STEPS}")]
    reading = _Reading(tools, check)
    steps = [reading.step(at, each) for at, each in enumerate(raw)]
    known = [step for step in steps if step is not None]
    reading.double_ids(steps)
    reading.needs(steps)
    if reading.faults:
        return reading.faults
    if not any(step.needs for step in known):
        known = [
            attrs.evolve(step, after=[known[at - 1].id] if at else [])
            for at, step in enumerate(known)
        ]
    waves = waves_of(known)
    if isinstance(waves, StepFault):
        return [waves]
    reading.reads(known)
    return reading.faults or Workflow(steps=known, waves=waves)


def waves_of(steps: Sequence[Step]) -> list[list[str]] | StepFault:
    """The ids in waves: those of one wave can run at once. A fault names a cycle."""
    left = {step.id: set(step.waits_for) for step in steps}
    waves: list[list[str]] = []
    while left:
        free = [each for each, waiting in left.items() if not waiting]
        if not free:
            return StepFault(path="steps", message=f"a cycle: {' -> '.join(_cycle(left))}")
        waves.append(free)
        for each in free:
            del left[each]
        for waiting in left.values():
            waiting.difference_update(free)
    return waves


def templates_in(value: object) -> Iterable[str]:
    """Every text in a value that holds an expression."""
    match value:
        case str() if "{{" in value:
            yield value
        case Mapping():
            for each in value.values():
                yield from templates_in(each)
        case list() | tuple():
            for each in value:
                yield from templates_in(each)


# ------------------------------------------------------------------------------------------- parts


def _cycle(left: Mapping[str, Collection[str]]) -> list[str]:
    at = next(iter(left))
    seen: list[str] = []
    while at not in seen:
        seen.append(at)
        at = min(left[at])
    return [*seen[seen.index(at) :], at]


class _Reading:
    """One reading of a workflow: what was wrong so far."""

    def __init__(self, tools: Collection[str], check: CheckArguments) -> None:
        self.faults: list[StepFault] = []
        self._tools = tools
        self._check = check

    def say(self, path: str, message: str) -> None:
        self.faults.append(StepFault(path=path, message=message))

    def step(self, at: int, raw: object) -> Step | None:
        where = f"steps[{at}]"
        if not isinstance(raw, Mapping):
            self.say(where, "a step is an object with id and tool")
            return None
        given = self._named(where, raw)
        id_, tool = given.get("id", f"step{at + 1}"), given.get("tool")
        if not isinstance(id_, str) or not _is_name(id_):
            self.say(f"{where}.id", "a name of letters, digits, _ and - is wanted")
            id_ = f"step{at + 1}"  # for what follows
        if not isinstance(tool, str) or tool not in self._tools:
            known = ", ".join(sorted(self._tools))
            close = nearest(str(tool), self._tools)
            meant = f"did you mean {close}? " if close else ""
            self.say(f"{where}.tool", f"unknown tool {tool!r}: {meant}there are {known}")
        on_error, retry = given.get("on_error", "stop"), self._number(where, given, "retry", 0)
        if on_error == "retry":  # what it means elsewhere: one more try
            on_error, retry = "stop", max(1, int(retry))
        if on_error not in ON_ERROR:
            self.say(f"{where}.on_error", f"one of {', '.join(ON_ERROR)} is wanted")
        if retry > MAX_RETRIES:
            self.say(f"{where}.retry", f"at most {MAX_RETRIES}")
        limit = self._number(where, given, "timeout_seconds", 0)
        return Step(
            id=id_,
            tool=str(tool),
            arguments=self._arguments(where, str(tool), given.get("arguments", {})),
            needs=self._names(where, given.get("needs", [])),
            when=self._when(where, given.get("when")),
            foreach=self._foreach(where, given.get("foreach")),
            retry=int(retry),
            retry_delay_ms=int(self._number(where, given, "retry_delay_ms", 0)),
            timeout_s=limit or None,
            on_error=str(on_error),
            fallback=given.get("fallback"),
        )

    def _named(self, where: str, raw: Mapping[object, object]) -> dict[str, object]:
        given: dict[str, object] = {}
        for name, value in raw.items():
            named = ALIASES.get(str(name), str(name))
            if named == "skip":  # the older way to leave a step out
                given.setdefault("when", not value)
            elif named not in FIELDS:
                close = nearest(named, FIELDS)
                meant = f", did you mean {close}?" if close else ""
                self.say(f"{where}.{name}", f"unknown field{meant}")
            else:
                given[named] = value
        return given

    def _number(self, where: str, given: Mapping[str, object], name: str, least: float) -> float:
        value = given.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            self.say(f"{where}.{name}", f"a number of at least {least:g} is wanted")
            return least
        return value

    def _names(self, where: str, value: object) -> list[str]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, Sequence) or not all(isinstance(each, str) for each in names):
            self.say(f"{where}.needs", "a list of step ids is wanted")
            return []
        return [str(each) for each in names]

    def _arguments(self, where: str, tool: str, value: object) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.say(f"{where}.arguments", "an object is wanted")
            return {}
        arguments = {str(name): each for name, each in value.items()}
        if arguments.get("async"):
            self.say(f"{where}.arguments.async", "a step is always waited for: leave it out")
        for text in templates_in(arguments):
            try:
                parse_template(text)
            except ExpressionFault as fault:
                self.say(f"{where}.arguments", fault.message)
        names = {name for name, each in arguments.items() if any(templates_in(each))}
        known = {name: each for name, each in arguments.items() if name not in names}
        for message in self._check(tool, known, names) if tool in self._tools else ():
            self.say(f"{where}.arguments", message)
        return arguments

    def _when(self, where: str, value: object) -> Expression | None:
        if value is None:
            return None
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str):
            self.say(f"{where}.when", "an expression is wanted")
            return None
        return self._expression(f"{where}.when", value)

    def _foreach(self, where: str, value: object) -> Expression | Sequence[object] | None:
        match value:
            case None:
                return None
            case str():
                return self._expression(f"{where}.foreach", value)
            case list() | tuple():
                if len(value) > MAX_ITEMS:
                    self.say(f"{where}.foreach", f"{len(value)} items, the limit is {MAX_ITEMS}")
                return value
        self.say(f"{where}.foreach", "a list, or an expression that gives one, is wanted")
        return None

    def _expression(self, path: str, text: str) -> Expression | None:
        try:
            return parse_expression(text)
        except ExpressionFault as fault:
            self.say(path, fault.message)
            return None

    def double_ids(self, steps: Sequence[Step | None]) -> None:
        first: dict[str, int] = {}
        for at, step in enumerate(steps):
            if step is None:
                continue
            if step.id in first:
                self.say(f"steps[{at}].id", f"{step.id} is the id of steps[{first[step.id]}] too")
            if step.id in ROOTS:
                self.say(f"steps[{at}].id", f"{step.id} has a meaning of its own in expressions")
            first.setdefault(step.id, at)

    def needs(self, steps: Sequence[Step | None]) -> None:
        ids = {step.id for step in steps if step is not None}
        for at, step in enumerate(steps):
            for name in () if step is None else step.needs:
                if name not in ids:
                    close = nearest(name, ids)
                    meant = f", did you mean {close}?" if close else ""
                    self.say(f"steps[{at}].needs", f"there is no step {name}{meant}")

    def reads(self, steps: Sequence[Step]) -> None:
        """What each step reads of others: only of those that have ended for certain."""
        before = _before(steps)
        ids = {step.id for step in steps}
        for at, step in enumerate(steps):
            for expression in _expressions(step):
                for path in paths_in(expression):
                    name = path.parts[1] if path.parts[0] == "steps" else path.parts[0]
                    if path.parts[0] == "steps" and len(path.parts) == 1:
                        continue
                    self._read(f"steps[{at}]", str(name), path.parts[0], step, before, ids)

    def _read(
        self,
        where: str,
        name: str,
        root: str | int,
        step: Step,
        before: Mapping[str, Collection[str]],
        ids: Collection[str],
    ) -> None:
        if root != "steps" and name in ROOTS:
            if name in ("item", "index") and step.foreach is None:
                self.say(where, f"{name} is known only in a step with foreach")
            return
        if name not in ids:
            known = [*ids, *ROOTS]
            close = nearest(name, known)
            meant = f", did you mean {close}?" if close else ""
            self.say(where, f"nothing is called {name}{meant}")
        elif name == step.id:
            self.say(where, f"{name} reads itself")
        elif name not in before[step.id]:
            self.say(where, f"{step.id} reads {name}, which is not among what it needs")


def _before(steps: Sequence[Step]) -> dict[str, set[str]]:
    """What has ended before each step begins. There are no cycles."""
    of = {step.id: step for step in steps}
    found: dict[str, set[str]] = {}
    waves = waves_of(steps)
    assert not isinstance(waves, StepFault)
    for wave in waves:
        for each in wave:
            waits = of[each].waits_for
            found[each] = {*waits, *(name for wait in waits for name in found[wait])}
    return found


def _expressions(step: Step) -> Iterable[Expression]:
    for text in templates_in(step.arguments):
        template: Template = parse_template(text)
        yield from template.expressions
    if step.when is not None:
        yield step.when
    if step.foreach is not None and not isinstance(step.foreach, Sequence):
        yield step.foreach


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 64 and text.replace("-", "_").isidentifier() and text.isascii()
